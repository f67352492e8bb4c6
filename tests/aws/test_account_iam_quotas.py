"""IAM refuses what exceeds its quotas, and deletions of what still holds something."""

from __future__ import annotations

from typing import Any

import pytest
from account_world import World, allow, document, refusal, trust
from botocore.exceptions import ClientError

from s3ir_tui.gameday.process import VICTIM

EC2 = trust({"Service": "ec2.amazonaws.com"})


@pytest.fixture
def iam(world: World) -> Any:
    """IAM as an administrator uses it."""
    return world.client("iam", world.user("admin", allow("*")))


def _big(characters: int) -> str:
    text = document(allow("s3:GetObject", "arn:aws:s3:::"))
    return text.replace("arn:aws:s3:::", "arn:aws:s3:::" + "b" * (characters - len(text.replace(" ", ""))))


@pytest.mark.parametrize(
    ("kind", "limit"), [("user", 2048), ("role", 10240), ("group", 5120)], ids=["user", "role", "group"]
)
def test_inline_policies_share_the_quota_of_their_identity(world: World, iam: Any, kind: str, limit: int) -> None:
    name = {f"{kind.capitalize()}Name": "it"}
    if kind == "role":
        world.role("it", EC2)
    else:
        getattr(iam, f"create_{kind}")(**name)
    put = getattr(iam, f"put_{kind}_policy")
    small = document(allow("s3:ListAllMyBuckets"))
    left = limit - len(small.replace(" ", ""))
    assert refusal(put, **name, PolicyName="small", PolicyDocument=small) == ""
    assert refusal(put, **name, PolicyName="big", PolicyDocument=_big(left + 1)) == "LimitExceeded"
    assert refusal(put, **name, PolicyName="big", PolicyDocument=_big(left)) == ""


def test_a_managed_policy_and_a_trust_policy_have_a_size(world: World, iam: Any) -> None:
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=_big(6145)) == "LimitExceeded"
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=_big(6144)) == ""
    world.role("it", EC2)
    conditions = {"StringEquals": {"sts:ExternalId": "x" * 2000}}
    long = trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}, Condition=conditions)
    assert refusal(iam.update_assume_role_policy, RoleName="it", PolicyDocument=long) == "LimitExceeded"


@pytest.mark.parametrize("most", [10, 20])
def test_an_identity_takes_as_many_managed_policies_as_the_quota_says(world: World, iam: Any, most: int) -> None:
    world.server.control("settings", {"attached_policies": most})
    world.role("it", EC2)
    for number in range(most + 1):
        arn = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
        code = refusal(iam.attach_role_policy, RoleName="it", PolicyArn=arn)
        assert code == ("" if number < most else "LimitExceeded")


def test_a_user_can_be_deleted_once_nothing_is_left(world: World, iam: Any) -> None:
    key = world.user("bob", allow("s3:*"))["AccessKeyId"]
    iam.create_login_profile(UserName="bob", Password="Correct-horse-9")
    iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(UserName="bob", GroupName="staff")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="bob", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    for clean, params in (
        (iam.delete_access_key, {"AccessKeyId": key}),
        (iam.delete_login_profile, {}),
        (iam.deactivate_mfa_device, {"SerialNumber": serial}),
        (iam.remove_user_from_group, {"GroupName": "staff"}),
        (iam.detach_user_policy, {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        (iam.delete_user_policy, {"PolicyName": "own"}),
    ):
        assert refusal(iam.delete_user, UserName="bob") == "DeleteConflict"
        clean(UserName="bob", **params)
    assert refusal(iam.delete_user, UserName="bob") == ""


def test_a_role_can_be_deleted_once_nothing_is_left(world: World, iam: Any) -> None:
    world.role("it", EC2, allow("s3:*"))
    iam.create_instance_profile(InstanceProfileName="it")
    iam.add_role_to_instance_profile(InstanceProfileName="it", RoleName="it")
    assert refusal(iam.delete_role, RoleName="it") == "DeleteConflict"
    assert refusal(iam.delete_instance_profile, InstanceProfileName="it") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="it", RoleName="it")
    assert refusal(iam.delete_role, RoleName="it") == "DeleteConflict"
    iam.delete_role_policy(RoleName="it", PolicyName="own")
    assert refusal(iam.delete_role, RoleName="it") == ""


def test_a_policy_can_be_deleted_once_nothing_uses_it(world: World, iam: Any) -> None:
    world.user("bob")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("ec2:*")), SetAsDefault=True)
    iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_user_policy(UserName="bob", PolicyArn=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert refusal(iam.delete_policy, PolicyArn=arn) == ""


def test_a_profile_takes_one_role(world: World, iam: Any) -> None:
    for name in ("one", "two"):
        world.role(name, EC2)
    iam.create_instance_profile(InstanceProfileName="it")
    add, remove = iam.add_role_to_instance_profile, iam.remove_role_from_instance_profile
    assert refusal(remove, InstanceProfileName="it", RoleName="one") == "NoSuchEntity"
    assert refusal(add, InstanceProfileName="it", RoleName="one") == ""
    assert refusal(add, InstanceProfileName="it", RoleName="two") == "LimitExceeded"


def test_a_new_password_cannot_be_changed_at_once(world: World, iam: Any) -> None:
    world.server.control("settings", {"clash": 30})
    world.user("bob")
    iam.create_login_profile(UserName="bob", Password="Correct-horse-9")
    world.server.control("settings", {"clash": 0})
    assert refusal(iam.delete_login_profile, UserName="bob") == ""
    iam.create_login_profile(UserName="bob", Password="Correct-horse-9")
    world.server.control("settings", {"clash": 30})
    code = refusal(iam.delete_login_profile, UserName="bob")
    assert code in ("ConcurrentModification", "EntityTemporarilyUnmodifiable")


def test_a_boundary_can_be_put_and_taken_from_users_and_roles(world: World, iam: Any) -> None:
    world.user("bob")
    world.role("it", EC2)
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert refusal(iam.put_user_permissions_boundary, UserName="bob", PermissionsBoundary=arn) == ""
    assert refusal(iam.put_role_permissions_boundary, RoleName="it", PermissionsBoundary=arn) == ""
    assert iam.get_user(UserName="bob")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    missing = arn.replace("ReadOnlyAccess", "Nothing")
    assert refusal(iam.put_role_permissions_boundary, RoleName="it", PermissionsBoundary=missing) == "NoSuchEntity"
    assert refusal(iam.delete_user_permissions_boundary, UserName="bob") == ""
    assert "PermissionsBoundary" not in iam.get_user(UserName="bob")["User"]


def test_a_refusal_says_what_is_too_much(world: World, iam: Any) -> None:
    world.user("bob")
    with pytest.raises(ClientError, match="Maximum policy size of 2048 bytes exceeded for user bob") as caught:
        iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=_big(2049))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
