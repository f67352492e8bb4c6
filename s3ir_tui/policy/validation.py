"""What AWS checks before it stores a policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from s3ir_tui.policy import pattern
from s3ir_tui.policy.condition import check_values
from s3ir_tui.policy.document import (
    BUCKET_POLICY_LIMIT,
    NEW_VERSION,
    OLD_VERSION,
    Document,
    PolicyError,
    as_tuple,
    load,
    measure,
)
from s3ir_tui.policy.request import account_of, arn_parts
from s3ir_tui.policy.statement import compile_statement

Kind: TypeAlias = Literal["bucket", "trust", "identity"]

_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_IAM_SID = re.compile(r"[0-9A-Za-z]*\Z")


def parse(document: Document) -> dict[str, Any]:
    """Read a document strictly: elements, forms, operators and their values.

    Args:
        document: JSON text, or the decoded object.

    Returns:
        A copy, with `Statement` always a list.

    Raises:
        PolicyError: AWS would not accept it.
    """
    found = load(document)
    if unknown := sorted(set(found) - _DOCUMENT):
        raise PolicyError(f"unknown element {unknown[0]}")
    if found.get("Version", OLD_VERSION) not in (NEW_VERSION, OLD_VERSION):
        raise PolicyError(f"Version must be {NEW_VERSION} or {OLD_VERSION}")
    variables = found.get("Version") == NEW_VERSION
    for item in found["Statement"]:
        _check_statement(item, variables)
    return found


def validate(document: Document, kind: Kind, *, bucket: str = "") -> dict[str, Any]:
    """Check a document as the API that stores it does, with the words of that API.

    Whether the principals exist is not known here: see `named_principals`. The size of inline policies counts over all
    policies of an identity and is not checked either.

    Args:
        document: The policy.
        kind: `bucket` (PutBucketPolicy), `trust` (UpdateAssumeRolePolicy) or `identity` (PutUserPolicy and the like).
        bucket: Name of the bucket, whose resources alone a bucket policy may name.

    Returns:
        What `parse` returns.

    Raises:
        PolicyError: The API would answer MalformedPolicy or MalformedPolicyDocument.
    """
    found = parse(document)
    if not found["Statement"]:
        raise PolicyError("Could not parse the policy: Statement is empty!")
    if kind == "bucket" and measure(document) > BUCKET_POLICY_LIMIT:
        raise PolicyError(f"Policy exceeds the maximum allowed document size of {BUCKET_POLICY_LIMIT} bytes.")
    check = {"bucket": _check_bucket, "trust": _check_trust, "identity": _check_identity}[kind]
    for item in found["Statement"]:
        check(item, bucket)
    sids = [item["Sid"] for item in found["Statement"] if item.get("Sid")]
    if len(set(sids)) != len(sids):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
    return found


def named_principals(document: Document) -> tuple[str, ...]:
    """What stands under `AWS` in Principal and NotPrincipal, `*` excepted: the store asks whether each exists.

    Raises:
        PolicyError: The document is not a policy.
    """
    found: dict[str, None] = {}
    for item in load(document)["Statement"]:
        for element in (item.get("Principal"), item.get("NotPrincipal")):
            if isinstance(element, Mapping):
                found.update(dict.fromkeys(str(value) for value in as_tuple(element.get("AWS")) if value != "*"))
    return tuple(found)


def _check_statement(item: Mapping[str, Any], variables: bool) -> None:
    if unknown := sorted(set(item) - _STATEMENT):
        raise PolicyError(f"unknown element {unknown[0]} in a statement")
    compiled = compile_statement(item, variables=variables)
    for condition in compiled.conditions:
        check_values(condition)
    principal = _principal(item)
    if isinstance(principal, Mapping) and (unknown := sorted(set(principal) - _PRINCIPALS)):
        raise PolicyError(f"unknown kind of principal {unknown[0]}")


def _check_bucket(item: Mapping[str, Any], bucket: str) -> None:
    _check_principal(item)
    resources = as_tuple(item.get("Resource", item.get("NotResource")))
    if not resources:
        raise PolicyError("Missing required field Resource")
    for resource in resources:
        parts = arn_parts(resource)
        if parts is None or parts[2] != "s3" or (bucket and not _within(parts[5], bucket)):
            raise PolicyError("Policy has invalid resource")
    for action in _actions(item):
        if action != "*" and not action.lower().startswith("s3:"):
            raise PolicyError("Policy has invalid action")


def _check_trust(item: Mapping[str, Any], _bucket: str) -> None:
    _check_principal(item)
    if "Resource" in item or "NotResource" in item:
        raise PolicyError("Has prohibited field Resource")
    if not all(action.lower().startswith("sts:") for action in _actions(item)):
        raise PolicyError("AssumeRole policy may only specify STS AssumeRole actions.")
    _check_sid(item)


def _check_identity(item: Mapping[str, Any], _bucket: str) -> None:
    if _principal(item) is not None:
        raise PolicyError("Policy document should not specify a principal.")
    if not as_tuple(item.get("Resource", item.get("NotResource"))):
        raise PolicyError("Policy statement must contain resources.")
    if not _actions(item):
        raise PolicyError("Policy statement must contain actions.")
    for action in _actions(item):
        if action != "*" and ":" not in action:
            raise PolicyError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    _check_sid(item)


def _check_sid(item: Mapping[str, Any]) -> None:
    if not _IAM_SID.match(item.get("Sid", "")):
        raise PolicyError(
            "Statement IDs (SID) must be alpha-numeric. "
            "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )


def _check_principal(item: Mapping[str, Any]) -> None:
    principal = _principal(item)
    if not principal:
        raise PolicyError("Missing required field Principal")
    if not isinstance(principal, Mapping):
        return
    for kind, values in principal.items():
        if not as_tuple(values):
            raise PolicyError("Invalid principal in policy")
        for value in as_tuple(values):
            if kind == "AWS" and value != "*" and not _is_principal(value):
                raise PolicyError("Invalid principal in policy")


def _is_principal(value: str) -> bool:
    """Whether it can name a principal: no wildcards, and no unique id, which only AWS itself puts there."""
    parts = arn_parts(value)
    if parts is None:
        return account_of(value) is not None
    return parts[2] in ("iam", "sts") and bool(parts[4]) and bool(parts[5]) and not re.search(r"[*?]", value)


def _within(resource: str, bucket: str) -> bool:
    """Whether a pattern names the bucket or its objects, a wildcard in the bucket's name included."""
    name = pattern.tokens(resource.split("/", 1)[0], None)
    return name is not None and pattern.glob(name).match(bucket) is not None


def _principal(item: Mapping[str, Any]) -> Any:
    return item.get("Principal", item.get("NotPrincipal"))


def _actions(item: Mapping[str, Any]) -> tuple[str, ...]:
    return as_tuple(item.get("Action", item.get("NotAction")))
