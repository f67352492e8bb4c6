"""The executor: nothing unrecorded is changed, nothing is written over a state that moved, all is read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actions.executor import Executor
from actions.moment import RUN_TIME
from actions.plan import Answer, Call, Danger, Plan, Progress, Read, Refusal, Result, Step, StepState
from actions.records import done, tell, undone_steps
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.guard import WriteGuard
from s3ir_tui.journal import JournalError, WriteFailed
from s3ir_tui.model import Identity

NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)
DONE, FAILED, MOVED, NOT_RUN = StepState.DONE, StepState.FAILED, StepState.MOVED, StepState.NOT_RUN
UNKNOWN = StepState.UNKNOWN


class Rec(dict[str, Any]):
    """A record of the log."""

    def __init__(self, ref: str, table: str, doc: Mapping[str, Any]) -> None:
        super().__init__(doc)
        self.ref, self.table, self.ts, self.session = ref, table, "2026-11-24T09:00:00.000000Z", "s"


@dataclass
class MemoryLog:
    """A log in memory that can be made to fail."""

    session: str = "s"
    kept: list[Rec] = field(default_factory=list)
    fails: Callable[[Mapping[str, Any]], bool] = lambda _doc: False

    def record(self, table: str, doc: Mapping[str, Any]) -> str:
        if self.fails(doc):
            raise WriteFailed("the disk is full")
        self.kept.append(Rec(f"s:{len(self.kept)}", table, doc))
        return self.kept[-1].ref

    def records(self, table: str | None = None) -> list[Rec]:
        return [item for item in self.kept if table in (None, item.table)]

    def kinds(self) -> list[str]:
        return [str(item["kind"]) for item in self.kept]


class Cloud:
    """Named values that are read with GetUser and written with TagUser, behind the real guard."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.identity = Identity("111122223333", "arn:aws:iam::111122223333:user/me", "AIDA", "us-east-1")
        self.guard = WriteGuard()
        self.credentials_end: datetime | None = None
        self.calls: list[str] = []
        self.before_write: Callable[[str], None] = lambda _name: None
        self.after_write: Callable[[str], None] = lambda _name: None
        self.before_read: Callable[[str], None] = lambda _name: None

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        event = f"x.{service}.{operation}"
        self.guard._begin(event, params)
        self.guard._send(event, {})
        self.guard._sign(event)
        name = params["Name"]
        self.calls.append(f"{operation} {name}")
        if operation == "GetUser":
            self.before_read(name)
            if name not in self.values:
                raise AwsError("NoSuchEntity", "none", status=404)
            return {"Value": self.values[name], "ResponseMetadata": {}}
        self.before_write(name)
        self.values[name] = params["Value"]
        self.after_write(name)
        meta = {
            "HTTPStatusCode": 200,
            "RequestId": f"r-{name}",
            "HTTPHeaders": {"date": "Tue, 24 Nov 2026 09:00:01 GMT"},
        }
        return {"ResponseMetadata": meta}

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call.startswith("TagUser")]


def step(name: str, before: Any = "old", after: Any = "new") -> Step:
    return Step(
        call=Call("iam", "TagUser", {"Name": name, "Value": after}),
        target=name,
        summary=f"{before} -> {after}",
        read=Read(Call("iam", "GetUser", {"Name": name}), "Value", absent=("NoSuchEntity",)),
        before=before,
        after=after,
        undo=Call("iam", "TagUser", {"Name": name, "Value": before}),
    )


def plan(*steps: Step, **given: Any) -> Plan:
    return Plan(
        "test.action", "a test", {"user": ("x",)}, tuple(steps), given.pop("danger", Danger.REVERSIBLE), **given
    )


@dataclass
class Bench:
    cloud: Cloud
    log: MemoryLog
    executor: Executor
    news: list[Progress] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, what: Plan, **answer: Any) -> Result:
        return self.executor.run(what, Answer(**{"reason": "T-1", **answer}), self.news.append, self.stop)


