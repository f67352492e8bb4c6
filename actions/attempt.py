"""One attempt at a step: what is there is read, the call is sent, and its effect is read back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actions.holds import in_effect
from actions.outcome import NOT_SENT, Outcome, Sent, taken
from actions.plan import Step, StepState
from actions.reads import difference, same, value_of
from s3ir_tui.aws.errors import AwsError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

_RETRIED = (404, 409)
"""Statuses that a call gets when an earlier try of it, whose answer was lost, had taken effect."""


def carry_out(account: Account, step: Step, send: Callable[[Step], Sent], patience: float) -> Outcome:
    """Send a step and read its effect back.

    Args:
        account: The connection to read with.
        step: The step, made for the state as it was just read.
        send: Sends it.
        patience: How many seconds its effect is waited for.
    """
    sent = send(step)
    if sent.accepted is False and sent.settled:
        return Outcome(StepState.FAILED, str(sent.error), sent, step.before)
    # A refusal is read back once: botocore tries again by itself, and then an answer speaks of the last try alone.
    waits = sent.accepted is not False or (sent.http in _RETRIED and not sent.again)
    state, trouble = _until(account, step, patience if waits else 0.0)
    if trouble is None and in_effect(step, state):
        return Outcome(StepState.DONE, _request(sent), taken(sent), state)
    if sent.accepted is False:
        return Outcome(StepState.FAILED, str(sent.error), sent, step.before, again=sent.again)
    return _not_in_effect(step, sent, state, trouble)


def _not_in_effect(step: Step, sent: Sent, state: Any, trouble: AwsError | None) -> Outcome:
    if trouble is not None:
        return Outcome(StepState.UNKNOWN, f"sent ({_request(sent)}), not readable afterwards: {trouble}", sent)
    if not same(state, step.before):
        detail = f"sent ({_request(sent)}), then changed: {difference(step.after, state)}"
        return Outcome(StepState.MOVED, detail, sent, state)
    if sent.accepted:
        return Outcome(StepState.UNKNOWN, f"accepted ({_request(sent)}), the old state is still read", sent, state)
    detail = f"unknown, looked at again: {sent.error}; the old state is read, the request may still be under way"
    return Outcome(StepState.UNKNOWN, detail, sent, state, again=sent.again)


def _request(sent: Sent) -> str:
    if sent.error is not None:
        return f"in effect although AWS answered {sent.error.code}"
    return f"request {sent.request_id}" if sent.request_id else "no request id"


def _until(account: Account, step: Step, patience: float) -> tuple[Any, AwsError | None]:
    """Read until the step is in effect or patience is over; the last state, or why there is none."""
    deadline = time.monotonic() + patience
    pause = 0.1
    while True:
        state, trouble = None, None
        try:
            state = value_of(account, step.read)
        except AwsError as error:
            trouble = error
        if (trouble is None and in_effect(step, state)) or time.monotonic() + pause > deadline:
            return state, trouble
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def not_begun(error: AwsError) -> Outcome:
    """The outcome where the state could not be read before the write."""
    return Outcome(StepState.FAILED, f"not sent, state not readable before the write: {error}", NOT_SENT)


def already(state: Any) -> Outcome:
    """The outcome where the step is in effect before it is sent."""
    return Outcome(StepState.DONE, "already so: nothing was sent", after=state, already=True)
