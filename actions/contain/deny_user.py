"""contain.deny-user: a user may do nothing any more, with any key, session or password."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actions import inline, lockout, undo, who
from actions.action import Action, Fit
from actions.context import Context
from actions.plan import AlreadyInPlace, Call, Danger, Plan, Read, Refusal, Step
from actions.seen import live_sessions, others_on_user
from actions.statements import covered
from actions.subjects import Subjects

ID = "contain.deny-user"
INLINE_NAME = "S3irDenyAll"
MANAGED_QUOTA = 10
HIGHEST_MANAGED_QUOTA = 20
"""Managed policies that a user may have attached by default, and with the quota raised (IAM User Guide, quotas)."""

_DENY_ALL: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": INLINE_NAME, "Effect": "Deny", "Action": "*", "Resource": "*"}],
}


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits users of this account that are not denied everything yet."""
    found = who.users(subjects, ctx)
    if not found:
        return Fit("not an IAM user of this account")
    left = [user for user in found if not denied(user, ctx)]
    return Fit(detail="AWSDenyAll") if left else Fit("is denied everything already")


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each user."""
    found = who.users(subjects, ctx)
    if not found:
        raise Refusal("choose an IAM user of this account, or one of its access keys")
    checked = [lockout.check_user(ctx, user) for user in found]
    steps = tuple(deny_step(user, ctx) for user in found if not denied(user, ctx))
    if not steps:
        raise AlreadyInPlace(*(f"{user}: denied everything already" for user in found))
    return Plan(
        action=ID,
        title=f"Deny {who.names(found)} everything",
        targets=subjects.targets,
        steps=steps,
        danger=Danger.REVERSIBLE,
        warnings=(
            "GetSessionToken needs no permission: disable the keys as well (contain.disable-access-key)",
            "Sessions of roles that the user assumed do not inherit the deny (contain.lineage follows them)",
        ),
        breaks=tuple(line for step in steps for line in step.breaks),
        checked=tuple(dict.fromkeys(checked)),
        principals=tuple(str(ctx.user(user)["Arn"]) for user in found),
        made_at=ctx.now,
        independent=True,
    )


def deny_all_arn(ctx: Context) -> str:
    """AWS's managed policy that denies everything."""
    return f"arn:{ctx.account.partition}:iam::aws:policy/AWSDenyAll"


def _attached(user: str, arn: str) -> Read:
    pick = f"AttachedPolicies[?PolicyArn=='{arn}'].PolicyArn | [0]"
    return Read(Call("iam", "ListAttachedUserPolicies", {"UserName": user}), pick=pick, absent=("NoSuchEntity",))


def denied(user: str, ctx: Context) -> bool:
    """Whether a user is denied everything by one of the two ways already."""
    ctx.user(user)
    if ctx.state(_attached(user, deny_all_arn(ctx))) is not None:
        return True
    # The name alone proves nothing: anyone may have put another document there.
    return covered(ctx.state(inline.read("user", user, INLINE_NAME)), _DENY_ALL["Statement"][0])


def deny_step(user: str, ctx: Context) -> Step:
    """Attach AWSDenyAll; an inline deny where the user has as many managed policies as it may have.

    Raises:
        Refusal: Neither fits.
    """
    breaks = others_on_user(ctx, user)
    arn = deny_all_arn(ctx)
    managed = ctx.listed("iam", "ListAttachedUserPolicies", {"UserName": user}, "AttachedPolicies")
    full = len(managed) >= MANAGED_QUOTA
    room = full and inline.fits(ctx, "user", user, INLINE_NAME, _DENY_ALL)
    if len(managed) >= HIGHEST_MANAGED_QUOTA and not room:
        raise Refusal(
            f"{user} has {len(managed)} managed policies and no room for an inline one. {_way_out(user, arn)}"
        )
    if room:
        summary = f"+ {INLINE_NAME} (inline: {len(managed)} managed policies are attached)"
        return inline.put(ctx, "user", user, INLINE_NAME, _DENY_ALL, summary=summary, breaks=breaks, action=ID)
    params = {"UserName": user, "PolicyArn": arn}
    return Step(
        call=Call("iam", "AttachUserPolicy", params),
        target=user,
        summary="+ AWSDenyAll",
        read=_attached(user, arn),
        before=None,
        after=arn,
        undo=Call("iam", "DetachUserPolicy", params),
        breaks=breaks,
        note=f"{len(managed)} managed policies are attached, which takes a raised quota, and there is no room for an "
        f"inline one. If IAM answers LimitExceeded: {_way_out(user, arn)}"
        if full
        else "",
        action=ID,
    )


def _way_out(user: str, arn: str) -> str:
    return (
        "Way out: detach a policy and plan again, or deny by the permissions boundary (aws iam "
        f"put-user-permissions-boundary --user-name {user} --permissions-boundary {arn}), and disable its keys "
        "(contain.disable-access-key)."
    )


def allow_step(step: Step, ctx: Context, at: str) -> Step:
    """Take the deny off; sessions that it cut and that are still alive work again, which the step says."""
    alive = live_sessions(ctx, step.target)
    note = f"{step.target}: {who.names(alive)} work again, not yet expired" if alive else ""
    return replace(undo.mirror(step, ctx, at), note=note)


ACTION = Action(
    id=ID,
    title="deny the user everything",
    part=2,
    takes=("principal", "user", "access-key"),
    danger=Danger.REVERSIBLE,
    rank=10,
    fit=fit,
    plan=plan,
    writes=("iam:AttachUserPolicy", "iam:PutUserPolicy"),
    undo_step=allow_step,
)