@pytest.fixture
def bench() -> Bench:
    return make(a="old", b="old", c="old")


def make(**values: Any) -> Bench:
    cloud, log = Cloud(**values), MemoryLog()
    executor = Executor(cloud, log, clock=lambda: NOW)  # type: ignore[arg-type]
    executor.read_back_seconds = 0.3
    return Bench(cloud, log, executor)


def outcomes(bench: Bench) -> list[Rec]:
    return [item for item in bench.log.kept if item["kind"] == "outcome"]


def test_a_plan_leaves_intent_and_outcome_of_each_write_and_its_end(bench: Bench) -> None:
    result = bench.run(plan(step("a"), step("b")))
    assert result.ok
    assert bench.cloud.values == {"a": "new", "b": "new", "c": "old"}
    assert bench.log.kinds() == ["armed", "plan", "intent", "outcome", "intent", "outcome", "end"]
    first = outcomes(bench)[0]
    assert (first["request_id"], first["http"], first["aws_date"]) == ("r-a", 200, "Tue, 24 Nov 2026 09:00:01 GMT")
    assert first["intent"] == result.intents[0]
    assert [item.state for item in bench.news if item.index == 0] == [StepState.RUNNING, DONE]


def test_the_intent_is_durable_before_the_write_is_sent(bench: Bench) -> None:
    seen: list[list[str]] = []
    bench.cloud.before_write = lambda _name: seen.append(bench.log.kinds())
    bench.run(plan(step("a")))
    assert seen == [["armed", "plan", "intent"]]


@pytest.mark.parametrize("kind", ["armed", "plan", "intent"])
def test_what_cannot_be_recorded_is_not_done(bench: Bench, kind: str) -> None:
    bench.log.fails = lambda doc: doc["kind"] == kind
    what = plan(step("a"), step("b"), independent=True)
    if kind == "intent":
        result = bench.run(what)
        assert result.states == (NOT_RUN, NOT_RUN)
        assert "log cannot be written" in result.stopped
    else:
        with pytest.raises(JournalError):
            bench.run(what)
    assert bench.cloud.writes == []


def test_a_lost_outcome_stops_the_plan_and_is_said(bench: Bench) -> None:
    bench.log.fails = lambda doc: doc["kind"] == "outcome"
    result = bench.run(plan(step("a"), step("b"), independent=True))
    assert bench.cloud.writes == ["TagUser a"]
    assert "log cannot be written" in result.stopped
    assert "could not be written" in result.details[0]
    assert tell(bench.log.kept)[result.plan_ref].open_steps == (0,)


def test_without_a_reason_the_console_stays_read_only(bench: Bench) -> None:
    with pytest.raises(Refusal, match="ticket or reason"):
        bench.run(plan(step("a")), reason=" ")
    assert not bench.executor.armed
    assert bench.log.kept == []
    assert bench.cloud.calls == []


def test_the_reason_is_asked_once_on_a_console(bench: Bench) -> None:
    bench.run(plan(step("a")))
    bench.run(plan(step("b")), reason="")
    assert [item["reason"] for item in bench.log.records("case")] == ["T-1"]


def test_a_reason_that_another_console_recorded_arms_nothing(bench: Bench) -> None:
    bench.log.record("case", {"kind": "armed", "reason": "T-0"})
    with pytest.raises(Refusal, match="--no-ticket"):
        bench.run(plan(step("a")), reason="")
    assert bench.cloud.calls == []


def test_no_ticket_is_recorded_only_where_the_responder_says_so(bench: Bench) -> None:
    bench.run(plan(step("a")), reason="", no_ticket=True, operator="Ada")
    armed, begun = bench.log.kept[:2]
    assert (armed["reason"], armed["no_ticket"], armed["operator"]) == ("", True, "Ada")
    assert armed["arn"] == begun["actor"] == bench.cloud.identity.arn
    assert begun["operator"] == "Ada"


