"""May they: every policy that has a say in a call, gathered and put to the evaluator."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.s3_names import control_action_of
from s3ir_tui.gameday.store import canonical_id, iam
from s3ir_tui.gameday.wire import Call, Refused
from s3ir_tui.model import iso

_PREFIXES = {
    "s3control": "s3",
    "monitoring": "cloudwatch",
    "sso": "sso",
    "elasticloadbalancing": "elasticloadbalancing",
}
_IAM_TARGETS = (
    ("UserName", "user"),
    ("RoleName", "role"),
    ("GroupName", "group"),
    ("InstanceProfileName", "instance-profile"),
)


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
        **who.context,
    }
    return {key: value for key, value in context.items() if value}


def authorize(
    who: Who,
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]],
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
        grant_allows: Whether a KMS grant gives it.

    Raises:
        Refused: AccessDenied, in AWS's words.
    """
    if who.admin:
        return
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
    return Refused("AccessDenied", f"User: {subject} is not authorized to perform: {action}{on} {why}")


def check_call(call: Call, who: Who) -> None:
    """Check a call to any service but S3 and STS.

    Raises:
        Refused: It is not allowed.
    """
    if call.service == "iam":
        _check_session_may_call_iam(who)
    prefix = _PREFIXES.get(call.service, call.service)
    operation = control_action_of(call.operation) if call.service == "s3control" else call.operation
    authorize(who, f"{prefix}:{operation}", _resource(call, who), request_context(call, who))


def _check_session_may_call_iam(who: Who) -> None:
    """Sessions of GetSessionToken need MFA to call IAM, those of GetFederationToken cannot (STS API reference)."""
    session = who.session
    if session is not None and session.kind != "role" and not (session.kind == "user" and session.mfa):
        raise Refused("InvalidClientTokenId", "The security token included in the request is invalid")


def _resource(call: Call, who: Who) -> str:
    params = call.params
    if call.service == "iam":
        return _iam_resource(params, who)
    if call.service == "ec2" and (instance := params.get("InstanceId")):
        return f"arn:aws:ec2:{call.region}:{who.account}:instance/{instance}"
    if call.service == "cloudtrail" and (trail := params.get("Name") or params.get("TrailName")):
        name = str(trail)
        return name if name.startswith("arn:") else f"arn:aws:cloudtrail:{call.region}:{who.account}:trail/{name}"
    return "*"


def _iam_resource(params: Mapping[str, Any], who: Who) -> str:
    backend = iam(who.account)
    stores = {
        "user": backend.users,
        "role": backend.roles,
        "group": backend.groups,
        "instance-profile": backend.instance_profiles,
    }
    for name, kind in _IAM_TARGETS:
        if wanted := params.get(name):
            found = next((thing for thing in list(stores[kind].values()) if thing.name == wanted), None)
            path = str(params.get("Path") or "/")
            return str(found.arn) if found is not None else f"arn:aws:iam::{who.account}:{kind}{path}{wanted}"
    if arn := params.get("PolicyArn"):
        return str(arn)
    return str(who.caller.arn) if who.user else "*"


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
