"""Encrypted objects are read and written only by who may use the key, or holds it."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from account_world import World, allow, deny, document, refusal

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

KMS = {"ServerSideEncryption": "aws:kms"}


def key(world: World, *statements: dict[str, Any]) -> str:
    """A KMS key with a key policy of these statements, the delegation to the account if there are none; its ARN."""
    root = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{VICTIM}:root"})
    made = world.server.admin("kms").create_key(Policy=document(*(statements or (root,))))
    arn: str = made["KeyMetadata"]["Arn"]
    return arn


def s3_of(world: World, name: str, *statements: dict[str, Any], **more: Any) -> Any:
    """A client of a user who may do everything in S3, and what the statements say."""
    return world.client("s3", world.user(name, allow("s3:*"), *statements, **more))


def put(client: Any, arn: str, name: str = "k", **more: Any) -> str:
    """Upload under a key; the error code."""
    return refusal(client.put_object, Bucket="payroll", Key=name, Body=b"x", **KMS, SSEKMSKeyId=arn, **more)


def get(client: Any, name: str = "k", **more: Any) -> str:
    """Read; the error code."""
    return refusal(client.get_object, Bucket="payroll", Key=name, **more)


def test_reading_needs_decrypt_and_writing_needs_a_data_key(world: World) -> None:
    world.bucket("payroll")
    arn = key(world)
    bob = s3_of(world, "bob", allow(["kms:Decrypt", "kms:GenerateDataKey"], arn))
    reader = s3_of(world, "reader", allow("kms:Decrypt", arn))
    writer = s3_of(world, "writer", allow("kms:GenerateDataKey", arn))
    nobody = s3_of(world, "nobody")
    assert put(bob, arn.rpartition("/")[2]) == ""
    assert bob.get_object(Bucket="payroll", Key="k")["SSEKMSKeyId"] == arn
    assert {name: (get(c), put(c, arn, "n")) for name, c in (("r", reader), ("w", writer), ("n", nobody))} == {
        "r": ("", "AccessDenied"),
        "w": ("AccessDenied", ""),
        "n": ("AccessDenied", "AccessDenied"),
    }
    assert refusal(nobody.head_object, Bucket="payroll", Key="k") == ""
    source = "payroll/k"
    assert refusal(reader.copy_object, Bucket="payroll", Key="copy", CopySource=source) == ""
    assert refusal(nobody.copy_object, Bucket="payroll", Key="copy", CopySource=source) == "AccessDenied"
    assert refusal(reader.copy_object, Bucket="payroll", Key="c", CopySource=source, **KMS, SSEKMSKeyId=arn) != ""
    upload = refusal(writer.create_multipart_upload, Bucket="payroll", Key="m", **KMS, SSEKMSKeyId=arn)
    assert upload == "AccessDenied"


def test_a_key_policy_that_does_not_delegate_stops_identity_policies_and_a_grant_opens(world: World) -> None:
    world.bucket("payroll")
    world.iam.create_user(UserName="named")
    named = f"arn:aws:iam::{VICTIM}:user/named"
    arn = key(world, allow("kms:*", Principal={"AWS": named}))
    access = world.iam.create_access_key(UserName="named")["AccessKey"]
    world.iam.put_user_policy(UserName="named", PolicyName="s3", PolicyDocument=document(allow("s3:*")))
    bob = s3_of(world, "bob", allow("kms:*"))
    assert put(world.client("s3", access), arn) == ""
    assert get(bob) == "AccessDenied"
    kms = world.server.admin("kms")
    kms.create_grant(KeyId=arn, GranteePrincipal=f"arn:aws:iam::{VICTIM}:user/bob", Operations=["Decrypt"])
    assert get(bob) == ""
    assert put(bob, arn, "n") == "AccessDenied"


def test_a_key_that_is_disabled_deleted_or_unknown_serves_nobody(world: World) -> None:
    world.bucket("payroll")
    arn, kms = key(world), world.server.admin("kms")
    bob = s3_of(world, "bob", allow("kms:*"))
    assert put(bob, arn) == ""
    kms.disable_key(KeyId=arn.rpartition("/")[2])
    assert (get(bob), put(bob, arn)) == ("KMS.DisabledException", "KMS.DisabledException")
    kms.enable_key(KeyId=arn.rpartition("/")[2])
    assert get(bob) == ""
    kms.schedule_key_deletion(KeyId=arn.rpartition("/")[2], PendingWindowInDays=7)
    assert get(bob) == "KMS.KMSInvalidStateException"
    assert put(bob, "134f2428-cec1-4b25-a1ae-9048164dba47") == "KMS.NotFoundException"
    assert put(bob, arn.replace("us-east-1", "eu-west-1")) == "KMS.NotFoundException"


def test_a_deny_through_s3_holds_and_the_default_of_a_bucket_counts(world: World) -> None:
    world.bucket("payroll")
    arn = key(world)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
    world.s3.put_bucket_encryption(Bucket="payroll", ServerSideEncryptionConfiguration={"Rules": [rule]})
    via = {"Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}}
    bob, eve = s3_of(world, "bob", allow("kms:*")), s3_of(world, "eve", allow("kms:*"), deny("kms:*", **via))
    assert bob.put_object(Bucket="payroll", Key="k", Body=b"x")["SSEKMSKeyId"] == arn
    assert (get(bob), get(eve)) == ("", "AccessDenied")
    assert refusal(eve.put_object, Bucket="payroll", Key="n", Body=b"x") == "AccessDenied"


def test_the_key_of_aws_for_s3_serves_its_own_account_only(world: World) -> None:
    world.bucket("payroll")
    bob = s3_of(world, "bob")
    assert refusal(bob.put_object, Bucket="payroll", Key="k", Body=b"x", **KMS) == ""
    assert get(bob) == ""
    eve = s3_of(world, "eve", allow("kms:*"), account=OUTSIDE)
    world.policy("payroll", allow("s3:GetObject", "arn:aws:s3:::payroll/*", Principal={"AWS": OUTSIDE}))
    assert get(eve) == "AccessDenied"


@pytest.fixture
def own_keys(world: World) -> Any:
    """A client, on a bucket that takes customer keys."""
    world.bucket("payroll")
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }
    world.s3.put_bucket_encryption(Bucket="payroll", ServerSideEncryptionConfiguration={"Rules": [rule]})
    return s3_of(world, "bob")


def customer(secret: bytes) -> dict[str, Any]:
    """Parameters of a customer key."""
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": secret}


def test_an_object_under_a_customer_key_is_read_and_copied_with_that_key_only(own_keys: Any) -> None:
    right, wrong = os.urandom(32), os.urandom(32)
    made = own_keys.put_object(Bucket="payroll", Key="k", Body=b"x", **customer(right))
    assert made["SSECustomerAlgorithm"] == "AES256"
    assert "ServerSideEncryption" not in made
    assert get(own_keys) == "InvalidRequest"
    assert get(own_keys, **customer(wrong)) == "AccessDenied"
    read = own_keys.get_object(Bucket="payroll", Key="k", **customer(right))
    assert (read["Body"].read(), read["SSECustomerKeyMD5"]) == (b"x", made["SSECustomerKeyMD5"])
    assert refusal(own_keys.head_object, Bucket="payroll", Key="k") == "400"
    assert refusal(own_keys.head_object, Bucket="payroll", Key="k", **customer(wrong)) == "403"
    attributes = {"Bucket": "payroll", "Key": "k", "ObjectAttributes": ["ETag"]}
    assert refusal(own_keys.get_object_attributes, **attributes) == "InvalidRequest"
    copy = {"Bucket": "payroll", "Key": "copy", "CopySource": "payroll/k"}
    source = {"CopySourceSSECustomerAlgorithm": "AES256"}
    assert refusal(own_keys.copy_object, **copy) == "InvalidRequest"
    assert refusal(own_keys.copy_object, **copy, **source, CopySourceSSECustomerKey=wrong) == "AccessDenied"
    assert refusal(own_keys.copy_object, **copy, **source, CopySourceSSECustomerKey=right, **customer(wrong)) == ""
    assert get(own_keys, "copy", **customer(wrong)) == ""
    own_keys.put_object(Bucket="payroll", Key="plain", Body=b"x")
    assert get(own_keys, "plain", **customer(right)) == "InvalidRequest"


def test_a_multipart_upload_under_a_customer_key_keeps_it(own_keys: Any) -> None:
    secret = customer(os.urandom(32))
    target = {"Bucket": "payroll", "Key": "parts"}
    upload = own_keys.create_multipart_upload(**target, **secret)["UploadId"]
    tag = own_keys.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"p", **secret)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    own_keys.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)
    assert get(own_keys, "parts") == "InvalidRequest"
    assert get(own_keys, "parts", **secret) == ""


def test_new_buckets_block_customer_keys_until_that_is_changed(world: World) -> None:
    world.bucket("payroll")
    bob = s3_of(world, "bob")
    rule = bob.get_bucket_encryption(Bucket="payroll")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    upload = {"Bucket": "payroll", "Key": "k", "Body": b"x"}
    assert refusal(bob.put_object, **upload, **customer(os.urandom(32))) == "AccessDenied"
    assert refusal(bob.put_object, **upload) == ""
    rule["BlockedEncryptionTypes"] = {"EncryptionType": ["NONE"]}
    bob.put_bucket_encryption(Bucket="payroll", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert refusal(bob.put_object, **upload, **customer(os.urandom(32))) == ""
    assert (
        json.dumps(bob.get_bucket_encryption(Bucket="payroll")["ServerSideEncryptionConfiguration"]).count("NONE") == 1
    )
