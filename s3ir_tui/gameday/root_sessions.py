"""AssumeRoot: short sessions of a member account's root user, for one privileged task each."""

from __future__ import annotations

import re

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import access_denied, authorize, request_context
from s3ir_tui.gameday.organizations import organization_of
from s3ir_tui.gameday.sessions import Sessions
from s3ir_tui.gameday.store import managed_document
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

_LONGEST = 900
_TASKS = "arn:aws:iam::aws:policy/root-task/"
_FEATURE = "RootSessions"


def assume_root(call: Call, who: Who, sessions: Sessions) -> Answer:
    """Answer AssumeRoot (STS API): the management account enters a member account as its root user.

    Args:
        call: The call.
        who: Its caller.
        sessions: Where the session is kept.

    Raises:
        Refused: It is not allowed, or not valid.
    """
    target = str(call.params.get("TargetPrincipal") or "")
    account = target.split(":")[4] if target.startswith("arn:") and target.count(":") >= 5 else target
    task = str((call.params.get("TaskPolicyArn") or {}).get("arn") or "")
    seconds = int(call.params.get("DurationSeconds") or _LONGEST)
    if not re.fullmatch(r"\d{12}", account) or seconds > _LONGEST or seconds < 0:
        raise Refused("ValidationError", "The target principal or the duration is not valid.", 400)
    document = managed_document(who.account, task) if task.startswith(_TASKS) else None
    if document is None:
        raise Refused("ValidationError", f"{task} is no policy for privileged tasks of the root user.", 400)
    root = f"arn:aws:iam::{account}:root"
    authorize(who, "sts:AssumeRoot", root, request_context(call, who) | {"sts:taskpolicyarn": task})
    found = organization_of(who.account)
    if found is None or found[0].org is None or found[0].org.master_account_id != who.account:
        raise access_denied(who, "sts:AssumeRoot", root, "")
    backend = found[0]
    member = next((item for item in backend.accounts if item.id == account), None)
    if member is None or account == who.account or _FEATURE not in enabled_features(who.account):
        raise access_denied(who, "sts:AssumeRoot", root, "")
    session = sessions.issue("root", account, "root", account, seconds=seconds, policies=(document,))
    return result_answer(call, {"Credentials": session.to_credentials()})


def enabled_features(account: str) -> list[str]:
    """What of centralized root access the organization of a management account has turned on."""
    found = organization_of(account)
    return list(getattr(found[0], "root_features", ())) if found is not None else []


def answer_features(call: Call, account: str) -> Answer | None:
    """Answer the calls to IAM that turn centralized root access on and off.

    Returns:
        The answer, or `None` for other calls.

    Raises:
        Refused: The account manages no organization.
    """
    names = {"RootSessions": _FEATURE, "RootCredentialsManagement": "RootCredentialsManagement"}
    match = re.fullmatch(r"(Enable|Disable)Organizations(\w+)|ListOrganizationsFeatures", call.operation)
    if match is None or (match[2] and match[2] not in names):
        return None
    found = organization_of(account)
    if found is None or found[0].org is None or found[0].org.master_account_id != account:
        message = "The request was rejected because the account is not the management account of an organization."
        raise Refused("CallerIsNotManagementAccountException", message, 403)
    features = set(enabled_features(account))
    if match[1]:
        features = features | {names[match[2]]} if match[1] == "Enable" else features - {names[match[2]]}
        vars(found[0])["root_features"] = sorted(features)
    return result_answer(call, {"OrganizationId": found[0].org.id, "EnabledFeatures": sorted(features)})