@pytest.mark.parametrize(("minutes", "begun"), [(4, False), (6, True)])
def test_a_plan_is_not_begun_with_credentials_that_end_within_five_minutes(
    bench: Bench, minutes: int, begun: bool
) -> None:
    bench.cloud.credentials_end = NOW + timedelta(minutes=minutes)
    if begun:
        assert bench.run(plan(step("a"))).ok
        return
    with pytest.raises(Refusal, match=r"end at 2026-11-24T09:04:00Z.*sign in again"):
        bench.run(plan(step("a")))
    assert bench.log.kept == []


def test_a_plan_without_steps_does_not_arm(bench: Bench) -> None:
    assert bench.run(plan(danger=Danger.READS), reason="").ok
    assert not bench.executor.armed
    assert bench.log.kinds() == ["plan", "end"]


@pytest.mark.parametrize(
    ("danger", "typed", "reason"),
    [(Danger.WIDE, "", "r"), (Danger.WIDE, "3", "r"), (Danger.IRREVERSIBLE, "y", "r"), (Danger.IRREVERSIBLE, "x", "")],
)
def test_what_is_not_confirmed_as_it_asks_is_not_run(bench: Bench, danger: Danger, typed: str, reason: str) -> None:
    with pytest.raises(Refusal, match="not confirmed"):
        bench.run(plan(step("a"), danger=danger), typed=typed, reason=reason)
    assert bench.cloud.calls == []


def test_a_state_that_moved_is_not_written_over_and_stops_the_plan(bench: Bench) -> None:
    bench.cloud.values["a"] = "attacker's"
    result = bench.run(plan(step("a"), step("b")))
    assert result.states == (MOVED, NOT_RUN)
    assert "was old, is attacker's" in result.details[0]
    assert bench.cloud.writes == []
    assert outcomes(bench)[0]["accepted"] is False


def test_independent_steps_go_on_after_one_that_did_not_end_well(bench: Bench) -> None:
    bench.cloud.values["a"] = "attacker's"
    result = bench.run(plan(step("a"), step("b"), independent=True))
    assert result.states == (MOVED, DONE)
    assert not result.ok


def test_a_state_that_is_so_already_is_left_alone_and_not_ours_to_undo(bench: Bench) -> None:
    bench.cloud.values["a"] = "new"
    result = bench.run(plan(step("a")))
    assert result.ok
    assert bench.cloud.writes == []
    assert done(tell(bench.log.kept)) == ()


def test_a_refused_write_is_failed_with_its_reason(bench: Bench) -> None:
    def refuse(_name: str) -> None:
        raise AwsError("AccessDenied", "not authorized to perform: iam:TagUser", status=403, request_id="r-9")

    bench.cloud.before_write = refuse
    result = bench.run(plan(step("a"), step("b")))
    assert result.states == (FAILED, NOT_RUN)
    assert outcomes(bench)[0]["error"]["code"] == "AccessDenied"
    assert outcomes(bench)[0]["request_id"] == "r-9"
    assert done(tell(bench.log.kept)) == ()


@pytest.mark.parametrize(("written", "state"), [(True, DONE), (False, UNKNOWN)])
def test_a_lost_answer_is_settled_by_reading(bench: Bench, written: bool, state: StepState) -> None:
    def lose(_name: str) -> None:
        raise AwsError("InternalError", "try later", status=500)

    if written:
        bench.cloud.after_write = lose
    else:
        bench.cloud.before_write = lose
    result = bench.run(plan(step("a")))
    assert result.states == (state,)
    assert outcomes(bench)[0]["accepted"] is written
    assert outcomes(bench)[0]["error"]["code"] == "InternalError"
    assert tell(bench.log.kept)[result.plan_ref].open_steps == (() if written else (0,))


