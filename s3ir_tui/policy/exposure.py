"""Whom a resource policy grants access from outside: the public, other accounts, anybody else (`grants`)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from s3ir_tui.policy import pattern
from s3ir_tui.policy.binding import POSITIVE, holds_for_named_values
from s3ir_tui.policy.condition import Condition, compile_condition
from s3ir_tui.policy.document import NEW_VERSION, OLD_VERSION, Document, load
from s3ir_tui.policy.openness import ActionClass, Grant, GrantKind, grants
from s3ir_tui.policy.request import account_of, arn_parts
from s3ir_tui.policy.statement import compile_principals

__all__ = ["ActionClass", "Grant", "GrantKind", "foreign_accounts", "grants", "is_public", "public_statements"]

_FIXED_VALUE_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
_ARN_KEYS = frozenset({"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"})
_WIDEST_V4 = 8
_WIDEST_V6 = 32


def is_public(document: Document) -> bool:
    """Whether a bucket policy is public in the sense of S3 Block Public Access.

    Source: S3 User Guide, "The meaning of public". An Allow to everyone is public unless a condition binds it to fixed
    values of a key that names someone or some network. Deny statements are not weighed against it. Each network of
    `aws:SourceIp` is judged alone, as AWS does: many /8 together are "not public", and `Grant.wide` says so.

    Raises:
        PolicyError: The document is not a policy.
    """
    return bool(public_statements(document))


def public_statements(document: Document) -> tuple[int, ...]:
    """The places (from 0) of the statements that make a policy public.

    Raises:
        PolicyError: The document is not a policy.
    """
    return tuple(
        place
        for place, item, conditions in _allows(document)
        if _to_everyone(item) and not any(_narrows(condition) for condition in conditions)
    )


def foreign_accounts(document: Document, owner: str) -> tuple[str, ...]:
    """The accounts other than `owner` that a policy lets in by name, sorted.

    Named by account id or ARN in Principal, or by `aws:PrincipalAccount` or `aws:PrincipalArn` where the principal is
    everyone. Service principals, canonical user ids and unique ids name no account. That the public is let in is not
    told here: see `is_public`.

    Args:
        document: The policy.
        owner: Account id of the owner.

    Raises:
        PolicyError: The document is not a policy.
    """
    found: set[str] = set()
    for _place, item, conditions in _allows(document):
        if _to_everyone(item):
            for condition in conditions:
                if condition.key in ("aws:principalaccount", "aws:principalarn") and _names(condition):
                    found.update(filter(None, map(account_of, condition.values)))
        elif "Principal" in item:
            found.update(filter(None, map(account_of, compile_principals(item["Principal"]).aws)))
    return tuple(sorted(found - {owner}))


def _allows(document: Document) -> Iterator[tuple[int, dict[str, Any], tuple[Condition, ...]]]:
    found = load(document)
    variables = found.get("Version", OLD_VERSION) == NEW_VERSION
    for place, item in enumerate(found["Statement"]):
        if item.get("Effect") == "Allow":
            yield place, item, compile_condition(item.get("Condition"), variables=variables)


def _to_everyone(item: dict[str, Any]) -> bool:
    if "NotPrincipal" in item:
        return True
    return "Principal" in item and compile_principals(item["Principal"]).everyone


def _names(condition: Condition) -> bool:
    return condition.name.base in POSITIVE


def _narrows(condition: Condition) -> bool:
    return holds_for_named_values(condition) and all(
        _fixed(condition.key, value, condition) for value in condition.values
    )


def _fixed(key: str, value: str, condition: Condition) -> bool:
    if condition.variables and pattern.has_variable(value):
        return False
    if key == "aws:sourceip":
        return condition.name.base == "ipaddress" and _narrow_network(value)
    if key in _ARN_KEYS:
        return _fixed_arn(key, value)
    if key == "aws:principalaccount" and value == "anonymous":
        return False
    return key in _FIXED_VALUE_KEYS and not _wild(value)


def _fixed_arn(key: str, value: str) -> bool:
    if not _wild(value):
        return True
    parts = arn_parts(value)
    # The name of an access point may be a wildcard while its account is fixed (same source).
    return key == "s3:dataaccesspointarn" and parts is not None and account_of(parts[4]) is not None


def _narrow_network(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (_WIDEST_V4 if network.version == 4 else _WIDEST_V6)


def _wild(value: str) -> bool:
    return re.search(r"[*?]", value) is not None
