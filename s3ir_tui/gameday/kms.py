"""The Key Management Service: key policies, grants and the state of a key decide who may use it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.kms.models import kms_backends

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import Context, authorize, request_context
from s3ir_tui.gameday.condition_keys import keys_of_call, keys_of_target
from s3ir_tui.gameday.principals import unknown_principal
from s3ir_tui.gameday.resource_names import key_arn
from s3ir_tui.gameday.resources import Target, actions_of, targets_of
from s3ir_tui.gameday.wire import Answer, Call, Refused

_LONGEST_POLICY = 32_768
_USES = frozenset(
    {
        "CreateGrant",
        "Decrypt",
        "DeriveSharedSecret",
        "DisableKeyRotation",
        "EnableKeyRotation",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "ReEncrypt",
        "ReEncryptFrom",
        "ReEncryptTo",
        "RotateKeyOnDemand",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
"""What a disabled key refuses (KMS Developer Guide, key states)."""
_NOT_WHILE_PENDING = _USES | {
    "CreateAlias",
    "DisableKey",
    "EnableKey",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
}
"""What a key that waits for its deletion refuses."""
_KEY_FIELDS = ("KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId")


def answer_kms(call: Call, who: Who, forward: Callable[[Call, str], Answer]) -> Answer:
    """Check and carry out a call.

    Args:
        call: The call.
        who: Its caller.
        forward: Hands a call to moto, to act in an account.

    Raises:
        Refused: KMS refuses it.
    """
    account = who.account
    context = request_context(call, who) | keys_of_call(call)
    for action in actions_of(call):
        for target in _targets(call, who, action):
            if not who.admin and not _retires(call, who, target.arn):
                check_key(who, target, action, context | {"kms:calleraccount": who.account})
            if target.kind == "key":
                check_state(target.arn, call.operation)
                account = target.account if target.account in kms_backends else account
    if call.operation in ("PutKeyPolicy", "CreateKey") and call.params.get("Policy"):
        _check_policy(call, who)
    _use_key_ids(call)
    return forward(call, account)


def check_key(who: Who, target: Target, action: str, context: Context) -> None:
    """Check one action on a key or alias.

    A key policy must allow, or leave it to the identity policies of the account by naming its root (KMS Developer
    Guide, key policies); a grant counts as an Allow of the key policy.

    Raises:
        Refused: It is not allowed.
    """
    keys = dict(context) | keys_of_target(target, who.account)
    key = moto_key(target.arn) if target.kind == "key" else None
    if key is None:
        authorize(who, action, target.arn, keys)
        return
    if key.aliases:
        keys["kms:resourcealiases"] = tuple(key.aliases)
    authorize(
        who,
        action,
        target.arn,
        keys,
        resource_policy=str(key.policy),
        owner=key.account_id,
        grant_allows=_granted(key, who, action, keys),
    )


def check_state(arn: str, operation: str) -> None:
    """Refuse what a key in its present state does not do.

    Args:
        arn: ARN of the key.
        operation: Of KMS, without prefix.

    Raises:
        Refused: DisabledException or KMSInvalidStateException.
    """
    key = moto_key(arn)
    if key is None:
        return
    pending = key.key_state == "PendingDeletion"
    if pending and operation in _NOT_WHILE_PENDING:
        raise Refused("KMSInvalidStateException", f"{key.arn} is pending deletion.", 400)
    if not pending and operation == "CancelKeyDeletion":
        raise Refused("KMSInvalidStateException", f"{key.arn} is not pending deletion.", 400)
    if key.key_state == "Disabled" and operation in _USES:
        raise Refused("DisabledException", f"{key.arn} is disabled.", 400)


def moto_key(arn: str) -> Any:
    """moto's key by its ARN, or `None`."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[4] not in kms_backends:
        return None
    return kms_backends[parts[4]][parts[3]].keys.get(parts[5].removeprefix("key/"))


