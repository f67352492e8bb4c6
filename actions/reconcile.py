"""What became of steps whose console died before it could say: AWS is read, and the answer recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from actions.plan import Step
from actions.reads import difference, same, value_of
from actions.records import TABLE, Log, Told
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.text import clean

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

LONGEST_STEP = timedelta(minutes=3)
"""No living console leaves a step without an outcome for longer: its retries and its patience are over by then."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A step that was begun, and nobody recorded how it ended.

    Attributes:
        plan_ref: Reference of the plan record.
        intent_ref: Reference of the intent.
        index: Index of the step.
        step: The step as it was sent.
        at: UTC time of the intent's plan.
        actor: Who ran it.
    """

    plan_ref: str
    intent_ref: str
    index: int
    step: Step
    at: str
    actor: str

    def __str__(self) -> str:
        return clean(f"{self.step.call.name} {self.step.target} (plan {self.plan_ref}, {self.at[:19]}Z, {self.actor})")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at AWS told of such a step.

    Attributes:
        unknown: The step.
        state: `done`, `failed` (it had no effect) or `moved`; "" where AWS could not be read.
        detail: In words.
    """

    unknown: Unknown
    state: str
    detail: str


def unknown(told: Mapping[str, Told], log: Log, busy: bool) -> tuple[Unknown, ...]:
    """Steps without an outcome that no living console is working on.

    Args:
        told: The plans that the log tells of.
        log: The log.
        busy: Whether this console runs a plan now.
    """
    # The journal knows how many consoles live, not which: while others do, only time tells that theirs is dead.
    others = int(getattr(log, "consoles", 1)) > 1
    found = []
    for item in told.values():
        own = item.session == log.session
        if (own and busy) or (others and not own and _age(item.at) < LONGEST_STEP * len(item.plan.steps)):
            continue
        for index in item.open_steps:
            if 0 <= index < len(item.plan.steps):
                step = item.plan.steps[index]
                found.append(Unknown(item.ref, item.intents[index], index, step, item.at, item.actor))
    return tuple(found)


def _age(ts: str) -> timedelta:
    return utc_now() - datetime.strptime(ts[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


def reconcile(account: Account, log: Log, steps: tuple[Unknown, ...], told: Mapping[str, Told]) -> tuple[Found, ...]:
    """Read the state of each such step, record its outcome, and the end of plans that never came to theirs.

    Raises:
        JournalError: An outcome could not be recorded.
    """
    found = tuple(_look(account, item) for item in steps)
    for item in found:
        if item.state:
            log.record(TABLE, _outcome(item))
    for ref in dict.fromkeys(item.unknown.plan_ref for item in found if item.state):
        if not told[ref].ended:
            why = "its console ended before the plan did; looked up afterwards"
            states = [told[ref].state(index).value for index in range(len(told[ref].plan.steps))]
            for item in found:
                if item.unknown.plan_ref == ref:
                    states[item.unknown.index] = {"moved": "state moved"}.get(item.state, item.state or "running")
            log.record(TABLE, {"kind": "end", "plan": ref, "states": states, "stopped": why})
    return found


def _look(account: Account, item: Unknown) -> Found:
    step = item.step
    try:
        now = value_of(account, step.read)
    except AwsError as error:
        return Found(item, "", f"not readable: {error}")
    if same(now, step.after):
        return Found(item, "done", "it took effect: AWS has the state that it leads to")
    if same(now, step.before):
        return Found(item, "failed", "it had no effect (or was undone): AWS has the state from before")
    return Found(item, "moved", f"AWS has another state: {difference(step.after, now)}")


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
