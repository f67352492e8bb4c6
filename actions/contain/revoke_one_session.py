"""contain.revoke-one-session: a role's session of one name is denied everything, now and when it is issued anew."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from actions import inline, lockout, seen, undo, who
from actions.action import Action, Fit
from actions.contain.revoke_role_sessions import NoRoom, longest_session, names_by_aws
from actions.context import Context
from actions.plan import AlreadyInPlace, Danger, Plan, Refusal, Step, made_of
from actions.subjects import Subjects
from s3ir_tui import policy
from s3ir_tui.model import iso

ID = "contain.revoke-one-session"
POLICY_NAME = "S3irDenySessions"
SID = "S3irDenySessions"


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits role sessions, and instances that have a role."""
    found = who.sessions(subjects, ctx)
    if not found:
        return Fit("not a session of a role of this account")
    for role in {item.name for item in found}:
        who.editable(role, ctx)
    return Fit(detail=who.names(f"{item.name}/{item.session}" for item in found))


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each role."""
    found = who.sessions(subjects, ctx)
    if not found:
        raise Refusal("choose a session of a role, or an instance that has one")
    checked = [lockout.check_session(ctx, item) for item in found]
    roles = tuple(dict.fromkeys(item.name for item in found))
    steps, in_place = made_of(
        functools.partial(deny_step, role, [item.session for item in found if item.name == role], ctx) for role in roles
    )
    return Plan(
        action=ID,
        title=f"Deny {who.names(f'{item.name}/{item.session}' for item in found)} everything",
        targets=subjects.targets,
        steps=tuple(steps),
        danger=Danger.REVERSIBLE,
        warnings=tuple(
            f"Whoever may assume {role} can choose another session name: contain.revoke-role-sessions is surer"
            for role in roles
            if not names_by_aws(role, ctx)
        ),
        breaks=tuple(line for step in steps for line in step.breaks),
        checked=tuple(dict.fromkeys(checked)),
        principals=tuple(item.id for item in found),
        made_at=ctx.now,
        independent=True,
        in_place=in_place,
    )


def user_id(role: str, session: str, ctx: Context) -> str:
    """`aws:userid` of a session: the role's unique id and the session name."""
    return f"{ctx.role(role)['RoleId']}:{session}"


def deny_step(role: str, sessions: Sequence[str], ctx: Context) -> Step:
    """The step that denies sessions by name, beside those that are denied already.

    Raises:
        Refusal: IAM does not let anyone edit the role.
        AlreadyInPlace: They are all denied already.
    """
    who.editable(role, ctx)
    before = ctx.state(inline.read("role", role, POLICY_NAME))
    denied = _denied(before)
    wanted = [user_id(role, session, ctx) for session in sessions]
    if set(wanted) <= set(denied):
        raise AlreadyInPlace(f"{role}: {who.names(sessions)} denied everything already")
    statement = {
        "Sid": SID,
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:userid": sorted({*denied, *wanted})}},
    }
    after = policy.merge(before, [statement])
    if not inline.fits(ctx, "role", role, POLICY_NAME, after):
        raise NoRoom(
            f"{role}: its inline policies have no room for another. Way out: contain.revoke-role-sessions, which has "
            "another way then"
        )
    return inline.put(
        ctx,
        "role",
        role,
        POLICY_NAME,
        after,
        summary=f"+ deny {who.names(sessions)}",
        breaks=_breaks(role, sessions, ctx),
        note="holds for credentials issued later under the same name too, such as those that an instance hands out",
        action=ID,
    )


def _denied(document: Any) -> list[str]:
    if not isinstance(document, Mapping):
        return []
    for statement in policy.statements(document):
        if statement.get("Sid") == SID:
            values = statement["Condition"]["StringEquals"]["aws:userid"]
            return [values] if isinstance(values, str) else list(values)
    return []


def _breaks(role: str, sessions: Sequence[str], ctx: Context) -> tuple[str, ...]:
    others = seen.others_on_role(ctx, role, frozenset(sessions))
    lines = [f"stops for whoever works under this name: {role}/{session}" for session in sessions]
    lines += [f"goes on, other session of the role: {seen.use(item)}" for item in others]
    return tuple(lines)


def allow_step(step: Step, ctx: Context, at: str) -> Step:
    """Take the deny off, once every credential that was issued before it has expired.

    Raises:
        Refusal: A credential that it cut could still be alive, or someone changed the policy since.
    """
    begun = datetime.strptime(at[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    over = begun + longest_session(step.target, ctx)
    if ctx.clock() < over:
        raise Refusal(
            f"role/{step.target} keeps its denied sessions: credentials stolen before {iso(begun)} can be alive "
            f"until {iso(over)}"
        )
    return undo.mirror(step, ctx, at)


ACTION = Action(
    id=ID,
    title="deny one session of the role",
    part=2,
    takes=("principal", "instance"),
    danger=Danger.REVERSIBLE,
    rank=40,
    fit=fit,
    plan=plan,
    writes=("iam:PutRolePolicy",),
    undo_step=allow_step,
)
