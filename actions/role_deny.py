"""A role whose inline policies are full is denied everything by AWS's managed policy instead."""

from __future__ import annotations

from actions import writes
from actions.context import Context
from actions.plan import AlreadyInPlace, Call, Refusal, Step

HIGHEST_QUOTA = 20
"""Managed policies that a role may have attached where the quota was raised; 10 by default (IAM User Guide, quotas)."""


def deny_step(role: str, ctx: Context, breaks: tuple[str, ...], action: str) -> Step:
    """Attach AWSDenyAll to a role: unlike a cut-off, it stops sessions that are issued later, too.

    Args:
        role: Name of the role, which IAM lets us edit.
        ctx: The look at the world.
        breaks: What stops working.
        action: Id of the action that the step is for.

    Raises:
        AlreadyInPlace: It is attached already.
        Refusal: The role may have no more managed policies either; the message names the way out.
    """
    arn = f"arn:{ctx.account.partition}:iam::aws:policy/AWSDenyAll"
    managed = ctx.listed("iam", "ListAttachedRolePolicies", {"RoleName": role}, "AttachedPolicies")
    way_out = (
        f"aws iam put-role-permissions-boundary --role-name {role} --permissions-boundary {arn}, or detach a policy "
        "and plan again"
    )
    if any(str(item["PolicyArn"]) == arn for item in managed):
        raise AlreadyInPlace(f"{role}: denied everything already")
    if len(managed) >= HIGHEST_QUOTA:
        raise Refusal(f"{role} has no room for an inline policy, and {len(managed)} managed ones. Way out: {way_out}.")
    call = Call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
    return Step(
        call=call,
        target=role,
        summary="+ AWSDenyAll (its inline policies have no room for a cut-off)",
        read=writes.attached_read(call),
        before=None,
        after=arn,
        undo=Call("iam", "DetachRolePolicy", {"RoleName": role, "PolicyArn": arn}),
        breaks=(*breaks, f"role/{role}: stops for every session, those that are issued later too, until it is undone"),
        note=f"If IAM answers LimitExceeded: {way_out}",
        action=action,
    )
