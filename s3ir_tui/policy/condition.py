"""The Condition element: every operator of IAM, in three values (holds, does not hold, cannot be told)."""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from s3ir_tui.policy import pattern
from s3ir_tui.policy.document import PolicyError, as_tuple
from s3ir_tui.policy.pattern import Resolve, Tokens

Predicate: TypeAlias = Callable[[str], bool]
Context: TypeAlias = Mapping[str, tuple[str, ...]]
"""The condition keys of a request, in lower case; a key that is absent has no entry."""

_EPOCH = re.compile(r"-?\d+(\.\d+)?\Z")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")


class _Compare(Protocol):
    def __call__(self, a: Any, b: Any, /) -> bool: ...


def _string_equals(parts: Tokens) -> Predicate:
    wanted = pattern.plain(parts)
    return lambda value: value == wanted


def _string_equals_ignore_case(parts: Tokens) -> Predicate:
    wanted = pattern.plain(parts).casefold()
    return lambda value: value.casefold() == wanted


def _string_like(parts: Tokens) -> Predicate:
    matches = pattern.glob(parts).match
    return lambda value: matches(value) is not None


def _arn_like(parts: Tokens) -> Predicate:
    matches = pattern.arn(parts).match
    return lambda value: matches(value) is not None


def _bool(parts: Tokens) -> Predicate:
    wanted = pattern.plain(parts).lower()
    if wanted not in ("true", "false"):
        raise ValueError(f"{wanted!r} is neither true nor false")
    return lambda value: value.lower() == wanted


def _ip_address(parts: Tokens) -> Predicate:
    network = ipaddress.ip_network(pattern.plain(parts), strict=False)
    return lambda value: ipaddress.ip_address(value) in network


def _ordered(read: Callable[[str], Any], compare: _Compare) -> Callable[[Tokens], Predicate]:
    def make(parts: Tokens) -> Predicate:
        wanted = read(pattern.plain(parts))
        return lambda value: compare(read(value), wanted)

    return make


