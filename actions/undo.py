"""Undo with sense: in reverse order, from the record, refusing where the world has moved on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from actions.plan import Danger, Plan, Refusal, Step
from actions.reads import difference, same
from actions.records import Told, undone_steps
from s3ir_tui.journal import redact

if TYPE_CHECKING:
    from actions.action import Action
    from actions.context import Context


class Nothing(Refusal):
    """A step that has nothing left to undo: the old state is back already."""


def mirror(step: Step, ctx: Context, at: str) -> Step:  # noqa: ARG001 - the shape that every action's undo has
    """The step backwards, provided that what it did is still what is there.

    Args:
        step: The step as it was sent.
        ctx: The look at the world.
        at: UTC time of the plan's record.

    Raises:
        Refusal: No call puts the old state back, or the state has changed since.
    """
    if step.undo is None:
        raise Refusal(f"{step.target}: {step.no_undo or 'no call puts the old state back'}")
    whole(step, step.undo.params)
    found = ctx.state(step.read)
    if same(found, step.before):
        raise Nothing(f"{step.target}: the state before is back already")
    if not same(found, step.after):
        raise Refusal(f"{step.target}: changed since by someone else ({difference(step.after, found)})")
    return Step(
        call=step.undo,
        target=step.target,
        summary=backwards(step.summary),
        read=step.read,
        before=found,
        after=step.before,
        undo=step.call,
        action=step.action,
    )


def whole(step: Step, value: object) -> None:
    """Refuse to send what the log does not hold to the letter: it keeps out whatever looks like a secret.

    Raises:
        Refusal: Something was taken out of the value.
    """
    if redact.marked(value):
        raise Refusal(
            f"{step.target}: the old state holds something that looks like a secret and was kept out of the log: "
            "put it back by hand"
        )


def backwards(summary: str) -> str:
    """`Active -> Inactive` as `Inactive -> Active`; other summaries with `undo:` before them."""
    left, arrow, right = summary.partition(" -> ")
    return f"{right} -> {left}" if arrow else f"undo: {summary}"


def undo_plan(told: Mapping[str, Told], ref: str, actions: Mapping[str, Action], ctx: Context) -> Plan:
    """The plan that undoes what is left of a plan.

    Compromised keys are left out while anything else is left to undo: they come back in a plan of their own, which asks
    for the target and a reason.

    Args:
        told: The plans that the log tells of.
        ref: Reference of the plan record.
        actions: The registry.
        ctx: The look at the world.

    Raises:
        Refusal: There is no such plan, or nothing of it can be undone now.
    """
    item = told.get(ref)
    if item is None:
        raise Refusal(f"there is no plan {ref} in this log")
    gone = undone_steps(told, ref)
    left = [index for index in range(len(item.plan.steps)) if item.took_effect(index) and index not in gone]
    if not left:
        raise Refusal(f"nothing of {item.plan.action} ({ref}) is left to undo")

    def alone(index: int) -> bool:
        action = actions.get(action_of(item.plan, index))
        return action is not None and action.undo_alone

    together = [index for index in left if not alone(index)]
    kept = [index for index in left if alone(index)]
    steps, refused = _steps(item, together, actions, ctx)
    danger, why = Danger.REVERSIBLE, list(refused)
    if steps:
        why += [f"{item.plan.steps[index].target} stays as it is: undo again for it alone" for index in kept]
        danger = Danger.WIDE if len(steps) > 1 else Danger.REVERSIBLE
    elif kept:
        steps, refused_kept = _steps(item, kept, actions, ctx)
        why += refused_kept
        danger = Danger.IRREVERSIBLE
    if not steps:
        raise Refusal("cannot be undone now: " + "; ".join(why))
    return Plan(
        action=item.plan.action,
        title=f"Undo {item.plan.title}",
        targets=_targets(item.plan, steps, danger),
        steps=tuple(steps),
        danger=danger,
        warnings=tuple(why) + tuple(step.note for step in steps if step.note),
        made_at=ctx.now,
        undo_of=ref,
    )


def action_of(plan: Plan, index: int) -> str:
    """Id of the action that a step comes from."""
    return plan.steps[index].action or plan.action


def _steps(item: Told, indexes: list[int], actions: Mapping[str, Action], ctx: Context) -> tuple[list[Step], list[str]]:
    steps: list[Step] = []
    refused: list[str] = []
    for index in reversed(indexes):
        name = action_of(item.plan, index)
        try:
            # A plan that is no action of the list, such as that of a table for Athena, is mirrored.
            undo_step = actions[name].undo_step if name in actions else mirror
            back = undo_step(item.plan.steps[index], ctx, item.at)
            steps.append(replace(back, undoes=index, action=name))
        except Refusal as refusal:
            refused.append(str(refusal))
    return steps, refused


def _targets(plan: Plan, steps: list[Step], danger: Danger) -> Mapping[str, tuple[str, ...]]:
    if danger is Danger.IRREVERSIBLE:
        return {"access-key": tuple(dict.fromkeys(step.target for step in steps))}
    return plan.targets
