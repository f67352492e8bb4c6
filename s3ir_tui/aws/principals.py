"""The IAM users and roles of the account, with what a responder asks of them first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.credential_report import CredentialReport, read_credential_report
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.key_ids import with_key_ids
from s3ir_tui.model import Principal, utc_now

REVOKE_POLICY = "AWSRevokeOlderSessions"
"""Name of the inline policy by which the IAM console revokes sessions; the same name makes the two work together."""

_THREADS = 16
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users: what its members may do through it."""

    managed: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    denies_all: bool = False


@dataclass(frozen=True, slots=True)
class Directory:
    """The users and roles of an account, as GetAccountAuthorizationDetails and the credential report know them.

    Attributes:
        users: By name.
        roles: By name. Roles of AWS services (`/aws-service-role/`) are left out: they cannot be changed.
        groups: Groups by name.
    """

    users: Mapping[str, Principal]
    roles: Mapping[str, Principal]
    groups: Mapping[str, Group]


def read_principals(account: Calls) -> list[Principal]:
    """Read every user and role; users come with the ids of their keys, console password and MFA.

    Returns:
        Users, then roles, each by name.

    Raises:
        AwsError: Neither GetAccountAuthorizationDetails nor ListUsers and ListRoles is allowed.
    """
    found = read_directory(account)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="principals") as pool:
        users = list(pool.map(lambda user: with_key_ids(account, user), found.users.values()))
    return [*users, *found.roles.values()]


def read_directory(account: Calls, now: Callable[[], datetime] = utc_now) -> Directory:
    """Read every user and role in a few calls: key ids are left out, credentials come from the credential report.

    Args:
        account: The connection.
        now: The time.

    Raises:
        AwsError: Neither GetAccountAuthorizationDetails nor ListUsers and ListRoles is allowed.
    """
    at = now()
    gaps: dict[str, str] = {}
    groups: dict[str, Group] = {}
    try:
        users, roles, listed = _details(account)
        groups = {str(group["GroupName"]): _group(group) for group in listed}
    except AwsError as error:
        if not error.denied:
            raise
        users = list(account.pages("iam", "ListUsers", {"MaxItems": _PAGE}, "Users"))
        roles = list(account.pages("iam", "ListRoles", {"MaxItems": _PAGE}, "Roles"))
        gaps["policies"] = error.short
    try:
        report = read_credential_report(account)
        missing = "not in the credential report yet"
    except AwsError as error:
        report, missing = CredentialReport(None, {}), error.short
    longest = _session_lengths(account)
    own = [role for role in roles if not str(role.get("Path", "")).startswith("/aws-service-role/")]
    return Directory(
        {
            _user_name(user): _reported(_user(user, groups, gaps, at), report, missing)
            for user in sorted(users, key=_user_name)
        },
        {
            str(role["RoleName"]): _role(role, longest, gaps, at)
            for role in sorted(own, key=lambda role: str(role["RoleName"]))
        },
        groups,
    )


def read_user(
    account: Calls, name: str, groups: Mapping[str, Group], now: Callable[[], datetime] = utc_now
) -> Principal:
    """Read one user, with the ids of its keys.

    Args:
        account: The connection.
        name: Name of the user.
        groups: Groups that are known; others of the user are read.
        now: The time.

    Raises:
        AwsError: There is no such user (`NoSuchEntity`), or it may not be read.
    """
    at = now()
    found = dict(account.call("iam", "GetUser", {"UserName": name})["User"])
    gaps: dict[str, str] = {}
    params = {"UserName": name}
    try:
        found |= _attached(account, params, "User")
        memberships = account.pages("iam", "ListGroupsForUser", params, "Groups")
        found["GroupList"] = [str(item["GroupName"]) for item in memberships]
        known = {group: groups.get(group) or read_group(account, group) for group in found["GroupList"]}
    except AwsError as error:
        gaps["policies"], known = error.short, {}
    return with_key_ids(account, _user(found, known, gaps, at), fresh=True, now=now)


def read_role(account: Calls, name: str, now: Callable[[], datetime] = utc_now) -> Principal:
    """Read one role.

    Args:
        account: The connection.
        name: Name of the role.
        now: The time.

    Raises:
        AwsError: There is no such role (`NoSuchEntity`), or it may not be read.
    """
    at = now()
    found = dict(account.call("iam", "GetRole", {"RoleName": name})["Role"])
    gaps: dict[str, str] = {}
    try:
        found |= _attached(account, {"RoleName": name}, "Role")
        profiles = account.pages("iam", "ListInstanceProfilesForRole", {"RoleName": name}, "InstanceProfiles")
        found["InstanceProfileList"] = list(profiles)
    except AwsError as error:
        gaps["policies"] = error.short
    return _role(found, {}, gaps, at)


