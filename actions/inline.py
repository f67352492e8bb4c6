"""Inline policies of users and roles: the step that puts one, and its undo."""

from __future__ import annotations

from typing import Any, Literal

from actions.context import Context
from actions.plan import Call, Read, Step
from s3ir_tui import policy

Kind = Literal["user", "role"]


def read(kind: Kind, name: str, policy_name: str) -> Read:
    """How an inline policy is read; `None` where it does not exist."""
    operation, parameter = ("GetUserPolicy", "UserName") if kind == "user" else ("GetRolePolicy", "RoleName")
    return Read(
        Call("iam", operation, {parameter: name, "PolicyName": policy_name}),
        pick="PolicyDocument",
        absent=("NoSuchEntity",),
        document=True,
    )


def put(ctx: Context, kind: Kind, name: str, policy_name: str, document: dict[str, Any], **told: Any) -> Step:
    """The step that puts an inline policy, with what undoes it.

    Args:
        ctx: The look at the world.
        kind: Whether it is a user's or a role's.
        name: Name of the user or role.
        policy_name: Name of the policy.
        document: The policy.
        **told: What the step says of itself: `summary`, `breaks`, `note`, `action`.
    """
    state = read(kind, name, policy_name)
    before = ctx.state(state)
    return Step(
        call=_call(kind, "Put", name, policy_name, document),
        target=name,
        read=state,
        before=before,
        after=document,
        undo=_call(kind, "Delete", name, policy_name)
        if before is None
        else _call(kind, "Put", name, policy_name, before),
        **told,
    )


def _call(kind: Kind, verb: str, name: str, policy_name: str, document: Any = None) -> Call:
    owner = {"UserName": name} if kind == "user" else {"RoleName": name}
    params = {**owner, "PolicyName": policy_name}
    if document is not None:
        params["PolicyDocument"] = policy.minify(document)
    return Call("iam", f"{verb}{'User' if kind == 'user' else 'Role'}Policy", params)


def size(ctx: Context, kind: Kind, name: str) -> int:
    """Characters that the inline policies of a user or role take together."""
    listing, parameter = ("ListUserPolicies", "UserName") if kind == "user" else ("ListRolePolicies", "RoleName")
    total = 0
    for policy_name in ctx.listed("iam", listing, {parameter: name}, "PolicyNames"):
        document = ctx.state(read(kind, name, str(policy_name)))
        total += policy.characters(document) if document else 0
    return total


def fits(ctx: Context, kind: Kind, name: str, policy_name: str, document: dict[str, Any]) -> bool:
    """Whether a user or role has room for an inline policy, in the place of the one of that name.

    Source: IAM User Guide, quotas: all inline policies of one identity together, white space not counted.
    """
    before = ctx.state(read(kind, name, policy_name))
    taken = size(ctx, kind, name) - (policy.characters(before) if before else 0)
    return taken + policy.characters(document) <= policy.INLINE_LIMITS[kind]
