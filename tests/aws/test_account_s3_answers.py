"""Settings of buckets, lists of buckets, Regions and clashes are answered as S3 answers them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from account_world import World, allow, refusal
from botocore.exceptions import ClientError

from s3ir_tui.gameday.process import OUTSIDE, VICTIM


@pytest.fixture
def s3(world: World) -> Any:
    """A client of a user who may do everything in S3."""
    return world.client("s3", world.user("bob", allow(["s3:*", "s3express:*"])))


def test_buckets_are_listed_in_pages_and_with_their_region_when_a_parameter_is_given(world: World, s3: Any) -> None:
    names = [f"bucket-{n}" for n in range(5)]
    for name in names:
        world.bucket(name)
    plain = s3.list_buckets()["Buckets"]
    assert [item["Name"] for item in plain] == names
    assert "BucketRegion" not in plain[0]
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Buckets"]) for page in pages] == [2, 2, 1]
    assert [item["Name"] for page in pages for item in page["Buckets"]] == names
    assert {item["BucketRegion"] for page in pages for item in page["Buckets"]} == {"us-east-1"}
    assert s3.list_buckets(Prefix="bucket-3")["Buckets"][0]["BucketRegion"] == "us-east-1"
    assert s3.list_buckets(MaxBuckets=5).get("ContinuationToken") is None


def test_a_bucket_of_another_region_names_its_region_and_sdks_follow(world: World, s3: Any) -> None:
    ireland = world.client("s3", world.user("ann", allow("s3:*")), region="eu-west-1")
    ireland.create_bucket(Bucket="dublin", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    ireland.put_object(Bucket="dublin", Key="k", Body=b"x")
    head = ireland.head_bucket(Bucket="dublin")
    assert (head["BucketRegion"], head["BucketArn"]) == ("eu-west-1", "arn:aws:s3:::dublin")
    assert s3.get_bucket_location(Bucket="dublin")["LocationConstraint"] == "eu-west-1"
    redirected: list[Any] = []
    s3.meta.events.register_first("needs-retry.s3", lambda response, **_: redirected.append(response[1]))
    assert s3.get_object(Bucket="dublin", Key="k")["Body"].read() == b"x"
    first = redirected[0]
    assert first["Error"]["Code"] == "PermanentRedirect"
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 301
    assert first["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


def test_the_expected_owner_of_a_bucket_is_compared(world: World, s3: Any) -> None:
    world.bucket("payroll", k=b"x")
    target = {"Bucket": "payroll", "Key": "k"}
    assert refusal(s3.get_object, **target, ExpectedBucketOwner=VICTIM) == ""
    assert refusal(s3.get_object, **target, ExpectedBucketOwner=OUTSIDE) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        s3.get_object(**target, ExpectedBucketOwner="1234")
    assert refused.value.response["Error"]["Code"] == "InvalidBucketOwnerAWSAccountID"


def test_who_pays_for_requests_and_whether_tags_count_are_kept(world: World, s3: Any) -> None:
    world.bucket("payroll")
    assert s3.get_bucket_request_payment(Bucket="payroll")["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket="payroll", RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket="payroll")["Payer"] == "Requester"
    wrong = {"Payer": "Thief"}
    assert refusal(s3.put_bucket_request_payment, Bucket="payroll", RequestPaymentConfiguration=wrong) == "MalformedXML"
    assert s3.get_bucket_abac(Bucket="payroll")["AbacStatus"]["Status"] == "Disabled"
    s3.put_bucket_abac(Bucket="payroll", AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket="payroll")["AbacStatus"]["Status"] == "Enabled"
    assert s3.list_directory_buckets()["Buckets"] == []


def test_what_is_not_kept_is_refused_and_not_taken_for_another_call(world: World, s3: Any) -> None:
    world.bucket("payroll", k=b"x")
    id = {"Bucket": "payroll", "Id": "i"}
    calls: list[tuple[Any, dict[str, Any]]] = [
        (s3.put_bucket_metrics_configuration, id | {"MetricsConfiguration": {"Id": "i"}}),
        (s3.get_bucket_metrics_configuration, id),
        (s3.get_bucket_intelligent_tiering_configuration, id),
        (s3.get_bucket_metadata_table_configuration, {"Bucket": "payroll"}),
        (s3.rename_object, {"Bucket": "payroll", "Key": "n", "RenameSource": "k"}),
        (s3.get_object_torrent, {"Bucket": "payroll", "Key": "k"}),
    ]
    assert {call.__name__: refusal(call, **params) for call, params in calls} == {
        call.__name__: "NotImplemented" for call, _ in calls
    }


def test_two_writes_to_the_settings_of_one_bucket_clash_within_the_window(world: World, s3: Any) -> None:
    world.bucket("payroll")
    world.bucket("other")
    world.server.control("settings", {"clash": 0.6})
    try:
        block = {"BlockPublicAcls": True}
        put = s3.put_public_access_block
        tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
        assert refusal(put, Bucket="payroll", PublicAccessBlockConfiguration=block) == ""
        with pytest.raises(ClientError, match="conflicting conditional operation") as clash:
            s3.put_bucket_tagging(Bucket="payroll", Tagging=tags)
        assert clash.value.response["Error"]["Code"] == "OperationAborted"
        assert clash.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
        assert refusal(s3.get_bucket_tagging, Bucket="payroll") == "NoSuchTagSet"
        assert refusal(put, Bucket="other", PublicAccessBlockConfiguration=block) == ""
        assert refusal(s3.put_object, Bucket="payroll", Key="k", Body=b"") == ""
        until = time.monotonic() + 5
        while refusal(s3.put_bucket_tagging, Bucket="payroll", Tagging=tags) and time.monotonic() < until:
            pass
        assert s3.get_bucket_tagging(Bucket="payroll")["TagSet"] == tags["TagSet"]
    finally:
        world.server.control("settings", {"clash": 0})


def test_an_empty_bucket_is_deleted_and_a_full_one_is_not(world: World) -> None:
    bucket = world.bucket("gone-1", a=b"1")
    assert refusal(world.s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    world.s3.delete_object(Bucket=bucket, Key="a")
    world.s3.delete_bucket(Bucket=bucket)
    assert refusal(world.s3.head_bucket, Bucket=bucket) == "404"
