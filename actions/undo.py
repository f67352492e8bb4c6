"""Undo with sense: in reverse order, made from what the action knows, refusing where the world has moved on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actions import bucket_policy, writes
from actions.plan import Danger, Plan, Read, Refusal, Step
from actions.reads import difference, document, same
from actions.records import Told, undone_steps
from actions.statements import Statement, covered, covers, merged, statements, without
from s3ir_tui.aws.principals import revoked_before
from s3ir_tui.journal import redact

if TYPE_CHECKING:
    from actions.action import Action
    from actions.context import Context

MAKES_TABLE = "ask.create-table"
"""Plans of `ask --create-table`: no action of the list, and undone by taking the table away."""

_OF_TABLE = ("athena:StartQueryExecution",)


class Nothing(Refusal):
    """A step that has nothing left to undo: the old state is back already."""


def mirror(step: Step, ctx: Context, at: str) -> Step:  # noqa: ARG001 - the shape that every action's undo has
    """The step backwards, provided that what it did is still what is there.

    The call is made anew from what the step changed and from the state before it. The undo that its record holds is
    not sent: it could be anything.

    Args:
        step: The step as it was sent.
        ctx: The look at the world.
        at: UTC time of the plan's record.

    Raises:
        Refusal: No call puts the old state back, or the state has changed since.
    """
    write = writes.known(step, ctx.account_id)
    read = write.read(step.call)
    if read.document:
        return _take_out(step, read, ctx)
    if write.undo is None:
        raise Refusal(f"{step.target}: {step.no_undo or 'no call puts the old state back'}")
    whole(step, step.before)
    call = write.undo(step)
    found = ctx.state(read)
    if same(found, step.before):
        raise Nothing(f"{step.target}: the state before is back already")
    if not same(found, step.after):
        raise Refusal(f"{step.target}: changed since by someone else ({difference(step.after, found)})")
    return Step(
        call=call,
        target=step.target,
        summary=f"{_word(found)} -> {_word(step.before)}",
        read=read,
        before=found,
        after=step.before,
        action=step.action,
    )


def _take_out(step: Step, read: Read, ctx: Context) -> Step:
    """Our statements out of the policy as it is now; those of ours that stood there before come back.

    Nothing but denies of our own is taken out or put back: whatever a record says, an undo grants nothing that others
    did not grant meanwhile.
    """
    old, new = (tuple(item for item in statements(state) if _is_ours(item)) for state in (step.before, step.after))
    came, gone = without(new, old), without(old, new)
    found = ctx.state(read)
    if not came:
        raise Refusal(f"{step.target}: its record names no statement of ours that could be taken out")
    if not any(covered(found, item) or _has_sid(found, item) for item in came):
        raise Nothing(f"{step.target}: none of our statements is in the policy any more")
    returned = tuple(item for item in gone if any(covers(other, item) for other in came) or _sid_in(item, came))
    whole(step, list(returned))
    left = merged(found, came, returned)
    if same(found, left):
        raise Nothing(f"{step.target}: a later change of ours holds it: undo that first")
    dropped: tuple[str, ...] = ()
    if read.call.operation == "GetBucketPolicy":
        storable = bucket_policy.storable(ctx, step.target, left)
        left, dropped = storable.document, storable.dropped
    call = writes.put_policy(read.call, left, _to_the_letter(step, left))
    if call is None:
        raise Refusal(f"{step.target}: no call puts the old state back")
    return Step(
        call=call,
        target=step.target,
        summary=f"- {len(came)} of our denies" + (f", {len(returned)} as before" if returned else ""),
        read=read,
        before=found,
        after=left,
        action=step.action,
        note="; ".join(dropped),
    )


def _is_ours(statement: Statement) -> bool:
    if statement.get("Effect") != "Deny":
        return False
    return str(statement.get("Sid") or "").startswith(writes.OUR_SID) or bool(
        revoked_before({"Statement": [statement]})
    )


def _sid_in(statement: Statement, others: Sequence[Statement]) -> bool:
    sid = statement.get("Sid")
    return bool(sid) and any(item.get("Sid") == sid for item in others)


def _has_sid(found: Any, statement: Statement) -> bool:
    return _sid_in(statement, statements(found))


def _to_the_letter(step: Step, left: Mapping[str, Any] | None) -> str:
    """The text of the old policy, where it says the very same as what is to be put; "" otherwise."""
    text = (step.undo.params.get("Policy") if step.undo is not None else None) or ""
    return text if left is not None and isinstance(text, str) and same(document(text), left) else ""


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


def _word(state: Any) -> str:
    if state is None:
        return "none"
    return state.rsplit("/", 1)[-1] if isinstance(state, str) else "as before" if state else "empty"


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
        raise Refusal(f"there is no plan {ref} in this log, or its record cannot be understood")
    if item.plan.undo_of:
        raise Refusal(f"{ref} is itself an undo: to contain again, plan {item.plan.action} again")
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
        name, step = action_of(item.plan, index), item.plan.steps[index]
        try:
            back = _step_back(name, step, item.at, actions, ctx)
            steps.append(replace(back, undoes=index, action=name))
        except Nothing as nothing:
            wait = item.seconds_to_wait(index, ctx.clock())
            refused.append(f"{nothing} (or not visible yet: try again in {wait:.0f} s)" if wait > 0 else str(nothing))
        except Refusal as refusal:
            refused.append(str(refusal))
    return steps, refused


def _step_back(name: str, step: Step, at: str, actions: Mapping[str, Action], ctx: Context) -> Step:
    """The step that undoes one, after a look at whether the action can have made it at all.

    Raises:
        Refusal: Its record names an action or a call that this program does not know, or the action will not undo it.
    """
    action = actions.get(name)
    allowed = action.writes if action is not None else _OF_TABLE if name == MAKES_TABLE else None
    if allowed is None:
        raise Refusal(f"{step.target}: no undo, its record names an action that there is not ({name})")
    if step.call.name not in allowed:
        raise Refusal(f"{step.target}: no undo, {name} does not make the call that its record names ({step.call.name})")
    # What the state is read with comes from the write, too: a read of the record could show any state.
    write = writes.known(step, ctx.account_id)
    step = replace(step, read=write.read(step.call), target=writes.target_of(step.call))
    return (action.undo_step if action is not None else mirror)(step, ctx, at)


def _targets(plan: Plan, steps: list[Step], danger: Danger) -> Mapping[str, tuple[str, ...]]:
    if danger is Danger.IRREVERSIBLE:
        return {"access-key": tuple(dict.fromkeys(step.target for step in steps))}
    return plan.targets