def test_a_refusal_that_hides_the_success_of_an_earlier_try_is_done(bench: Bench) -> None:
    def refuse(_name: str) -> None:
        raise AwsError("NoSuchEntity", "cannot be found", status=404)

    bench.cloud.after_write = refuse
    result = bench.run(plan(step("a")))
    assert result.states == (DONE,)
    assert outcomes(bench)[0]["accepted"] is True
    assert outcomes(bench)[0]["error"]["code"] == "NoSuchEntity"


@pytest.mark.parametrize("code", ["OperationAborted", "ConcurrentModification", "EntityTemporarilyUnmodifiable"])
def test_a_write_that_clashes_is_tried_again_with_an_intent_of_its_own(bench: Bench, code: str) -> None:
    left = [AwsError(code, "a conflicting operation is in progress", status=409)]

    def clash(_name: str) -> None:
        if left:
            raise left.pop()

    bench.cloud.before_write = clash
    assert bench.run(plan(step("a"), step("b"))).ok
    assert bench.cloud.writes == ["TagUser a", "TagUser a", "TagUser b"]
    assert bench.log.kinds()[2:8] == ["intent", "outcome", "intent", "outcome", "intent", "outcome"]
    assert [item.get("again") for item in outcomes(bench)] == [True, None, None]


def test_a_throttle_is_waited_out(bench: Bench) -> None:
    left = [AwsError("Throttling", "Rate exceeded", status=400)] * 2

    def throttle(_name: str) -> None:
        if left:
            raise left.pop()

    bench.cloud.before_write = throttle
    assert bench.run(plan(step("a"))).ok


