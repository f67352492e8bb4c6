"""What the log says of plans: the records as they are written, and the plans that they tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from actions.plan import Call, Done, Plan, Step, StepState
from s3ir_tui.case import Recorded
from s3ir_tui.record_shapes import problem


class Log(Protocol):
    """The log, as far as actions need it: durable when `record` returns."""

    @property
    def session(self) -> str: ...
    def record(self, table: str, doc: Mapping[str, Any]) -> str: ...
    def records(self, table: str | None = None) -> Sequence[Recorded]: ...


TABLE = "actions"

UNKNOWN = "unknown"
"""The state that an outcome has as long as nobody can know it."""

SETTLED_AFTER = timedelta(seconds=60)
"""When a request can no longer be under way and IAM shows what was done: before that nothing is recorded as failed.

IAM gives no bound ("might take a few minutes", IAM User Guide); four to six seconds were measured. A request is given
up after 20 s without an answer, three times at most.
"""

VISIBLE_AFTER = timedelta(seconds=10)
"""For how long after an accepted write the old state that is read means "not visible yet"."""


def call_json(call: Call) -> dict[str, Any]:
    """A call as the log keeps it."""
    built: dict[str, Any] = msgspec.to_builtins(call)
    return built


@dataclass(frozen=True, slots=True)
class Told:
    """A plan with everything that the log says of it.

    Attributes:
        ref: Reference of its record.
        plan: The plan, its steps as they were sent.
        at: UTC time of its record.
        actor: Who ran it.
        session: Console that ran it.
        intents: Index of a step to the reference of its newest intent.
        intent_times: Index of a step to the UTC time of that intent.
        outcomes: Index of a step to its newest outcome.
        open_steps: Steps that were begun and of which nobody knows how they ended.
        ended: Whether its end is recorded.
    """

    ref: str
    plan: Plan
    at: str
    actor: str
    session: str
    intents: Mapping[int, str]
    intent_times: Mapping[int, str]
    outcomes: Mapping[int, Mapping[str, Any]]
    open_steps: tuple[int, ...]
    ended: bool

    def state(self, index: int) -> StepState:
        """The state of a step as its outcome tells it."""
        outcome = self.outcomes.get(index)
        if outcome is None:
            return StepState.RUNNING if index in self.intents else StepState.NOT_RUN
        return _STATES.get(str(outcome.get("state")), StepState.FAILED)

    def took_effect(self, index: int) -> bool:
        """Whether the step's write was accepted by AWS (and by us: not found so already), or may have been."""
        outcome = self.outcomes.get(index)
        if outcome is None or index in self.open_steps:
            return index in self.intents
        return bool(outcome.get("accepted"))

    def age(self, index: int, now: datetime) -> timedelta:
        """How long ago a step was sent last."""
        return now - time_of(self.intent_times.get(index) or self.at)

    def seconds_to_wait(self, index: int, now: datetime) -> float:
        """How long until what AWS shows of a step can be believed; 0 where it can be now."""
        limit = SETTLED_AFTER if index in self.open_steps else VISIBLE_AFTER
        return max(0.0, (limit - self.age(index, now)).total_seconds())


_STATES = {"done": StepState.DONE, "moved": StepState.MOVED, UNKNOWN: StepState.UNKNOWN}


