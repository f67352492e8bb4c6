"""Never lock the responders out: what a change would deny to the caller, break-glass and AWS's own writers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.context import Context
from actions.plan import Refusal
from actions.subjects import Subject, subject
from s3ir_tui import policy
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.text import short_arn


class LockOut(Refusal):
    """A plan that would cut the responders, or a service that they need."""


_LOG_WRITERS = ("cloudtrail.amazonaws.com", "logging.s3.amazonaws.com", "delivery.logs.amazonaws.com")
_OF_BUCKET = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:ListBucket", "s3:GetBucketAcl")
_OF_OBJECTS = ("s3:GetObject", "s3:PutObject")
_KNOWN_KEYS = frozenset(
    f"aws:{name}"
    for name in ("principalarn", "userid", "principalaccount", "principaltype", "username", "principalisawsservice")
)
"""Condition keys whose values follow from who somebody is; every other one depends on the request."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Somebody who must not be cut.

    Attributes:
        label: In words: `you (user/alice)`, `break-glass role/rescue`.
        who: As policies see them.
        subject: The user, role or session, taken apart.
        own: Whether it is this console, or whose credentials it stands on.
    """

    label: str
    who: policy.Caller
    subject: Subject
    own: bool = False


def caller(ctx: Context) -> policy.Caller:
    """The console's own identity as policies see it, with the role's path, which a session ARN does not have."""
    identity = ctx.account.identity
    who = subject(identity.arn)
    arn = identity.principal_arn
    if who.kind == "session":
        try:
            arn = str(ctx.role(who.name)["Arn"])
        except (AwsError, Refusal):
            arn = identity.principal_arn
    return policy.Caller(
        account=identity.account,
        arn=arn,
        session_arn=identity.arn if who.kind == "session" else None,
        unique_id=identity.user_id,
        root=who.kind == "root",
    )


def must_stay(ctx: Context) -> list[Kept]:
    """The caller, whoever's credentials it assumed its role with, and the break-glass principals.

    Raises:
        Refusal: A break-glass principal cannot be resolved, so that nobody can say whether it would be cut.
    """
    me = subject(ctx.account.identity.arn)
    kept = [Kept(f"you ({short_arn(ctx.account.identity.arn)})", caller(ctx), me, own=True)]
    for arn in ctx.account.sources:
        if arn != ctx.account.identity.arn:
            who = _resolved(ctx, arn, strict=False)
            kept.append(Kept(f"you, behind your role ({short_arn(arn)})", _caller_of(who), subject(arn), own=True))
    for arn in ctx.break_glass:
        who = _resolved(ctx, arn, strict=True)
        kept.append(Kept(f"break-glass {short_arn(arn)}", _caller_of(who), who))
    return kept


def _caller_of(who: Subject) -> policy.Caller:
    return policy.Caller(account=who.account or None, arn=who.id)


def _resolved(ctx: Context, arn: str, *, strict: bool) -> Subject:
    """A principal by the ARN that policies compare: of a session its role's, of a user or role with its path.

    Raises:
        Refusal: It cannot be resolved, and that matters.
    """
    who = subject(arn)
    if who.kind == "session" and who.account != ctx.account_id and strict:
        raise Refusal(
            f"break_glass names the session {arn} of another account, whose role's path cannot be read. Way out: write "
            "the role's ARN there (arn:aws:iam::ACCOUNT:role/PATH/NAME)."
        )
    if who.account != ctx.account_id or who.kind not in ("session", "user", "role"):
        return who
    kind = "user" if who.kind == "user" else "role"
    try:
        return subject(ctx.arn_of(kind, who.name))
    except Refusal as refusal:
        if strict and (who.kind == "session" or "there is no" in str(refusal)):
            raise Refusal(
                f"break_glass names {arn}, which cannot be resolved ({refusal}): whether it would be cut cannot be "
                "said. Way out: correct break_glass in the settings, or take it off, and plan again."
            ) from None
        return who


def check_bucket(ctx: Context, bucket: str, before: Any, after: Any) -> str:
    """Refuse a bucket policy whose added statements would deny the responders or the log services something.

    The added statements are judged alone: what the old policy denies to a request without an address, an endpoint or
    an organization, as data perimeters do, says nothing of the responders' real requests.

    Args:
        ctx: The look at the world.
        bucket: Bucket name.
        before: The policy as it is, or `None`.
        after: The policy as it would be.

    Returns:
        What was checked, in words.

    Raises:
        LockOut: It would cut someone; the message names the way out.
        Refusal: A break-glass principal cannot be resolved.
    """
    added = _added(before, after)
    kept = must_stay(ctx)
    resource = f"arn:{ctx.account.partition}:s3:::{bucket}"
    calls = [(action, resource) for action in _OF_BUCKET] + [(action, f"{resource}/x") for action in _OF_OBJECTS]
    for item in kept:
        for action, where in calls:
            if _denied(policy.Request(action, where, item.who), added):
                raise LockOut(
                    f"refused: {bucket}'s new policy would deny {action} to {item.label}. Way out: work from another "
                    "identity, deny the single session instead of its role, or take it off break_glass in the settings."
                )
    for name in _LOG_WRITERS:
        service = policy.Caller(service=name)
        writes = (("s3:GetBucketAcl", resource), ("s3:PutObject", f"{resource}/AWSLogs/{ctx.account_id}/x"))
        for action, where in writes:
            context = {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": name}
            if _denied(policy.Request(action, where, service, context), added):
                raise LockOut(
                    f"refused: {bucket}'s new policy would stop log delivery by {name} ({action}). "
                    f"Way out: deny the principal by its own ARN or account."
                )
    checked = f"lock-out checked for {', '.join(item.label for item in kept)} and log delivery"
    if unknown := sorted(set(_unknown_keys(added))):
        return f"{checked}: cannot be evaluated, it depends on {', '.join(unknown)} of each request"
    return f"{checked}: none is cut"


def _added(before: Any, after: Any) -> dict[str, Any]:
    old = list(policy.statements(before)) if before else []
    new = [item for item in policy.statements(after) if item not in old]
    version = after.get("Version", "2012-10-17") if isinstance(after, Mapping) else "2012-10-17"
    return {"Version": version, "Statement": new}


def _denied(request: policy.Request, added: Mapping[str, Any]) -> bool:
    if not added["Statement"]:
        return False
    return policy.evaluate(added, request, resource_policy=True).effect is policy.Effect.DENY


def _unknown_keys(added: Mapping[str, Any]) -> Iterator[str]:
    for item in added["Statement"]:
        if item.get("Effect") != "Deny":
            continue
        for keys in (item.get("Condition") or {}).values():
            yield from (key for key in keys if key.lower() not in _KNOWN_KEYS)


def check_user(ctx: Context, user: str) -> str:
    """Refuse to cut the caller's own user, the one behind its role, or a break-glass user.

    Raises:
        LockOut: It is one of them; the message names the way out.
    """
    me = subject(ctx.account.identity.arn)
    if me.kind == "federated" and me.account == ctx.account_id:
        raise LockOut(_own_user(user, "you work as a federated session of a user of this account"))
    kept = must_stay(ctx)
    for item in kept:
        if (item.subject.kind, item.subject.account, item.subject.name) != ("user", ctx.account_id, user):
            continue
        if not item.own:
            raise LockOut(_break_glass("user", user))
        behind = item.subject != me
        raise LockOut(_own_user(user, "your role is assumed with its credentials" if behind else "you work as it"))
    return _checked(kept)


def _own_user(user: str, why: str) -> str:
    return (
        f"refused: cutting user {user} would cut you: {why}. Way out: start the console as another identity "
        "(a break-glass role), then contain this user from there."
    )


def check_role(ctx: Context, role: str) -> str:
    """Refuse to cut all sessions of the caller's own role, of one behind it, or of a break-glass role.

    Raises:
        LockOut: It is one of them; the message names the way out.
    """
    kept = must_stay(ctx)
    for item in kept:
        who = item.subject
        if who.account != ctx.account_id or who.name != role or who.kind not in ("session", "role"):
            continue
        if not item.own:
            raise LockOut(_break_glass("role", role))
        raise LockOut(
            f"refused: {role} is the role that you work through, and your own session would end with the others. "
            "Way out: start the console as another identity (a break-glass role), or contain.revoke-one-session."
        )
    return _checked(kept)


def check_session(ctx: Context, session: Subject) -> str:
    """Refuse to cut the caller's own session, or the one that it assumed its role from.

    Raises:
        LockOut: It is the caller's; the message names the way out.
    """
    kept = must_stay(ctx)
    for item in kept:
        who = item.subject
        if item.own and (who.kind, who.name, who.session) == ("session", session.name, session.session):
            raise LockOut("refused: this is your own session. Way out: start the console as another identity.")
    return _checked(kept)


def _break_glass(kind: str, name: str) -> str:
    return (
        f"refused: {kind} {name} is a break-glass principal. Way out: if it is itself compromised, take it off "
        "break_glass in the settings first, and be sure of another way in."
    )


def _checked(kept: list[Kept]) -> str:
    return f"lock-out checked for {', '.join(item.label for item in kept)}: none is cut"


def statement_ids(document: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The Sids of a policy."""
    if not document:
        return ()
    return tuple(str(item["Sid"]) for item in policy.statements(document) if item.get("Sid"))
