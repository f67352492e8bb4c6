"""What one call tells of credentials: the one that it was made with, and the one that it made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from s3ir_tui.model import iso
from s3ir_tui.trail import doors
from s3ir_tui.trail.arns import account_of, instance_of, partition_of, role_of_session, session_arn
from s3ir_tui.trail.details import Details, moment
from s3ir_tui.trail.event import Event

CredentialKind = Literal["key", "session", "role-session", "federated", "instance-role"]

_ASSUMING = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"})
MINTING = _ASSUMING | {"CreateAccessKey", "GetSessionToken", "GetFederationToken"}
"""Calls that make credentials."""

_DEFAULT_SECONDS = {"GetSessionToken": 43_200, "GetFederationToken": 43_200, "AssumeRoot": 900}


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that was made or used in the trail.

    Attributes:
        access_key: Its access key id.
        kind: A user's long-term key, a GetSessionToken session, a role session, a GetFederationToken session, or a
            role session that EC2 handed to an instance.
        principal: What it acts as: the user's ARN, the session's ARN.
        owner_arn: The user or role behind it.
        parent: Access key id of the credential that made it, or "".
        issued_at: When it was made, or "" where only its use was seen.
        expires_at: When it ends, at the latest where its making was not seen; "" for keys.
        event_id: The event that made it, or that showed it first.
        issued_to: The service that it was made for (`lambda.amazonaws.com`), or the kind of resource that it was
            issued to (`AWS::Lambda::Function`); "" where the trail does not tell.
        delivery: Version of the instance metadata service that gave it out: `1.0`, `2.0`, or "".
    """

    access_key: str
    kind: CredentialKind
    principal: str
    owner_arn: str
    parent: str = ""
    issued_at: str = ""
    expires_at: str = ""
    event_id: str = ""
    issued_to: str = ""
    delivery: str = ""


def used(event: Event) -> Credential:
    """The credential behind a call, as far as the call itself tells."""
    kind: CredentialKind = "key"
    owner = event.issuer or event.principal
    if event.kind == "FederatedUser":
        kind = "federated"
    elif event.kind == "AssumedRole":
        kind = "instance-role" if instance_of(event.principal) else "role-session"
        owner = event.issuer or role_of_session(event.principal) or event.principal
    elif event.access_key.startswith("ASIA"):
        kind = "session"
    if kind == "key":
        return Credential(event.access_key, kind, event.principal, owner, event_id=event.id)
    details = Details(event)
    return Credential(
        event.access_key,
        kind,
        event.principal,
        owner,
        expires_at=_ends_at_latest(details, kind),
        event_id=event.id,
        issued_to=details.identity("inScopeOf", "issuerType"),
        delivery=details.identity("sessionContext", "ec2RoleDelivery"),
    )


def _ends_at_latest(details: Details, kind: CredentialKind) -> str:
    """When a session whose making was not seen is over for sure: AWS's longest durations after its creation."""
    created = details.created or details.event.time
    hours = 12 if kind in ("role-session", "instance-role") else 36
    return iso(datetime.fromisoformat(created) + timedelta(hours=hours))


def made(event: Event) -> Credential | None:
    """The credential that a call made, or `None` where it failed, makes none, or the record does not name it."""
    if event.error or event.name not in MINTING or event.service not in ("sts", "iam"):
        return None
    return _made(Details(event))


def _made(details: Details) -> Credential | None:
    event, name = details.event, details.event.name
    parent = "" if event.kind == "AWSService" else event.access_key
    if name == "CreateAccessKey":
        key = details.answered("accessKey", "accessKeyId")
        user = details.answered("accessKey", "userName") or details.text("userName")
        owner = _sibling(event, user)
        return Credential(key, "key", owner, owner, parent, event.time, "", event.id) if key else None
    key = details.answered("credentials", "accessKeyId")
    if not key:
        return None
    ends = moment((details.answer.get("credentials") or {}).get("expiration")) or _ends(details)
    made = Credential(key, "session", event.principal, event.principal, parent, event.time, ends, event.id)
    if name == "GetSessionToken":
        return made
    if name == "GetFederationToken":
        who = details.answered("federatedUser", "arn")
        if not who:
            who = f"arn:{partition_of(event)}:sts::{event.caller_account}:federated-user/{details.text('name')}"
        return replace(made, kind="federated", principal=who)
    if name == "AssumeRoot":
        target = account_of(details.text("targetPrincipal")) or details.text("targetPrincipal")
        root = f"arn:{partition_of(event)}:iam::{target}:root"
        return replace(made, kind="role-session", principal=root, owner_arn=root)
    role = details.text("roleArn")
    who = details.answered("assumedRoleUser", "arn") or session_arn(role, details.text("roleSessionName"))
    to_instance = event.kind == "AWSService" and instance_of(who)
    kind: CredentialKind = "instance-role" if to_instance else "role-session"
    service = event.invoked_by if event.kind == "AWSService" else ""
    return replace(made, kind=kind, principal=who or role, owner_arn=role or role_of_session(who), issued_to=service)


def _ends(details: Details) -> str:
    given = details.text("durationSeconds")
    seconds = int(given) if given.isdecimal() and len(given) < 7 else _DEFAULT_SECONDS.get(details.event.name, 3600)
    return iso(details.event.at + timedelta(seconds=seconds))


def _sibling(event: Event, user: str) -> str:
    """The ARN of a user of the caller's account: the caller itself where the name is its own or not given."""
    if event.kind == "IAMUser" and (not user or event.principal.rsplit("/", 1)[-1] == user):
        return event.principal
    return doors.user_arn(event, user)
