"""Single events: what is worth a look, how much, and what must not be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trail_world import ACCOUNT, ANONYMOUS, CLI, EC2, OUTSIDE, allow, event, policy, put_policy, read, session, user

from s3ir_tui.model import Severity
from s3ir_tui.trail.detections import RULES, Judgement, judge
from s3ir_tui.trail.event import Event

CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO
OUT = {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}
KMS_OUT, KMS_OWN = (f"arn:aws:kms:us-east-1:{account}:key/1" for account in (OUTSIDE, ACCOUNT))
ALL_USERS = {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


class Known:
    """What is known beside the event."""

    def __init__(self, standing: Severity = INFO, logs: str = "") -> None:
        self._standing, self._logs = standing, logs

    def standing(self, principal: str) -> Severity:
        return self._standing

    def keeps_logs(self, bucket: str) -> bool:
        return bucket == self._logs


def judged(item: Event, **known: Any) -> Judgement:
    return judge(item, Known(**known))


def iam(name: str, **params: Any) -> Event:
    return event(name, service="iam", params=params)


def s3(name: str, **params: Any) -> Event:
    return event(name, bucket="payroll", params=params)


def doc(*statements: dict[str, Any]) -> str:
    return json.dumps(policy(*statements))


EVERYTHING = doc({"Effect": "Allow", "Action": "*", "Resource": "*"})
DENY = doc({"Effect": "Deny", "Action": "*", "Resource": "*"})
SOME = doc({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"})
TRUST_OUT = doc({"Effect": "Allow", "Principal": OUT, "Action": "sts:AssumeRole"})
TRUST_EC2 = doc({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (put_policy(allow("*")), CRITICAL),
        (put_policy(allow({"AWS": "*"})), CRITICAL),
        (put_policy(allow(OUT)), CRITICAL),
        (put_policy(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/app"})), LOW),
        (put_policy(allow({"Service": "cloudtrail.amazonaws.com"})), HIGH),
        (put_policy(allow({"Service": "cloudtrail.amazonaws.com"}) | {"Action": "s3:PutObject"}), MEDIUM),
        (put_policy({**allow("*"), "Effect": "Deny"}), LOW),
        (s3("DeleteBucketPolicy"), MEDIUM),
        (s3("PutBucketAcl", **{"x-amz-acl": ["public-read"]}), CRITICAL),
        (s3("PutBucketAcl", **{"x-amz-acl": "private"}), INFO),
        (s3("PutBucketAcl", AccessControlPolicy={"AccessControlList": {"Grant": [ALL_USERS]}}), CRITICAL),
        (s3("PutObjectAcl", **{"x-amz-acl": "public-read"}), HIGH),
        (s3("PutBucketPublicAccessBlock", PublicAccessBlockConfiguration=BLOCK), INFO),
        (s3("PutBucketPublicAccessBlock", PublicAccessBlockConfiguration=BLOCK | {"BlockPublicAcls": False}), CRITICAL),
        (
            s3("PutAccountPublicAccessBlock", PublicAccessBlockConfiguration=BLOCK | {"BlockPublicAcls": "false"}),
            CRITICAL,
        ),
        (s3("DeleteBucketPublicAccessBlock"), CRITICAL),
        (s3("DeleteAccountPublicAccessBlock"), CRITICAL),
        (s3("PutBucketOwnershipControls", OwnershipControls={"Rule": {"ObjectOwnership": "ObjectWriter"}}), HIGH),
        (
            s3("PutBucketOwnershipControls", OwnershipControls={"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}}),
            INFO,
        ),
        (s3("PutBucketVersioning", VersioningConfiguration={"Status": "Suspended"}), CRITICAL),
        (s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"}), INFO),
        (s3("PutBucketLifecycle", LifecycleConfiguration={"Rule": {"Expiration": {"Days": 1}}}), CRITICAL),
        (s3("PutBucketLifecycle", LifecycleConfiguration={"Rule": [{"Expiration": {"Days": 365}}]}), INFO),
        (
            s3("PutBucketReplication", ReplicationConfiguration={"Rule": {"Destination": {"Account": OUTSIDE}}}),
            CRITICAL,
        ),
        (s3("PutBucketReplication", ReplicationConfiguration={"Rule": {"Destination": {"Account": ACCOUNT}}}), MEDIUM),
        (s3("PutBucketLogging", BucketLoggingStatus=""), HIGH),
        (s3("PutBucketLogging", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs"}}), LOW),
        (s3("CopyObject", **{"x-amz-server-side-encryption-customer-algorithm": "AES256"}), CRITICAL),
        (s3("CopyObject", **{"x-amz-server-side-encryption-aws-kms-key-id": KMS_OUT}), CRITICAL),
        (s3("CopyObject", **{"x-amz-server-side-encryption-aws-kms-key-id": KMS_OWN}), INFO),
        (event("PutObject", bucket="payroll", key="HOW_TO_DECRYPT_FILES.txt"), CRITICAL),
        (event("PutObject", bucket="payroll", key="docs/readme.md"), INFO),
        (read(key="home/.aws/credentials"), MEDIUM),
        (read(), INFO),
        (read(ANONYMOUS), HIGH),
        (event("PutObject", ANONYMOUS, bucket="payroll", key="k"), CRITICAL),
        (iam("CreateAccessKey", userName="alice"), HIGH),
        (iam("CreateAccessKey", userName="bob"), MEDIUM),
        (iam("CreateAccessKey"), MEDIUM),
        (iam("UpdateAccessKey", status="Active"), HIGH),
        (iam("UpdateAccessKey", status="Inactive"), INFO),
        (iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AdministratorAccess"), CRITICAL),
        (iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AWSDenyAll"), INFO),
        (iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"), MEDIUM),
        (iam("PutUserPolicy", userName="x", policyDocument=EVERYTHING), CRITICAL),
        (iam("PutUserPolicy", userName="x", policyDocument=DENY), INFO),
        (iam("PutRolePolicy", roleName="x", policyDocument=SOME), MEDIUM),
        (iam("PutRolePolicy", roleName="x", policyDocument="broken"), MEDIUM),
        (iam("DetachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AWSDenyAll"), CRITICAL),
        (iam("DeleteRolePolicy", roleName="x", policyName="AWSRevokeOlderSessions"), CRITICAL),
        (iam("DeleteRolePolicy", roleName="x", policyName="old"), INFO),
        (iam("CreateRole", roleName="x", assumeRolePolicyDocument=TRUST_OUT), CRITICAL),
        (iam("CreateRole", roleName="x", assumeRolePolicyDocument=TRUST_EC2), INFO),
        (event("GetSessionToken", service="sts"), MEDIUM),
        (event("GetFederationToken", service="sts"), HIGH),
        (event("StopLogging", service="cloudtrail"), CRITICAL),
        (event("DeleteDetector", service="guardduty"), CRITICAL),
        (event("ListBuckets"), LOW),
        (event("GetBucketAcl", EC2, bucket="trail-logs"), LOW),
    ],
)
def test_parameters_decide(item: Event, severity: Severity) -> None:
    assert judged(item).severity is severity, judged(item).reasons


def test_a_failed_call_is_an_attempt_and_worded_so() -> None:
    tried = judged(event("StopLogging", service="cloudtrail", error="AccessDenied"))
    assert tried.severity is MEDIUM
    assert tried.reasons[0].startswith("tried, refused (AccessDenied): CloudTrail switched off")
    assert judged(event("ListBuckets", error="AccessDenied")).severity is INFO


def test_service_calls_are_noise_unless_they_matter() -> None:
    assert judged(event("GetBucketAcl", EC2, bucket="b")).noise
    assert judged(event("Decrypt", user() | {"invokedBy": "athena.amazonaws.com"}, service="kms")).noise
    loud = judged(put_policy(allow("*"), by=user() | {"invokedBy": "cloudformation.amazonaws.com"}))
    assert not loud.noise
    assert loud.severity is CRITICAL
    assert not judged(read()).noise


def test_the_reads_of_a_suspect_are_severe() -> None:
    assert judged(read(), standing=HIGH).severity is HIGH
    assert judged(read(error="AccessDenied"), standing=HIGH).severity is LOW
    assert judged(event("ListObjects", bucket="payroll"), standing=HIGH).severity is MEDIUM
    assert judged(read(), standing=MEDIUM).severity is INFO


def test_changes_of_the_trails_own_bucket_are_critical() -> None:
    gone = judged(event("DeleteObject", bucket="trail-logs", key="AWSLogs/x"), logs="trail-logs")
    assert gone.severity is CRITICAL
    assert judged(event("DeleteObject", bucket="other", key="x"), logs="trail-logs").severity is INFO


def test_outside_strings_in_reasons_are_safe_to_show() -> None:
    (reason, *_) = judged(event("PutObject", bucket="payroll", key="ransom\x1b[2J{bucket}")).reasons
    assert "\x1b" not in reason
    assert "{bucket}" in reason


def test_policies_that_do_not_parse_are_no_public_policies() -> None:
    for odd in ("not json", [], {"Statement": "x"}, {"Statement": [{"Effect": "Allow", "Principal": 5}]}, None):
        item = event("PutBucketPolicy", bucket="payroll", params={"bucketPolicy": odd})
        assert judged(item).severity <= LOW


def test_every_detection_has_a_name_of_its_own_and_words_that_can_be_filled_in() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.events
        rule.text.format(bucket="b", key="k", user="u", role="r", name="n", what="w")


@pytest.mark.parametrize(
    "params", [None, {}, {"userName": ["x"]}, {"policyDocument": 5}, {"a": {"b": [None, {"c": True}]}}]
)
def test_no_condition_fails_on_odd_parameters(params: dict[str, Any] | None) -> None:
    for rule in RULES:
        for name in rule.events:
            for who in (user(), session(), ANONYMOUS):
                judged(event(name, who, service=rule.service or "s3", params=params, answer=params, agent=CLI))


def only(principal: Any, operator: str, key: str, value: Any) -> dict[str, Any]:
    return allow(principal) | {"Condition": {operator: {key: value}}}


CLOUDFRONT = {"Service": "cloudfront.amazonaws.com"}
DISTRIBUTION = "arn:aws:cloudfront::{}:distribution/E1"
OAI = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (only("*", "IpAddress", "aws:SourceIp", "198.51.100.7/32"), "anyone from 198.51.100.7/32"),
        (only("*", "StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"), "vpce-1a2b3c4d"),
        (only("*", "StringEquals", "aws:SourceVpc", "vpc-1a2b3c4d"), "vpc-1a2b3c4d"),
        (only("*", "StringEquals", "aws:PrincipalOrgID", "o-stranger00"), "organization o-stranger00"),
        (only("*", "StringEquals", "aws:SourceAccount", OUTSIDE), OUTSIDE),
        (allow(CLOUDFRONT), "service cloudfront.amazonaws.com (no source condition)"),
        (only(CLOUDFRONT, "StringEquals", "aws:SourceArn", DISTRIBUTION.format(OUTSIDE)), OUTSIDE),
        (allow({"CanonicalUser": "ab" * 32}), "canonical user abab"),
        (allow({"AWS": OAI}), "CloudFront origin access identity E2EXAMPLE"),
        (allow({"Federated": f"arn:aws:iam::{OUTSIDE}:saml-provider/login"}), "federated provider"),
    ],
)
@pytest.mark.parametrize("name", ["PutBucketPolicy", "PutAccessPointPolicy"])
def test_a_policy_that_is_open_but_not_public_is_alarming(name: str, statement: dict[str, Any], words: str) -> None:
    where = "bucketPolicy" if name == "PutBucketPolicy" else "policy"
    found = judged(event(name, bucket="payroll", params={where: policy(statement)}))
    assert found.severity is HIGH
    assert any(words in reason for reason in found.reasons), found.reasons


@pytest.mark.parametrize(
    "statement",
    [
        only("*", "StringEquals", "aws:PrincipalAccount", ACCOUNT),
        only(CLOUDFRONT, "StringEquals", "aws:SourceArn", DISTRIBUTION.format(ACCOUNT)),
        only({"Service": "logging.s3.amazonaws.com"}, "StringEquals", "aws:SourceAccount", ACCOUNT),
        only({"AWS": f"arn:aws:iam::{ACCOUNT}:role/app"}, "IpAddress", "aws:SourceIp", "198.51.100.7/32"),
    ],
)
def test_a_policy_that_is_bound_to_the_own_account_is_a_change_like_others(statement: dict[str, Any]) -> None:
    assert judged(put_policy(statement)).severity is LOW


@pytest.mark.parametrize(
    ("who", "severity"),
    [
        ({"Federated": f"arn:aws:iam::{OUTSIDE}:oidc-provider/token.actions.githubusercontent.com"}, HIGH),
        ({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/login"}, MEDIUM),
        ({"Service": "lambda.amazonaws.com"}, MEDIUM),
    ],
)
def test_a_trust_for_a_provider_of_strangers_is_alarming(who: dict[str, str], severity: Severity) -> None:
    document = doc({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRoleWithSAML"})
    assert judged(iam("UpdateAssumeRolePolicy", roleName="app", policyDocument=document)).severity is severity
