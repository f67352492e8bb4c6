"""The Security Token Service: whoever calls, and the sessions that can be made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import access_denied, authorize, decode_authorization, request_context
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.root_sessions import assume_root
from s3ir_tui.gameday.session_tags import check_passed, read_passed
from s3ir_tui.gameday.sessions import Sessions
from s3ir_tui.gameday.store import RoleFact, managed_document, moto_user
from s3ir_tui.gameday.wire import Answer, Call, Refused, Verbatim, result_answer

_ROLE_ARN = re.compile(r"arn:aws:iam::(\d{12}):role/(?:.*/)?([^/]+)\Z")
_NAME = re.compile(r"[\w+=,.@-]{2,64}\Z")
_HOUR = 3600
_LONGEST = 36 * _HOUR
_LONGEST_POLICY = 2048


class TokenService:
    """STS.

    Args:
        sessions: Where sessions are kept.
        delays: What enforcement believes about roles.
    """

    def __init__(self, sessions: Sessions, delays: Delays) -> None:
        self._sessions = sessions
        self._delays = delays
        self._operations: dict[str, Callable[[Call, Who], Answer]] = {
            "GetCallerIdentity": self._caller,
            "AssumeRole": self._assume,
            "AssumeRoot": lambda call, who: assume_root(call, who, self._sessions),
            "GetSessionToken": self._session_token,
            "GetFederationToken": self._federation_token,
            "GetAccessKeyInfo": self._key_info,
            "DecodeAuthorizationMessage": self._decode,
        }

    def answer(self, call: Call, who: Who) -> Answer:
        """Check and carry out a call.

        Raises:
            Refused: It is not allowed, not valid, or not part of this account.
        """
        operation = self._operations.get(call.operation)
        if operation is None:
            raise Refused("NotImplemented", f"{call.operation or 'this call'} is not part of this account", 501)
        return operation(call, who)

    def _caller(self, call: Call, who: Who) -> Answer:
        user_id = who.account if who.admin else who.caller.user_id
        arn = who.caller.arn if who.admin else who.arn
        return result_answer(call, {"UserId": user_id, "Account": who.account, "Arn": arn})

    def _key_info(self, call: Call, who: Who) -> Answer:
        authorize(who, "sts:GetAccessKeyInfo", "*", request_context(call, who))
        session = self._sessions.find(str(call.params["AccessKeyId"]))
        key = self._delays.fact(("key", str(call.params["AccessKeyId"])))
        account = session.account if session else getattr(key, "account", None)
        if account is None:
            raise Refused("ValidationError", "Invalid access key ID", 400)
        return result_answer(call, {"Account": account})

    def _decode(self, call: Call, who: Who) -> Answer:
        authorize(who, "sts:DecodeAuthorizationMessage", "*", request_context(call, who))
        return result_answer(call, {"DecodedMessage": decode_authorization(str(call.params["EncodedMessage"]))})

    def _assume(self, call: Call, who: Who) -> Answer:
        arn = str(call.params.get("RoleArn"))
        match = _ROLE_ARN.match(arn)
        if match is None:
            raise Refused("ValidationError", f"{arn} is invalid", 400)
        if who.session is not None and who.session.kind == "federated":
            raise access_denied(who, "sts:AssumeRole", arn, "")
        role = self._delays.fact(("role", match[1], match[2]))
        if not isinstance(role, RoleFact) or role.arn != arn:
            why = "because no role trust policy allows the sts:AssumeRole action"
            raise access_denied(who, "sts:AssumeRole", arn, why)
        name = _checked_name(call.params.get("RoleSessionName"), "roleSessionName")
        mfa = _with_mfa(call, who)
        passed = read_passed(call, who)
        context = request_context(call, who) | passed.context() | {"sts:rolesessionname": name}
        if call.params.get("ExternalId"):
            context["sts:externalid"] = str(call.params["ExternalId"])
        if mfa:
            context |= {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
        authorize(who, "sts:AssumeRole", arn, context, resource_policy=role.trust, owner=role.account)
        check_passed(who, passed, arn, context, trust=role.trust, owner=role.account)
        chained = who.session is not None and who.session.kind == "role"
        seconds = _duration(call, default=_HOUR, most=role.longest_session)
        if chained and seconds > _HOUR:
            message = (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
            raise Refused("ValidationError", message, 400)
        session = self._sessions.issue(
            "role",
            role.account,
            role.name,
            role.unique_id,
            seconds=seconds,
            name=name,
            policies=_session_policies(call, role.account),
            mfa=mfa,
            source_identity=passed.source_identity,
            tags=passed.tags,
            transitive=passed.transitive,
        )
        if passed.inherited:
            call.params["IncomingTransitiveTags"] = Verbatim(passed.inherited)
        result: dict[str, Any] = {
            "Credentials": session.to_credentials(),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role.unique_id}:{name}",
                "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{name}",
            },
        }
        if passed.tags or session.policies:
            result["PackedPolicySize"] = 6
        if session.source_identity:
            result["SourceIdentity"] = session.source_identity
        return result_answer(call, result)

    def _session_token(self, call: Call, who: Who) -> Answer:
        user = _own_user(call, who)
        authorize(who, "sts:GetSessionToken", "*", request_context(call, who))
        session = self._sessions.issue(
            "user",
            who.account,
            who.user,
            user.id,
            seconds=_duration(call, default=12 * _HOUR, most=_LONGEST),
            mfa=_with_mfa(call, who),
        )
        return result_answer(call, {"Credentials": session.to_credentials()})

    def _federation_token(self, call: Call, who: Who) -> Answer:
        user = _own_user(call, who)
        name = _checked_name(call.params.get("Name"), "name")
        arn = f"arn:aws:sts::{who.account}:federated-user/{name}"
        passed = read_passed(call, who)
        context = request_context(call, who) | passed.context()
        authorize(who, "sts:GetFederationToken", arn, context)
        check_passed(who, passed, arn, context)
        session = self._sessions.issue(
            "federated",
            who.account,
            who.user,
            user.id,
            seconds=_duration(call, default=12 * _HOUR, most=_LONGEST),
            name=name,
            policies=_session_policies(call, who.account),
            limited=True,
            tags=passed.tags,
        )
        return result_answer(
            call,
            {
                "Credentials": session.to_credentials(),
                "FederatedUser": {"FederatedUserId": f"{who.account}:{name}", "Arn": arn},
                "PackedPolicySize": 4,
            },
        )


def _own_user(call: Call, who: Who) -> Any:
    """moto's user behind a long-term key; nothing else may make these sessions (STS API reference)."""
    if who.session is not None:
        raise Refused("AccessDenied", f"Cannot call {call.operation} with session credentials")
    user = moto_user(who.account, who.user) if who.user else None
    if user is None:
        raise Refused("AccessDenied", f"{call.operation} needs the credentials of an IAM user")
    return user


