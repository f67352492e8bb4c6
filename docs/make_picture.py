"""Makes the picture of the README: the war room itself, on a moment that is made up here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from actions.desk import Desk
from actions.plan import Refusal
from s3ir_tui.app import WarRoomApp
from s3ir_tui.headless.act import Unrecorded
from s3ir_tui.model import Severity, State
from s3ir_tui.room import Detail, Kind, LogLine, Proposal, Pulse, Row, Snapshot, SourceStatus, Status, Update
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.event import Event, Judged

PICTURE = Path(__file__).with_name("war-room.svg")
SIZE = (132, 27)
_USER = "arn:aws:iam::111122223333:user/svc-export"
_ETL = "arn:aws:sts::111122223333:assumed-role/etl-role/nightly"


def _event(second: int, name: str, principal: str, bucket: str = "", key: str = "") -> Event:
    return Event(
        id=f"event-{second}",
        time=f"2026-11-24T09:14:{second:02d}Z",
        name=name,
        service="s3" if bucket else "iam",
        region="us-east-1",
        principal=principal,
        kind="AssumedRole" if principal == _ETL else "IAMUser",
        bucket=bucket,
        key=key,
        address="203.0.113.7",
    )


_LINES = (
    Judged(_event(1, "ListBuckets", _USER), Severity.MEDIUM, ("lists every bucket",)),
    Judged(_event(3, "GetObject", _USER, "payroll-2026", "q3/salaries.csv"), Severity.HIGH, ("first read",)),
    Judged(_event(4, "GetObject", _USER, "payroll-2026", "q3/bonus.csv"), Severity.HIGH, ("first read",)),
    Judged(_event(6, "PutObject", _ETL, "exports", "nightly/part-0012")),
    Judged(_event(7, "PutBucketPolicy", _USER, "payroll-2026"), Severity.CRITICAL, ("lets in 9999…7777",)),
    Judged(_event(9, "GetObject", _USER, "payroll-2026", "q3/iban.csv"), Severity.HIGH, ("first read",)),
    Judged(_event(11, "CreateAccessKey", _USER), Severity.CRITICAL, ("makes itself a second key",)),
    Judged(_event(12, "GetSessionToken", _USER), Severity.HIGH, ("makes itself a session",)),
    Judged(_event(14, "PutObject", _ETL, "exports", "nightly/part-0013")),
)
_SNAPSHOT = Snapshot(
    status=Status(
        account="111122223333",
        region="us-east-1",
        identity="role/IRResponder",
        case="IR-42",
        opened="12m31",
        now="2026-11-24T09:14:16Z",
        sources=(SourceStatus("lookup us-east-1", 41.0), SourceStatus("bucket trail-logs", 38.0, data_events=True)),
        lag=41.0,
        suspects=2,
        head="46d868cb:17 58bde580",
    ),
    buckets=(
        Row(
            "bucket", "payroll-2026", "payroll-2026", Severity.CRITICAL, facts=("shared 9999…7777", "3 r"), suspect=True
        ),
        Row("bucket", "exports", "exports", Severity.MEDIUM, facts=("BPA off", "2 w")),
        Row("bucket", "trail-logs", "trail-logs", facts=("written by trail",)),
    ),
    principals=(
        Row(
            "principal",
            _USER,
            "user/svc-export",
            Severity.CRITICAL,
            State.ACTIVE,
            ("3 cred",),
            ("makes itself a second key",),
            Pulse(allowed=(0, 1, 3, 5, 8, 8), denied=(0, 0, 0, 0, 1, 0)),
            suspect=True,
        ),
        Row("principal", "999988887777", "acct 9999…7777", Severity.HIGH, facts=("let in 09:14",), suspect=True),
        Row("principal", _ETL, "role/etl-role/nightly", facts=("workload",), pulse=Pulse(allowed=(2, 2, 2, 2, 2, 2))),
    ),
    instances=(Row("instance", "i-0a1b2c3d4e5f60718", "i-0a1b…0718", facts=("etl-role", "IMDSv1", "public")),),
    proposal=Proposal("contain user/svc-export: 3 credentials live, 1 bucket read", "a", "contain.lineage"),
    folded=214,
)


class Moment:
    """A room in which nothing happens any more."""

    def start(self, post: Callable[[Update], None]) -> None:
        """Show the moment."""
        post(Update(_SNAPSHOT, _LINES))

    def stop(self, why: str) -> None:
        """Nothing is to be ended."""

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """Nothing is marked."""

    def note(self, text: str) -> None:
        """Nothing is noted."""

    def detail(self, kind: Kind, ident: str) -> Detail:  # noqa: ARG002 - the shape of `Room`
        """Nothing more is known."""
        return Detail(ident)

    def log(self) -> tuple[LogLine, ...]:
        """Nothing was recorded."""
        return ()


def _nowhere() -> NoReturn:
    raise Refusal("a picture has no account")


async def picture() -> str:
    """The screen as SVG, without the fonts that it would load from elsewhere."""
    app = WarRoomApp(Moment(), Desk(_nowhere, Unrecorded(), Analysis))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(1.0)
        drawn = app.export_screenshot(title="s3ir-tui")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(asyncio.run(picture()), encoding="utf-8")
