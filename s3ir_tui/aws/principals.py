"""The IAM users and roles of the account, with what a responder asks of them first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import AccessKey, Principal

REVOKE_POLICY = "AWSRevokeOlderSessions"
"""Name of the inline policy by which the IAM console revokes sessions; the same name makes the two work together."""

_THREADS = 16


def read_principals(account: Account) -> list[Principal]:
    """Read every user and role; users come with their keys, console password and MFA.

    Returns:
        Users, then roles, each by name. Roles that belong to AWS services (`/aws-service-role/`) are left out: their
        policies and trust cannot be changed.

    Raises:
        AwsError: Neither GetAccountAuthorizationDetails nor ListUsers and ListRoles is allowed.
    """
    try:
        users, roles = _details(account)
        gaps: Mapping[str, str] = {}
    except AwsError as error:
        if not error.denied:
            raise
        users = list(account.pages("iam", "ListUsers", {}, "Users"))
        roles = list(account.pages("iam", "ListRoles", {}, "Roles"))
        gaps = {"policies": error.short}
    longest = _session_lengths(account)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="principals") as pool:
        known = list(pool.map(lambda user: _user(account, user, gaps), sorted(users, key=_user_name)))
    own = [role for role in roles if not str(role.get("Path", "")).startswith("/aws-service-role/")]
    return known + [_role(role, longest, gaps) for role in sorted(own, key=lambda role: str(role["RoleName"]))]


def _user_name(user: Mapping[str, Any]) -> str:
    return str(user["UserName"])


def _details(account: Account) -> tuple[list[Any], list[Any]]:
    users: list[Any] = []
    roles: list[Any] = []
    marker: dict[str, str] = {}
    while True:
        page = account.call("iam", "GetAccountAuthorizationDetails", {"Filter": ["User", "Role"], **marker})
        users += page.get("UserDetailList") or ()
        roles += page.get("RoleDetailList") or ()
        if not page.get("IsTruncated"):
            return users, roles
        marker = {"Marker": page["Marker"]}


def _session_lengths(account: Account) -> dict[str, int]:
    # GetAccountAuthorizationDetails leaves MaxSessionDuration out; ListRoles has it.
    try:
        roles = list(account.pages("iam", "ListRoles", {}, "Roles"))
    except AwsError:
        return {}
    return {str(role["RoleName"]): int(role["MaxSessionDuration"]) for role in roles if role.get("MaxSessionDuration")}


def _user(account: Account, detail: Mapping[str, Any], known_gaps: Mapping[str, str]) -> Principal:
    name = _user_name(detail)
    gaps = dict(known_gaps)
    managed, inline = _policies(detail, "UserPolicyList")
    user = Principal(
        arn=str(detail["Arn"]),
        kind="user",
        name=name,
        policies=(*managed, *inline),
        denied_all=_denies_all(managed, detail.get("UserPolicyList") or ()),
    )
    keys, console, mfa = None, None, None
    try:
        keys = tuple(_key(account, name, entry) for entry in _keys(account, name))
    except AwsError as error:
        gaps["keys"] = error.short
    try:
        account.call("iam", "GetLoginProfile", {"UserName": name})
        console = True
    except AwsError as error:
        if error.code == "NoSuchEntity":
            console = False
        else:
            gaps["console"] = error.short
    try:
        mfa = bool(account.call("iam", "ListMFADevices", {"UserName": name}).get("MFADevices"))
    except AwsError as error:
        gaps["mfa"] = error.short
    return replace(user, keys=keys or (), console=console, mfa=mfa, gaps=gaps)


def _keys(account: Account, user: str) -> Iterable[Mapping[str, Any]]:
    return account.pages("iam", "ListAccessKeys", {"UserName": user}, "AccessKeyMetadata")


def _key(account: Account, user: str, entry: Mapping[str, Any]) -> AccessKey:
    ident = str(entry["AccessKeyId"])
    used = None
    try:
        answer = account.call("iam", "GetAccessKeyLastUsed", {"AccessKeyId": ident})
        used = (answer.get("AccessKeyLastUsed") or {}).get("LastUsedDate")
    except AwsError as error:
        if not error.denied:
            raise
    return AccessKey(ident, user, str(entry["Status"]), created=entry.get("CreateDate"), last_used=used)


def _role(detail: Mapping[str, Any], longest: Mapping[str, int], gaps: Mapping[str, str]) -> Principal:
    name = str(detail["RoleName"])
    managed, inline = _policies(detail, "RolePolicyList")
    documents = {str(entry["PolicyName"]): entry.get("PolicyDocument") for entry in detail.get("RolePolicyList") or ()}
    return Principal(
        arn=str(detail["Arn"]),
        kind="role",
        name=name,
        policies=(*managed, *inline),
        trusts=trusted(detail.get("AssumeRolePolicyDocument")),
        instance_profiles=tuple(
            str(profile["InstanceProfileName"]) for profile in detail.get("InstanceProfileList") or ()
        ),
        sessions_revoked_before=revoked_before(documents.get(REVOKE_POLICY)),
        max_session_seconds=longest.get(name) or detail.get("MaxSessionDuration"),
        denied_all=_denies_all(managed, detail.get("RolePolicyList") or ()),
        gaps=gaps,
    )


def _policies(detail: Mapping[str, Any], inline_key: str) -> tuple[list[str], list[str]]:
    managed = [str(entry["PolicyArn"]) for entry in detail.get("AttachedManagedPolicies") or ()]
    return managed, [f"inline {entry['PolicyName']}" for entry in detail.get(inline_key) or ()]


def as_document(value: Any) -> Mapping[str, Any]:
    """A policy document as a mapping, whether botocore decoded it or not; `{}` for none."""
    if isinstance(value, str):
        value = json.loads(value)
    return value if isinstance(value, Mapping) else {}


def _statements(document: Any) -> list[Mapping[str, Any]]:
    found = as_document(document).get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def trusted(document: Any) -> tuple[str, ...]:
    """Everyone whom a trust policy lets in: `AWS:arn…`, `Service:ec2.amazonaws.com`, `*`."""
    found: list[str] = []
    for statement in _statements(document):
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        if isinstance(principal, Mapping):
            found += [f"{kind}:{value}" for kind, values in principal.items() for value in _listed(values)]
        elif principal is not None:
            found.append(str(principal))
    return tuple(dict.fromkeys(found))


def revoked_before(document: Any) -> str | None:
    """The newest `aws:TokenIssueTime` before which sessions are denied everything, as written there, or `None`."""
    times = []
    for statement in _statements(document):
        condition = statement.get("Condition") or {}
        if statement.get("Effect") == "Deny" and _denies_everything(statement, conditional=True):
            for keys in (condition.get("DateLessThan") or {}, condition.get("DateLessThanEquals") or {}):
                times += [
                    str(v) for key, value in keys.items() if key.lower() == "aws:tokenissuetime" for v in _listed(value)
                ]
    return max(times, default=None)


def _denies_everything(statement: Mapping[str, Any], *, conditional: bool = False) -> bool:
    return (
        statement.get("Effect") == "Deny"
        and "*" in _listed(statement.get("Action"))
        and "*" in _listed(statement.get("Resource"))
        and (conditional or not statement.get("Condition"))
    )


def _denies_all(managed: Iterable[str], inline: Iterable[Mapping[str, Any]]) -> bool:
    if any(arn.endswith(":policy/AWSDenyAll") for arn in managed):
        return True
    return any(_denies_everything(item) for entry in inline for item in _statements(entry.get("PolicyDocument")))
