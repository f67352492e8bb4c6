"""What became of steps of which nobody could say how they ended: AWS is read, and recorded what is known by then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from actions.holds import in_effect
from actions.plan import Refusal, Step, StepState
from actions.reads import difference, same, value_of
from actions.records import SETTLED_AFTER, TABLE, Log, Told, tell
from actions.writes import own_read
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.text import clean

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

LONGEST_STEP = timedelta(minutes=3)
"""No living console leaves a step without an outcome for longer: its retries and its patience are over by then."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A step that was begun, and of which the log cannot say how it ended.

    Attributes:
        plan_ref: Reference of the plan record.
        intent_ref: Reference of the intent.
        index: Index of the step.
        step: The step as it was sent.
        at: UTC time of the intent's plan.
        actor: Who ran it.
        doubtful: Whether it is recorded as failed, although no answer of AWS said so.
    """

    plan_ref: str
    intent_ref: str
    index: int
    step: Step
    at: str
    actor: str
    doubtful: bool = False

    def __str__(self) -> str:
        return clean(f"{self.step.call.name} {self.step.target} (plan {self.plan_ref}, {self.at[:19]}Z, {self.actor})")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at AWS told of such a step.

    Attributes:
        unknown: The step.
        state: `done`, `failed` (it had no effect) or `moved`; "" where it cannot be known yet.
        detail: In words.
        again_in: In how many seconds another look can tell more; 0 where that is not known.
    """

    unknown: Unknown
    state: str
    detail: str
    again_in: float = 0.0


def unknown(told: Mapping[str, Told], log: Log, busy: bool, now: datetime) -> tuple[Unknown, ...]:
    """Steps without a final outcome that no living console is working on.

    Args:
        told: The plans that the log tells of.
        log: The log.
        busy: Whether this console runs a plan now.
        now: The time, UTC.
    """
    # The journal knows how many consoles live, not which: while others do, only time tells that theirs is dead.
    others = int(getattr(log, "consoles", 1)) > 1
    found = []
    for item in told.values():
        own = item.session == log.session
        for index in item.open_steps:
            if not 0 <= index < len(item.plan.steps) or (own and busy):
                continue
            if not (others and not own) or item.age(index, now) >= LONGEST_STEP * len(item.plan.steps):
                found.append(_of(item, index))
    return tuple(found)


def doubtful(told: Mapping[str, Told], log: Log, busy: bool) -> tuple[Unknown, ...]:
    """Steps that are recorded as failed without AWS having said so, and that may have taken effect after all."""
    found = []
    for item in told.values():
        if item.session == log.session and busy:
            continue
        for index, outcome in item.outcomes.items():
            if not 0 <= index < len(item.plan.steps) or index in item.open_steps or index not in item.intents:
                continue
            if outcome.get("may_be_in_effect") and not _done_by_another(told, item, index):
                found.append(_of(item, index, doubtful=True))
    return tuple(found)


def _of(item: Told, index: int, *, doubtful: bool = False) -> Unknown:
    return Unknown(item.ref, item.intents[index], index, item.plan.steps[index], item.at, item.actor, doubtful=doubtful)


def _done_by_another(told: Mapping[str, Told], item: Told, index: int) -> bool:
    """Whether a later plan did the same: then its effect is that plan's, and is undone with it."""
    call = item.plan.steps[index].call
    return any(
        other.ref != item.ref and other.at >= item.at and other.plan.steps[at].call == call and other.took_effect(at)
        for other in told.values()
        for at in range(len(other.plan.steps))
    )


def reconcile(
    account: Account, log: Log, steps: tuple[Unknown, ...], told: Mapping[str, Told], now: datetime
) -> tuple[Found, ...]:
    """Read the state of each such step, record what is known of it, and the end of plans that never came to theirs.

    The old state says nothing as long as the request may be under way or IAM may show what was: until then nothing is
    recorded, and the step stays undoable. A step that is recorded as failed and is in effect gets a new record.

    Args:
        account: The connection.
        log: The log.
        steps: The steps.
        told: The plans that the log tells of.
        now: The time, UTC.

    Raises:
        JournalError: An outcome could not be recorded.
    """
    looked = [_look(account, item, told[item.plan_ref], now) for item in steps]
    # Another console may have looked meanwhile: what it recorded is not recorded again.
    newest = tell(log.records(TABLE))
    found = tuple(item for item in looked if item is not None and _still_asked(item.unknown, newest))
    for item in found:
        if item.state:
            log.record(TABLE, _outcome(item))
    for ref in dict.fromkeys(item.unknown.plan_ref for item in found if item.state):
        if not told[ref].ended:
            why = "its console ended before the plan did; looked up afterwards"
            states = [told[ref].state(index).value for index in range(len(told[ref].plan.steps))]
            for item in found:
                if item.unknown.plan_ref == ref:
                    states[item.unknown.index] = _WORDS[item.state].value
            log.record(TABLE, {"kind": "end", "plan": ref, "states": states, "stopped": why})
    return found


_WORDS = {"done": StepState.DONE, "failed": StepState.FAILED, "moved": StepState.MOVED, "": StepState.UNKNOWN}


def _still_asked(item: Unknown, told: Mapping[str, Told]) -> bool:
    now = told.get(item.plan_ref)
    if now is None or now.intents.get(item.index) != item.intent_ref:
        return False
    return bool(now.outcomes[item.index].get("may_be_in_effect")) if item.doubtful else item.index in now.open_steps


def _look(account: Account, item: Unknown, told: Told, now: datetime) -> Found | None:
    """Look at one step; `None` where a step that is recorded as failed did fail."""
    step = item.step
    try:
        state = value_of(account, own_read(step, account.identity.account))
    except AwsError as error:
        return None if item.doubtful else Found(item, "", f"not readable: {error}")
    except Refusal as refusal:
        return None if item.doubtful else Found(item, "", f"not looked up: {refusal}")
    if in_effect(step, state):
        after_all = "it was recorded as failed, but " if item.doubtful else ""
        return Found(item, "done", f"{after_all}it took effect: AWS has the state that it leads to")
    if item.doubtful:
        return None
    if not same(state, step.before):
        return Found(item, "moved", f"AWS has another state: {difference(step.after, state)}")
    wait = (SETTLED_AFTER - told.age(item.index, now)).total_seconds()
    if wait > 0:
        return Found(item, "", f"unknown, looked at again in {wait:.0f} s: the old state is read", wait)
    return Found(item, "failed", "it had no effect (or was undone): AWS has the state from before")


def _outcome(item: Found) -> dict[str, object]:
    return {
        "kind": "outcome",
        "intent": item.unknown.intent_ref,
        "plan": item.unknown.plan_ref,
        "step": item.unknown.index,
        "ok": item.state == "done",
        "state": item.state,
        "accepted": item.state != "failed",
        "already": False,
        "http": 0,
        "request_id": "",
        "aws_date": "",
        "error": None,
        "detail": item.detail,
        "reconciled": True,
    }
