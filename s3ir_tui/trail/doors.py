"""What a successful call opened to someone else: a new user, a role's trust, an account let into a bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from s3ir_tui.trail.arns import partition_of
from s3ir_tui.trail.details import Details, items
from s3ir_tui.trail.event import Event

if TYPE_CHECKING:
    from s3ir_tui.policy import Document, Grant

NAMES = frozenset(
    {
        "CreateUser",
        "CreateLoginProfile",
        "UpdateLoginProfile",
        "CreateRole",
        "UpdateAssumeRolePolicy",
        "PutBucketPolicy",
        "PutAccessPointPolicy",
    }
)


@dataclass(frozen=True, slots=True)
class Door:
    """Something that lets someone in.

    Attributes:
        kind: A user or role that was made or given a password, the trust of a role that was there, another account,
            or a grant to others than an account.
        ident: Its ARN, the account's id, or who is granted access in words (`anyone from 198.51.100.7/32`).
        bucket: The bucket whose policy lets the account in, or "".
        at: When it was opened.
        event_id: By which event.
    """

    kind: Literal["user", "role", "trust", "account", "grant"]
    ident: str
    bucket: str = ""
    at: str = ""
    event_id: str = ""


def user_arn(event: Event, name: str) -> str:
    """The ARN of a user of the account that was acted on, its path unknown."""
    if not name:
        return event.principal
    return f"arn:{partition_of(event)}:iam::{event.account or event.caller_account}:user/{name}"


def opened(event: Event) -> tuple[Door, ...]:
    """The doors that an event opened."""
    return () if event.error or event.name not in NAMES else tuple(_opened(Details(event)))


def _opened(details: Details) -> Iterator[Door]:
    event, name = details.event, details.event.name
    if name in ("CreateUser", "CreateLoginProfile", "UpdateLoginProfile"):
        arn = details.answered("user", "arn") or user_arn(event, details.text("userName"))
        if arn != event.principal:
            yield Door("user", arn, at=event.time, event_id=event.id)
        return
    if name in ("PutBucketPolicy", "PutAccessPointPolicy"):
        for account in let_in(details):
            yield Door("account", account, event.bucket, event.time, event.id)
        for grant in foreign_grants(details.policy("bucketPolicy", "policy"), event.account or event.caller_account):
            yield Door("grant", grant.words, event.bucket, event.time, event.id)
        return
    outside = foreign_in_trust(details)
    role = details.answered("role", "arn")
    role = role or (
        f"arn:{partition_of(event)}:iam::{event.account or event.caller_account}:role/{details.text('roleName')}"
    )
    if name == "CreateRole":
        yield Door("role", role, at=event.time, event_id=event.id)
    elif outside:
        yield Door("trust", role, at=event.time, event_id=event.id)
    for account in outside:
        yield Door("account", account, "", event.time, event.id)


def let_in(details: Details) -> tuple[str, ...]:
    """Accounts other than the owner that a bucket policy in the parameters names."""
    document = details.policy("bucketPolicy", "policy")
    return named_in(document, details.event.account or details.event.caller_account) if document else ()


def named_in(document: Document, owner: str) -> tuple[str, ...]:
    """Accounts other than the owner that a resource policy names; none where it is no policy."""
    # Few events hold a policy: what evaluates them is imported by the first, and not before the first rows.
    from s3ir_tui.policy import PolicyError, foreign_accounts

    try:
        return foreign_accounts(document, owner)
    except PolicyError:
        return ()


_NAMED = frozenset({"everyone", "account", "principal", "deleted principal"})
"""Grantees that are told otherwise, and principals that exist no more."""


@lru_cache(maxsize=64)
def foreign_grants(document: str, account: str) -> tuple[Grant, ...]:
    """Whom a policy grants access but everyone and accounts: addresses, organizations, services and the like.

    Args:
        document: A resource or trust policy, or "".
        account: The account of the resource; what is bound to it is left out.
    """
    from s3ir_tui.policy import PolicyError, grants  # see `named_in`

    try:
        found = grants(document, account) if document else ()
    except PolicyError:  # a denied call is recorded with whatever was sent
        return ()
    return tuple(item for item in found if not item.own and item.kind not in _NAMED)


def foreign_in_trust(details: Details) -> tuple[str, ...]:
    """Accounts other than the owner, or `*`, that a role's trust policy in the parameters names."""
    document = details.policy("policyDocument", "assumeRolePolicyDocument")
    owner = details.event.account or details.event.caller_account
    try:
        found = json.loads(document) if document else {}
    except (ValueError, RecursionError):  # a denied call is recorded with whatever was sent
        return ()
    named: dict[str, None] = {}
    for statement in items(found.get("Statement") if isinstance(found, dict) else None):
        if isinstance(statement, dict) and statement.get("Effect") == "Allow":
            named.update(dict.fromkeys(_accounts(statement.get("Principal"))))
    return tuple(account for account in named if account != owner)


def _accounts(principal: Any) -> Iterator[str]:
    if principal == "*":
        yield "*"
        return
    for value in items(principal.get("AWS") if isinstance(principal, dict) else None):
        text = str(value)
        part = text.split(":")[4] if text.startswith("arn:") and text.count(":") >= 5 else text
        if part == "*" or (len(part) == 12 and part.isdigit()):
            yield part
