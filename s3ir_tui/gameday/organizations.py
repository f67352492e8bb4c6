"""AWS Organizations: which organization an account is in, which of its policies apply, invitations."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.iam.models import iam_backends
from moto.organizations.models import FakeAccount, OrganizationsBackend, organizations_backends

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.store import moto_role
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer
from s3ir_tui.policy import PolicyError, parse

_SCP = "SERVICE_CONTROL_POLICY"
_RCP = "RESOURCE_CONTROL_POLICY"
_RCP_SERVICES = frozenset({"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "dynamodb", "logs", "cognito-idp"})
"""Services whose resources RCPs protect (Organizations User Guide, resource control policies)."""
_LONGEST = 10_240
_ACCESS_ROLE = "OrganizationAccountAccessRole"
_INVITATION_DAYS = 15
_ID_LETTERS = string.ascii_lowercase + string.digits


def organization_of(account: str) -> tuple[OrganizationsBackend, Any] | None:
    """The organization of an account, as its management account's store and the account's entry in it."""
    if not account or (account not in organizations_backends and account not in organizations_backends.master_accounts):
        return None
    manager = organizations_backends.master_accounts.get(account, (account, "aws"))[0]
    backend = organizations_backends[manager]["aws"]
    if backend.org is None:
        return None
    return backend, next((item for item in backend.accounts if item.id == account), None)


def organization_id(account: str) -> str:
    """`aws:PrincipalOrgID` of an account, or ""."""
    found = organization_of(account)
    return str(found[0].org.id) if found is not None and found[0].org is not None else ""


def control_levels(account: str, kind: str = _SCP) -> tuple[tuple[str, ...], ...]:
    """Policies of one type that apply to an account, a tuple for each level: root, organizational units, account.

    The management account is not affected (Organizations User Guide, SCP evaluation).

    Returns:
        Nothing if no such policies apply.
    """
    found = organization_of(account)
    if found is None or found[1] is None or found[0].org is None or found[0].org.master_account_id == account:
        return ()
    backend, entry = found
    root = next((unit for unit in backend.ou if unit.type == "ROOT"), None)
    if root is None or not _enabled(root, kind):
        return ()
    levels = [entry]
    while (parent := next((unit for unit in backend.ou if unit.id == levels[-1].parent_id), None)) is not None:
        levels.append(parent)
        if parent is root:
            break
    return tuple(
        tuple(str(item.content) for item in level.attached_policies if item.type == kind) for level in reversed(levels)
    )


def resource_control_policies(account: str, action: str) -> tuple[str, ...]:
    """The resource control policies that protect the resources of an account from an action."""
    if action.partition(":")[0] not in _RCP_SERVICES:
        return ()
    return tuple(text for level in control_levels(account, _RCP) for text in level)


def answer_organizations(call: Call, who: Who) -> Answer | None:
    """Check what moto does not check, and answer what it does not know: invitations.

    Returns:
        The answer, or `None` for what moto answers.

    Raises:
        Refused: Organizations refuses it.
    """
    params = call.params
    if call.operation in ("CreatePolicy", "UpdatePolicy") and params.get("Content") is not None:
        _check_content(str(params["Content"]))
    elif call.operation in ("AttachPolicy", "DetachPolicy"):
        _check_attachment(call, organizations_backends[who.account]["aws"])
    elif call.operation == "InviteAccountToOrganization":
        return result_answer(call, {"Handshake": _invite(params, who.account)})
    elif call.operation in ("AcceptHandshake", "DescribeHandshake", "DeclineHandshake", "CancelHandshake"):
        return result_answer(call, {"Handshake": _settle(call, who.account)})
    elif call.operation in ("ListHandshakesForAccount", "ListHandshakesForOrganization"):
        held = [item for item in _handshakes() if who.account in {party["Id"] for party in item["Parties"]}]
        return result_answer(call, {"Handshakes": held})
    return None


def after_organizations(call: Call, account: str) -> None:
    """A new account has a role that the management account may assume (Organizations API, CreateAccount)."""
    if call.operation != "CreateAccount":
        return
    made = organizations_backends[account]["aws"].accounts[-1]
    name = str(call.params.get("RoleName") or _ACCESS_ROLE)
    # moto makes the role, without the permissions that AWS gives it.
    role = moto_role(made.id, name)
    role.put_policy(
        "AdministratorAccess",
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
    )


def clear() -> None:
    """Forget who is a member of what."""
    organizations_backends.master_accounts.clear()


def _enabled(root: Any, kind: str) -> bool:
    return any(item["Type"] == kind for item in root.policy_types)


def _check_content(text: str) -> None:
    try:
        parse(text)
    except PolicyError as error:
        message = f"The provided policy document does not meet the requirements of the specified policy type. {error}"
        raise Refused("MalformedPolicyDocumentException", message, 400) from None
    if len(text) > _LONGEST:
        raise Refused("ConstraintViolationException", "You have exceeded the maximum size of a policy.", 400)


def _check_attachment(call: Call, backend: OrganizationsBackend) -> None:
    policy = next((item for item in backend.policies if item.id == call.params.get("PolicyId")), None)
    root = next((unit for unit in backend.ou if unit.type == "ROOT"), None)
    if policy is None or root is None:
        return
    if not _enabled(root, policy.type):
        message = "This operation can be performed only for enabled policy types."
        raise Refused("PolicyTypeNotEnabledException", message, 400)
    targets: list[Any] = [*backend.ou, *backend.accounts]
    target = next((item for item in targets if item.id == call.params.get("TargetId")), None)
    held = [item for item in (target.attached_policies if target is not None else ()) if item.type == policy.type]
    if call.operation == "AttachPolicy" and policy in held:
        raise Refused("DuplicatePolicyAttachmentException", "A policy is already attached to the target.", 400)
    if call.operation == "AttachPolicy" and len(held) >= 5:
        raise Refused("ConstraintViolationException", "You have attached the maximum number of policies.", 400)
    if call.operation == "DetachPolicy" and policy in held and len(held) == 1:
        message = "You cannot remove the last policy attached to the specified target."
        raise Refused("ConstraintViolationException", message, 400)


def _handshakes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for account in list(organizations_backends):
        found += getattr(organizations_backends[account]["aws"], "handshakes", [])
    return found


def _invite(params: Mapping[str, Any], account: str) -> dict[str, Any]:
    backend = organizations_backends[account]["aws"]
    if backend.org is None:
        raise Refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.", 400)
    target = str((params.get("Target") or {}).get("Id"))
    if not re.fullmatch(r"\d{12}", target):
        raise Refused("InvalidInputException", "You specified an invalid value.", 400)
    if organization_of(target) is not None:
        message = "The account is already a member of an organization."
        raise Refused("HandshakeConstraintViolationException", message, 400)
    now = datetime.now(UTC)
    identifier = "h-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(16))
    handshake = {
        "Id": identifier,
        "Arn": f"arn:aws:organizations::{account}:handshake/{backend.org.id}/invite/{identifier}",
        "Parties": [{"Id": backend.org.id[2:], "Type": "ORGANIZATION"}, {"Id": target, "Type": "ACCOUNT"}],
        "State": "OPEN",
        "RequestedTimestamp": now,
        "ExpirationTimestamp": now + timedelta(days=_INVITATION_DAYS),
        "Action": "INVITE",
    }
    vars(backend).setdefault("handshakes", []).append(handshake)
    return handshake


def _settle(call: Call, account: str) -> dict[str, Any]:
    handshake = next((item for item in _handshakes() if item["Id"] == call.params.get("HandshakeId")), None)
    if handshake is None:
        raise Refused("HandshakeNotFoundException", "We can't find a handshake with the specified ID.", 400)
    if call.operation == "DescribeHandshake":
        return handshake
    if handshake["State"] != "OPEN":
        message = "The specified handshake is already in the requested state or cannot change."
        raise Refused("InvalidHandshakeTransitionException", message, 400)
    if call.operation != "AcceptHandshake":
        handshake["State"] = "DECLINED" if call.operation == "DeclineHandshake" else "CANCELED"
        return handshake
    if account != handshake["Parties"][1]["Id"]:
        raise Refused("AccessDeniedException", "You don't have permissions to access this resource.", 400)
    _join(handshake["Arn"].split(":")[4], account)
    handshake["State"] = "ACCEPTED"
    return handshake


def _join(manager: str, account: str) -> None:
    backend = organizations_backends[manager]["aws"]
    # moto's constructor makes an access role, which an account that was invited does not get.
    known = set(iam_backends)
    entry = FakeAccount(backend.org, AccountName=account, Email=f"{account}@example.com")  # type: ignore[arg-type]
    for unwanted in set(iam_backends) - known:
        del iam_backends[unwanted]
    entry.id, entry.joined_method = account, "INVITED"
    backend.accounts.append(entry)
    for policy in backend.policies:
        if policy.aws_managed:
            backend.attach_policy(PolicyId=policy.id, TargetId=account)
    organizations_backends.master_accounts[account] = (manager, "aws")
