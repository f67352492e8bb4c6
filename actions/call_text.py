"""What a step sends, in words: every parameter, so that a preview holds nothing back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from actions.plan import Step
from actions.reads import document, same


def sent_lines(step: Step) -> tuple[str, ...]:
    """The parameters of a step's call, one a line; a policy that the difference shows whole is not said twice."""
    return tuple(_lines(step))


def _lines(step: Step) -> Iterator[str]:
    for name, value in step.call.params.items():
        yield f"sends {name} = {_value(step, value)}"
    if step.call.region:
        yield f"in {step.call.region}"


def _value(step: Step, value: Any) -> str:
    if isinstance(value, str):
        inside = document(value)
        if not isinstance(inside, str) and same(inside, step.after):
            return f"the policy of the difference, {len(value.encode())} bytes"
        return value
    if same(value, step.after):
        return "the state of the difference"
    return json.dumps(value, sort_keys=True)
