"""Object Lock holds: for attackers with every permission too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from account_world import World, allow, deny, refusal


@pytest.fixture
def s3(world: World) -> Any:
    """A client of a user who may do everything in S3."""
    return world.client("s3", world.user("bob", allow("s3:*")))


def in_days(days: float) -> datetime:
    """A moment in the future."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


def locked(world: World, s3: Any) -> tuple[str, str]:
    """A bucket with Object Lock, and one version in it."""
    world.s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
    return "vault", s3.put_object(Bucket="vault", Key="k", Body=b"x")["VersionId"]


def retain(s3: Any, mode: str, until: datetime, **more: Any) -> str:
    """Put retention; the error code."""
    retention = {"Mode": mode, "RetainUntilDate": until}
    return refusal(s3.put_object_retention, Bucket="vault", Key="k", Retention=retention, **more)


def test_compliance_is_made_longer_never_shorter_weaker_or_removed(world: World, s3: Any) -> None:
    _, version = locked(world, s3)
    assert retain(s3, "COMPLIANCE", in_days(2)) == ""
    bypass = {"BypassGovernanceRetention": True}
    assert retain(s3, "COMPLIANCE", in_days(1), **bypass) == "AccessDenied"
    assert retain(s3, "GOVERNANCE", in_days(9), **bypass) == "AccessDenied"
    empty = {"Bucket": "vault", "Key": "k", "Retention": {}}
    assert refusal(s3.put_object_retention, **empty, **bypass) == "AccessDenied"
    assert refusal(s3.delete_object, Bucket="vault", Key="k", VersionId=version, **bypass) == "AccessDenied"
    assert retain(s3, "COMPLIANCE", in_days(3)) == ""
    held = s3.get_object_retention(Bucket="vault", Key="k")["Retention"]
    assert (held["Mode"], held["RetainUntilDate"].date()) == ("COMPLIANCE", in_days(3).date())


def test_governance_gives_way_to_the_bypass_and_its_permission_only(world: World, s3: Any) -> None:
    _, version = locked(world, s3)
    refused = world.client("s3", world.user("eve", allow("s3:*"), deny("s3:BypassGovernanceRetention")))
    assert retain(s3, "GOVERNANCE", in_days(2)) == ""
    assert retain(s3, "GOVERNANCE", in_days(1)) == "AccessDenied"
    assert retain(refused, "GOVERNANCE", in_days(1), BypassGovernanceRetention=True) == "AccessDenied"
    assert retain(s3, "GOVERNANCE", in_days(1), BypassGovernanceRetention=True) == ""
    target = {"Bucket": "vault", "Key": "k", "VersionId": version}
    assert refusal(s3.delete_object, **target) == "AccessDenied"
    assert refusal(refused.delete_object, **target, BypassGovernanceRetention=True) == "AccessDenied"
    assert refusal(s3.delete_object, **target, BypassGovernanceRetention=True) == ""


def test_a_legal_hold_holds_one_version_and_a_delete_marker_goes_over_it(world: World, s3: Any) -> None:
    _, version = locked(world, s3)
    s3.put_object_legal_hold(Bucket="vault", Key="k", VersionId=version, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(Bucket="vault", Key="k")["LegalHold"]["Status"] == "ON"
    newer = s3.put_object(Bucket="vault", Key="k", Body=b"y")["VersionId"]
    marker = s3.delete_object(Bucket="vault", Key="k")["VersionId"]
    versions = [{"Key": "k", "VersionId": item} for item in (version, newer, marker)]
    answer = s3.delete_objects(Bucket="vault", Delete={"Objects": versions}, BypassGovernanceRetention=True)
    assert [item["VersionId"] for item in answer["Deleted"]] == [newer, marker]
    assert [(item["VersionId"], item["Code"]) for item in answer["Errors"]] == [(version, "AccessDenied")]
    assert "object lock" in answer["Errors"][0]["Message"]
    assert s3.get_object(Bucket="vault", Key="k")["Body"].read() == b"x"
    s3.put_object_legal_hold(Bucket="vault", Key="k", LegalHold={"Status": "OFF"})
    assert refusal(s3.delete_object, Bucket="vault", Key="k", VersionId=version) == ""


def test_versioning_of_a_locked_bucket_cannot_be_suspended(world: World, s3: Any) -> None:
    locked(world, s3)
    suspended, enabled = {"Status": "Suspended"}, {"Status": "Enabled"}
    assert refusal(s3.put_bucket_versioning, Bucket="vault", VersioningConfiguration=suspended) == "InvalidBucketState"
    assert refusal(s3.put_bucket_versioning, Bucket="vault", VersioningConfiguration=enabled) == ""


def test_a_bucket_with_objects_gets_object_lock_and_a_default_rule_that_new_versions_show(
    world: World, s3: Any
) -> None:
    world.bucket("vault", k=b"old")
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    put = s3.put_object_lock_configuration
    assert refusal(s3.get_object_lock_configuration, Bucket="vault") == "ObjectLockConfigurationNotFoundError"
    assert refusal(put, Bucket="vault", ObjectLockConfiguration=rule) == "InvalidBucketState"
    s3.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})
    both = {"Mode": "COMPLIANCE", "Days": 1, "Years": 1}
    wrong = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": both}}
    assert refusal(put, Bucket="vault", ObjectLockConfiguration=wrong) == "MalformedXML"
    assert refusal(put, Bucket="vault", ObjectLockConfiguration=rule) == ""
    assert s3.get_object_lock_configuration(Bucket="vault")["ObjectLockConfiguration"] == rule
    assert refusal(s3.get_object_retention, Bucket="vault", Key="k") == "NoSuchObjectLockConfiguration"
    version = s3.put_object(Bucket="vault", Key="k", Body=b"new")["VersionId"]
    held = s3.get_object_retention(Bucket="vault", Key="k", VersionId=version)["Retention"]
    assert held["Mode"] == "COMPLIANCE"
    assert timedelta(0) < held["RetainUntilDate"] - datetime.now(UTC) <= timedelta(days=1)
    assert s3.head_object(Bucket="vault", Key="k")["ObjectLockMode"] == "COMPLIANCE"
    assert refusal(s3.delete_object, Bucket="vault", Key="k", VersionId=version) == "AccessDenied"


def test_a_bucket_without_object_lock_takes_no_lock(world: World, s3: Any) -> None:
    world.bucket("payroll", k=b"x")
    hold = {"Bucket": "payroll", "Key": "k"}
    assert refusal(s3.put_object_legal_hold, **hold, LegalHold={"Status": "ON"}) == "InvalidRequest"
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(1)}
    assert refusal(s3.put_object_retention, **hold, Retention=retention) == "InvalidRequest"
    assert refusal(s3.put_object, **hold, Body=b"", ObjectLockLegalHoldStatus="ON") == "InvalidRequest"
    assert refusal(s3.delete_object, **hold, BypassGovernanceRetention=True) == "InvalidArgument"


def test_retention_lies_in_the_future_and_is_complete(world: World, s3: Any) -> None:
    locked(world, s3)
    assert retain(s3, "GOVERNANCE", in_days(-1)) == "InvalidArgument"
    upload = {"Bucket": "vault", "Key": "n", "Body": b""}
    assert refusal(s3.put_object, **upload, ObjectLockMode="GOVERNANCE") == "InvalidArgument"
    assert refusal(s3.put_object, **upload, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(1)) == ""
