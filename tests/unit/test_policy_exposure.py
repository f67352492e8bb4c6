"""Whom a bucket policy lets in from outside."""

from __future__ import annotations

from typing import Any

import pytest

from s3ir_tui.policy import foreign_accounts, is_public, public_statements

OWNER = "111122223333"
OTHER = "999988887777"
THIRD = "444455556666"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    """A bucket policy of statements that allow reading to everyone unless they say otherwise."""
    base = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    who = [{} if "NotPrincipal" in item or "Principal" in item else {"Principal": "*"} for item in statements]
    return {"Version": version, "Statement": [{**base, **p, **s} for p, s in zip(who, statements, strict=True)]}


PUBLIC = [
    {},
    {"Principal": {"AWS": "*"}},
    {"Principal": {"AWS": [f"arn:aws:iam::{OTHER}:root", "*"]}},
    {"NotPrincipal": {"AWS": f"arn:aws:iam::{OTHER}:root"}},
    {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    {"Condition": {"StringLike": {"aws:UserAgent": "*"}}},
    {"Condition": {"StringEquals": {"s3:prefix": "home/"}}},
    {"Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}},
    {"Condition": {"StringEquals": {"aws:SourceVpc": ["vpc-91237329", "${aws:PrincipalTag/vpc}"]}}},
    {"Condition": {"StringEquals": {"aws:SourceVpc": []}}},
    {"Condition": {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-91237329"}}},
    {"Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-91237329"}}},
    {"Condition": {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    {"Condition": {"Null": {"aws:PrincipalArn": "false"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "16.0.0.0/7"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "2001:d00::/31"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "here"}}},
    {"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
    {"Condition": {"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}},
    {"Condition": {"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}}},
    {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}},
    {"Condition": {"StringEquals": {"aws:PrincipalAccount": "anonymous"}}},
    {"Condition": {"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:*:accesspoint/x"}}},
    {"Condition": {"StringResembles": {"aws:SourceVpc": "vpc-91237329"}}},
]
NOT_PUBLIC = [
    {"Effect": "Deny"},
    {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}},
    {"Principal": {"AWS": OTHER}},
    {"Principal": {"Service": "cloudtrail.amazonaws.com"}},
    {"Principal": {"CanonicalUser": "79a59df900b949e5"}},
    {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}},
    {"Condition": {"StringLike": {"aws:SourceVpc": "vpc-91237329"}}},
    {"Condition": {"StringEquals": {"AWS:sourcevpce": ["vpce-1", "vpce-2"]}}},
    {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}},
    {"Condition": {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/ou-1/"}}},
    {"Condition": {"StringEquals": {"aws:PrincipalAccount": OTHER}}},
    {"Condition": {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/r"}}},
    {"Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:eu-west-1:{OTHER}:t"}}},
    {"Condition": {"StringEquals": {"aws:userid": "AIDAEXAMPLEID"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}},
    {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.9"}}},
    {"Condition": {"ArnLike": {"s3:DataAccessPointArn": f"arn:aws:s3:us-west-2:{OTHER}:accesspoint/*"}}},
    {"Condition": {"StringEquals": {"s3:DataAccessPointAccount": OTHER}}},
    {"Condition": {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}},
]


@pytest.mark.parametrize("statement", PUBLIC)
def test_an_allow_to_everyone_is_public_unless_bound_to_fixed_values(statement: dict[str, Any]) -> None:
    assert is_public(policy(statement))


@pytest.mark.parametrize("statement", NOT_PUBLIC)
def test_fixed_principals_and_fixed_values_are_not_public(statement: dict[str, Any]) -> None:
    assert not is_public(policy(statement))


def test_public_statements_are_told_by_their_place() -> None:
    mixed = policy({"Principal": {"AWS": OTHER}}, {}, {"Effect": "Deny"}, {"Principal": {"AWS": "*"}})
    assert public_statements(mixed) == (1, 3)
    assert is_public(mixed)


def test_a_deny_does_not_make_a_public_grant_private() -> None:
    cut = {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}
    assert public_statements(policy({}, cut)) == (0,)


FOREIGN = [
    ({}, ()),
    ({"Principal": {"AWS": OTHER}}, (OTHER,)),
    ({"Principal": {"AWS": OWNER}}, ()),
    ({"Principal": {"AWS": [f"arn:aws:iam::{THIRD}:root", OTHER]}}, (THIRD, OTHER)),
    ({"Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/mallory"}}, (OTHER,)),
    ({"Principal": {"AWS": f"arn:aws:sts::{OTHER}:assumed-role/r/s"}}, (OTHER,)),
    ({"Principal": {"AWS": f"arn:aws-cn:iam::{OTHER}:role/r"}}, (OTHER,)),
    ({"Principal": {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}}, ()),
    ({"Principal": {"AWS": "AROAEXAMPLEID"}}, ()),
    ({"Principal": {"AWS": ["AIDAEXAMPLE1", "１１１１２２２２３３３３"]}}, ()),
    ({"Principal": {"Service": "cloudtrail.amazonaws.com"}}, ()),
    ({"Principal": {"CanonicalUser": "79a59df900b949e5"}}, ()),
    ({"Effect": "Deny", "Principal": {"AWS": OTHER}}, ()),
    ({"NotPrincipal": {"AWS": OTHER}}, ()),
    ({"Condition": {"StringEquals": {"aws:PrincipalAccount": [OWNER, OTHER]}}}, (OTHER,)),
    ({"Condition": {"StringEqualsIfExists": {"aws:PrincipalAccount": OTHER}}}, (OTHER,)),
    ({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": OTHER}}}, ()),
    ({"Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/*"}}}, (OTHER,)),
    ({"Condition": {"StringLike": {"aws:principalarn": f"arn:aws:iam::{OTHER}:role/*"}}}, (OTHER,)),
    ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/*"}}}, ()),
    ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}}, ()),
    ({"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}}, ()),
]


@pytest.mark.parametrize(("statement", "expected"), FOREIGN)
def test_foreign_accounts_are_those_an_allow_names(statement: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert foreign_accounts(policy(statement), OWNER) == expected
