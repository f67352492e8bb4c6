"""contain.revoke-role-sessions: every session of a role issued until now is denied everything."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from actions import inline, lockout, role_deny, seen, undo, who
from actions.action import Action, Fit
from actions.context import Context
from actions.moment import AHEAD, RUN_TIME
from actions.plan import AlreadyInPlace, Danger, Plan, Refusal, Step, made_of
from actions.records import time_of
from actions.subjects import Subjects
from s3ir_tui import policy
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.instances import read_instances
from s3ir_tui.aws.principals import REVOKE_POLICY, as_document, revoked_before, trusted
from s3ir_tui.model import iso

ID = "contain.revoke-role-sessions"
SOME_POLICY = "S3irRevokeSessions"

_INSTANCES = "Service:ec2.amazonaws.com"
_NAMING = (_INSTANCES, "Service:ecs-tasks.amazonaws.com")

SERVICE_SESSION = timedelta(hours=12)
"""How long credentials that AWS services get for a role are taken to live: the role's maximum does not bound them."""


class NoRoom(Refusal):
    """The inline policies of a role have no room for what was planned; another action has a way."""


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits roles of this account that IAM lets anyone edit."""
    found = who.roles(subjects, ctx)
    if not found:
        return Fit("not a role" if subjects.principals or subjects.keys else "no role is known for it")
    for role in found:
        who.editable(role, ctx)
    return Fit(detail=f"{who.names(found)}, all issued until now")


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each role."""
    found = who.roles(subjects, ctx)
    if not found:
        raise Refusal("choose a role of this account, one of its sessions, or an instance that has a role")
    checked = [lockout.check_role(ctx, role) for role in found]
    steps, in_place = made_of(functools.partial(revoke_step, role, ctx) for role in found)
    warnings = ["The trust policy stays as it is: whoever may assume the role can do so again"]
    warnings += [warning for role in found for warning in open_metadata(role, ctx)]
    return Plan(
        action=ID,
        title=f"Revoke the sessions of {who.names(found)}",
        targets=subjects.targets,
        steps=tuple(steps),
        danger=Danger.REVERSIBLE,
        warnings=tuple(warnings),
        breaks=tuple(line for step in steps for line in step.breaks),
        checked=tuple(dict.fromkeys(checked)),
        principals=tuple(dict.fromkeys([item.id for item in who.sessions(subjects, ctx)] or _arns(found, ctx))),
        made_at=ctx.now,
        independent=True,
        in_place=in_place,
    )


def _arns(roles: tuple[str, ...], ctx: Context) -> list[str]:
    return [str(ctx.role(role)["Arn"]) for role in roles]


def revoke_step(role: str, ctx: Context, theirs: frozenset[str] = frozenset()) -> Step:
    """The step that moves the role's cut-off to the time of the write plus 30 seconds; never backward.

    Args:
        role: Name of the role.
        ctx: The look at the world.
        theirs: Session names of the attacker, which are not told as broken.

    Raises:
        Refusal: IAM does not let anyone edit the role, or it has room for no policy of any kind.
        AlreadyInPlace: It is revoked beyond that time already.
    """
    who.editable(role, ctx)
    before = ctx.state(inline.read("role", role, REVOKE_POLICY))
    cutoff = revoked_before(before)
    if cutoff is not None and cutoff > iso(ctx.clock() + AHEAD):
        raise AlreadyInPlace(f"{role} is revoked up to {cutoff} already: a cut-off is never moved backward")
    if not inline.fits(ctx, "role", role, REVOKE_POLICY, _moved(before)):
        return role_deny.deny_step(role, ctx, _breaks(role, ctx, theirs), ID)
    return inline.put(
        ctx,
        "role",
        role,
        REVOKE_POLICY,
        _moved(before),
        summary=f"cut-off {cutoff or 'none'} -> {RUN_TIME}",
        breaks=_breaks(role, ctx, theirs),
        note="until IAM has spread the change (seconds to minutes) the old sessions still work",
        action=ID,
    )


