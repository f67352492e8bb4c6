"""Which conditions bind an Allow to somebody: an account, an organization, an endpoint, a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from s3ir_tui.policy import pattern
from s3ir_tui.policy.condition import Condition
from s3ir_tui.policy.request import account_of, arn_parts

BindingKind: TypeAlias = Literal[
    "network", "endpoint", "organization", "access point", "source", "service", "account", "principal"
]

POSITIVE = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress", "binaryequals"}
)
"""Operators that hold for the named values only."""


@dataclass(frozen=True, slots=True)
class Own:
    """What belongs to the responders.

    Attributes:
        account: Account id.
        organization: `o-...`, or "".
        endpoints: Ids of VPCs and VPC endpoints.
        canonical_id: Canonical user id of the account, or "".
    """

    account: str
    organization: str = ""
    endpoints: frozenset[str] = frozenset()
    canonical_id: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """One condition that holds only for somebody who is named.

    Attributes:
        kind: What its values name.
        words: How the values are introduced: `anyone from`, `organization`.
        values: Each value with whether it is the own account's, organization's or endpoint's.
    """

    kind: BindingKind
    words: str
    values: tuple[tuple[str, bool], ...]

    @property
    def all_own(self) -> bool:
        """Whether no value names somebody else."""
        return all(own for _value, own in self.values)


_NAMES_NOBODY = frozenset({"", "arn", "aws", "iam", "sts", "user", "role", "assumed-role", "root"})
"""Parts of an ARN that tell no account from another: `arn:aws:iam::*:role/*` names everybody's roles."""

_Judge: TypeAlias = Callable[[str, Own], bool]


def _account(value: str, own: Own) -> bool:
    return value == own.account


def _arn(value: str, own: Own) -> bool:
    parts = arn_parts(value)
    if parts is not None and parts[2] == "s3" and not parts[4]:
        return False  # An ARN of a bucket names no account: anybody can own a bucket of that name later.
    return account_of(value) == own.account


def _organization(value: str, own: Own) -> bool:
    return bool(own.organization) and value.split("/", 1)[0] == own.organization


def _endpoint(value: str, own: Own) -> bool:
    return value in own.endpoints


def _nobody(_value: str, _own: Own) -> bool:
    return False


_KEYS: Mapping[str, tuple[BindingKind, str, _Judge]] = {
    "aws:principalaccount": ("account", "account", _account),
    "aws:principalarn": ("principal", "principals", _arn),
    "aws:userid": ("principal", "user id", _account),
    "aws:principalorgid": ("organization", "organization", _organization),
    "aws:principalorgpaths": ("organization", "organization path", _organization),
    "aws:sourcevpc": ("endpoint", "anyone in VPC", _endpoint),
    "aws:sourcevpce": ("endpoint", "anyone through VPC endpoint", _endpoint),
    "aws:sourcevpcarn": ("endpoint", "anyone in VPC", _arn),
    "aws:vpceaccount": ("endpoint", "anyone through VPC endpoints of account", _account),
    "aws:vpceorgid": ("endpoint", "anyone through VPC endpoints of organization", _organization),
    "aws:vpceorgpaths": ("endpoint", "anyone through VPC endpoints of organization path", _organization),
    "aws:sourceaccount": ("source", "source account", _account),
    "aws:sourceowner": ("source", "source account", _account),
    "aws:sourcearn": ("source", "source", _arn),
    "aws:sourceorgid": ("source", "source organization", _organization),
    "aws:sourceorgpaths": ("source", "source organization path", _organization),
    "aws:principalservicename": ("service", "service", _nobody),
    "aws:principalservicenameslist": ("service", "service", _nobody),
    "aws:sourceip": ("network", "anyone from", _nobody),
    "aws:vpcsourceip": ("network", "anyone in any VPC from", _nobody),
    "s3:dataaccesspointaccount": ("access point", "access points of account", _account),
    "s3:dataaccesspointarn": ("access point", "access point", _arn),
}


def bindings(conditions: Iterable[Condition], own: Own) -> Iterator[Binding]:
    """The conditions of an Allow that hold it to somebody; all of them hold at once.

    `...IfExists` and `ForAllValues` hold when the key is missing, and a policy variable stands for whatever the caller
    brings: they bind to nobody, and neither does a bare `*`.
    """
    for condition in conditions:
        known = _KEYS.get(condition.key)
        if known is None or not holds_for_named_values(condition):
            continue
        if any(not value.strip("*?") or _everything(condition, value) for value in condition.values):
            continue
        kind, words, judge = known
        yield Binding(kind, words, tuple((value, judge(value, own)) for value in condition.values))


def holds_for_named_values(condition: Condition) -> bool:
    """Whether a condition holds only where the key is present and has one of its values."""
    name = condition.name
    return name.base in POSITIVE and not name.if_exists and name.quantifier != "forallvalues" and bool(condition.values)


def _everything(condition: Condition, value: str) -> bool:
    if condition.variables and pattern.has_variable(value):
        return True
    if condition.key in ("aws:sourceip", "aws:vpcsourceip"):
        return condition.name.base != "ipaddress" or value in ("0.0.0.0/0", "::/0")
    if condition.key == "aws:principalaccount" and value == "anonymous":
        return True
    return condition.key.endswith("arn") and all(part.strip("*?") in _NAMES_NOBODY for part in re.split(r"[:/]", value))