def read_group(account: Calls, name: str) -> Group:
    """Read the policies of a group.

    Raises:
        AwsError: There is no such group, or it may not be read.
    """
    managed = account.pages("iam", "ListAttachedGroupPolicies", {"GroupName": name}, "AttachedPolicies")
    arns = tuple(str(item["PolicyArn"]) for item in managed)
    inline = account.pages("iam", "ListGroupPolicies", {"GroupName": name}, "PolicyNames")
    # What an inline policy says is not read here: its name is shown, as GetAccountAuthorizationDetails gives it.
    return Group(arns, tuple(map(str, inline)), any(map(_deny_all_policy, arns)))


def _attached(account: Calls, params: Mapping[str, str], kind: str) -> dict[str, Any]:
    """Policies of a user or role in the form of GetAccountAuthorizationDetails."""
    managed = list(account.pages("iam", f"ListAttached{kind}Policies", params, "AttachedPolicies"))
    names = list(account.pages("iam", f"List{kind}Policies", params, "PolicyNames"))
    inline = [account.call("iam", f"Get{kind}Policy", {**params, "PolicyName": name}) for name in names]
    return {"AttachedManagedPolicies": managed, f"{kind}PolicyList": inline}


def _reported(user: Principal, report: CredentialReport, missing: str) -> Principal:
    found = report.users.get(user.name)
    if found is None:
        return replace(user, gaps={**user.gaps, **dict.fromkeys(("keys", "console", "mfa"), missing)})
    return replace(
        user,
        active_keys=found.active_keys,
        keys_last_used=found.last_used,
        console=found.console,
        mfa=found.mfa,
        credentials_at=report.at,
    )


def _user_name(user: Mapping[str, Any]) -> str:
    return str(user["UserName"])


def _details(account: Calls) -> tuple[list[Any], list[Any], list[Any]]:
    users: list[Any] = []
    roles: list[Any] = []
    groups: list[Any] = []
    params: dict[str, Any] = {"Filter": ["User", "Role", "Group"], "MaxItems": _PAGE}
    while True:
        page = account.call("iam", "GetAccountAuthorizationDetails", params)
        users += page.get("UserDetailList") or ()
        roles += page.get("RoleDetailList") or ()
        groups += page.get("GroupDetailList") or ()
        if not page.get("IsTruncated"):
            return users, roles, groups
        params["Marker"] = page["Marker"]


def _session_lengths(account: Calls) -> dict[str, int]:
    # GetAccountAuthorizationDetails leaves MaxSessionDuration out; ListRoles has it.
    try:
        roles = list(account.pages("iam", "ListRoles", {"MaxItems": _PAGE}, "Roles"))
    except AwsError:
        return {}
    return {str(role["RoleName"]): int(role["MaxSessionDuration"]) for role in roles if role.get("MaxSessionDuration")}


def _group(detail: Mapping[str, Any]) -> Group:
    managed = tuple(str(entry["PolicyArn"]) for entry in detail.get("AttachedManagedPolicies") or ())
    inline = detail.get("GroupPolicyList") or ()
    return Group(managed, tuple(str(entry["PolicyName"]) for entry in inline), _denies_all(managed, inline))


def _user(detail: Mapping[str, Any], groups: Mapping[str, Group], gaps: Mapping[str, str], at: datetime) -> Principal:
    managed, inline = _policies(detail, "UserPolicyList")
    member = tuple(map(str, detail.get("GroupList") or ()))
    through = [
        f"group {name}: {policy}"
        for name in member
        for policy in (
            *groups.get(name, Group()).managed,
            *(f"inline {item}" for item in groups.get(name, Group()).inline),
        )
    ]
    return Principal(
        arn=str(detail["Arn"]),
        kind="user",
        name=_user_name(detail),
        policies=(*managed, *inline, *through),
        denied_all=_denies_all(managed, detail.get("UserPolicyList") or ())
        or any(groups.get(name, Group()).denies_all for name in member),
        groups=member,
        gaps=gaps,
        read_at=at,
    )


def _role(detail: Mapping[str, Any], longest: Mapping[str, int], gaps: Mapping[str, str], at: datetime) -> Principal:
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
        read_at=at,
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
    return any(map(_deny_all_policy, managed)) or any(
        _denies_everything(item) for entry in inline for item in _statements(entry.get("PolicyDocument"))
    )


def _deny_all_policy(arn: str) -> bool:
    return arn.endswith(":policy/AWSDenyAll")
