"""A record of the log that cannot be understood is counted, named and skipped; it stops nothing."""

from __future__ import annotations

import copy
import queue
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.records import tell
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.journal import Journal, verify
from s3ir_tui.live import LiveRoom
from s3ir_tui.record_shapes import SHAPES, problem
from s3ir_tui.report.facts import gather
from s3ir_tui.report.markdown import report
from s3ir_tui.report.timeline import entries, happenings
from s3ir_tui.review import ReviewRoom
from s3ir_tui.room import Snapshot, Update

KEY = "AKIAIOSFODNN7EXAMPLE"
CALL = {"service": "iam", "operation": "UpdateAccessKey", "params": {"AccessKeyId": KEY}, "region": ""}
STEP = {
    "call": CALL,
    "read": {
        "call": {**CALL, "operation": "ListAccessKeys"},
        "pick": "x",
        "absent": ["NoSuchEntity"],
        "document": False,
    },
    "target": KEY,
    "summary": "Active -> Inactive",
    "undo": CALL,
    "no_undo": "",
    "breaks": ["stops: nothing"],
    "note": "",
    "action": "contain.disable-access-key",
    "undoes": 0,
}
PLAN = {
    "action": "contain.disable-access-key",
    "title": "Disable",
    "targets": {"access-key": [KEY]},
    "steps": [STEP],
    "danger": "reversible",
    "warnings": [],
    "breaks": [],
    "checked": [],
    "principals": ["arn:aws:iam::111122223333:user/svc"],
    "made_at": "2026-11-24T09:00:00Z",
    "undo_of": "",
    "independent": False,
    "hold_seconds": 0.0,
    "evidence": {},
}
RAW = {
    "eventVersion": "1.09",
    "eventID": "6f2c1a39-0000-4000-8000-000000000001",
    "eventTime": "2026-11-24T09:00:00Z",
    "eventName": "GetObject",
    "eventSource": "s3.amazonaws.com",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "198.51.100.7",
    "userAgent": "aws-cli/2",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/svc", "accessKeyId": KEY},
    "requestParameters": {"bucketName": "payroll", "key": "a"},
    "additionalEventData": {"bytesTransferredOut": 10.0},
}
GOOD: Mapping[tuple[str, str], dict[str, Any]] = {
    ("case", "armed"): {"reason": "IR-1", "operator": "kim"},
    ("case", "identity"): {"account": "111122223333", "arn": "a", "user_id": "u", "region": "r", "keys": [KEY]},
    ("case", "mark"): {"what": "bucket", "id": "payroll", "on": True},
    ("case", "note"): {"text": "hello"},
    ("case", "phase"): {"phase": "contain"},
    ("trail", "event"): {"raw": RAW, "source": "files"},
    ("trail", "source"): {"name": "lookup us-east-1", "error": "", "remark": ""},
    ("trail", "left-out"): {"count": 3, "why": "budget"},
    ("posture", "bucket"): {"id": "payroll", "facts": {"name": "payroll", "region": "us-east-1"}},
    ("posture", "principal"): {"id": "arn", "facts": {"arn": "arn", "kind": "user", "name": "svc"}},
    ("posture", "instance"): {"id": "i-1", "facts": {"id": "i-1", "region": "us-east-1"}},
    ("posture", "logged"): {"id": "payroll", "facts": {"bucket": "payroll", "text": ["reads not logged"]}},
    ("actions", "plan"): {"action": "a", "title": "t", "plan": PLAN, "actor": "arn", "reason": "r", "excluded": []},
    ("actions", "intent"): {"plan": "s:1", "step": 0, "call": CALL, "before": "Active", "after": "Inactive"},
    ("actions", "outcome"): {
        "intent": "s:2",
        "plan": "s:1",
        "step": 0,
        "ok": True,
        "state": "done",
        "accepted": True,
        "already": False,
        "http": 200,
        "request_id": "r",
        "aws_date": "d",
        "error": {"code": "c", "message": "m"},
        "detail": "d",
    },
    ("actions", "end"): {"plan": "s:1", "states": ["done"], "stopped": ""},
    ("watch", "watch"): {"label": "l", "minutes": 30},
    ("watch", "verdict"): {"watch": "s:1", "label": "l", "state": "QUIET", "numbers": {"lag": 3}},
}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