def lagging(bench: Bench, *reads: str) -> None:
    """Reads of `a` show these states one after the other, then the true one."""
    shown, true = list(reads), bench.cloud.call

    def call(service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        answer = true(service, operation, params, region)
        if operation == "GetUser" and params["Name"] == "a" and shown:
            answer["Value"] = shown.pop(0)
        return answer

    bench.cloud.call = call  # type: ignore[method-assign]


def test_an_old_state_after_an_accepted_write_is_not_taken_for_an_attacker(bench: Bench) -> None:
    bench.executor.read_back_seconds = 5
    lagging(bench, *["old"] * 7)
    result = bench.run(plan(step("a"), step("b"), independent=True))
    assert result.ok, result.details
    assert bench.cloud.writes == ["TagUser a", "TagUser b"]


def test_a_change_that_shows_late_is_waited_for(bench: Bench) -> None:
    bench.executor.read_back_seconds = 5
    reads = iter(["old", "old", "old", "new"])

    def lag(name: str) -> None:
        bench.cloud.values[name] = next(reads, "new")

    bench.cloud.before_read = lag
    assert bench.run(plan(step("a"))).ok


def test_a_change_that_does_not_show_is_unknown_and_still_ours_to_undo(bench: Bench) -> None:
    bench.cloud.after_write = lambda name: bench.cloud.values.update({name: "old"})
    result = bench.run(plan(step("a")))
    assert result.states == (UNKNOWN,)
    assert "accepted" in result.details[0]
    assert len(done(tell(bench.log.kept))) == 1


def test_what_someone_makes_of_our_change_at_once_is_shown(bench: Bench) -> None:
    bench.cloud.after_write = lambda name: bench.cloud.values.update({name: "attacker's"})
    result = bench.run(plan(step("a")))
    assert result.states == (MOVED,)
    assert "was new, is attacker's" in result.details[0]


def test_what_is_undone_while_an_independent_plan_runs_is_done_again(bench: Bench) -> None:
    undone = []

    def attacker(name: str) -> None:
        if name == "b":
            bench.cloud.values["a"] = "old"
            undone.append(name)

    bench.cloud.before_write = attacker
    result = bench.run(plan(step("a"), step("b"), independent=True))
    assert undone == ["b"]
    assert result.ok
    assert bench.cloud.values["a"] == "new"
    assert bench.cloud.writes == ["TagUser a", "TagUser b", "TagUser a"]
    assert bench.log.kinds().count("intent") == bench.log.kinds().count("outcome") == 3


def test_a_plan_holds_until_nothing_was_undone_for_as_long_as_it_says(bench: Bench) -> None:
    reads = {"a": 0}

    def attacker(name: str) -> None:
        reads[name] = reads.get(name, 0) + 1
        if name == "a" and reads["a"] in (4, 7):
            bench.cloud.values["a"] = "old"

    bench.cloud.before_read = attacker
    result = bench.run(plan(step("a"), step("b"), independent=True, hold_seconds=0.7))
    assert result.ok
    assert bench.cloud.writes.count("TagUser a") == 3
    assert bench.cloud.values["a"] == "new"
    assert bench.log.kinds()[-1] == "end"


def test_what_became_something_else_while_the_plan_ran_is_not_written_over(bench: Bench) -> None:
    def attacker(name: str) -> None:
        if name == "b":
            bench.cloud.values["a"] = "attacker's"

    bench.cloud.before_write = attacker
    result = bench.run(plan(step("a"), step("b"), independent=True))
    assert result.states == (MOVED, DONE)
    assert bench.cloud.values["a"] == "attacker's"
    assert outcomes(bench)[-1]["state"] == "moved"
    assert done(tell(bench.log.kept))[0].states == (MOVED, DONE)


def test_stopping_ends_the_hold(bench: Bench) -> None:
    threading.Timer(0.2, bench.stop.set).start()
    assert bench.run(plan(step("a"), independent=True, hold_seconds=30)).ok


def test_excluded_steps_are_not_run(bench: Bench) -> None:
    result = bench.run(plan(step("a"), step("b")), excluded=frozenset({0}))
    assert result.states == (StepState.EXCLUDED, DONE)
    assert result.ok
    assert bench.cloud.writes == ["TagUser b"]


def test_stopping_lets_the_step_in_flight_end_and_begins_no_other(bench: Bench) -> None:
    bench.cloud.before_write = lambda _name: bench.stop.set()
    result = bench.run(plan(step("a"), step("b"), independent=True))
    assert result.states == (DONE, NOT_RUN)
    assert result.stopped == "stopped by the responder"
    assert bench.log.kinds()[-2:] == ["outcome", "end"]


def test_one_plan_runs_at_a_time(bench: Bench) -> None:
    refused: list[str] = []

    def second(_name: str) -> None:
        try:
            bench.executor.run(plan(step("c")), Answer(reason="r"), bench.news.append, bench.stop)
        except Refusal as refusal:
            refused.append(str(refusal))

    bench.cloud.before_write = second
    assert bench.run(plan(step("a"))).ok
    assert refused == ["another plan is running: wait for its end"]
    assert bench.cloud.values["c"] == "old"


def test_the_time_of_the_write_is_put_in_when_it_is_sent_and_recorded_as_sent() -> None:
    bench = make(a=None)
    result = bench.run(plan(step("a", None, f"cut {RUN_TIME}")))
    assert result.ok
    assert bench.cloud.values["a"] == "cut 2026-11-24T09:00:30Z"
    told = tell(bench.log.kept)[result.plan_ref]
    assert told.plan.steps[0].after == "cut 2026-11-24T09:00:30Z"
    assert told.plan.steps[0].call.params["Value"] == "cut 2026-11-24T09:00:30Z"


def test_an_undone_plan_is_told_as_undone_step_by_step(bench: Bench) -> None:
    first = bench.run(plan(step("a"), step("b")))
    back = replace(step("b", "new", "old"), undoes=1)
    bench.run(plan(back, undo_of=first.plan_ref))
    told = tell(bench.log.kept)
    assert undone_steps(told, first.plan_ref) == {1}
    assert done(told)[0].undone_by == ""
    last = bench.run(plan(replace(step("a", "new", "old"), undoes=0), undo_of=first.plan_ref))
    assert done(tell(bench.log.kept))[0].undone_by == last.plan_ref