def _moved(before: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = [item for item in _statements(before) if revoked_before({"Statement": [item]}) is None]
    revoke = {
        "Effect": "Deny",
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": RUN_TIME}},
    }
    return {"Version": "2012-10-17", "Statement": [*kept, revoke]}


def revoke_some_step(role: str, sessions: Collection[str], ctx: Context) -> Step:
    """The step that revokes, of all sessions of a role, those of some names, issued until the write plus 30 seconds.

    For sessions whose names the thief cannot choose, such as those of an instance: the other sessions of the role go on
    undisturbed, and the rightful user of these names is back with its next credentials.

    Args:
        role: Name of the role.
        sessions: Session names.
        ctx: The look at the world.

    Raises:
        NoRoom: The inline policies of the role have no room for it.
        Refusal: IAM does not let anyone edit the role.
    """
    who.editable(role, ctx)
    before = ctx.state(inline.read("role", role, SOME_POLICY))
    ident = ctx.role(role)["RoleId"]
    meant = {f"{ident}:{name}" for name in sessions} | _revoked_ids(before)
    statement = {
        "Sid": SOME_POLICY,
        "Effect": "Deny",
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {
            "StringEquals": {"aws:userid": sorted(meant)},
            "DateLessThan": {"aws:TokenIssueTime": RUN_TIME},
        },
    }
    after = policy.merge(before, [statement])
    if not inline.fits(ctx, "role", role, SOME_POLICY, after):
        raise NoRoom(
            f"{role}: its inline policies have no room for another. Way out: contain.revoke-role-sessions, which has "
            "another way then"
        )
    return inline.put(
        ctx,
        "role",
        role,
        SOME_POLICY,
        after,
        summary=f"{who.names(sessions)}: cut-off {revoked_before(before) or 'none'} -> {RUN_TIME}",
        breaks=_breaks_some(role, sessions, ctx),
        note="until IAM has spread the change (seconds to minutes) the old sessions still work",
        action=ID,
    )


def _revoked_ids(document: Any) -> set[str]:
    for statement in _statements(document):
        if statement.get("Sid") == SOME_POLICY:
            values = statement["Condition"]["StringEquals"]["aws:userid"]
            return {values} if isinstance(values, str) else set(values)
    return set()


def _breaks_some(role: str, sessions: Collection[str], ctx: Context) -> tuple[str, ...]:
    lines = [
        f"cut until it fetches new credentials (an SDK may need a restart): whoever works as {role}/{name} itself"
        for name in sessions
    ]
    lines += [f"goes on: {seen.use(item)}" for item in seen.others_on_role(ctx, role, sessions)]
    lines.append(f"{role}/{who.names(sessions)}: also what is issued within {AHEAD.seconds} s after the write")
    return tuple(lines)


def _statements(document: Any) -> list[Any]:
    found = as_document(document).get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _breaks(role: str, ctx: Context, theirs: frozenset[str]) -> tuple[str, ...]:
    others = seen.others_on_role(ctx, role, theirs)
    lines = [f"cut until it fetches new credentials: {seen.use(item)}" for item in others]
    if not others:
        lines.append(f"role/{role}: no other session {seen.since(ctx)}")
    lines.append(f"role/{role}: also what is issued within {AHEAD.seconds} s after the write; it must be fetched again")
    return tuple(lines)


def open_metadata(role: str, ctx: Context) -> list[str]:
    """A warning for each instance of the role whose metadata service still answers without a token."""
    if not any(item.startswith(_INSTANCES) for item in trusted(ctx.role(role).get("AssumeRolePolicyDocument"))):
        return []
    arn = str(ctx.role(role)["Arn"])
    try:
        found = [item for item in read_instances(ctx.account) if item.role == arn and item.imds_v1]
    except AwsError as error:
        return [f"instances of {role} not readable ({error.short}): new credentials may be stolen the same way"]
    return [
        f"{item.id} still has IMDSv1: new credentials of {role} can be stolen from it at once "
        "(contain.revoke-one-session holds against that)"
        for item in found
    ]


def names_by_aws(role: str, ctx: Context) -> bool:
    """Whether AWS alone chooses the names of a role's sessions.

    True of instances (the instance id) and of ECS tasks (the task id). A session of Lambda is named after the function,
    one of CodeBuild or Glue after a build or job: whoever may make one of those with the role chooses its name.
    """
    trusts = trusted(ctx.role(role).get("AssumeRolePolicyDocument"))
    return bool(trusts) and all(item.startswith(_NAMING) for item in trusts)


def longest_session(role: str, ctx: Context) -> timedelta:
    """How long a session of a role can live.

    Source: IAM User Guide: the role's maximum does not limit sessions assumed by AWS services.
    """
    found = ctx.role(role)
    longest = timedelta(seconds=int(found.get("MaxSessionDuration") or 3600))
    trusts = trusted(found.get("AssumeRolePolicyDocument"))
    return max(longest, SERVICE_SESSION) if any(item.startswith("Service:") for item in trusts) else longest


def lift_step(step: Step, ctx: Context, at: str) -> Step:
    """Take the cut-off back, once every session that it cut has expired.

    Raises:
        Refusal: A session that it cut could still be alive, or someone changed the policy since.
    """
    cutoff = iso(time_of(at)) if step.call.operation == "AttachRolePolicy" else revoked_before(step.after)
    if cutoff is not None:
        over = datetime.strptime(cutoff, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + longest_session(step.target, ctx)
        if ctx.clock() < over:
            raise Refusal(
                f"role/{step.target} stays revoked: sessions issued before {cutoff} can be alive until {iso(over)}, "
                "and lifting it now would give them back to the thief"
            )
    return undo.mirror(step, ctx, at)


ACTION = Action(
    id=ID,
    title="revoke all sessions of the role",
    part=2,
    takes=("principal", "role", "instance"),
    danger=Danger.REVERSIBLE,
    rank=30,
    fit=fit,
    plan=plan,
    writes=("iam:PutRolePolicy", "iam:AttachRolePolicy"),
    undo_step=lift_step,
)
