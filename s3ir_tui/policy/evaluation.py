"""What one policy document says to one request."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from s3ir_tui.policy.document import Document
from s3ir_tui.policy.request import Asked, Request
from s3ir_tui.policy.statement import Reach, compile_policy


class Effect(enum.Enum):
    """What a document says."""

    ALLOW = "Allow"
    DENY = "Deny"
    ALLOW_ACCOUNT = "AllowAccount"
    """Granted to the caller's account only: its own policies must allow the caller as well."""
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Match:
    """What a document says, and the Sid of the statement that decided ("" if it has none).

    Attributes:
        effect: What it says.
        sid: Which statement.
        limited: Whether the grant goes to a role, so that boundary and session policy must allow it too.
    """

    effect: Effect
    sid: str
    limited: bool = False


NOTHING = Match(Effect.NONE, "")


def evaluate(document: Document, request: Request, *, resource_policy: bool) -> Match:
    """Evaluate one document: an applying Deny decides, then the widest applying Allow.

    Conditions that cannot be told (an unknown operator, a policy value not of the operator's type) count against the
    caller: they hold in a Deny and not in an Allow.

    Args:
        document: The policy.
        request: The request.
        resource_policy: Whether it is the policy of a resource (bucket policy, trust policy): principals then count.
            In any other policy they are ignored.

    Raises:
        PolicyError: The document is not a policy.
    """
    return evaluate_asked(document, Asked(request), resource_policy=resource_policy)


def evaluate_asked(document: Document, asked: Asked, *, resource_policy: bool, bounded: bool = False) -> Match:
    """`evaluate` for a request that was made ready, and a caller that may have a permissions boundary (`bounded`)."""
    compiled = compile_policy(document)
    for statement in compiled.denies:
        if statement.reach(asked, resource_policy=resource_policy, bounded=bounded) is not Reach.NOT:
            return Match(Effect.DENY, statement.sid)
    best, sid = Reach.NOT, ""
    for statement in compiled.allows:
        reach = statement.reach(asked, resource_policy=resource_policy, bounded=bounded)
        if reach > best:
            best, sid = reach, statement.sid
        if best is Reach.DIRECT:
            break
    if best is Reach.NOT:
        return NOTHING
    if best is Reach.ACCOUNT:
        return Match(Effect.ALLOW_ACCOUNT, sid, limited=True)
    return Match(Effect.ALLOW, sid, limited=best is Reach.ROLE)
