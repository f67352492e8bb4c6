"""contain.disable-access-key: a user's long-term keys from Active to Inactive."""

from __future__ import annotations

from dataclasses import replace

from actions import undo, who
from actions.action import Action, Fit
from actions.context import Context
from actions.lockout import LockOut
from actions.plan import AlreadyInPlace, Call, Danger, Plan, Read, Step
from actions.subjects import Subjects, subject
from s3ir_tui.text import middle

ID = "contain.disable-access-key"
_LIVE_ON = "temporary credentials made with it live on (up to 36 h): contain.deny-user goes with it"


def _keys(subjects: Subjects, ctx: Context) -> tuple[who.Key, ...]:
    found: list[who.Key] = []
    for key in subjects.keys:
        user = who.owner_of(key, ctx)
        found += [item for item in who.keys_of(user, ctx) if item.id == key]
    for user in subjects.users:
        found += who.keys_of(user, ctx)
    return tuple(dict.fromkeys(item for item in found if item.status == "Active"))


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits users with an active key, and keys."""
    if not subjects.keys and not subjects.users:
        return Fit("not an IAM user or access key")
    if subjects.keys and all(key.startswith("ASIA") for key in subjects.keys) and not subjects.users:
        return Fit("a session's key cannot be disabled")
    active = _keys(subjects, ctx)
    if not active:
        return Fit("has no active access key")
    return Fit(detail=", ".join(middle(key.id, 13) for key in active))


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each active key, newest first."""
    active = _keys(subjects, ctx)
    if not active:
        raise AlreadyInPlace("there is no active access key left to disable")
    steps = tuple(disable_step(key, ctx) for key in active)
    return Plan(
        action=ID,
        title=f"Disable {who.names(key.id for key in active)} of {who.names(dict.fromkeys(k.user for k in active))}",
        targets=subjects.targets,
        steps=steps,
        danger=Danger.REVERSIBLE,
        warnings=(_LIVE_ON[0].upper() + _LIVE_ON[1:],),
        checked=(f"lock-out checked: not the key of this console ({middle(ctx.account.own_access_key, 13)})",),
        principals=tuple(key.id for key in active),
        made_at=ctx.now,
        independent=True,
    )


def read(user: str, key: str) -> Read:
    """How the status of a key is read."""
    pick = f"AccessKeyMetadata[?AccessKeyId=='{key}'].Status | [0]"
    return Read(Call("iam", "ListAccessKeys", {"UserName": user}), pick=pick, absent=("NoSuchEntity",))


def disable_step(key: who.Key, ctx: Context) -> Step:
    """The step that disables a key. The user is always named: without it IAM takes the caller's own user.

    Raises:
        LockOut: It is the responder's own key.
    """
    _not_ours(key, ctx)
    params = {"UserName": key.user, "AccessKeyId": key.id}
    return Step(
        call=Call("iam", "UpdateAccessKey", {**params, "Status": "Inactive"}),
        target=key.id,
        summary="Active -> Inactive",
        read=read(key.user, key.id),
        before="Active",
        after="Inactive",
        undo=Call("iam", "UpdateAccessKey", {**params, "Status": "Active"}),
        note=f"key of {key.user}, made {key.created[:16]}Z; {_LIVE_ON}",
        action=ID,
    )


def _not_ours(key: who.Key, ctx: Context) -> None:
    me = subject(ctx.account.identity.arn)
    session_of_user = me.kind == "user" and me.name == key.user and ctx.account.own_access_key.startswith("ASIA")
    if key.id in ctx.account.own_keys or session_of_user:
        raise LockOut(
            f"refused: {key.id} is (or may be) the key that this console signs with. Way out: start the console as "
            "another identity (a break-glass role), then disable it from there."
        )


def enable_step(step: Step, ctx: Context, at: str) -> Step:
    """Back to Active: only by itself, with a reason, since whoever stole the key can use it again."""
    return replace(undo.mirror(step, ctx, at), note=f"{step.target}: whoever holds this key can use it again")


ACTION = Action(
    id=ID,
    title="disable access keys",
    part=2,
    takes=("principal", "user", "access-key"),
    danger=Danger.REVERSIBLE,
    rank=20,
    fit=fit,
    plan=plan,
    writes=("iam:UpdateAccessKey",),
    undo_step=enable_step,
    undo_alone=True,
)
