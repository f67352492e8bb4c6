"""The debrief says what was true, and says so where something is not known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from s3ir_tui.gameday.debrief import DataOut, Evidence, Holding, debrief
from s3ir_tui.gameday.milestones import Milestones, milestones
from s3ir_tui.model import iso

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC).timestamp()
LEAKED = Holding("leaked-key", "AKIAAAAAAAAAAAAAQ2D4", ("203.0.113.7",))
SESSION = Holding("session", "ASIAAAAAAAAAAAAA7K2P", ("203.0.113.7",))
ANYONE = Holding("anyone", "", ("203.0.113.7", "192.0.2.1"))


def taken(
    second: int, key: str, *, access_key: str = LEAKED.access_key, size: int = 1000, error: str = "", address: str = ""
) -> dict[str, Any]:
    """A GetObject record of the attacker."""
    identity = {"accessKeyId": access_key} if access_key else {"type": "AWSAccount", "accountId": "anonymous"}
    record: dict[str, Any] = {
        "eventName": "GetObject",
        "eventTime": iso(datetime.fromtimestamp(START + second, UTC)),
        "userIdentity": identity,
        "sourceIPAddress": address or "203.0.113.7",
        "requestParameters": {"bucketName": "payroll-2026", "key": key},
        "additionalEventData": {"bytesTransferredOut": float(size)},
    }
    return record | ({"errorCode": error} if error else {})


def line(
    second: float, who: str, *, ok: bool = True, kind: str = "read", operation: str = "GetObject"
) -> dict[str, Any]:
    """A line of an actor's log."""
    return {"at": START + second, "who": who, "kind": kind, "operation": operation, "ok": ok, "refused": not ok}


def evidence(**given: Any) -> Evidence:
    """A day of ten minutes on which nothing was recorded, but for what is given."""
    nothing = Evidence(
        scenario="leaked-key",
        started=START,
        ended=START + 552,
        delay=0.0,
        truth=(),
        attacker=(),
        workload=(),
        jobs=(),
        held=(LEAKED, SESSION),
        working={},
        still_open=(),
        times=Milestones(),
    )
    return replace(nothing, **given)


def test_what_was_not_recorded_is_said_to_be_so() -> None:
    told = debrief(evidence(truth=(taken(5, "a"),)))
    text = "\n".join(told.lines())
    assert told.detected is None
    assert told.out_after is None
    assert "detected   not recorded" in text
    assert "contained  not recorded" in text
    assert "after detection not recorded" in text


def test_data_out_counts_objects_once_and_bytes_every_time() -> None:
    records = (taken(1, "a"), taken(2, "a"), taken(3, "b"), taken(4, "c", error="AccessDenied"))
    told = debrief(evidence(truth=records, times=Milestones(START + 2)))
    assert told.out == DataOut(2, 3000)
    assert told.out_after == DataOut(2, 2000)
    assert told.last_byte == 3


def test_reads_of_the_workload_are_not_the_attackers() -> None:
    told = debrief(evidence(truth=(taken(1, "a", access_key="AKIAWORKLOAD"),)))
    assert told.out == DataOut(0, 0)
    assert told.last_byte is None


def test_trying_the_attackers_key_from_elsewhere_is_not_data_out() -> None:
    assert debrief(evidence(truth=(taken(1, "a", address="127.0.0.1"),))).out == DataOut(0, 0)


def test_anonymous_reads_are_told_apart_by_address() -> None:
    records = (taken(1, "a", access_key=""), taken(2, "b", access_key="", address="10.9.9.9"))
    assert debrief(evidence(truth=records, held=(ANYONE,))).out == DataOut(1, 1000)


def test_a_credential_that_outlived_the_first_cut_is_named_with_its_seconds() -> None:
    log = (
        line(1, "leaked-key"),
        line(2, "session"),
        line(10, "leaked-key", ok=False),
        line(50, "session"),
        line(51, "session", ok=False),
        line(52, "session", kind="mint", operation="GetSessionToken"),
    )
    told = debrief(evidence(attacker=log))
    assert [(item.name, round(item.seconds), item.live) for item in told.missed] == [("session", 40, False)]
    assert "ASIA…7K2P (session) stayed live for 40 s after the first was cut" in "\n".join(told.lines())


def test_a_credential_that_still_works_is_missed_and_counted_as_working() -> None:
    log = (line(1, "leaked-key"), line(2, "session"), line(10, "leaked-key", ok=False), line(550, "session"))
    told = debrief(evidence(attacker=log, working={"session": "reads payroll-2026"}))
    assert told.missed[0].live
    assert "1 of 2 credentials works now (session: reads payroll-2026)" in "\n".join(told.lines())


