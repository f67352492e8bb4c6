"""What a write changes: the bucket, user, role, group, instance or account setting that its parameters name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.event import Event

TargetKind: TypeAlias = Literal["bucket", "user", "role", "group", "profile", "instance", "account"]


@dataclass(frozen=True, slots=True)
class Target:
    """Something of the account whose posture can be read again.

    Attributes:
        kind: What it is; `account` is Block Public Access of the whole account.
        name: Name of the bucket, user, role, group or instance profile; id of the instance; "" for the account.
        region: Region, where the call tells it.
    """

    kind: TargetKind
    name: str
    region: str = ""


_BY_PARAMETER: Mapping[str, Mapping[str, TargetKind]] = MappingProxyType(
    {
        "s3": {"bucketname": "bucket", "bucket": "bucket"},
        "s3control": {"bucketname": "bucket", "bucket": "bucket"},
        "iam": {
            "username": "user",
            "newusername": "user",
            "rolename": "role",
            "groupname": "group",
            "newgroupname": "group",
            "instanceprofilename": "profile",
        },
        "ec2": {"instanceid": "instance", "instanceids": "instance"},
    }
)
"""Kind of the target by service and parameter. CloudTrail writes `bucketName` and `userName` where the API has `Bucket`
and `UserName`: names are compared in lower case. EC2 nests its parameters, and RunInstances has them in the answer."""

_OF_ACCOUNT = frozenset(
    {
        "PutAccountPublicAccessBlock",
        "DeleteAccountPublicAccessBlock",
        "s3control:PutPublicAccessBlock",
        "s3control:DeletePublicAccessBlock",
    }
)
"""Writes to Block Public Access of the account: CloudTrail's names, and the API's with its service."""

_MEMBERSHIP = frozenset({"AddUserToGroup", "RemoveUserFromGroup"})
"""They name a group and a user, and change the user alone."""

_OWN_USER = frozenset(
    {
        "ChangePassword",
        "CreateAccessKey",
        "CreateLoginProfile",
        "DeactivateMFADevice",
        "DeleteAccessKey",
        "DeleteLoginProfile",
        "EnableMFADevice",
        "UpdateAccessKey",
        "UpdateLoginProfile",
    }
)
"""Without a user name they change the user who calls (IAM API Reference, `UserName`)."""

_OBJECT_CALLS = frozenset(
    {"PutObject", "PutObjectAcl", "PutObjectTagging", "DeleteObject", "DeleteObjects", "CopyObject"}
)
_DEEPEST = 6


def of_call(service: str, operation: str, params: Mapping[str, Any], region: str = "") -> tuple[Target, ...]:
    """What a call of the API changes.

    Args:
        service: boto3's service name.
        operation: The API operation.
        params: Its parameters.
        region: Region of the call.
    """
    if f"{service}:{operation}" in _OF_ACCOUNT:
        return (Target("account", ""),)
    return _named(service, operation, (params,), region)


def of_event(event: Event) -> tuple[Target, ...]:
    """What a recorded call changed: nothing where it failed or only read."""
    if event.read_only or event.error or event.service not in _BY_PARAMETER or event.category != "Management":
        return ()
    if event.name in _OF_ACCOUNT:
        return (Target("account", ""),)
    details = Details(event)
    found = _named(event.service, event.name, (details.params, details.answer), event.region)
    if not found and event.name in _OWN_USER and event.kind == "IAMUser":
        return (Target("user", event.principal.rpartition("/")[2]),)
    return found


def of_identity(arn: str) -> tuple[Target, ...]:
    """The user, or the role behind a session, that an ARN names."""
    parts = arn.split(":", 5)
    kind, _, rest = parts[5].partition("/") if len(parts) == 6 else ("", "", "")
    if not rest:
        return ()
    if kind == "assumed-role":
        return (Target("role", rest.split("/")[0]),)
    kinds: Mapping[str, TargetKind] = {"user": "user", "role": "role"}
    return (Target(kinds[kind], rest.rpartition("/")[2]),) if kind in kinds else ()


def _named(service: str, operation: str, places: tuple[Mapping[str, Any], ...], region: str) -> tuple[Target, ...]:
    kinds = _BY_PARAMETER.get(service)
    if kinds is None or operation in _OBJECT_CALLS:
        return ()
    found = [
        Target(kinds[name], value, region if kinds[name] == "instance" else "")
        for place in places
        for name, value in _texts(place, _DEEPEST)
        if name in kinds
    ]
    if operation in _MEMBERSHIP:
        found = [target for target in found if target.kind == "user"]
    return tuple(dict.fromkeys(found))


def _texts(value: Mapping[str, Any], deeper: int) -> Iterator[tuple[str, str]]:
    """Every text in nested parameters, with its name in lower case."""
    for name, item in value.items():
        for part in item if isinstance(item, list) else (item,):
            if isinstance(part, str) and part:
                yield name.lower(), part
            elif isinstance(part, Mapping) and deeper:
                yield from _texts(part, deeper - 1)
