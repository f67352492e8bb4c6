"""Never lock the responders out: what a change would deny to the caller, break-glass and AWS's own writers."""

from __future__ import annotations

from collections.abc import Mapping
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


def _must_stay(ctx: Context) -> list[tuple[str, policy.Caller]]:
    people = [(f"you ({short_arn(ctx.account.identity.arn)})", caller(ctx))]
    for arn in ctx.break_glass:
        who = subject(arn)
        people.append((f"break-glass {short_arn(arn)}", policy.Caller(account=who.account or None, arn=arn)))
    return people


def check_bucket(ctx: Context, bucket: str, before: Any, after: Any) -> str:
    """Refuse a bucket policy that would newly deny the responders or the log services something.

    Args:
        ctx: The look at the world.
        bucket: Bucket name.
        before: The policy as it is, or `None`.
        after: The policy as it would be.

    Returns:
        What was checked, in words.

    Raises:
        LockOut: It would cut someone; the message names the way out.
    """
    resource = f"arn:{ctx.account.partition}:s3:::{bucket}"
    calls = [(action, resource) for action in _OF_BUCKET] + [(action, f"{resource}/x") for action in _OF_OBJECTS]
    for label, who in _must_stay(ctx):
        for action, where in calls:
            if _newly_denied(policy.Request(action, where, who), before, after):
                raise LockOut(
                    f"refused: {bucket}'s new policy would deny {action} to {label}. Way out: work from another "
                    "identity, deny the single session instead of its role, or take it off break_glass in the settings."
                )
    for name in _LOG_WRITERS:
        service = policy.Caller(service=name)
        writes = (("s3:GetBucketAcl", resource), ("s3:PutObject", f"{resource}/AWSLogs/{ctx.account_id}/x"))
        for action, where in writes:
            context = {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": name}
            if _newly_denied(policy.Request(action, where, service, context), before, after):
                raise LockOut(
                    f"refused: {bucket}'s new policy would stop log delivery by {name} ({action}). "
                    f"Way out: deny the principal by its own ARN or account."
                )
    return f"lock-out checked for {', '.join(label for label, _ in _must_stay(ctx))} and log delivery: none is cut"


def _newly_denied(request: policy.Request, before: Any, after: Any) -> bool:
    if policy.evaluate(after, request, resource_policy=True).effect is not policy.Effect.DENY:
        return False
    return not before or policy.evaluate(before, request, resource_policy=True).effect is not policy.Effect.DENY


def check_user(ctx: Context, user: str) -> str:
    """Refuse to cut the caller's own user or a break-glass user.

    Raises:
        LockOut: It is one of them; the message names the way out.
    """
    me = subject(ctx.account.identity.arn)
    if (me.kind, me.name) == ("user", user) or (me.kind == "federated" and me.account == ctx.account_id):
        raise LockOut(
            f"refused: {user} is the user that you work as. Way out: start the console as another identity "
            "(a break-glass role), then contain this user from there."
        )
    _check_break_glass(ctx, "user", user)
    return _checked(ctx)


def check_role(ctx: Context, role: str) -> str:
    """Refuse to cut all sessions of the caller's own role or of a break-glass role.

    Raises:
        LockOut: It is one of them; the message names the way out.
    """
    me = subject(ctx.account.identity.arn)
    if (me.kind, me.name) == ("session", role):
        raise LockOut(
            f"refused: {role} is the role that you work through, and your own session would end with the others. "
            "Way out: start the console as another identity (a break-glass role), or contain.revoke-one-session."
        )
    _check_break_glass(ctx, "role", role)
    return _checked(ctx)


def check_session(ctx: Context, session: Subject) -> str:
    """Refuse to cut the caller's own session.

    Raises:
        LockOut: It is the caller's; the message names the way out.
    """
    me = subject(ctx.account.identity.arn)
    if (me.kind, me.name, me.session) == ("session", session.name, session.session):
        raise LockOut("refused: this is your own session. Way out: start the console as another identity.")
    return _checked(ctx)


def _check_break_glass(ctx: Context, kind: str, name: str) -> None:
    for arn in ctx.break_glass:
        who = subject(arn)
        if (who.kind, who.account, who.name) == (kind, ctx.account_id, name):
            raise LockOut(
                f"refused: {kind} {name} is a break-glass principal. Way out: if it is itself compromised, take it off "
                "break_glass in the settings first, and be sure of another way in."
            )


def _checked(ctx: Context) -> str:
    names = [label for label, _ in _must_stay(ctx)]
    return f"lock-out checked for {', '.join(names)}: none is cut"


def statement_ids(document: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The Sids of a policy."""
    if not document:
        return ()
    return tuple(str(item["Sid"]) for item in policy.statements(document) if item.get("Sid"))
