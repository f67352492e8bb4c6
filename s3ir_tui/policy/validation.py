"""What AWS checks before it stores a policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3ir_tui.policy.condition import check_values
from s3ir_tui.policy.document import NEW_VERSION, OLD_VERSION, Document, PolicyError, load
from s3ir_tui.policy.statement import compile_statement

_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


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


def _check_statement(item: Mapping[str, Any], variables: bool) -> None:
    if unknown := sorted(set(item) - _STATEMENT):
        raise PolicyError(f"unknown element {unknown[0]} in a statement")
    compiled = compile_statement(item, variables=variables)
    for condition in compiled.conditions:
        check_values(condition)
    principal = item.get("Principal", item.get("NotPrincipal"))
    if isinstance(principal, Mapping) and (unknown := sorted(set(principal) - _PRINCIPALS)):
        raise PolicyError(f"unknown kind of principal {unknown[0]}")
