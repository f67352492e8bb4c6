"""A case is what its records say, in the order in which they were written."""

from collections.abc import Mapping
from typing import Any

from s3ir_tui.case import Case

USER = "arn:aws:iam::111122223333:user/svc-export"


class Rec(dict[str, Any]):
    """A journal record as the case sees it."""

    def __init__(self, ref: str, table: str, ts: str, **fields: Any) -> None:
        super().__init__(fields)
        self.ref, self.table, self.ts, self.session = ref, table, ts, ref.split(":")[0]


def plan(ref: str, ts: str, steps: int = 1, **extra: Any) -> Rec:
    body: Mapping[str, Any] = {
        "principals": [USER],
        "steps": [{}] * steps,
        "targets": {"user": ["svc-export"]},
        **extra,
    }
    return Rec(ref, "actions", ts, kind="plan", action="contain.deny-user", title="deny", plan=body, actor="alice")


def ran(case: Case, ref: str, start: int, ok: bool = True, **extra: Any) -> None:
    case.apply(plan(ref, f"09:00:0{start}", **extra))
    case.apply(Rec(f"s:{start}1", "actions", f"09:00:0{start + 1}", kind="outcome", plan=ref, ok=ok))
    case.apply(Rec(f"s:{start}2", "actions", f"09:00:0{start + 2}", kind="end", plan=ref))


def test_a_mark_is_taken_back_by_a_later_record() -> None:
    case = Case()
    case.apply(Rec("s:1", "case", "t1", kind="mark", what="bucket", id="b", on=True))
    assert case.marks == {("bucket", "b")}
    case.apply(Rec("s:2", "case", "t2", kind="mark", what="bucket", id="b", on=False))
    assert (case.marks, case.first_mark) == (set(), "t1")


def test_a_plan_runs_until_its_end_is_recorded_and_holds_from_its_last_success() -> None:
    case = Case()
    case.apply(plan("s:1", "09:00:00"))
    assert [item.ref for item in case.running] == ["s:1"]
    assert case.phase == "contain"
    case.apply(Rec("s:2", "actions", "09:00:01", kind="outcome", plan="s:1", ok=True))
    case.apply(Rec("s:3", "actions", "09:00:02", kind="end", plan="s:1"))
    (held,) = case.holding
    assert (held.at, held.principals, held.last_ref, held.running) == ("09:00:01", (USER,), "s:3", False)


def test_a_plan_without_a_success_holds_nothing() -> None:
    case = Case()
    ran(case, "s:1", 0, ok=False)
    assert case.holding == ()


def test_an_undone_containment_holds_no_longer() -> None:
    case = Case()
    ran(case, "s:1", 0)
    ran(case, "s:2", 4, undo_of="s:1")
    assert case.holding == ()
    assert case.containments["s:1"].undone_by == "s:2"


def test_a_failed_undo_leaves_the_containment_in_force() -> None:
    case = Case()
    ran(case, "s:1", 0)
    ran(case, "s:2", 4, ok=False, undo_of="s:1")
    assert [item.ref for item in case.holding] == ["s:1"]


def test_a_watch_alone_holds_although_it_writes_nothing() -> None:
    case = Case()
    case.apply(plan("s:1", "09:00:00", steps=0))
    case.apply(Rec("s:2", "actions", "09:00:01", kind="end", plan="s:1"))
    assert [item.at for item in case.holding] == ["09:00:01"]
    assert case.phase == "triage"


def test_records_that_are_not_understood_change_nothing() -> None:
    case = Case()
    case.apply(Rec("s:1", "actions", "t", kind="outcome", plan="unknown", ok=True))
    case.apply(Rec("s:2", "nonsense", "t", kind="mark"))
    case.apply(Rec("s:3", "actions", "t", kind="plan", plan="not a mapping"))
    assert case.containments == {}


def test_a_review_judges_silence_by_the_lag_that_the_room_knew() -> None:
    case = Case()
    case.apply(Rec("s:1", "watch", "t", kind="verdict", watch="s:0", state="QUIET", numbers={"lag": 41}))
    case.apply(Rec("s:2", "watch", "t", kind="verdict", watch="s:0", state="RETURNED", numbers={"lag": None}))
    assert (case.lag, case.verdicts) == (41.0, {"s:0": "RETURNED"})