def number(text: str) -> Decimal:
    """A number of a policy or a request.

    Raises:
        ValueError: It is none.
    """
    if not _NUMBER.match(text):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime:
    """A date as policies write them: ISO 8601 (UTC if no zone is given), a year, or seconds since 1970.

    Raises:
        ValueError: It is none of these.
    """
    if re.fullmatch(r"\d{4}", text):
        return datetime(int(text), 1, 1, tzinfo=UTC)
    if _EPOCH.match(text):
        try:
            return datetime.fromtimestamp(float(text), UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(f"{text!r} is out of range for a date") from error
    if re.fullmatch(r"\d{4}-\d{2}", text):
        text += "-01"
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


@dataclass(frozen=True, slots=True)
class _Operator:
    make: Callable[[Tokens], Predicate]
    negated: bool = False


def _operators() -> dict[str, _Operator]:
    table = {
        "StringEquals": _Operator(_string_equals),
        "StringNotEquals": _Operator(_string_equals, True),
        "StringEqualsIgnoreCase": _Operator(_string_equals_ignore_case),
        "StringNotEqualsIgnoreCase": _Operator(_string_equals_ignore_case, True),
        "StringLike": _Operator(_string_like),
        "StringNotLike": _Operator(_string_like, True),
        # ArnEquals and ArnLike behave identically (IAM User Guide, ARN condition operators).
        "ArnEquals": _Operator(_arn_like),
        "ArnLike": _Operator(_arn_like),
        "ArnNotEquals": _Operator(_arn_like, True),
        "ArnNotLike": _Operator(_arn_like, True),
        "Bool": _Operator(_bool),
        "BinaryEquals": _Operator(_string_equals),
        "IpAddress": _Operator(_ip_address),
        "NotIpAddress": _Operator(_ip_address, True),
        "Null": _Operator(_bool),
    }
    reads: tuple[tuple[str, Callable[[str], Any]], ...] = (("Numeric", number), ("Date", moment))
    for kind, read in reads:
        table |= {
            f"{kind}Equals": _Operator(_ordered(read, operator.eq)),
            f"{kind}NotEquals": _Operator(_ordered(read, operator.eq), True),
            f"{kind}LessThan": _Operator(_ordered(read, operator.lt)),
            f"{kind}LessThanEquals": _Operator(_ordered(read, operator.le)),
            f"{kind}GreaterThan": _Operator(_ordered(read, operator.gt)),
            f"{kind}GreaterThanEquals": _Operator(_ordered(read, operator.ge)),
        }
    return {name.lower(): entry for name, entry in table.items()}


_OPERATORS = _operators()


@dataclass(frozen=True, slots=True)
class OperatorName:
    """The name of a condition operator, taken apart.

    Attributes:
        base: In lower case, without qualifier and `IfExists`.
        quantifier: `forallvalues`, `foranyvalue` or "".
        if_exists: Whether the name ends in `IfExists`.
    """

    base: str
    quantifier: str
    if_exists: bool

    @property
    def known(self) -> bool:
        """Whether IAM has such an operator."""
        return (
            self.base in _OPERATORS
            and self.quantifier in ("", "forallvalues", "foranyvalue")
            and not (self.base == "null" and self.if_exists)
        )

    @property
    def negated(self) -> bool:
        """Whether it is true for values that differ."""
        return self.base in _OPERATORS and _OPERATORS[self.base].negated


def operator_name(name: str) -> OperatorName:
    """Take the name of an operator apart; it need not be known."""
    quantifier, _, base = name.lower().rpartition(":")
    return OperatorName(base.removesuffix("ifexists"), quantifier, base.endswith("ifexists"))


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one operator."""

    name: OperatorName
    key: str
    values: tuple[str, ...]
    variables: bool

    def holds(self, context: Context, resolve: Resolve) -> bool | None:
        """Whether it holds in a request.

        Returns:
            `None` if that cannot be told: the operator is unknown, or the policy's value is not of its type.
        """
        if not self.name.known:
            return None
        have = context.get(self.key)
        if self.name.base == "null":
            return _any(
                _hit(_predicate("null", part), "true" if not have else "false") for part in self._parts(resolve)
            )
        if not have:
            return self._missing()
        tests = [_predicate(self.name.base, part) for part in self._parts(resolve)]
        negated = self.name.negated
        hits = [_any(_hit(test, value) for test in tests) for value in have]
        each = [_not(hit) for hit in hits] if negated else hits
        if self.name.quantifier == "forallvalues":
            return _all(each)
        if self.name.quantifier == "foranyvalue":
            return _any(each)
        # A key of several values without qualifier: any may match; for a negated operator, none may.
        return _all(each) if negated else _any(each)

    def _missing(self) -> bool:
        # ForAnyValue needs a value that matches; IfExists does not change that. AWS denies an Allow under
        # ForAnyValue:StringEqualsIfExists when the key is missing, as tried on an account (AWS re:Post,
        # "ForAnyValue:StringEqualsIfExists behaving unexpectedly").
        if self.name.quantifier:
            return self.name.quantifier == "forallvalues"
        return self.name.if_exists or self.name.negated

    def _parts(self, resolve: Resolve) -> Iterable[Tokens | None]:
        for value in self.values:
            yield pattern.tokens(value, resolve) if self.variables else _constant(value)


@lru_cache(maxsize=8192)
def _constant(value: str) -> Tokens | None:
    return pattern.tokens(value, None)


@lru_cache(maxsize=8192)
def _predicate(base: str, parts: Tokens | None) -> Predicate | None:
    if parts is None:
        return _never
    try:
        return _OPERATORS[base].make(parts)
    except ValueError:
        return None


def _never(_value: str) -> bool:
    return False


def _hit(test: Predicate | None, value: str) -> bool | None:
    if test is None:
        return None
    try:
        return test(value)
    except ValueError:
        # The request's value is not of the operator's type: it equals nothing, and is neither less nor greater.
        return False


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _any(values: Iterable[bool | None]) -> bool | None:
    result: bool | None = False
    for value in values:
        if value:
            return True
        if value is None:
            result = None
    return result


def _all(values: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def compile_condition(element: object, *, variables: bool) -> tuple[Condition, ...]:
    """The Condition element, ready to be asked.

    Args:
        element: As it stands in the statement; `None` for none.
        variables: Whether `${...}` is a policy variable in this document.

    Raises:
        PolicyError: It has not the form of a Condition element. An unknown operator is no error here.
    """
    if element is None:
        return ()
    if not isinstance(element, Mapping):
        raise PolicyError("Condition is not an object")
    found = []
    for name, keys in element.items():
        if not isinstance(keys, Mapping):
            raise PolicyError(f"Condition {name} is not an object")
        for key, values in keys.items():
            texts = tuple(condition_value(value) for value in as_tuple(values))
            has = variables and any(map(pattern.has_variable, texts))
            found.append(Condition(operator_name(name), key.lower(), texts, has))
    return tuple(found)


def condition_value(value: object) -> str:
    """A value of a condition as text: JSON's numbers and booleans may stand unquoted.

    Raises:
        PolicyError: It is an object, a list or null.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise PolicyError("a value of a Condition is neither text nor number nor boolean")


def check_values(condition: Condition) -> None:
    """Check operator and values of one condition.

    Raises:
        PolicyError: The operator is unknown, or a value is not of its type.
    """
    if not condition.name.known:
        raise PolicyError(f"invalid condition operator for {condition.key}: {condition.name.base}")
    for value in condition.values:
        if condition.variables and pattern.has_variable(value):
            continue
        if _predicate(condition.name.base, _constant(value)) is None:
            raise PolicyError(f"{condition.key}: {value!r} is no value for {condition.name.base}")
    if not condition.values:
        raise PolicyError(f"{condition.key}: no value to compare with")


def all_hold(conditions: Iterable[Condition], context: Context, resolve: Resolve) -> bool | None:
    """Whether all hold: they are joined by AND."""
    return _all(condition.holds(context, resolve) for condition in conditions)
