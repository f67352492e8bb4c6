"""The one value that a plan cannot hold yet: the time of the write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from actions.plan import Call, Holds, Step
from s3ir_tui.model import iso

AHEAD = timedelta(seconds=30)
"""How far ahead sessions are revoked: what is issued while IAM spreads the change is cut too, as the IAM console does.

Source: IAM User Guide, revoking IAM role temporary security credentials.
"""

RUN_TIME = f"<UTC time of the write + {AHEAD.seconds} s>"
"""Stands in a step for that time. A time taken when the plan was made would be past when the responder confirms it, and
sessions issued in between would live on."""


def has_moment(value: Any) -> bool:
    """Whether the marker stands anywhere in a value."""
    if isinstance(value, str):
        return RUN_TIME in value
    if isinstance(value, Mapping):
        return any(has_moment(item) for item in value.values())
    return isinstance(value, list | tuple) and any(has_moment(item) for item in value)


def resolve(step: Step, now: datetime) -> Step:
    """The step as it will be sent: the marker replaced in the call and in the state it leads to."""
    if not has_moment(step.call.params) and not has_moment(step.after):
        return step
    text = iso(now + AHEAD)
    call = Call(step.call.service, step.call.operation, _put(step.call.params, text), step.call.region)
    holds = step.holds and Holds(tuple(_put(item, text) for item in step.holds.statements), step.holds.gone)
    return replace(step, call=call, after=_put(step.after, text), holds=holds)


def _put(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value.replace(RUN_TIME, text)
    if isinstance(value, Mapping):
        return {key: _put(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_put(item, text) for item in value]
    return value
