"""A plan as lines of text: what changes, what breaks, what was checked."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from actions.call_text import sent_lines
from actions.plan import Danger, Plan, Step
from s3ir_tui.text import clean

_CONTEXT = 3


def plan_lines(plan: Plan) -> tuple[str, ...]:
    """The plan as `act` prints it, safe for a terminal."""
    return tuple(clean(line) for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"Plan  {plan.action}  {plan.title}"
    yield f"      {_count(len(plan.steps))}, {plan.danger.value}{f', undoes {plan.undo_of}' if plan.undo_of else ''}"
    for index, step in enumerate(plan.steps):
        yield ""
        yield from _step_lines(index, step)
    for head, lines in (
        ("In place", plan.in_place),
        ("Warning", plan.warnings),
        ("Breaks", plan.breaks),
        ("Checked", plan.checked),
    ):
        if lines:
            yield ""
        for line in lines:
            yield f"{head:8} {line}"
    yield ""
    if not plan.steps and plan.in_place:
        yield "Nothing to do."
        return
    yield "Nothing was changed. Add --execute --yes --case CASE --reason TEXT to carry it out" + (
        "." if plan.danger is Danger.IRREVERSIBLE or not plan.steps else " (--no-ticket where there is none)."
    )


def _count(steps: int) -> str:
    return "no step" if not steps else "1 step" if steps == 1 else f"{steps} steps"


def _step_lines(index: int, step: Step) -> Iterator[str]:
    yield f"{index + 1} {step.call.name}  {step.target}  {step.summary}"
    yield from (f"    {line}" for line in difference(step.before, step.after))
    yield from (f"    {line}" for line in sent_lines(step))
    for line in (step.note, step.no_undo and f"no undo: {step.no_undo}"):
        if line:
            yield f"    {line}"


def difference(before: Any, after: Any) -> Iterator[str]:
    """What changes between two states, as the lines of a diff of their JSON."""
    old, new = (json.dumps(state, indent=2, sort_keys=True).splitlines() for state in (before, after))
    for line in list(difflib.unified_diff(old, new, lineterm="", n=_CONTEXT))[2:]:
        if not line.startswith("@@"):
            yield line