def _checked_name(name: object, field: str) -> str:
    text = str(name or "")
    if not _NAME.match(text):
        message = (
            f"1 validation error detected: Value '{text}' at '{field}' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )
        raise Refused("ValidationError", message, 400)
    return text


def _duration(call: Call, *, default: int, most: int) -> int:
    seconds = int(call.params.get("DurationSeconds") or min(default, most))
    if seconds < 900 or seconds > _LONGEST:
        message = f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint"
        raise Refused("ValidationError", message, 400)
    if seconds > most:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise Refused("ValidationError", message, 400)
    return seconds


def _with_mfa(call: Call, who: Who) -> bool:
    """Whether a device of the caller's user is named with a code; there are no real codes here, six digits do."""
    serial, code = call.params.get("SerialNumber"), str(call.params.get("TokenCode") or "")
    if not serial:
        return False
    user = moto_user(who.account, who.user) if who.user else None
    if user is None or serial not in user.mfa_devices or not re.fullmatch(r"\d{6}", code):
        message = "MultiFactorAuthentication failed with invalid MFA one time pass code."
        raise Refused("AccessDenied", message)
    return True


def _session_policies(call: Call, account: str) -> tuple[str, ...]:
    found = []
    if text := call.params.get("Policy"):
        if len(str(text)) > _LONGEST_POLICY:
            raise Refused("PackedPolicyTooLarge", "Packed size of session policies exceeds the limit.", 400)
        try:
            policy.validate(str(text), "identity")
        except policy.PolicyError as error:
            raise Refused("MalformedPolicyDocument", str(error), 400) from None
        found.append(str(text))
    for item in call.params.get("PolicyArns") or ():
        document = managed_document(account, item.get("arn") or item.get("Arn"))
        if document is None:
            raise Refused("NoSuchEntity", f"Policy {json.dumps(item)} does not exist or is not attachable.", 404)
        found.append(document)
    return tuple(found)
