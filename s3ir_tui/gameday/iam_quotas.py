"""What IAM refuses to delete or to store more of: conflicts and quotas, in AWS's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from s3ir_tui.gameday.iam_resources import entity
from s3ir_tui.gameday.store import iam
from s3ir_tui.gameday.wire import Call, Refused

_GROUPS_PER_USER = 10
_PROFILE_ROLES = 1


def check_deletion(call: Call, account: str) -> None:
    """Refuse to delete what still holds something.

    Raises:
        Refused: DeleteConflict.
    """
    kind, field = {
        "DeleteUser": ("user", "UserName"),
        "DeleteRole": ("role", "RoleName"),
        "DeleteGroup": ("group", "GroupName"),
        "DeletePolicy": ("policy", "PolicyArn"),
    }.get(call.operation, ("", ""))
    if not kind:
        return
    if kind == "policy":
        left = next(_attached_to(account, str(call.params.get(field))), "")
    else:
        found = entity(account, kind, str(call.params.get(field)))
        left = next(_left(kind, found, account), "") if found is not None else ""
    if left:
        raise Refused("DeleteConflict", f"Cannot delete entity, must {left} first.", 409)


def _left(kind: str, found: Any, account: str) -> Iterator[str]:
    """What must be done before an identity can be deleted (IAM API, DeleteUser, DeleteRole, DeleteGroup)."""
    backend = iam(account)
    if kind == "user":
        if found.access_keys:
            yield "delete access keys"
        if found.password is not None:
            yield "delete login profile"
        if found.mfa_devices:
            yield "remove MFA device"
        if found.ssh_public_keys:
            yield "delete SSH public keys"
        if found.signing_certificates:
            yield "delete signing certificates"
        if any(found in group.users for group in list(backend.groups.values())):
            yield "remove users from group"
    if kind == "role" and any(found in profile.roles for profile in list(backend.instance_profiles.values())):
        yield "remove roles from instance profile"
    if kind == "group" and found.users:
        yield "remove users from group"
    if found.managed_policies:
        yield "detach all policies"
    if found.policies:
        yield "delete policies"


def _attached_to(account: str, arn: str) -> Iterator[str]:
    backend = iam(account)
    found = backend.managed_policies.get(arn)
    holders = [*backend.users.values(), *backend.roles.values(), *backend.groups.values()]
    if found is not None and any(arn in holder.managed_policies for holder in holders):
        yield "detach all entities from the policy"
    if found is not None and len(found.versions) > 1:
        yield "delete all non-default versions of the policy"


def check_quotas(call: Call, account: str) -> None:
    """Refuse what would exceed a quota, and what does not fit together.

    Raises:
        Refused: LimitExceeded, NoSuchEntity or UnmodifiableEntity.
    """
    params = call.params
    if call.operation == "AddUserToGroup":
        user = entity(account, "user", str(params.get("UserName")))
        groups = [group for group in list(iam(account).groups.values()) if user is not None and user in group.users]
        if len(groups) >= _GROUPS_PER_USER and params.get("GroupName") not in [group.name for group in groups]:
            raise Refused("LimitExceeded", f"Cannot exceed quota for GroupsPerUser: {_GROUPS_PER_USER}", 409)
    elif call.operation in ("AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"):
        _check_profile(call, account)
    role = entity(account, "role", str(params.get("RoleName"))) if params.get("RoleName") else None
    if role is not None and str(role.path).startswith("/aws-service-role/") and _changes_role(call.operation):
        message = (
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
        )
        raise Refused("UnmodifiableEntity", message, 400)


def _check_profile(call: Call, account: str) -> None:
    profile = entity(account, "instance-profile", str(call.params.get("InstanceProfileName")))
    if profile is None:
        return
    held = [role.name for role in profile.roles]
    if call.operation == "AddRoleToInstanceProfile" and len(held) >= _PROFILE_ROLES:
        message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
        raise Refused("LimitExceeded", message, 409)
    if call.operation == "RemoveRoleFromInstanceProfile" and call.params.get("RoleName") not in held:
        message = f"The role with name {call.params.get('RoleName')} cannot be found."
        raise Refused("NoSuchEntity", message, 404)


def _changes_role(operation: str) -> bool:
    return operation.startswith(("Put", "Attach", "Detach", "Update", "Delete")) and "ServiceLinked" not in operation
