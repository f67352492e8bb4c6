"""Whether a step is in effect: what it put there is there, whatever others put beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.plan import Holds, Step
from actions.reads import same
from actions.statements import covered, covers, statements, without


def is_policy(step: Step) -> bool:
    """Whether the step changes a policy document."""
    states = (step.before, step.after)
    return step.read.document and all(state is None or isinstance(state, Mapping) for state in states)


def holds_of(step: Step) -> Holds:
    """What must be there, and what must be gone, for a step on a policy to be in effect."""
    if step.holds is not None:
        return step.holds
    old, new = statements(step.before), statements(step.after)
    came = without(new, old)
    # A statement that ours only widens is not gone: it stands in ours.
    gone = tuple(item for item in without(old, new) if not any(covers(other, item) for other in came))
    return Holds(came, gone)


def in_effect(step: Step, state: Any) -> bool:
    """Whether a step is in effect in a state that was read.

    Our statements, or a cut-off that is ours or later, are enough: a policy is also written by others, by our own later
    steps and by infrastructure as code.
    """
    if same(state, step.after):
        return True
    if not is_policy(step) or not (state is None or isinstance(state, Mapping)):
        return False
    wanted = holds_of(step)
    if not wanted.statements and not wanted.gone:
        return False
    there = all(covered(state, item) for item in wanted.statements)
    return there and not any(covered(state, item) for item in wanted.gone)