def time_of(ts: str) -> datetime:
    """The time of a record."""
    return datetime.strptime(ts[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


def tell(records: Sequence[Recorded]) -> dict[str, Told]:
    """The plans in the records of table `actions`, by reference, in order."""
    plans: dict[str, tuple[Recorded, Plan]] = {}
    sent: dict[str, dict[int, Recorded]] = {}
    settled: dict[str, dict[int, bool]] = {}
    outcomes: dict[str, dict[int, Mapping[str, Any]]] = {}
    ended: set[str] = set()
    for record in records:
        if problem(record):
            continue
        kind, ref = record.get("kind"), str(record.get("plan") or "")
        if kind == "plan":
            plan = _plan(record)
            if plan is not None:
                plans[record.ref] = (record, plan)
        elif kind == "intent":
            sent.setdefault(ref, {})[_index(record)] = record
            settled.setdefault(ref, {})[_index(record)] = False
        elif kind == "outcome":
            known = outcomes.setdefault(ref, {})
            before = known.get(_index(record), {})
            # A step that was sent again keeps what it did the first time: it stays ours to undo.
            accepted = bool(record.get("accepted") or before.get("accepted"))
            known[_index(record)] = {
                "state": record.get("state"),
                "accepted": accepted,
                "may_be_in_effect": _may_be_in_effect(record),
            }
            settled.setdefault(ref, {})[_index(record)] = record.get("state") != UNKNOWN
        elif kind == "end":
            ended.add(ref)
    return {
        ref: Told(
            ref=ref,
            plan=_as_sent(plan, sent.get(ref, {})),
            at=record.ts,
            actor=str(record.get("actor") or ""),
            session=record.session,
            intents={index: intent.ref for index, intent in sent.get(ref, {}).items()},
            intent_times={index: intent.ts for index, intent in sent.get(ref, {}).items()},
            outcomes=outcomes.get(ref, {}),
            open_steps=tuple(index for index, over in settled.get(ref, {}).items() if not over),
            ended=ref in ended,
        )
        for ref, (record, plan) in plans.items()
    }


def _may_be_in_effect(record: Recorded) -> bool:
    """Whether an outcome says that a step failed, although it may have taken effect: no answer of AWS ruled it out."""
    if record.get("state") != "failed" or record.get("accepted"):
        return False
    status = record.get("http")
    refused = isinstance(status, int) and 400 <= status < 500
    return bool(record.get("reconciled") or (record.get("sent") and not refused))


def _index(record: Recorded) -> int:
    value = record.get("step")
    return value if isinstance(value, int) else -1


def _plan(record: Recorded) -> Plan | None:
    try:
        return Plan.from_json(record.get("plan"))
    except (msgspec.ValidationError, RecursionError):
        return None  # a record of another version, or of someone who wants to stop us: it stops nothing


def _as_sent(plan: Plan, intents: Mapping[int, Recorded]) -> Plan:
    # The intent holds the call as it went out; the plan may still hold the marker for the time of the write.
    steps = list(plan.steps)
    for index, record in intents.items():
        if 0 <= index < len(steps):
            steps[index] = _step_as_sent(steps[index], record)
    return replace(plan, steps=tuple(steps))


def _step_as_sent(step: Step, record: Recorded) -> Step:
    call = record.get("call")
    try:
        sent = msgspec.convert(dict(call), Call) if isinstance(call, Mapping) else step.call
    except (msgspec.ValidationError, RecursionError):
        return step
    return replace(step, call=sent, before=record.get("before", step.before), after=record.get("after"))


def undone_steps(told: Mapping[str, Told], ref: str) -> frozenset[int]:
    """Indexes of the steps of a plan that later plans have undone."""
    found: set[int] = set()
    for item in told.values():
        if item.plan.undo_of != ref:
            continue
        for index, step in enumerate(item.plan.steps):
            if step.undoes is not None and item.state(index) is StepState.DONE:
                found.add(step.undoes)
    return frozenset(found)


def done(told: Mapping[str, Told]) -> tuple[Done, ...]:
    """Plans that changed something, oldest first."""
    found = []
    for ref, item in told.items():
        indexes = range(len(item.plan.steps))
        effective = [index for index in indexes if item.took_effect(index)]
        if not effective:
            continue
        undone = undone_steps(told, ref)
        by = [other.ref for other in told.values() if other.plan.undo_of == ref and undone]
        found.append(
            Done(
                ref=ref,
                plan=item.plan,
                states=tuple(item.state(index) for index in indexes),
                at=item.at,
                actor=item.actor,
                undone_by=by[-1] if by and undone.issuperset(effective) else "",
            )
        )
    return tuple(found)