WRONG: tuple[Any, ...] = (5, -1, True, "x", [5], {"x": 5}, 10**400, 1e300, nested(300), [[[]]])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field of a record, and every field and item within it."""
    if path:
        yield path
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(doc: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(doc)
    here: Any = made
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return made


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose every record kind appears with every field of a wrong type, between two good marks."""
    folder = tmp_path_factory.mktemp("forged") / "case"
    folder.mkdir(mode=0o700)
    journal = Journal.open(folder, about={})
    journal.record("case", {"kind": "mark", "what": "bucket", "id": "first", "on": True})
    for (table, kind), doc in GOOD.items():
        docs = [{"kind": kind, **changed(doc, path, value)} for path in places(doc) for value in WRONG]
        journal.record_many(table, [{"kind": kind, **doc}, *docs, *({"kind": value} for value in WRONG)])
    journal.record("posture", {"kind": "bucket", "id": "last", "facts": {"name": "last"}})
    journal.record("case", {"kind": "mark", "what": "bucket", "id": "last", "on": True})
    journal.close("done")
    return folder


def wait(updates: queue.Queue[Update], wanted: Callable[[Snapshot], bool]) -> Snapshot:
    while True:
        snapshot = updates.get(timeout=30).snapshot
        if wanted(snapshot):
            return snapshot


def shows_last(snapshot: Snapshot) -> bool:
    return any(row.id == "last" and row.marked for row in snapshot.buckets)


def test_every_kind_that_is_written_has_a_shape_and_good_records_are_understood() -> None:
    assert set(GOOD) | {("_session", "open"), ("_session", "close")} == set(SHAPES)
    for (table, kind), doc in GOOD.items():
        assert problem(_Record(table, {"kind": kind, **doc})) == ""


def test_a_record_of_a_newer_version_is_no_problem() -> None:
    assert problem(_Record("case", {"kind": "handover", "to": ["kim"]})) == ""
    assert problem(_Record("case", {"kind": "mark", "what": "bucket", "id": "b", "on": True, "colour": 3})) == ""


@pytest.mark.parametrize(
    "plan", [{"targets": 5}, {"targets": {"x": 5}}, {"steps": 5}, {"principals": 7}, {"principals": "abc"}]
)
def test_a_plan_of_another_shape_is_named_and_holds_nothing(plan: dict[str, Any]) -> None:
    assert "Expected" in problem(_Record("actions", {"kind": "plan", "plan": plan}))


def test_a_live_console_goes_on_behind_malformed_records_and_says_so(forged: Path) -> None:
    def never() -> Any:
        raise AwsError("ExpiredToken", "no credentials")

    journal = Journal.open(forged, about={})
    room = LiveRoom(never, journal, back=timedelta(hours=1))
    updates: queue.Queue[Update] = queue.Queue()
    room.start(updates.put)
    try:
        shown = wait(updates, shows_last)
        assert any("not understood and skipped" in alarm for alarm in shown.status.alarms)
        room.note("typed afterwards")
        wait(updates, lambda _: any("typed afterwards" in line.text for line in room.log()))
    finally:
        room.stop("test")


def test_a_review_shows_the_case_and_names_what_it_skipped(forged: Path) -> None:
    room = ReviewRoom(forged)
    updates: queue.Queue[Update] = queue.Queue()
    room.start(updates.put)
    try:
        shown = wait(updates, shows_last)
        assert any("not understood and skipped" in alarm for alarm in shown.status.alarms)
        lines = room.log()
        assert any("not understood and skipped" in line.text and line.problem for line in lines)
        for position in range(0, len(room.points), max(1, len(room.points) // 20)):
            room.seek(position)
            updates.get(timeout=30)
    finally:
        room.stop("test")


def test_report_and_commands_go_on_and_name_what_was_skipped(forged: Path) -> None:
    journal = Journal.open(forged, about={}, readonly=True)
    records = journal.records()
    facts = gather(records)
    assert ("bucket", "last") in facts.marks
    assert len(facts.skipped) > 100
    assert len(entries(records)) == len(records)
    assert happenings(records)
    text = report(records, verify(forged, ()), case="forged", at="2026-11-24T09:00:00Z")
    assert "could not be understood" in text
    assert all(isinstance(ref, str) for ref in tell(journal.records("actions")))


class _Record(dict[str, Any]):
    def __init__(self, table: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.table = table