def _targets(call: Call, who: Who, action: str) -> tuple[Target, ...]:
    """Of a ReEncrypt each side is asked for its own key."""
    sides = {"kms:ReEncryptFrom": "SourceKeyId", "kms:ReEncryptTo": "DestinationKeyId"}
    if action not in sides:
        return tuple(target for target in targets_of(call, who, action) if target.kind != "alias" or _is_alias(call))
    given = call.params.get(sides[action])
    if given is None:
        given = bytes(call.params.get("CiphertextBlob") or b"")[:36].decode(errors="replace")
    arn = key_arn(str(given), who.account, call.region)
    return (Target(arn, "key"),) if arn else ()


def _is_alias(call: Call) -> bool:
    return call.operation in ("CreateAlias", "UpdateAlias", "DeleteAlias")


def _granted(key: Any, who: Who, action: str, context: Context) -> bool:
    """Whether a grant lets the caller, by the ARN of its user, role or session."""
    operation = action.partition(":")[2]
    named = (who.caller.arn, who.caller.session_arn)
    return any(
        grant.grantee_principal in named
        and operation in grant.operations
        and _constraints_hold(grant.constraints or {}, context)
        for grant in list(key.grants.values())
    )


def _constraints_hold(constraints: Mapping[str, Any], context: Context) -> bool:
    prefix = "kms:encryptioncontext:"
    given = {name[len(prefix) :]: value for name, value in context.items() if name.startswith(prefix)}
    subset = {key.lower(): value for key, value in (constraints.get("EncryptionContextSubset") or {}).items()}
    equals = constraints.get("EncryptionContextEquals")
    if equals is not None and {key.lower(): value for key, value in equals.items()} != given:
        return False
    return all(given.get(key) == value for key, value in subset.items())


def _retires(call: Call, who: Who, arn: str) -> bool:
    """Whether the caller retires a grant that names it for that (KMS API, RetireGrant)."""
    key = moto_key(arn) if call.operation == "RetireGrant" else None
    if key is None:
        return False
    named = (call.params.get("GrantId"), call.params.get("GrantToken"))
    grants = [grant for grant in list(key.grants.values()) if grant.id in named or grant.token in named]
    return any(who.caller.arn == grant.retiring_principal for grant in grants)


def _check_policy(call: Call, who: Who) -> None:
    text = str(call.params["Policy"])
    code = "MalformedPolicyDocumentException"
    try:
        policy.parse(text)
        missing = unknown_principal(text)
    except policy.PolicyError as error:
        raise Refused(code, str(error), 400) from None
    if missing:
        raise Refused(code, "Policy contains a statement with one or more invalid principals.", 400)
    if len(text) > _LONGEST_POLICY:
        raise Refused("LimitExceededException", "The key policy is too long.", 400)
    if who.admin or call.params.get("BypassPolicyLockoutSafetyCheck"):
        return
    request = policy.Request("kms:PutKeyPolicy", "*", who.caller, request_context(call, who))
    if policy.evaluate(text, request, resource_policy=True).effect in (policy.Effect.NONE, policy.Effect.DENY):
        raise Refused(code, "The new key policy will not allow you to update the key policy in the future.", 400)


def _use_key_ids(call: Call) -> None:
    """Name keys by their ids in the request: moto knows ARNs in some operations only."""
    try:
        body = json.loads(call.body or b"{}")
    except ValueError:
        return
    changed = False
    if call.operation in ("GetKeyPolicy", "PutKeyPolicy") and not body.get("PolicyName"):
        # There is no other name, and moto insists on it.
        body["PolicyName"], changed = "default", True
    for field in _KEY_FIELDS:
        value = body.get(field)
        if isinstance(value, str) and value.startswith("arn:") and ":key/" in value:
            body[field] = value.split(":key/", 1)[1]
            changed = True
    if changed:
        data = json.dumps(body).encode()
        call.environ["wsgi.input"] = io.BytesIO(data)
        call.environ["CONTENT_LENGTH"] = str(len(data))
