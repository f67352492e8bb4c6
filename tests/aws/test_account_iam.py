"""IAM stores what AWS would store, within its limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from account_world import World, allow, document, refusal, trust

from s3ir_tui.gameday.process import VICTIM


@pytest.fixture
def iam(world: World) -> Any:
    """IAM as an administrator uses it."""
    return world.client("iam", world.user("admin", allow("*")))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*"}]}),
        document(allow("s3:*", Principal="*")),
        document(allow("nonsense")),
        document(allow("s3:*") | {"Effect": "Maybe"}),
        document(allow("s3:*", Sid="with spaces")),
    ],
)
def test_identity_policies_are_checked(world: World, iam: Any, text: str) -> None:
    world.user("bob")
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}))
    code = "MalformedPolicyDocument"
    assert refusal(iam.put_user_policy, UserName="bob", PolicyName="p", PolicyDocument=text) == code
    assert refusal(iam.put_role_policy, RoleName="worker", PolicyName="p", PolicyDocument=text) == code
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=text) == code
    assert iam.list_user_policies(UserName="bob")["PolicyNames"] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (trust({"AWS": f"arn:aws:iam::{VICTIM}:user/nobody"}), "MalformedPolicyDocument"),
        (trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}, Resource="*"), "MalformedPolicyDocument"),
        (document(allow("sts:AssumeRole")), "MalformedPolicyDocument"),
        (trust({"AWS": f"arn:aws:iam::{VICTIM}:user/admin"}), ""),
        (trust({"AWS": "444455556666"}), ""),
    ],
)
def test_trust_policies_are_checked(world: World, iam: Any, text: str, code: str) -> None:
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}))
    assert refusal(iam.create_role, RoleName="second", AssumeRolePolicyDocument=text) == code
    assert refusal(iam.update_assume_role_policy, RoleName="worker", PolicyDocument=text) == code


def test_inline_policies_of_one_identity_share_a_limit(world: World, iam: Any) -> None:
    world.user("bob")
    big = document(allow("s3:GetObject", [f"arn:aws:s3:::bucket-{number:03}/*" for number in range(40)]))
    put = iam.put_user_policy
    assert refusal(put, UserName="bob", PolicyName="one", PolicyDocument=big) == ""
    assert refusal(put, UserName="bob", PolicyName="two", PolicyDocument=big) == "LimitExceeded"
    padded = json.dumps(json.loads(document(allow("s3:ListAllMyBuckets"))), indent=300)
    assert len(padded) > 2048
    assert refusal(put, UserName="bob", PolicyName="three", PolicyDocument=padded) == ""
    assert refusal(put, UserName="bob", PolicyName="one", PolicyDocument=big) == ""
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}))
    assert refusal(iam.put_role_policy, RoleName="worker", PolicyName="one", PolicyDocument=big) == ""
    assert refusal(iam.put_role_policy, RoleName="worker", PolicyName="two", PolicyDocument=big) == ""


def test_a_user_takes_ten_managed_policies_and_a_third_key_is_refused(world: World, iam: Any) -> None:
    world.user("bob")
    for number in range(11):
        arn = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
        code = refusal(iam.attach_user_policy, UserName="bob", PolicyArn=arn)
        assert code == ("" if number < 10 else "LimitExceeded")
    assert refusal(iam.create_access_key, UserName="bob") == ""
    assert refusal(iam.create_access_key, UserName="bob") == "LimitExceeded"


def test_aws_managed_policies_are_there_with_their_documents(world: World, iam: Any) -> None:
    for name in ("AWSDenyAll", "AWSCompromisedKeyQuarantineV3", "AdministratorAccess"):
        arn = f"arn:aws:iam::aws:policy/{name}"
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        assert found["Statement"]


def test_unique_ids_look_like_those_of_aws(world: World, iam: Any) -> None:
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}))
    group = iam.create_group(GroupName="g")["Group"]["GroupId"]
    profile = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]["InstanceProfileId"]
    user, role = iam.get_user(UserName="admin")["User"]["UserId"], iam.get_role(RoleName="worker")["Role"]["RoleId"]
    assert [name[:4] for name in (user, role, group, profile)] == ["AIDA", "AROA", "AGPA", "AIPA"]
    assert {len(name) for name in (user, role, group, profile)} == {21}


def test_the_use_of_a_key_is_remembered(world: World, iam: Any) -> None:
    key = world.user("bob", allow("ec2:*"))
    world.client("ec2", key).describe_instances()
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert used["ServiceName"] == "ec2"
