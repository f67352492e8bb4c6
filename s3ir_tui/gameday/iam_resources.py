"""The resources of calls to IAM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.store import iam, read_fact
from s3ir_tui.gameday.wire import Call

_FIELDS = {
    "user": ("UserName",),
    "role": ("RoleName",),
    "group": ("GroupName",),
    "instance-profile": ("InstanceProfileName",),
    "policy": ("PolicyArn",),
    "mfa": ("SerialNumber",),
    "saml-provider": ("SAMLProviderArn",),
    "oidc-provider": ("OpenIDConnectProviderArn",),
    "server-certificate": ("ServerCertificateName",),
}
_OWN_USER = frozenset(
    {
        "ChangePassword",
        "CreateAccessKey",
        "DeleteAccessKey",
        "GetUser",
        "ListAccessKeys",
        "ListMFADevices",
        "ListServiceSpecificCredentials",
        "ListSSHPublicKeys",
        "ListSigningCertificates",
        "UpdateAccessKey",
    }
)
"""Calls that are about the caller's own user when they name none."""


def iam_names(call: Call, who: Who, kind: str) -> Iterator[str]:
    """ARNs of the resources of one type that a call to IAM names.

    Args:
        call: The call.
        who: Its caller.
        kind: `user`, `role`, `group`, `policy`, ...
    """
    params = call.params
    for field in _FIELDS.get(kind, ()):
        if value := params.get(field):
            yield arn_of(who.account, kind, str(value), str(params.get("Path") or "/"))
            return
    if kind == "policy" and call.operation == "CreatePolicy":
        yield f"arn:aws:iam::{who.account}:policy{params.get('Path') or '/'}{params.get('PolicyName')}"
    elif kind == "mfa" and params.get("VirtualMFADeviceName"):
        yield f"arn:aws:iam::{who.account}:mfa{params.get('Path') or '/'}{params['VirtualMFADeviceName']}"
    elif kind == "user" and call.operation == "GetAccessKeyLastUsed":
        yield from _user_of_key(str(params.get("AccessKeyId")))
    elif kind == "user" and call.operation in _OWN_USER and who.user:
        yield str(who.caller.arn)
    elif kind == "role" and call.operation == "CreateServiceLinkedRole":
        yield f"arn:aws:iam::{who.account}:role/aws-service-role/{params.get('AWSServiceName')}/*"
    else:
        arn = str(params.get("PolicySourceArn") or params.get("Arn") or "")
        if arn.split(":")[-1].startswith(f"{kind}/"):
            yield arn


def arn_of(account: str, kind: str, name: str, path: str = "/") -> str:
    """The ARN of something in IAM by its name; with `path` if it does not exist yet."""
    if name.startswith("arn:"):
        return name
    found = entity(account, kind, name)
    return str(found.arn) if found is not None else f"arn:aws:iam::{account}:{kind}{path}{name}"


def entity(account: str, kind: str, name: str) -> Any:
    """moto's user, role, group or instance profile by its name, or `None`."""
    backend = iam(account)
    stores = {
        "user": backend.users,
        "role": backend.roles,
        "group": backend.groups,
        "instance-profile": backend.instance_profiles,
    }
    held = stores.get(kind)
    return next((item for item in list(held.values()) if item.name == name), None) if held is not None else None


def _user_of_key(access_key: str) -> Iterator[str]:
    fact = read_fact(("key", access_key))
    account, user = getattr(fact, "account", ""), getattr(fact, "user", "")
    if user:
        yield arn_of(account, "user", user)
