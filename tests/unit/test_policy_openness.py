"""Whom a resource policy grants access beyond the named principals of its own account."""

from __future__ import annotations

from typing import Any

import pytest

from s3ir_tui.policy import Grant, grants, is_public

OWN = "111122223333"
STRANGER = "999988887777"
ORG = "o-own"
BUCKET = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]


def allow(principal: Any, condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"Sid": "S", "Effect": "Allow", "Action": "s3:GetObject", "Resource": BUCKET, **more}
    item["Principal"] = principal
    if condition is not None:
        item["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [item]}


def of(document: dict[str, Any], **more: Any) -> tuple[Grant, ...]:
    return grants(document, OWN, organization=ORG, own_endpoints=frozenset({"vpce-own", "vpc-own"}), **more)


def only(document: dict[str, Any]) -> Grant:
    (grant,) = of(document)
    return grant


@pytest.mark.parametrize(
    ("principal", "condition", "kind", "words"),
    [
        ("*", None, "everyone", "everyone"),
        ({"AWS": "*"}, None, "everyone", "everyone"),
        ("*", {"IpAddress": {"aws:SourceIp": "198.51.100.7/32"}}, "network", "anyone from 198.51.100.7/32"),
        ("*", {"StringEquals": {"aws:SourceVpce": "vpce-evil"}}, "endpoint", "anyone through VPC endpoint vpce-evil"),
        ("*", {"StringEquals": {"aws:SourceVpc": "vpc-evil"}}, "endpoint", "anyone in VPC vpc-evil"),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-evil"}}, "organization", "organization o-evil"),
        ("*", {"StringEquals": {"aws:PrincipalAccount": STRANGER}}, "account", f"account {STRANGER}"),
        ("*", {"StringEquals": {"aws:SourceAccount": STRANGER}}, "source", f"source account {STRANGER}"),
        (
            "*",
            {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{STRANGER}:*"}},
            "source",
            f"source arn:aws:sns:*:{STRANGER}:*",
        ),
        ({"CanonicalUser": "c0ffee"}, None, "canonical user", "canonical user c0ffee"),
        (
            {"Service": "cloudfront.amazonaws.com"},
            None,
            "service",
            "service cloudfront.amazonaws.com (no source condition)",
        ),
        (
            {"Service": "cloudfront.amazonaws.com"},
            {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudfront::{STRANGER}:distribution/E1"}},
            "service",
            f"service cloudfront.amazonaws.com for source arn:aws:cloudfront::{STRANGER}:distribution/E1",
        ),
        (
            {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},
            None,
            "origin access identity",
            "CloudFront origin access identity E1",
        ),
        (
            {"Federated": "accounts.google.com"},
            None,
            "federated",
            "federated provider accounts.google.com (no subject condition)",
        ),
        ({"AWS": STRANGER}, None, "account", f"account {STRANGER}"),
        ({"AWS": f"arn:aws:iam::{STRANGER}:root"}, None, "account", f"account {STRANGER}"),
        ({"AWS": f"arn:aws:iam::{STRANGER}:user/eve"}, None, "principal", f"arn:aws:iam::{STRANGER}:user/eve"),
        ({"AWS": "AROAEXAMPLEID"}, None, "deleted principal", "deleted principal AROAEXAMPLEID"),
    ],
)
def test_each_kind_of_stranger_is_named(principal: Any, condition: Any, kind: str, words: str) -> None:
    grant = only(allow(principal, condition))
    assert (grant.kind, grant.words, grant.own, grant.sid) == (kind, words, False, "S")


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ("*", {"StringEquals": {"aws:SourceVpce": "vpce-own"}}),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": ORG}}),
        ("*", {"StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-1/*"}}),
        ("*", {"StringEquals": {"aws:PrincipalAccount": OWN}}),
        ("*", {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}}),
        ("*", {"IpAddress": {"aws:SourceIp": "198.51.100.7"}, "StringEquals": {"aws:PrincipalOrgID": ORG}}),
        ("*", {"StringEquals": {"s3:DataAccessPointAccount": OWN}}),
        ({"Service": "cloudtrail.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": OWN}}),
        ({"Service": "logging.s3.amazonaws.com"}, {"StringEquals": {"aws:SourceOrgID": ORG}}),
        ({"AWS": STRANGER}, {"StringEquals": {"aws:PrincipalOrgID": ORG}}),
    ],
)
def test_what_is_bound_to_the_own_account_organization_or_endpoint_is_own(principal: Any, condition: Any) -> None:
    assert [grant.own for grant in of(allow(principal, condition))] == [True]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": ORG}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-evil"}},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"StringEquals": {"aws:Referer": "https://example.com"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ],
)
def test_a_condition_that_binds_to_nobody_leaves_it_open_to_everyone(condition: Any) -> None:
    grant = only(allow("*", condition))
    assert grant.kind == "everyone"
    assert "bind to nobody" in grant.words


