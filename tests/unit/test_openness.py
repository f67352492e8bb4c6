"""Whom a bucket is open to, and how much that matters: every way in beside a public policy and a foreign account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3ir_tui.aws.buckets import BucketFacts, judged
from s3ir_tui.aws.openness import LOG_DELIVERY, LOG_DELIVERY_IDS, objects_public
from s3ir_tui.aws.own import OwnAccount
from s3ir_tui.board.exposure import openness
from s3ir_tui.model import Bucket, PublicAccessBlock, Severity

OWNER = "111122223333"
OWN = OwnAccount(OWNER, organization="o-ours", endpoints=frozenset({"vpce-ours", "vpc-ours"}), canonical_id="c" * 64)
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
ALL_ON = PublicAccessBlock(True, True, True, True)


def bucket(statement: dict[str, Any], own: OwnAccount = OWN, block: PublicAccessBlock = PublicAccessBlock()) -> Bucket:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Way", **READ, **statement}]})
    known = Bucket("b", "us-east-1", policy=policy, ownership="BucketOwnerEnforced", public_access_block=block)
    return judged(BucketFacts(known), own)


def only(operator: str, key: str, value: str) -> dict[str, Any]:
    return {"Principal": "*", "Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (only("IpAddress", "aws:SourceIp", "198.51.100.7/32"), "anyone from 198.51.100.7/32"),
        (only("StringEquals", "aws:SourceVpce", "vpce-evil"), "vpce-evil"),
        (only("StringEquals", "aws:SourceVpc", "vpc-evil"), "vpc-evil"),
        (only("StringEquals", "aws:PrincipalOrgID", "o-evil"), "o-evil"),
        (only("StringEquals", "aws:SourceAccount", "999988887777"), "999988887777"),
        ({"Principal": {"CanonicalUser": "e" * 64}}, "canonical user " + "e" * 64),
        ({"Principal": {"Service": "cloudfront.amazonaws.com"}}, "service cloudfront.amazonaws.com (no source"),
        ({"Principal": {"AWS": "arn:aws:iam::999988887777:root"}}, "account 999988887777"),
    ],
)
def test_a_way_in_that_is_neither_public_nor_named_is_high_with_its_statement(
    statement: dict[str, Any], words: str
) -> None:
    found = bucket(statement)
    assert found.public is False
    assert found.open_severity is Severity.HIGH
    assert words in found.open_to[0]
    assert "statement Way" in found.open_to[0]
    facts, reasons, severity = openness(found)
    assert severity is Severity.HIGH
    assert any(words.partition(" (")[0] in fact for fact in facts)
    assert any("statement Way" in reason for reason in reasons)


@pytest.mark.parametrize(
    "statement",
    [
        only("StringEquals", "aws:PrincipalOrgID", "o-ours"),
        only("StringEquals", "aws:SourceVpce", "vpce-ours"),
        {"Principal": {"AWS": f"arn:aws:iam::{OWNER}:role/app"}},
        {"Principal": {"CanonicalUser": "c" * 64}},
    ],
)
def test_what_is_bound_to_the_own_account_organization_or_endpoint_opens_nothing(statement: dict[str, Any]) -> None:
    found = bucket(statement)
    assert (found.open_to, found.open_severity) == ((), Severity.INFO)


def test_an_organization_is_not_called_a_strangers_while_the_own_one_is_not_known() -> None:
    found = bucket(only("StringEquals", "aws:PrincipalOrgID", "o-evil"), OwnAccount(OWNER))
    assert found.open_severity is Severity.MEDIUM
    assert "own organization not readable" in found.open_to[0]


def test_a_service_that_only_delivers_logs_is_low() -> None:
    found = bucket({"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject"})
    assert found.open_severity is Severity.LOW


def test_a_public_policy_behind_block_public_access_is_low_and_says_so() -> None:
    found = bucket({"Principal": "*"}, block=ALL_ON)
    assert found.public is False
    assert found.open_severity is Severity.LOW
    assert "closed by Block Public Access" in found.open_to[0]


def with_acl(*grants: dict[str, Any]) -> Bucket:
    acl = {"Owner": {"ID": "c" * 64}, "Grants": list(grants)}
    known = Bucket("b", "us-east-1", policy="", ownership="ObjectWriter", public_access_block=PublicAccessBlock())
    return judged(BucketFacts(known, acl), OWN)


@pytest.mark.parametrize("ident", LOG_DELIVERY_IDS)
def test_log_delivery_of_cloudfront_and_s3_is_named_and_is_no_stranger(ident: str) -> None:
    found = with_acl(
        {"Grantee": {"Type": "CanonicalUser", "ID": ident}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"Type": "Group", "URI": LOG_DELIVERY}, "Permission": "WRITE"},
    )
    assert found.foreign_accounts == ()
    assert found.open_severity is Severity.INFO
    assert found.open_to[0].startswith("CloudFront log delivery")
    assert openness(found)[2] <= Severity.LOW


def test_another_canonical_user_in_an_acl_is_high() -> None:
    found = with_acl({"Grantee": {"Type": "CanonicalUser", "ID": "e" * 64}, "Permission": "READ"})
    assert found.open_severity is Severity.HIGH
    assert found.foreign_accounts == ("canonical " + "e" * 64,)


def test_single_objects_can_be_public_where_acls_count_and_are_not_ignored() -> None:
    off = PublicAccessBlock()
    assert objects_public("ObjectWriter", (off, off)) is True
    assert objects_public("BucketOwnerPreferred", (off, off)) is True
    assert objects_public("BucketOwnerEnforced", (off, off)) is False
    assert objects_public("ObjectWriter", (off, ALL_ON)) is False
    assert objects_public("ObjectWriter", (off, None)) is None
    assert "objects can be public" in openness(with_acl())[0]


def test_what_was_recorded_without_these_fields_is_still_shown_as_shared() -> None:
    facts, _, severity = openness(Bucket("b", foreign_accounts=("999988887777",), public_by_policy=False))
    assert severity is Severity.HIGH
    assert any(fact.startswith("shared ") for fact in facts)
