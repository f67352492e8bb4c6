"""May they: every policy that has a say in a call, gathered and put to the evaluator."""

from __future__ import annotations

import base64
import functools
import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.condition_keys import keys_of_call, keys_of_target
from s3ir_tui.gameday.organizations import control_levels, organization_id, resource_control_policies
from s3ir_tui.gameday.pass_role import passed_roles
from s3ir_tui.gameday.resources import Target, actions_of, targets_of
from s3ir_tui.gameday.s3_names import control_action_of
from s3ir_tui.gameday.store import canonical_id
from s3ir_tui.gameday.wire import Call, Refused
from s3ir_tui.model import iso

Context = Mapping[str, "str | tuple[str, ...]"]
"""Condition keys in lower case."""


def request_context(call: Call, who: Who) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of a request and its caller, in lower case.

    The account speaks plain HTTP on loopback where its clients would speak TLS to AWS: `aws:SecureTransport` is true
    unless `X-Forwarded-Proto` says `http`.
    """
    context: dict[str, str | tuple[str, ...]] = {
        "aws:sourceip": call.address,
        "aws:useragent": call.agent,
        "aws:securetransport": str(call.header("x-forwarded-proto").lower() != "http").lower(),
        "aws:currenttime": iso(datetime.now(UTC)),
        "aws:epochtime": str(int(time.time())),
        "aws:requestedregion": call.region,
        "aws:viaawsservice": "false",
        "aws:principalorgid": organization_id(who.account),
        **who.context,
    }
    return {key: value for key, value in context.items() if value}


def authorize(
    who: Who,
    action: str,
    resource: str,
    context: Context,
    *,
    resource_policy: str | None = None,
    owner: str | None = None,
    acl_allows: bool = False,
    grant_allows: bool = False,
) -> None:
    """Let a call pass or refuse it.

    Args:
        who: The caller.
        action: `service:Action`.
        resource: ARN, or `*`.
        context: Condition keys.
        resource_policy: Policy of the resource.
        owner: Account that owns the resource; the caller's own if `None`.
        acl_allows: Whether an ACL grants it.
        grant_allows: Whether a grant of a KMS key allows it.

    Raises:
        Refused: AccessDenied, in AWS's words.
    """
    if who.admin:
        return
    service_linked = ":role/aws-service-role/" in str(who.caller.arn)
    caller = who.caller
    if who.account and resource_policy and "CanonicalUser" in resource_policy:
        caller = replace(caller, canonical_id=canonical_id(who.account))
    decision = policy.authorize(
        policy.Request(action, resource, caller, context),
        policy.Policies(
            identity=who.documents,
            resource=resource_policy,
            resource_owner=owner,
            boundary=who.boundary,
            session=who.session_policies,
            # Service-linked roles are not limited (Organizations User Guide, SCPs and RCPs).
            scps=() if service_linked else control_levels(who.account),
            rcps=() if service_linked else resource_control_policies(owner or who.account, action),
        ),
        acl_allows=acl_allows,
        grant_allows=grant_allows,
    )
    if not decision.allowed:
        raise access_denied(who, action, resource, decision.reason)


def access_denied(who: Who, action: str, resource: str, why: str) -> Refused:
    """AccessDenied with AWS's message."""
    subject = "Anonymous" if who.caller.anonymous else who.arn
    on = f' on resource: "{resource}"' if resource != "*" else ""
    message = f"User: {subject} is not authorized to perform: {action}{on} {why}"
    if action.startswith("ec2:"):
        # EC2 alone adds what sts:DecodeAuthorizationMessage decodes.
        identifier, explicit = who.caller.user_id or "", "explicit deny" in why
        encoded = encode_authorization(action, resource, identifier, who.arn, explicit=explicit)
        message += f". Encoded authorization failure message: {encoded}"
    return Refused("AccessDenied", message)


def encode_authorization(action: str, resource: str, unique_id: str, arn: str, *, explicit: bool) -> str:
    """A refusal as an encoded message (STS API, DecodeAuthorizationMessage)."""
    said = {
        "allowed": False,
        "explicitDeny": explicit,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {"id": unique_id, "arn": arn},
            "action": action,
            "resource": resource,
            "conditions": {"items": []},
        },
    }
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(said).encode())).decode().rstrip("=")


def decode_authorization(encoded: str) -> str:
    """What an encoded message says.

    Raises:
        Refused: It is none.
    """
    try:
        return zlib.decompress(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))).decode()
    except (ValueError, zlib.error):
        raise Refused("InvalidAuthorizationMessageException", "The message is not valid.", 400) from None


def check_call(call: Call, who: Who) -> None:
    """Check a call to any service but S3, STS and KMS, which looks into key policies itself.

    Raises:
        Refused: It is not allowed.
    """
    if who.admin:
        return
    if call.service == "iam":
        _check_session_may_call_iam(who)
    context = request_context(call, who) | keys_of_call(call)
    if call.service == "s3control":
        authorize(who, f"s3:{control_action_of(call.operation)}", "*", context)
    elif call.service != "kms":
        for action in actions_of(call):
            for target in targets_of(call, who, action):
                authorize(who, action, target.arn, context | keys_of_target(target, who.account))
    check_passed_roles(call, who)


def check_passed_roles(call: Call, who: Who) -> None:
    """Check iam:PassRole for the roles that a call hands to a service.

    Raises:
        Refused: The caller may not pass one of them.
    """
    if who.admin:
        return
    for arn, service in passed_roles(call, who.account):
        target = Target(arn, "role")
        context = request_context(call, who) | keys_of_target(target, who.account)
        authorize(who, "iam:PassRole", arn, context | {"iam:passedtoservice": service})


def _check_session_may_call_iam(who: Who) -> None:
    """Sessions of GetSessionToken need MFA to call IAM, those of GetFederationToken cannot (STS API reference)."""
    session = who.session
    if session is not None and session.kind not in ("role", "root") and not (session.kind == "user" and session.mfa):
        raise Refused("InvalidClientTokenId", "The security token included in the request is invalid")


@functools.lru_cache(maxsize=256)
def only_denies(document: str) -> str:
    """A policy without its Allow statements."""
    denies = [item for item in policy.statements(document) if item.get("Effect") == "Deny"]
    return json.dumps({"Version": json.loads(document).get("Version", "2008-10-17"), "Statement": denies})


@functools.lru_cache(maxsize=256)
def is_public(document: str) -> bool:
    """Whether AWS calls a bucket policy public; one that cannot be read is not."""
    try:
        return policy.is_public(document)
    except policy.PolicyError:
        return False