def test_named_principals_of_the_own_account_are_not_listed() -> None:
    assert of(allow({"AWS": [OWN, f"arn:aws:iam::{OWN}:role/app", f"arn:aws:sts::{OWN}:assumed-role/app/x"]})) == ()


def test_a_stranger_beside_the_own_organization_stays_visible() -> None:
    found = of(allow("*", {"StringEquals": {"aws:PrincipalOrgID": [ORG, "o-evil"]}}))
    assert [(grant.who, grant.own) for grant in found] == [(ORG, True), ("o-evil", False)]


def test_a_deny_grants_nothing() -> None:
    assert of(allow("*", Effect="Deny")) == ()


def test_many_networks_that_are_each_narrow_enough_are_wide_together() -> None:
    document = allow("*", {"IpAddress": {"aws:SourceIp": [f"{first}.0.0.0/8" for first in range(1, 224)]}})
    grant = only(document)
    assert not is_public(document)
    assert grant.wide
    assert grant.words == "anyone from 1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/8 and 220 more networks"
    assert not only(allow("*", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})).wide


@pytest.mark.parametrize(
    ("actions", "classes"),
    [
        ("s3:*", ("all",)),
        ("*", ("all",)),
        (["s3:GetObject", "s3:ListBucket"], ("read", "list")),
        ("s3:PutObject", ("write",)),
        ("s3:DeleteObject", ("delete",)),
        ("s3:PutBucketPolicy", ("policy",)),
        ("s3:GetBucketAcl", ("configuration",)),
        ("s3:NoSuchAction", ()),
    ],
)
def test_the_actions_of_a_grant_are_classed_by_what_they_do(actions: Any, classes: tuple[str, ...]) -> None:
    assert only(allow("*", Action=actions)).actions == classes


def trust(principal: Any, condition: Any = None) -> dict[str, Any]:
    document = allow(principal, condition, Action="sts:AssumeRole")
    del document["Statement"][0]["Resource"]
    return document


def test_a_service_that_assumes_a_role_is_the_own_accounts() -> None:
    grant = only(trust({"Service": "ec2.amazonaws.com"}))
    assert (grant.own, grant.actions) == (True, ("assume",))


def test_an_identity_provider_of_the_own_account_binds_only_with_a_subject() -> None:
    github = f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"
    audience = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
    subject = {"token.actions.githubusercontent.com:sub": "repo:own/app:*"}
    assert not only(trust({"Federated": github}, {"StringEquals": audience})).own
    assert only(trust({"Federated": github}, {"StringLike": subject})).own
    assert only(trust({"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"})).own


def test_the_own_canonical_user_is_own_when_its_id_is_known() -> None:
    (grant,) = of(allow({"CanonicalUser": "c0ffee"}), canonical_id="c0ffee")
    assert grant.own


def test_a_fixed_kms_key_makes_an_upload_grant_not_public() -> None:
    key = f"arn:aws:kms:eu-west-1:{OWN}:key/k"
    condition = {"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key}}
    document = allow("*", condition, Action="s3:PutObject")
    assert not is_public(document)
    assert only(document).kind == "everyone"
