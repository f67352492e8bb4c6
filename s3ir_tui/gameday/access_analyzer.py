"""IAM Access Analyzer: analyzers with findings of external access, and the checks of policies."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.store import iam, moto_buckets
from s3ir_tui.gameday.wire import Answer, Call, Refused, as_list, result_answer
from s3ir_tui.policy import pattern
from s3ir_tui.policy.validation import Kind

_KINDS: dict[str, Kind] = {
    "AWS::S3::Bucket": "bucket",
    "AWS::IAM::AssumeRolePolicyDocument": "trust",
}
_CHECKS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
_PASS: dict[str, Any] = {"result": "PASS", "reasons": []}
_MESSAGES = {
    "CheckAccessNotGranted": "The policy document grants access to perform the listed actions or resources.",
    "CheckNoNewAccess": "The modified permissions grant new access compared to your existing policy.",
    "CheckNoPublicAccess": "The resource policy grants public access for the given resource type.",
}


class AccessAnalyzer:
    """The service. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._analyzers: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self._operations: dict[str, Callable[[Mapping[str, Any], str, str], dict[str, Any]]] = {
            "CreateAnalyzer": self._create,
            "GetAnalyzer": self._get,
            "DeleteAnalyzer": self._delete,
            "ListAnalyzers": self._list,
            "ListFindings": self._findings,
            "ListFindingsV2": self._findings,
            "ValidatePolicy": lambda params, _account, _region: {"findings": list(_validated(params))},
            "CheckAccessNotGranted": lambda params, _account, _region: _not_granted(params),
            "CheckNoNewAccess": lambda params, _account, _region: _no_new(params),
            "CheckNoPublicAccess": lambda params, _account, _region: _no_public(params),
        }

    def clear(self) -> None:
        """Forget the analyzers."""
        with self._lock:
            self._analyzers.clear()

    def answer(self, call: Call, account: str) -> Answer:
        """Carry out a call that the caller is allowed to make.

        Raises:
            Refused: It is not valid, or not part of this account.
        """
        operation = self._operations.get(call.operation)
        if operation is None:
            raise Refused("NotImplemented", f"{call.operation} is not part of this account", 501)
        return result_answer(call, operation(call.params, account, call.region))

    def _held(self, account: str, region: str) -> dict[str, dict[str, Any]]:
        return self._analyzers.setdefault((account, region), {})

    def _create(self, params: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
        name, kind = str(params.get("analyzerName")), str(params.get("type"))
        with self._lock:
            held = self._held(account, region)
            if name in held:
                raise Refused("ConflictException", f"An analyzer with the name {name} already exists.", 409)
            if any(item["type"] == kind for item in held.values()):
                raise Refused("ServiceQuotaExceededException", f"The number of {kind} analyzers is exceeded.", 402)
            arn = f"arn:aws:access-analyzer:{region}:{account}:analyzer/{name}"
            made = {"arn": arn, "name": name, "type": kind, "createdAt": datetime.now(UTC), "status": "ACTIVE"}
            held[name] = made | {"tags": dict(params.get("tags") or {})}
        return {"arn": arn}

    def _get(self, params: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
        with self._lock:
            found = self._held(account, region).get(str(params.get("analyzerName")))
        if found is None:
            raise Refused("ResourceNotFoundException", "The analyzer does not exist.", 404)
        return {"analyzer": found}

    def _delete(self, params: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
        self._get(params, account, region)
        with self._lock:
            del self._held(account, region)[str(params.get("analyzerName"))]
        return {}

    def _list(self, params: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
        with self._lock:
            held = list(self._held(account, region).values())
        return {"analyzers": [item for item in held if params.get("type") in (None, item["type"])]}

    def _findings(self, params: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
        with self._lock:
            held = [item for item in self._held(account, region).values() if item["arn"] == params.get("analyzerArn")]
        if not held:
            raise Refused("ResourceNotFoundException", "The analyzer does not exist.", 404)
        external = held[0]["type"] in ("ACCOUNT", "ORGANIZATION")
        return {"findings": list(_external(account, region)) if external else []}


def _external(account: str, region: str) -> Iterator[dict[str, Any]]:
    """Buckets of the Region and roles that others than the account can reach by their policies."""
    for bucket in moto_buckets():
        if bucket.account_id == account and bucket.region_name == region and bucket.policy:
            text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else str(bucket.policy)
            if policy.is_public(text) or policy.foreign_accounts(text, account):
                yield _finding(f"arn:aws:s3:::{bucket.name}", "AWS::S3::Bucket", account)
    for role in list(iam(account).roles.values()):
        text = str(role.assume_role_policy_document)
        if policy.is_public(text) or policy.foreign_accounts(text, account):
            yield _finding(str(role.arn), "AWS::IAM::Role", account)


def _finding(arn: str, kind: str, account: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, arn)),
        "resource": arn,
        "resourceType": kind,
        "resourceOwnerAccount": account,
        "status": "ACTIVE",
        "findingType": "ExternalAccess",
        "createdAt": now,
        "analyzedAt": now,
        "updatedAt": now,
    }


def _validated(params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    text = str(params.get("policyDocument"))
    kind: Kind | None = "identity" if params.get("policyType") == "IDENTITY_POLICY" else None
    kind = kind or _KINDS.get(str(params.get("validatePolicyResourceType")))
    try:
        if kind is None:
            policy.parse(text)
        else:
            policy.validate(text, kind)
    except policy.PolicyError as error:
        yield {
            "findingType": "ERROR",
            "issueCode": "INVALID_POLICY",
            "findingDetails": str(error),
            "learnMoreLink": _CHECKS,
            "locations": [],
        }


def _not_granted(params: Mapping[str, Any]) -> dict[str, Any]:
    """An Allow that reaches one of the actions on one of the resources, whatever its conditions, fails the check."""
    statements = _allows(str(params.get("policyDocument")))
    reasons = []
    for access in as_list(params.get("access")):
        actions, resources = as_list(access.get("actions")) or ["*"], as_list(access.get("resources")) or ["*"]
        for place, item in statements:
            if any(_names(item, "Action", action, lower=True) for action in actions) and any(
                _names(item, "Resource", resource) for resource in resources
            ):
                reasons.append(_reason(place, item))
    return _failed("CheckAccessNotGranted", reasons) if reasons else dict(_PASS)


def _no_new(params: Mapping[str, Any]) -> dict[str, Any]:
    """Each Allow of the new policy must lie within one of the old, and no Deny of the old may be gone."""
    old, new = str(params.get("existingPolicyDocument")), str(params.get("newPolicyDocument"))
    before = [item for _, item in _allows(old)]
    reasons = [_reason(place, item) for place, item in _allows(new) if not any(_within(item, one) for one in before)]
    kept = [_plain(item) for item in policy.statements(new) if item.get("Effect") == "Deny"]
    lost = [item for item in policy.statements(old) if item.get("Effect") == "Deny" and _plain(item) not in kept]
    reasons += [_reason(0, item) for item in lost]
    return _failed("CheckNoNewAccess", reasons) if reasons else dict(_PASS)


def _no_public(params: Mapping[str, Any]) -> dict[str, Any]:
    text = _readable(str(params.get("policyDocument")))
    places = policy.public_statements(text)
    found = policy.statements(text)
    reasons = [_reason(place, found[place]) for place in places]
    return _failed("CheckNoPublicAccess", reasons) if reasons else dict(_PASS)


def _readable(text: str) -> str:
    try:
        policy.parse(text)
    except policy.PolicyError as error:
        raise Refused("ValidationException", f"The policy document is not valid: {error}", 400) from None
    return text


def _allows(text: str) -> list[tuple[int, dict[str, Any]]]:
    found = policy.statements(_readable(text))
    return [(place, dict(item)) for place, item in enumerate(found) if item.get("Effect") == "Allow"]


def _names(item: Mapping[str, Any], element: str, value: str, *, lower: bool = False) -> bool:
    if f"Not{element}" in item:
        return not _matches(as_list(item[f"Not{element}"]), value, lower=lower)
    return element not in item or value == "*" or _matches(as_list(item[element]), value, lower=lower)


def _matches(patterns: list[Any], value: str, *, lower: bool) -> bool:
    wanted = value.lower() if lower else value
    texts = [str(text).lower() if lower else str(text) for text in patterns]
    return any(pattern.glob(pattern.tokens(text, None) or ()).match(wanted) is not None for text in texts)


def _within(item: Mapping[str, Any], wider: Mapping[str, Any]) -> bool:
    if "NotAction" in item or "NotResource" in item or "NotAction" in wider or "NotResource" in wider:
        return _plain(item) == _plain(wider)
    return (
        all(_matches(as_list(wider.get("Action")), str(one), lower=True) for one in as_list(item.get("Action")))
        and all(
            _matches(as_list(wider.get("Resource")), str(one), lower=False) for one in as_list(item.get("Resource"))
        )
        and item.get("Principal") == wider.get("Principal")
        and (not wider.get("Condition") or item.get("Condition") == wider.get("Condition"))
    )


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "Sid"}


def _reason(place: int, item: Mapping[str, Any]) -> dict[str, Any]:
    reason = {"description": f"{item.get('Effect')} in the statement with index: {place}.", "statementIndex": place}
    return reason | ({"statementId": str(item["Sid"])} if item.get("Sid") else {})


def _failed(operation: str, reasons: list[dict[str, Any]]) -> dict[str, Any]:
    return {"result": "FAIL", "message": _MESSAGES[operation], "reasons": reasons}
