"""Condition operators as the IAM User Guide describes them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from s3ir_tui.policy import Caller, Effect, PolicyError, Request, evaluate, parse

USER = Caller(account="111122223333", arn="arn:aws:iam::111122223333:user/ann", unique_id="AIDAANN")


def holds(condition: dict[str, Any], version: str = "2012-10-17", **context: Any) -> bool:
    """Whether an Allow under the condition applies; context keys are written with `__` for `:`."""
    document = {
        "Version": version,
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}],
    }
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    request = Request("s3:GetObject", "arn:aws:s3:::b/k", USER, keys)
    return evaluate(document, request, resource_policy=False).effect is Effect.ALLOW


CASES = [
    # operator, policy value(s), request value or None for an absent key, expected
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", ["x", "a"], "a", True),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "a", None, False),
    ("StringEquals", [], "a", False),
    ("StringNotEquals", "a", "b", True),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", "a", None, True),
    ("StringNotEquals", [], "a", True),
    ("StringEqualsIgnoreCase", "aB", "Ab", True),
    ("StringNotEqualsIgnoreCase", "aB", "Ab", False),
    ("StringLike", "a*z", "a/../z", True),
    ("StringLike", "a?z", "abz", True),
    ("StringLike", "a?z", "az", False),
    ("StringLike", "a", "ab", False),
    ("StringLike", "[a]", "a", False),
    ("StringLike", "", "", True),
    ("StringLike", "*", "a\nb", True),
    ("StringNotLike", "a*", "abc", False),
    ("StringNotLike", "a*", None, True),
    ("StringEqualsIfExists", "a", None, True),
    ("StringEqualsIfExists", "a", "b", False),
    ("StringNotEqualsIfExists", "a", None, True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", 10, "10", True),
    ("NumericEquals", "10", "ten", False),
    ("NumericNotEquals", "10", "ten", True),
    ("NumericNotEquals", "10", "10", False),
    ("NumericLessThan", "10", "9.5", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericGreaterThan", "10", "11", True),
    ("NumericGreaterThanEquals", "10", "9", False),
    ("NumericLessThan", "10", None, False),
    ("NumericLessThan", "10", "nan", False),
    ("DateLessThan", "2026-11-24T09:00:00Z", "2026-11-24T08:59:59Z", True),
    ("DateLessThan", "2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z", False),
    ("DateLessThan", "2026-11-24T09:00:00Z", "2026-11-24T09:30:00+02:00", True),
    ("DateLessThan", "2026-11-24T09:00:00.500Z", "2026-11-24T09:00:00.250Z", True),
    ("DateLessThan", "1795510800", "2026-11-24T08:59:59Z", True),
    ("DateLessThan", "2026-11-24T09:00:00Z", "1795510799", True),
    ("DateLessThan", "2026-11-24T09:00:00Z", None, False),
    ("DateLessThanEquals", "2026-11-24", "2026-11-24T00:00:00Z", True),
    ("DateGreaterThan", "2026-11", "2026-11-01T00:00:01Z", True),
    ("DateGreaterThan", "2026", "2025-12-31T23:59:59Z", False),
    ("DateGreaterThanEquals", "2026", "2026-01-01T00:00:00Z", True),
    ("DateEquals", "2026-11-24T09:00:00Z", "1795510800", True),
    ("DateNotEquals", "2026-11-24T09:00:00Z", "yesterday", True),
    ("Bool", "true", "true", True),
    ("Bool", True, "true", True),
    ("Bool", False, "TRUE", False),
    ("Bool", "true", None, False),
    ("BoolIfExists", "true", None, True),
    ("BinaryEquals", "QmFzZTY0", "QmFzZTY0", True),
    ("BinaryEquals", "QmFzZTY0", "qmFzZTY0", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
    ("IpAddress", "203.0.113.9", "203.0.113.9", True),
    ("IpAddress", "203.0.113.9", "203.0.113.10", False),
    ("IpAddress", "203.0.113.7/24", "203.0.113.9", True),
    ("IpAddress", ["2001:db8::/32", "203.0.113.0/24"], "2001:db8:1::1", True),
    ("IpAddress", "::/0", "203.0.113.9", False),
    ("IpAddress", "203.0.113.0/24", "AWS Internal", False),
    ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False),
    ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
    ("NotIpAddress", "203.0.113.0/24", None, True),
    ("NotIpAddress", "203.0.113.0/24", "AWS Internal", True),
    ("ArnEquals", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/a/b", True),
    ("ArnLike", "arn:aws:iam::*:role/r", "arn:aws:iam::111122223333:role/r", True),
    ("ArnLike", "arn:aws:iam:*:role/r", "arn:aws:iam::111122223333:role/r", False),
    ("ArnLike", "arn:aws:sns:*:1?:t", "arn:aws:sns:eu-west-1:12:t", True),
    ("ArnLike", "arn:aws:sns:*:1?:t", "arn:aws:sns:eu-west-1:1::t", False),
    ("ArnLike", "arn:aws:lambda:*:*:function:*", "arn:aws:lambda:eu-west-1:1:function:f:v", True),
    ("ArnLike", "*", "arn:aws:iam::111122223333:user/x", True),
    ("ArnLike", "*", "no arn", False),
    ("ArnLike", "arn:aws:iam::1:role/R", "arn:aws:iam::1:role/r", False),
    ("ArnNotEquals", "arn:aws:iam::1:role/r", "arn:aws:iam::1:role/other", True),
    ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/r", False),
    ("ArnNotLike", "arn:aws:iam::1:role/*", None, True),
    ("Null", "true", None, True),
    ("Null", "true", "a", False),
    ("Null", False, "a", True),
    ("Null", "false", None, False),
    ("stringequals", "a", "a", True),
]


@pytest.mark.parametrize(("operator", "wanted", "value", "expected"), CASES)
def test_operator_compares_as_documented(operator: str, wanted: Any, value: str | None, expected: bool) -> None:
    context = {} if value is None else {"test__Key": value}
    assert holds({operator: {"test:key": wanted}}, **context) is expected


SETS = [
    # operator, policy values, request values or None, expected
    ("ForAllValues:StringEquals", ["a", "b"], ("a",), True),
    ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringEquals", ["a"], (), True),
    ("ForAllValues:StringNotLike", ["a*"], ("b", "c"), True),
    ("ForAllValues:StringNotLike", ["a*"], ("b", "ab"), False),
    ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
    ("ForAnyValue:StringEquals", ["a"], ("c",), False),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
    ("ForAnyValue:StringNotEquals", ["a"], ("a",), False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAnyValue:StringEqualsIfExists", ["a"], None, False),
    ("ForAnyValue:StringNotEqualsIfExists", ["a"], None, False),
    ("StringEquals", ["a"], ("b", "a"), True),
    ("StringNotEquals", ["a"], ("b", "a"), False),
]


@pytest.mark.parametrize(("operator", "wanted", "values", "expected"), SETS)
def test_keys_of_several_values_follow_their_qualifier(
    operator: str, wanted: list[str], values: tuple[str, ...] | None, expected: bool
) -> None:
    context: dict[str, Any] = {} if values is None else {"aws__TagKeys": values}
    assert holds({operator: {"aws:TagKeys": wanted}}, **context) is expected


def test_operators_and_keys_are_joined_by_and() -> None:
    condition = {"StringEquals": {"k:a": "1", "k:b": "2"}, "Bool": {"k:c": "true"}}
    assert holds(condition, k__a="1", k__b="2", k__c="true")
    for wrong in ({"k__a": "9"}, {"k__b": "9"}, {"k__c": "false"}):
        assert not holds(condition, **{"k__a": "1", "k__b": "2", "k__c": "true", **wrong})


def test_key_names_ignore_case() -> None:
    assert holds({"StringEquals": {"S3:Prefix": "x"}}, s3__PREFIX="x")


VARIABLES = [
    ("StringEquals", "home/${aws:username}", "home/ann", True),
    ("StringEquals", "home/${AWS:UserName}", "home/ann", True),
    ("StringEquals", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team}", False),
    ("StringNotEquals", "${aws:PrincipalTag/team}", "x", True),
    ("StringEquals", "${aws:PrincipalTag/team, 'blue team'}", "blue team", True),
    ("StringEquals", "${aws:username, 'nobody'}", "ann", True),
    ("StringLike", "${*}${?}${$}*", "*?$tail", True),
    ("StringLike", "${*}", "x", False),
    ("StringLike", "${test:star}", "*", True),
    ("StringLike", "${test:star}", "anything", False),
    ("StringEquals", "${test:many}", "a", False),
    ("StringEquals", "cost $5 ${", "cost $5 ${", True),
    ("ArnLike", "${aws:PrincipalArn}", "arn:aws:iam::111122223333:user/ann", True),
]


@pytest.mark.parametrize(("operator", "wanted", "value", "expected"), VARIABLES)
def test_policy_variables_are_plain_text_of_the_request(operator: str, wanted: str, value: str, expected: bool) -> None:
    context: dict[str, Any] = {"test__key": value, "test__star": "*", "test__many": ("a", "b")}
    assert holds({operator: {"test:key": wanted}}, **context) is expected


def test_policy_variables_are_literal_in_the_old_version() -> None:
    condition = {"StringEquals": {"test:key": "${aws:username}"}}
    assert holds(condition, version="2008-10-17", test__key="${aws:username}")
    assert not holds(condition, version="2008-10-17", test__key="ann")
    assert holds({"StringLike": {"test:key": "${a*}"}}, version="2008-10-17", test__key="${abc}")


UNKNOWABLE = [
    {"StringResembles": {"aws:username": "ann"}},
    {"ForSomeValues:StringEquals": {"aws:username": "ann"}},
    {"NullIfExists": {"aws:username": "false"}},
    {"NumericEquals": {"aws:username": "ten"}},
    {"NumericNotEquals": {"aws:username": "1e5"}},
    {"DateLessThan": {"aws:username": "tomorrow"}},
    {"DateLessThan": {"aws:username": "9" * 30}},
    {"Bool": {"aws:username": "yes"}},
    {"IpAddress": {"aws:username": "203.0.113.0/40"}},
]


@pytest.mark.parametrize("condition", UNKNOWABLE)
@pytest.mark.parametrize(("effect", "expected"), [("Deny", Effect.DENY), ("Allow", Effect.NONE)])
def test_what_cannot_be_told_counts_against_the_caller(
    condition: dict[str, Any], effect: str, expected: Effect
) -> None:
    document = {"Statement": [{"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition}]}
    found = evaluate(document, Request("s3:GetObject", "arn:aws:s3:::b/k", USER), resource_policy=False)
    assert found.effect is expected


@pytest.mark.parametrize("condition", UNKNOWABLE)
def test_parse_refuses_unknown_operators_and_values_of_the_wrong_type(condition: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        parse({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]})


def test_a_known_mismatch_beside_an_unknown_operator_still_decides() -> None:
    condition = {"StringResembles": {"aws:username": "ann"}, "StringEquals": {"aws:username": "bob"}}
    document = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]}
    found = evaluate(document, Request("s3:GetObject", "arn:aws:s3:::b/k", USER), resource_policy=False)
    assert found.effect is Effect.NONE


def test_hostile_patterns_cost_no_more_than_a_pass_over_the_text() -> None:
    started = time.perf_counter()
    assert not holds({"StringLike": {"k:a": "*a" * 60 + "b"}}, k__a="a" * 2000)
    assert not holds({"ArnLike": {"k:a": "arn:" + "*a" * 60 + "b:iam::1:x"}}, k__a="arn:" + "a" * 2000 + ":iam::1:x")
    assert holds({"StringLike": {"k:a": "*a" * 60}}, k__a="a" * 2000)
    assert time.perf_counter() - started < 1
