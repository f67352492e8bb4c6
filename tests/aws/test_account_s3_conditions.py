"""Condition keys of S3 are there when policies ask for them: a Deny holds, an Allow opens, and nothing else."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from account_world import World, allow, arns, deny, refusal
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

OBJECTS = "arn:aws:s3:::payroll/*"


def on(operator: str, key: str, value: Any) -> dict[str, Any]:
    """A condition on one key."""
    return {"Condition": {operator: {key: value}}}


@pytest.fixture
def bob(world: World) -> Any:
    """A client of a user who may do everything in S3."""
    world.bucket("payroll", k=b"x")
    return world.client("s3", world.user("bob", allow("s3:*")))


def denied(world: World, action: str, condition: dict[str, Any], resource: str = OBJECTS) -> None:
    """Put a bucket policy that denies under a condition."""
    world.policy("payroll", deny(action, resource, Principal="*", **condition))


def test_tags_of_the_object_decide(world: World, bob: Any) -> None:
    for key, colour in (("red", "red"), ("green", "green")):
        bob.put_object(Bucket="payroll", Key=key, Body=b"x", Tagging=f"class={colour}")
    denied(world, "s3:GetObject", on("StringEquals", "s3:ExistingObjectTag/class", "red"))
    assert refusal(bob.get_object, Bucket="payroll", Key="red") == "AccessDenied"
    assert refusal(bob.get_object, Bucket="payroll", Key="green") == ""
    eve = world.client(
        "s3",
        world.user("eve", allow("s3:GetObject", OBJECTS, **on("StringEquals", "s3:ExistingObjectTag/class", "green"))),
    )
    assert refusal(eve.get_object, Bucket="payroll", Key="green") == ""
    assert refusal(eve.get_object, Bucket="payroll", Key="k") == "AccessDenied"


def test_tags_that_an_upload_brings_decide(world: World, bob: Any) -> None:
    tagged = on("StringEquals", "s3:RequestObjectTag/class", "red")
    denied(world, "s3:PutObject", tagged)
    upload = {"Bucket": "payroll", "Key": "n", "Body": b""}
    assert refusal(bob.put_object, **upload, Tagging="class=red") == "AccessDenied"
    assert refusal(bob.put_object, **upload, Tagging="class=green") == ""
    denied(world, "s3:PutObjectTagging", on("ForAnyValue:StringEquals", "s3:RequestObjectTagKeys", ["class"]))
    for name, code in (("class", "AccessDenied"), ("other", "")):
        tags = {"TagSet": [{"Key": name, "Value": "v"}]}
        assert refusal(bob.put_object_tagging, Bucket="payroll", Key="k", Tagging=tags) == code


UPLOADS: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("s3:x-amz-server-side-encryption", "StringEquals", "AES256", {"ServerSideEncryption": "AES256"}),
    ("s3:x-amz-storage-class", "StringEquals", "GLACIER", {"StorageClass": "GLACIER"}),
    ("s3:x-amz-acl", "StringEquals", "bucket-owner-full-control", {"ACL": "bucket-owner-full-control"}),
    ("s3:if-none-match", "Null", "false", {"IfNoneMatch": "*"}),
    ("s3:x-amz-website-redirect-location", "Null", "false", {"WebsiteRedirectLocation": "/x"}),
    (
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "Null",
        "false",
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32},
    ),
]


@pytest.mark.parametrize(("key", "operator", "value", "asked"), UPLOADS, ids=[item[0] for item in UPLOADS])
def test_what_an_upload_asks_for_decides(
    world: World, bob: Any, key: str, operator: str, value: Any, asked: dict[str, Any]
) -> None:
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }
    world.s3.put_bucket_encryption(Bucket="payroll", ServerSideEncryptionConfiguration={"Rules": [rule]})
    upload = {"Bucket": "payroll", "Body": b""}
    assert refusal(bob.put_object, **upload, Key="before", **asked) == ""
    denied(world, "s3:PutObject", on(operator, key, value))
    assert refusal(bob.put_object, **upload, Key="after", **asked) == "AccessDenied"
    assert refusal(bob.put_object, **upload, Key="plain") == ""


def test_grants_in_headers_decide(world: World, bob: Any) -> None:
    world.s3.put_bucket_ownership_controls(
        Bucket="payroll", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    owner = bob.list_buckets()["Owner"]["ID"]
    denied(world, "s3:PutObjectAcl", on("Null", "s3:x-amz-grant-full-control", "false"))
    target = {"Bucket": "payroll", "Key": "k"}
    assert refusal(bob.put_object_acl, **target, GrantFullControl=f'id="{owner}"') == "AccessDenied"
    assert refusal(bob.put_object_acl, **target, GrantRead=f'id="{owner}"') == ""


def test_the_source_and_the_directive_of_a_copy_decide(world: World, bob: Any) -> None:
    copy = {"Bucket": "payroll", "Key": "c", "CopySource": "payroll/k"}
    denied(world, "s3:PutObject", on("StringLike", "s3:x-amz-copy-source", "*payroll/*"))
    assert refusal(bob.copy_object, **copy) == "AccessDenied"
    denied(world, "s3:PutObject", on("StringEquals", "s3:x-amz-metadata-directive", "REPLACE"))
    assert refusal(bob.copy_object, **copy, MetadataDirective="REPLACE") == "AccessDenied"
    assert refusal(bob.copy_object, **copy) == ""


def test_a_copy_of_a_tagged_object_needs_the_permissions_for_its_tags(world: World, bob: Any) -> None:
    bob.put_object(Bucket="payroll", Key="tagged", Body=b"x", Tagging="class=red")
    for missing in ("s3:GetObjectTagging", "s3:PutObjectTagging"):
        name = missing.partition(":")[2]
        eve = world.client("s3", world.user(name, allow("s3:*"), deny(missing)))
        assert refusal(eve.copy_object, Bucket="payroll", Key="c", CopySource="payroll/k") == ""
        copy = {"Bucket": "payroll", "Key": "c", "CopySource": "payroll/tagged"}
        assert refusal(eve.copy_object, **copy) == "AccessDenied"
    assert refusal(bob.copy_object, Bucket="payroll", Key="c", CopySource="payroll/tagged") == ""


def test_attributes_of_an_object_need_the_object_itself(world: World, bob: Any) -> None:
    asked = {"Bucket": "payroll", "Key": "k", "ObjectAttributes": ["ETag"]}
    only = world.client("s3", world.user("only", allow(["s3:GetObjectAttributes", "s3:ListBucket"])))
    both = world.client("s3", world.user("both", allow(["s3:GetObjectAttributes", "s3:GetObject"])))
    assert refusal(only.get_object_attributes, **asked) == "AccessDenied"
    assert refusal(both.get_object_attributes, **asked) == ""


def test_the_account_of_the_resource_decides_and_a_perimeter_lets_its_own_in(world: World, bob: Any) -> None:
    world.server.admin("s3", account=OUTSIDE).create_bucket(Bucket="theirs")
    perimeter = [
        deny("s3:*", **on("StringNotEquals", key, VICTIM)) for key in ("s3:ResourceAccount", "aws:ResourceAccount")
    ]
    for name, statement in zip("ab", perimeter, strict=True):
        inside = world.client("s3", world.user(name, allow("s3:*"), statement))
        assert refusal(inside.get_object, Bucket="payroll", Key="k") == ""
        assert refusal(inside.put_object, Bucket="theirs", Key="loot", Body=b"x") == "AccessDenied"
    assert refusal(bob.get_object, Bucket="payroll", Key="k") == ""


def test_unsigned_payloads_and_old_tls_are_told_apart(world: World, bob: Any) -> None:
    world.policy(
        "payroll",
        deny("s3:*", arns("payroll"), Principal="*", **on("Null", "s3:x-amz-content-sha256", "true")),
        deny("s3:*", arns("payroll"), Principal="*", **on("NumericLessThan", "s3:TlsVersion", "1.2")),
        deny("s3:*", arns("payroll"), Principal="*", **on("StringEquals", "s3:signatureversion", "AWS")),
    )
    assert refusal(bob.get_object, Bucket="payroll", Key="k") == ""


def presigned(world: World, access: dict[str, str], url: str, seconds_ago: float) -> str:
    """A URL for a read that was signed some time ago."""
    request = AWSRequest(method="GET", url=url)
    keys = Credentials(access["AccessKeyId"], access["SecretAccessKey"])
    auth = S3SigV4QueryAuth(keys, "s3", "us-east-1", expires=3600)
    signed = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    request.context["timestamp"] = signed.strftime("%Y%m%dT%H%M%SZ")
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    auth._inject_signature_to_request(request, auth.signature(auth.string_to_sign(request, canonical), request))
    return str(request.url)


def test_the_age_of_a_signature_ends_urls_that_were_given_away(world: World, bob: Any) -> None:
    access = world.user("giver", allow("s3:*"))
    url = f"{world.server.endpoint_url}/payroll/k"

    def status(seconds_ago: float) -> int:
        try:
            with urllib.request.urlopen(presigned(world, access, url, seconds_ago), timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert (status(0), status(900)) == (200, 200)
    denied(world, "s3:*", on("NumericGreaterThan", "s3:signatureAge", "600000"), arns("payroll")[1])
    assert (status(0), status(900)) == (200, 403)
    denied(world, "s3:*", on("StringEquals", "s3:authType", "REST-QUERY-STRING"))
    assert status(0) == 403
    assert refusal(bob.get_object, Bucket="payroll", Key="k") == ""


def test_the_retention_that_an_upload_asks_for_decides(world: World) -> None:
    world.s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
    limit = deny("s3:PutObjectRetention", **on("NumericGreaterThan", "s3:object-lock-remaining-retention-days", "10"))
    hold = deny("s3:PutObjectLegalHold", **on("StringEquals", "s3:object-lock-legal-hold", "OFF"))
    eve = world.client("s3", world.user("eve", allow("s3:*"), limit, hold))
    eve.put_object(Bucket="vault", Key="k", Body=b"x")

    def retain(days: int) -> str:
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(days=days)}
        return refusal(eve.put_object_retention, Bucket="vault", Key="k", Retention=retention)

    assert (retain(30), retain(5)) == ("AccessDenied", "")
    assert refusal(eve.put_object_legal_hold, Bucket="vault", Key="k", LegalHold={"Status": "ON"}) == ""
    assert refusal(eve.put_object_legal_hold, Bucket="vault", Key="k", LegalHold={"Status": "OFF"}) == "AccessDenied"


def test_tags_of_a_bucket_count_once_they_are_made_to(world: World, bob: Any) -> None:
    tagged = on("StringEquals", "aws:ResourceTag/team", "pay")
    eve = world.client("s3", world.user("eve", allow("s3:GetObject", **tagged)))
    world.s3.put_bucket_tagging(Bucket="payroll", Tagging={"TagSet": [{"Key": "team", "Value": "pay"}]})
    assert refusal(eve.get_object, Bucket="payroll", Key="k") == "AccessDenied"
    bob.put_bucket_abac(Bucket="payroll", AbacStatus={"Status": "Enabled"})
    assert refusal(eve.get_object, Bucket="payroll", Key="k") == ""


def test_prefix_and_delimiter_and_number_of_keys_of_a_list_decide(world: World, bob: Any) -> None:
    only = on("StringEquals", "s3:prefix", "public/")
    few = on("NumericGreaterThan", "s3:max-keys", "10")
    eve = world.client("s3", world.user("eve", allow("s3:ListBucket", **only), deny("s3:ListBucket", **few)))
    assert refusal(eve.list_objects_v2, Bucket="payroll", Prefix="public/") == ""
    assert refusal(eve.list_objects_v2, Bucket="payroll", Prefix="secret/") == "AccessDenied"
    assert refusal(eve.list_objects_v2, Bucket="payroll", Prefix="public/", MaxKeys=11) == "AccessDenied"
    assert refusal(eve.list_objects_v2, Bucket="payroll", Prefix="public/", MaxKeys=10) == ""
