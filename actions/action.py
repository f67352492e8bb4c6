"""What an action is made of: the shape that each module of actions fills in once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actions import rebase, undo
from actions.context import Context
from actions.plan import Danger, Plan, Step
from actions.subjects import Subjects


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an action fits what was chosen.

    Attributes:
        why_not: Why it does not, "" where it does.
        detail: What it would work on, in a few words.
    """

    why_not: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done about an incident.

    Attributes:
        id: Its name in code, log and report: `contain.deny-user`.
        title: What it does, in a few words.
        part: Part of the playbook, 1 to 5.
        takes: Names of the targets it understands.
        danger: How it is confirmed.
        rank: Its place in lists, low first.
        fit: Whether it fits the subjects; reads AWS, writes nothing.
        plan: Makes the plan; raises `Refusal` with the way out.
        undo_step: Makes the step that undoes one of its steps, done at a UTC time; raises `Refusal` where it must not.
        undo_alone: Whether its steps are left out where a whole plan is undone, and come back only by themselves.
        writes: The calls that its steps make, by service and operation: a record of any other is not undone.
        rebase: Makes a step anew for a state that moved since the plan; raises `Refusal` where it must not.
        follows_lineage: Whether a plan is out of date when more is known to descend from its targets.
    """

    id: str
    title: str
    part: int
    takes: tuple[str, ...]
    danger: Danger
    rank: int
    fit: Callable[[Subjects, Context], Fit]
    plan: Callable[[Subjects, Context], Plan]
    undo_step: Callable[[Step, Context, str], Step] = undo.mirror
    undo_alone: bool = False
    writes: tuple[str, ...] = ()
    rebase: Callable[[Step, Any, Context], Step] = rebase.remerged
    follows_lineage: bool = False
