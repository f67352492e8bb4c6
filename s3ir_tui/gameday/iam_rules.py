"""What IAM checks before it stores: documents, sizes, quotas; and the user boundaries that moto does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.principals import unknown_principal
from s3ir_tui.gameday.store import BOUNDARY, iam, moto_role, moto_user
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

_INLINE = {"PutUserPolicy": "user", "PutRolePolicy": "role", "PutGroupPolicy": "group"}
_DOCUMENTS = {
    "PutUserPolicy": ("PolicyDocument", "identity"),
    "PutRolePolicy": ("PolicyDocument", "identity"),
    "PutGroupPolicy": ("PolicyDocument", "identity"),
    "CreatePolicy": ("PolicyDocument", "identity"),
    "CreatePolicyVersion": ("PolicyDocument", "identity"),
    "UpdateAssumeRolePolicy": ("PolicyDocument", "trust"),
    "CreateRole": ("AssumeRolePolicyDocument", "trust"),
}
_ATTACHED = {"AttachUserPolicy": "user", "AttachRolePolicy": "role", "AttachGroupPolicy": "group"}
_BOUNDED = ("CreateUser", "PutUserPermissionsBoundary", "CreateRole", "PutRolePermissionsBoundary")
_MANAGED_LIMIT = 6144
_TRUST_LIMIT = 2048
_NAMES = {"user": "UserName", "role": "RoleName", "group": "GroupName"}


def check_iam(call: Call, account: str, most_attached: int) -> None:
    """Refuse what IAM would not store. White space does not count in the sizes of policies (IAM quotas).

    Args:
        call: The call.
        account: The account that it acts in.
        most_attached: How many managed policies an identity may have attached.

    Raises:
        Refused: MalformedPolicyDocument or LimitExceeded.
    """
    if call.operation in _DOCUMENTS:
        field, kind = _DOCUMENTS[call.operation]
        text = str(call.params.get(field) or "")
        _check_document(text, kind)
        if kind == "trust" and policy.measure(text) > _TRUST_LIMIT:
            raise Refused("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_TRUST_LIMIT}", 409)
    if call.operation in _BOUNDED:
        arn = call.params.get("PermissionsBoundary")
        if arn is not None and arn not in iam(account).managed_policies:
            raise Refused("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)
    if call.operation in _INLINE:
        _check_inline(account, call.params, _INLINE[call.operation])
    elif call.operation in ("CreatePolicy", "CreatePolicyVersion"):
        if policy.measure(str(call.params["PolicyDocument"])) > _MANAGED_LIMIT:
            raise Refused("LimitExceeded", f"Cannot exceed quota for PolicySize: {_MANAGED_LIMIT}", 409)
    elif call.operation in _ATTACHED:
        kind = _ATTACHED[call.operation]
        owner = _owner(account, kind, call.params)
        arn = call.params.get("PolicyArn")
        if owner is not None and arn not in owner.managed_policies and len(owner.managed_policies) >= most_attached:
            raise Refused(
                "LimitExceeded", f"Cannot exceed quota for PoliciesPer{kind.capitalize()}: {most_attached}", 409
            )


def _check_document(text: str, kind: str) -> None:
    try:
        policy.validate(text, "trust" if kind == "trust" else "identity")
        missing = unknown_principal(text) if kind == "trust" else None
    except policy.PolicyError as error:
        raise Refused("MalformedPolicyDocument", str(error), 400) from None
    if missing:
        raise Refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing}"', 400)


def _check_inline(account: str, params: Mapping[str, Any], kind: str) -> None:
    """All inline policies of one identity share one limit; white space does not count (IAM quotas)."""
    owner = _owner(account, kind, params)
    if owner is None:
        return
    documents = {**owner.policies, str(params["PolicyName"]): str(params["PolicyDocument"])}
    limit = policy.INLINE_LIMITS[kind]
    if sum(policy.measure(text) for text in documents.values()) > limit:
        name = params[_NAMES[kind]]
        raise Refused("LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind} {name}", 409)


def _owner(account: str, kind: str, params: Mapping[str, Any]) -> Any:
    name = str(params.get(_NAMES[kind]))
    if kind == "user":
        return moto_user(account, name)
    if kind == "role":
        return moto_role(account, name)
    return iam(account).groups.get(name)


def answer_iam(call: Call, who: Who) -> Answer | None:
    """Answer what moto does not know: permissions boundaries of users.

    Returns:
        The answer, or `None` for what moto answers.

    Raises:
        Refused: There is no such user.
    """
    if call.operation not in ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"):
        return None
    name = str(call.params["UserName"])
    user = moto_user(who.account, name)
    if user is None:
        raise Refused("NoSuchEntity", f"The user with name {name} cannot be found.", 404)
    setattr(user, BOUNDARY, call.params.get("PermissionsBoundary"))
    return result_answer(call, {})


def after_iam(call: Call, account: str) -> None:
    """Keep the permissions boundary that a new user was given, and the keys of a user that was renamed."""
    if call.operation == "UpdateUser" and (name := call.params.get("NewUserName")):
        for key in moto_user(account, str(name)).access_keys:
            key.user_name = str(name)
    if call.operation == "CreateUser" and (arn := call.params.get("PermissionsBoundary")):
        setattr(moto_user(account, str(call.params["UserName"])), BOUNDARY, arn)
