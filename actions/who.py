"""Who is meant: users, roles and sessions behind the chosen keys, instances and sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from actions.context import Context
from actions.plan import Refusal
from actions.subjects import Subject, Subjects, subject
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.instances import read_instances
from s3ir_tui.model import Instance

SERVICE_LINKED = "/aws-service-role/"
SSO_ROLES = "/aws-reserved/sso.amazonaws.com/"


@dataclass(frozen=True, slots=True)
class Key:
    """A long-term access key with the user that it belongs to."""

    id: str
    user: str
    status: str
    created: str = ""


def owner_of(key: str, ctx: Context) -> str:
    """Name of the user that a long-term key belongs to.

    Raises:
        Refusal: It is a session's key, or no user of this account has it.
    """
    if key.startswith("ASIA"):
        raise Refusal(
            f"{key} belongs to a session: it cannot be disabled. Deny its user (contain.deny-user), or revoke the "
            "sessions of its role (contain.revoke-role-sessions)."
        )
    try:
        name = str(ctx.ask("iam", "GetAccessKeyLastUsed", {"AccessKeyId": key}).get("UserName") or "")
    except AwsError as error:
        if error.code in ("NoSuchEntity", "AccessDenied"):
            raise Refusal(f"{key} is no key of a user of {ctx.account_id} that you may see ({error.code})") from None
        raise
    if not name:
        raise Refusal(
            f"{key} has no user in {ctx.account_id}: a key of the root user, or one that was deleted. Way out, if it "
            "still works: contain.lineage for the root user names the steps"
        )
    return name


def keys_of(user: str, ctx: Context) -> tuple[Key, ...]:
    """The long-term keys of a user, newest first: what an attacker made last goes first.

    Raises:
        Refusal: There is no such user.
    """
    ctx.user(user)
    entries = ctx.listed("iam", "ListAccessKeys", {"UserName": user}, "AccessKeyMetadata")
    ordered = sorted(entries, key=lambda entry: str(entry.get("CreateDate")), reverse=True)
    return tuple(
        Key(str(entry["AccessKeyId"]), user, str(entry["Status"]), str(entry.get("CreateDate") or ""))
        for entry in ordered
    )


def users(subjects: Subjects, ctx: Context) -> tuple[str, ...]:
    """Users that were chosen, themselves or by a key."""
    owners = [owner_of(key, ctx) for key in subjects.keys if not key.startswith("ASIA")]
    return tuple(dict.fromkeys([*subjects.users, *owners]))


def instances(subjects: Subjects, ctx: Context) -> tuple[Instance, ...]:
    """The chosen instances, as EC2 knows them in any Region that is enabled.

    Raises:
        Refusal: EC2 does not show one of them.
    """
    if not subjects.instances:
        return ()
    found = tuple(read_instances(ctx.account, ids=subjects.instances))
    missing = sorted(set(subjects.instances) - {instance.id for instance in found})
    if missing:
        raise Refusal(
            f"{', '.join(missing)}: not shown by EC2 in any Region that this identity can read: "
            "name its role instead (role=NAME)"
        )
    return found


def roles(subjects: Subjects, ctx: Context) -> tuple[str, ...]:
    """Roles that were chosen, themselves, by a session or by an instance."""
    attached = [subject(instance.role).name for instance in instances(subjects, ctx) if instance.role]
    return tuple(dict.fromkeys([*subjects.roles, *attached]))


def sessions(subjects: Subjects, ctx: Context) -> tuple[Subject, ...]:
    """Role sessions that were chosen, themselves or by the instance that they are named after."""
    found: list[Subject] = list(subjects.sessions)
    for instance in instances(subjects, ctx):
        if instance.role:
            name = subject(instance.role).name
            arn = f"arn:{ctx.account.partition}:sts::{ctx.account_id}:assumed-role/{name}/{instance.id}"
            found.append(subject(arn))
    return tuple(dict.fromkeys(found))


def editable(role: str, ctx: Context) -> None:
    """Refuse roles that IAM does not let anyone edit.

    Raises:
        Refusal: It is a service-linked role or one of IAM Identity Center.
    """
    path = str(ctx.role(role).get("Path") or "/")
    if path.startswith(SERVICE_LINKED):
        raise Refusal(f"{role} is a service-linked role: its sessions cannot be revoked. Stop the service's use of it.")
    if path.startswith(SSO_ROLES):
        raise Refusal(
            f"{role} belongs to IAM Identity Center and cannot be edited in IAM. Way out: contain.lineage "
            "denies its sessions on the buckets and names the steps in Identity Center."
        )


def names(values: Iterable[str], limit: int = 3) -> str:
    """The first few of some names, and how many more there are."""
    listed = list(values)
    text = ", ".join(listed[:limit])
    return f"{text} and {len(listed) - limit} more" if len(listed) > limit else text