def test_credentials_cut_together_are_not_missed() -> None:
    log = (
        line(1, "leaked-key"),
        line(2, "session"),
        line(10, "leaked-key", ok=False),
        line(11, "session"),
        line(12, "session", ok=False),
    )
    told = debrief(evidence(attacker=log))
    assert told.missed == ()
    assert "missed     nothing" in "\n".join(told.lines())


def test_a_day_without_containment_misses_everything() -> None:
    told = debrief(evidence(attacker=(line(1, "leaked-key"),), working={"leaked-key": "reads payroll-2026"}))
    assert not told.cut
    assert "no credential of the attacker was cut" in "\n".join(told.lines())


def test_attempts_to_undo_are_counted_with_what_they_came_to() -> None:
    log = tuple(line(number, "session", ok=number == 1, kind="undo") for number in range(3))
    told = debrief(evidence(attacker=log))
    assert (told.undo_tried, told.undo_denied) == (3, 2)


def test_work_that_went_on_after_a_cut_is_recovered_and_work_that_did_not_is_cut() -> None:
    log = (
        line(1, "etl"),
        line(2, "etl", ok=False),
        line(33, "etl"),
        line(1, "app"),
        line(1, "web"),
        line(5, "web", ok=False),
        line(9, "web", ok=False),
    )
    told = debrief(evidence(workload=log, jobs=("etl", "app", "web")))
    assert [(job.name, job.state, job.cut_seconds) for job in told.jobs] == [
        ("etl", "recovered", 31),
        ("app", "unharmed", 0),
        ("web", "cut", 4),
    ]
    text = " ".join(" ".join(told.lines()).split())
    assert "1 of 3 unharmed, 7 calls, 3 denied" in text
    assert "etl was cut for 31 s (1 denied), works again" in text


def test_no_line_is_wider_than_80_cells_and_control_characters_are_shown_not_sent() -> None:
    told = debrief(
        evidence(
            still_open=tuple(f"bucket number-{number} has no Block Public Access" for number in range(9)),
            times=Milestones(START + 1, "first mark on \x1b[31mevil"),
            working={"leaked-key": "reads " + "x" * 100},
        )
    )
    assert all(len(text) <= 80 for text in told.lines())
    assert "\x1b" not in "".join(told.lines())


def test_the_json_form_holds_the_same_numbers() -> None:
    told = debrief(evidence(truth=(taken(1, "a"),), times=Milestones(START + 100, "first mark on svc-export")))
    built = told.to_json()
    assert built["detected"] == 100
    assert built["out"] == {"objects": 1, "size": 1000}


@dataclass
class Entry:
    """A journal record as far as milestones need it."""

    ref: str
    table: str
    ts: str
    fields: dict[str, Any]
    session: str = "one"

    def get(self, key: str, /) -> Any:
        """A field of the record."""
        return self.fields.get(key)


def at(second: int) -> str:
    """A journal time."""
    return datetime.fromtimestamp(START + second, UTC).isoformat().replace("+00:00", "Z")


PLAN = {"kind": "plan", "action": "contain.lineage", "title": "t", "plan": {"steps": [{}], "targets": {}}}


def test_the_first_mark_is_the_detection_and_the_last_step_of_the_first_plan_the_containment() -> None:
    user = "arn:aws:iam::111122223333:user/svc-export"
    times = milestones(
        [
            Entry("a:1", "case", at(100), {"kind": "mark", "what": "principal", "id": user, "on": True}),
            Entry("a:2", "actions", at(150), PLAN),
            Entry("a:3", "actions", at(155), {"kind": "outcome", "plan": "a:2", "ok": True}),
            Entry("a:4", "actions", at(156), {"kind": "end", "plan": "a:2"}),
        ]
    )
    assert times == Milestones(START + 100, "first mark on user/svc-export", START + 155)


def test_without_a_mark_the_first_plan_is_the_detection_and_a_plan_that_failed_contains_nothing() -> None:
    times = milestones(
        [
            Entry("a:1", "actions", at(50), PLAN),
            Entry("a:2", "actions", at(51), {"kind": "outcome", "plan": "a:1", "ok": False}),
            Entry("a:3", "actions", at(52), {"kind": "end", "plan": "a:1"}),
        ]
    )
    assert times == Milestones(START + 50, "first plan, contain.lineage", None)
