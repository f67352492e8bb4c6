"""Principals of stored policies are kept by their unique id: who is made anew inherits nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from account_world import World, allow, arns, refusal, trust

from s3ir_tui.gameday.process import VICTIM


@pytest.fixture
def iam(world: World) -> Any:
    """IAM as an administrator uses it."""
    return world.client("iam", world.user("admin", allow("*")))


def _reader(world: World) -> dict[str, str]:
    """A user whom a bucket policy names, and nothing else allows anything."""
    world.bucket("books", a=b"1")
    key = world.user("bob")
    world.policy("books", allow("s3:GetObject", arns("books"), Principal={"AWS": _arn("user/bob")}))
    return key


def _arn(name: str) -> str:
    return f"arn:aws:iam::{VICTIM}:{name}"


def _make_anew(iam: Any, key: dict[str, str]) -> dict[str, str]:
    iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="bob")
    iam.create_user(UserName="bob")
    made: dict[str, str] = iam.create_access_key(UserName="bob")["AccessKey"]
    return made


@pytest.mark.parametrize("delay", [0, 2])
def test_a_user_made_anew_does_not_inherit_a_bucket_policy(world: World, iam: Any, delay: float) -> None:
    key = _reader(world)
    world.server.control("settings", {"delay": delay})
    assert refusal(world.client("s3", key).get_object, Bucket="books", Key="a") == ""
    fresh = _make_anew(iam, key)
    assert refusal(world.client("s3", fresh).get_object, Bucket="books", Key="a") == "AccessDenied"


def test_a_bucket_policy_shows_the_arn_of_a_user_until_it_is_deleted(world: World, iam: Any) -> None:
    key = _reader(world)
    unique_id = iam.get_user(UserName="bob")["User"]["UserId"]

    def shown() -> Any:
        return json.loads(world.s3.get_bucket_policy(Bucket="books")["Policy"])["Statement"][0]["Principal"]

    assert shown() == {"AWS": _arn("user/bob")}
    _make_anew(iam, key)
    assert shown() == {"AWS": unique_id}
    text = world.s3.get_bucket_policy(Bucket="books")["Policy"]
    assert refusal(world.s3.put_bucket_policy, Bucket="books", Policy=text) == "MalformedPolicy"


def test_a_user_made_anew_may_not_assume_a_role_that_trusted_the_old_one(world: World, iam: Any) -> None:
    key = world.user("bob")
    trusting = trust({"AWS": [_arn("user/bob"), _arn("root")]})
    arn = world.role("worker", trust({"AWS": _arn("user/bob")}))
    world.role("other", trusting)
    unique_id = iam.get_user(UserName="bob")["User"]["UserId"]
    assert refusal(world.client("sts", key).assume_role, RoleArn=arn, RoleSessionName="one") == ""
    fresh = _make_anew(iam, key)
    assert refusal(world.client("sts", fresh).assume_role, RoleArn=arn, RoleSessionName="one") == "AccessDenied"
    stored = iam.get_role(RoleName="other")["Role"]["AssumeRolePolicyDocument"]
    assert stored["Statement"][0]["Principal"]["AWS"] == [unique_id, _arn("root")]
    code = refusal(iam.update_assume_role_policy, RoleName="other", PolicyDocument=json.dumps(stored))
    assert code == "MalformedPolicyDocument"


def test_a_role_made_anew_does_not_inherit_a_bucket_policy(world: World, iam: Any) -> None:
    world.bucket("books", a=b"1")
    trusting = trust({"AWS": _arn("root")})
    world.role("worker", trusting)
    world.policy("books", allow("s3:GetObject", arns("books"), Principal={"AWS": _arn("role/worker")}))
    boss = world.client("sts", world.user("boss", allow("sts:AssumeRole")))

    def reads() -> str:
        made = boss.assume_role(RoleArn=_arn("role/worker"), RoleSessionName="one")["Credentials"]
        return refusal(world.client("s3", made).get_object, Bucket="books", Key="a")

    assert reads() == ""
    iam.delete_role(RoleName="worker")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trusting)
    assert reads() == "AccessDenied"


def test_policies_follow_a_user_that_is_renamed(world: World, iam: Any) -> None:
    key = _reader(world)
    iam.update_user(UserName="bob", NewUserName="robert")
    assert refusal(world.client("s3", key).get_object, Bucket="books", Key="a") == ""
    shown = json.loads(world.s3.get_bucket_policy(Bucket="books")["Policy"])["Statement"][0]["Principal"]
    assert shown == {"AWS": _arn("user/robert")}


def test_conditions_keep_the_arn_of_a_deleted_user(world: World, iam: Any) -> None:
    """Conditions compare texts: a new user of the same name is still named by one."""
    world.bucket("books", a=b"1")
    key = world.user("bob")
    named = {"StringEquals": {"aws:PrincipalArn": _arn("user/bob")}}
    world.policy("books", allow("s3:GetObject", arns("books"), Principal={"AWS": "*"}, Condition=named))
    fresh = _make_anew(iam, key)
    assert refusal(world.client("s3", fresh).get_object, Bucket="books", Key="a") == ""


def test_a_key_policy_loses_a_deleted_user(world: World, iam: Any) -> None:
    key = world.user("bob")
    unique_id = iam.get_user(UserName="bob")["User"]["UserId"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [allow("kms:*", Principal={"AWS": [_arn("user/bob"), _arn("root")]})],
    }
    kms = world.server.admin("kms")
    made = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    _make_anew(iam, key)
    stored = json.loads(kms.get_key_policy(KeyId=made, PolicyName="default")["Policy"])
    assert stored["Statement"][0]["Principal"]["AWS"] == [unique_id, _arn("root")]
