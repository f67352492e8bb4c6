"""Where the two evaluators read AWS differently: the other reading as a change to ours, and AWS's text that decides."""

from __future__ import annotations

import contextlib
import ipaddress
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from s3ir_tui.policy import authorization, condition, pattern, statement
from s3ir_tui.policy.evaluation import Effect
from s3ir_tui.policy.statement import Principals, Reach, Resource

_Change = Callable[[], "contextlib.AbstractContextManager[Any]"]


@dataclass(frozen=True)
class Reading:
    """One rule that the other evaluator reads differently.

    Attributes:
        name: A few words.
        verdict: Who is right.
        source: AWS's text.
        change: Makes our evaluator read it as the other one does.
    """

    name: str
    verdict: str
    source: str
    change: _Change

    @contextlib.contextmanager
    def adopted(self) -> Iterator[None]:
        """Our evaluator with the other reading."""
        _forget()
        try:
            with self.change():
                yield
        finally:
            _forget()


def _forget() -> None:
    statement._compile.cache_clear()
    condition._predicate.cache_clear()
    condition._constant.cache_clear()


def _sessions_limit_every_grant() -> contextlib.AbstractContextManager[Any]:
    says = authorization._Hearing._resource_says

    def limited(self: Any) -> Any:
        found = says(self)
        held = bool(self.policies.session) and found.effect is Effect.ALLOW
        return replace(found, limited=True) if held else found

    return patch.object(authorization._Hearing, "_resource_says", limited)


def _not_principal_spares_whoever_is_named() -> contextlib.AbstractContextManager[Any]:
    def excepts(self: Principals, caller: Any) -> bool:
        return self.reach(caller) is not Reach.NOT

    return patch.object(Principals, "excepts", excepts)


def _variables_in_every_version() -> contextlib.AbstractContextManager[Any]:
    return patch.object(statement, "compile_statement", _with_variables)


_COMPILE = statement.compile_statement


def _with_variables(item: Any, *, variables: bool) -> Any:
    return _COMPILE(item, variables=True)


def _not_resource_without_value_does_not_apply() -> contextlib.AbstractContextManager[Any]:
    def resource(self: Any, asked: Any, resource_policy: bool) -> bool | None:
        if self.resources is None:
            return True if resource_policy else None
        if self.not_resource and any(_unresolved(item, asked) for item in self.resources):
            return False
        return any(item.match(asked) for item in self.resources) is not self.not_resource

    return patch.object(statement.Compiled, "_resource", resource)


def _unresolved(item: Resource, asked: Any) -> bool:
    return item.compiled is None and pattern.tokens(item.text, asked.resolve) is None


def _variable_without_value_fails_negated_operators() -> contextlib.AbstractContextManager[Any]:
    holds = condition.Condition.holds

    def failing(self: Any, context: Any, resolve: Any) -> bool | None:
        missing = self.variables and any(part is None for part in self._parts(resolve))
        if missing and self.name.negated and context.get(self.key):
            return False
        return holds(self, context, resolve)

    return patch.object(condition.Condition, "holds", failing)


def _root_assumes_roles() -> contextlib.AbstractContextManager[Any]:
    limited = authorization._Hearing._limited

    def unlimited(self: Any) -> Any:
        found = limited(self)
        return None if found is not None and "root accounts" in found.reason else found

    return patch.object(authorization._Hearing, "_limited", unlimited)


def _root_is_not_rescued() -> contextlib.AbstractContextManager[Any]:
    return patch.object(authorization, "_ROOT_RESCUE", frozenset())


def _operators(**changed: Any) -> contextlib.AbstractContextManager[Any]:
    table = dict(condition._OPERATORS)
    for name, make in changed.items():
        table[name] = replace(table[name], make=make)
    return patch.object(condition, "_OPERATORS", table)


def _network(parts: Any) -> Any:
    return ipaddress.ip_network(pattern.plain(parts), strict=False)


def _no_network_of_all_addresses() -> contextlib.AbstractContextManager[Any]:
    def within(parts: Any) -> Callable[[str], bool]:
        network = _network(parts)
        if network.prefixlen == 0:
            return lambda value: ipaddress.ip_address(value) == network.network_address
        return lambda value: ipaddress.ip_address(value) in network

    return _operators(ipaddress=within, notipaddress=within)


def _other_version_counts_as_the_address() -> contextlib.AbstractContextManager[Any]:
    def within(parts: Any) -> Callable[[str], bool]:
        network, single = _network(parts), "/" not in pattern.plain(parts)

        def holds(value: str) -> bool:
            address = ipaddress.ip_address(value)
            return address in network or (single and address.version != network.version)

        return holds

    return _operators(notipaddress=within)


def _epoch_in_milliseconds() -> contextlib.AbstractContextManager[Any]:
    def moment(text: str) -> Any:
        seconds = text.isdecimal()
        return datetime.fromtimestamp(int(text) / 1000, UTC) if seconds else condition.moment(text)

    compare = {
        "equals": operator.eq,
        "notequals": operator.eq,
        "lessthan": operator.lt,
        "lessthanequals": operator.le,
        "greaterthan": operator.gt,
        "greaterthanequals": operator.ge,
    }
    return _operators(**{f"date{name}": condition._ordered(moment, how) for name, how in compare.items()})


READINGS: tuple[Reading, ...] = (
    Reading(
        "root assumes a role",
        "ours",
        "STS API reference, AssumeRole: root user credentials cannot call AssumeRole.",
        _root_assumes_roles,
    ),
    Reading(
        "bucket policy denies root",
        "ours",
        "S3 API, PutBucketPolicy: the root user of the owner may get, put and delete it though a statement denies it.",
        _root_is_not_rescued,
    ),
    Reading(
        "session policy against a grant to the session or everyone",
        "ours",
        "IAM User Guide, policy evaluation logic: permissions granted directly to a session are not limited by an "
        "implicit deny in an identity-based policy, a permissions boundary or a session policy.",
        _sessions_limit_every_grant,
    ),
    Reading(
        "NotPrincipal that names a part",
        "ours",
        "IAM User Guide, NotPrincipal: with Deny the account must be named as well as the user, for a session also the "
        "role; AWS validates each of them. Where one is missing the caller may be denied, and we say so.",
        _not_principal_spares_whoever_is_named,
    ),
    Reading(
        "variables in Version 2008-10-17",
        "ours",
        "IAM User Guide, Version: without 2012-10-17 policy variables are plain text.",
        _variables_in_every_version,
    ),
    Reading(
        "variable without value in NotResource",
        "ours",
        "IAM User Guide, policy variables with no value: in Resource or NotResource such a value matches no resource.",
        _not_resource_without_value_does_not_apply,
    ),
    Reading(
        "variable without value under a negated operator",
        "ours",
        "IAM User Guide, policy variables with no value: inverted operators match against the null value.",
        _variable_without_value_fails_negated_operators,
    ),
    Reading(
        "network of prefix 0",
        "ours",
        "IAM User Guide, IP address operators: values are CIDR ranges (RFC 4632), of which 0.0.0.0/0 is one.",
        _no_network_of_all_addresses,
    ),
    Reading(
        "address of the other IP version under NotIpAddress",
        "ours",
        "IAM User Guide, IP address operators: NotIpAddress holds for all addresses except the given ones, and an IPv6 "
        "address is not a given IPv4 address.",
        _other_version_counts_as_the_address,
    ),
    Reading(
        "epoch time beside a date",
        "ours",
        "IAM User Guide, aws:EpochTime: seconds since 1970. The other evaluator compares them with milliseconds.",
        _epoch_in_milliseconds,
    ),
)
