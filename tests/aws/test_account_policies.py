"""The account decides by every policy that AWS would ask, and by no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal, trust
from botocore.exceptions import ClientError

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

READ = ["s3:GetObject", "s3:ListBucket"]


@pytest.fixture
def payroll(world: World) -> str:
    """A bucket with two objects."""
    return world.bucket("payroll", key=b"x", secret=b"y")


def get(world: World, credentials: dict[str, Any], key: str = "key", **more: Any) -> str:
    """What reading an object of the payroll bucket comes to."""
    return refusal(world.client("s3", credentials, **more).get_object, Bucket="payroll", Key=key)


def test_nothing_is_allowed_without_a_policy(world: World, payroll: str) -> None:
    key = world.user("bob")
    assert get(world, key) == "AccessDenied"
    assert refusal(world.client("s3", key).list_buckets) == "AccessDenied"
    assert refusal(world.client("iam", key).list_users) == "AccessDenied"
    assert refusal(world.client("ec2", key).describe_instances) == "UnauthorizedOperation"
    assert refusal(world.client("cloudtrail", key).describe_trails) == "AccessDeniedException"
    assert refusal(world.client("s3control", key).get_public_access_block, AccountId=VICTIM) == "AccessDenied"


def test_inline_group_and_managed_policies_all_count(world: World, payroll: str) -> None:
    for name in ("inline", "grouped", "managed", "aws-managed"):
        world.user(name)
    keys = {name: world.iam.create_access_key(UserName=name)["AccessKey"] for name in ("inline", "grouped", "managed")}
    keys["aws-managed"] = world.iam.create_access_key(UserName="aws-managed")["AccessKey"]
    assert {get(world, key) for key in keys.values()} == {"AccessDenied"}
    text = document(allow(READ, arns("payroll")))
    world.iam.put_user_policy(UserName="inline", PolicyName="p", PolicyDocument=text)
    world.iam.create_group(GroupName="readers")
    world.iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=text)
    world.iam.add_user_to_group(GroupName="readers", UserName="grouped")
    arn = world.iam.create_policy(PolicyName="read", PolicyDocument=text)["Policy"]["Arn"]
    world.iam.attach_user_policy(UserName="managed", PolicyArn=arn)
    world.iam.attach_user_policy(UserName="aws-managed", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert {get(world, key) for key in keys.values()} == {""}
    world.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(deny("*")), SetAsDefault=True)
    assert get(world, keys["managed"]) == "AccessDenied"


def test_an_explicit_deny_beats_every_allow(world: World, payroll: str) -> None:
    key = world.user("bob", allow("*"), deny("s3:GetObject", "arn:aws:s3:::payroll/secret"))
    assert get(world, key) == ""
    assert get(world, key, "secret") == "AccessDenied"


def test_conditions_of_identity_policies_decide(world: World, payroll: str) -> None:
    key = world.user("bob", allow(READ, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    assert get(world, key, address="10.1.2.3") == ""
    assert get(world, key, address="203.0.113.9") == "AccessDenied"


def test_a_bucket_policy_denies_one_principal_and_nobody_else(world: World, payroll: str) -> None:
    bob, ann = world.user("bob", allow("s3:*")), world.user("ann", allow("s3:*"))
    condition = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{VICTIM}:user/bob"}}
    world.policy("payroll", deny("s3:*", arns("payroll"), Principal="*", Condition=condition))
    assert get(world, bob) == "AccessDenied"
    assert refusal(world.client("s3", bob).get_bucket_acl, Bucket="payroll") == "AccessDenied"
    assert get(world, ann) == ""
    assert refusal(world.client("s3", bob).list_buckets) == ""


def test_a_bucket_policy_alone_admits_a_user_of_its_account(world: World, payroll: str) -> None:
    bob = world.user("bob")
    world.policy("payroll", allow(READ, arns("payroll"), Principal={"AWS": f"arn:aws:iam::{VICTIM}:user/bob"}))
    assert get(world, bob) == ""
    world.policy("payroll", allow(READ, arns("payroll"), Principal={"AWS": f"arn:aws:iam::{VICTIM}:root"}))
    assert get(world, bob) == "AccessDenied"


def test_an_outside_account_needs_both_sides(world: World, payroll: str) -> None:
    eve = world.user("eve", allow("s3:*"), account=OUTSIDE)
    idle = world.user("idle", account=OUTSIDE)
    assert get(world, eve) == "AccessDenied"
    world.policy("payroll", allow(READ, arns("payroll"), Principal={"AWS": OUTSIDE}))
    assert get(world, eve) == ""
    assert get(world, idle) == "AccessDenied"
    outside = [
        allow(READ, arns("payroll"), Principal={"AWS": OUTSIDE}),
        deny("s3:*", arns("payroll"), Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": OUTSIDE}}),
    ]
    world.policy("payroll", *outside)
    assert get(world, eve) == "AccessDenied"


@pytest.mark.parametrize(
    ("condition", "address", "code"),
    [
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, "198.51.100.7", ""),
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, "203.0.113.9", "AccessDenied"),
        ({"StringLike": {"aws:UserAgent": "backup/*"}}, "203.0.113.9", "AccessDenied"),
        ({"Bool": {"aws:SecureTransport": "true"}}, "203.0.113.9", ""),
    ],
)
def test_conditions_of_bucket_policies_decide(
    world: World, payroll: str, condition: dict[str, Any], address: str, code: str
) -> None:
    bob = world.user("bob")
    principal = {"AWS": f"arn:aws:iam::{VICTIM}:user/bob"}
    world.policy("payroll", allow(READ, arns("payroll"), Principal=principal, Condition=condition))
    assert get(world, bob, address=address) == code


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (allow("s3:CreateAccessPoint", arns("payroll")), "Action does not apply to any resource"),
        (allow("s3:GetObject", "arn:aws:s3:::payroll"), "Action does not apply to any resource"),
        (allow("s3:ListObjects", arns("payroll")), "Policy has invalid action"),
        (
            allow(READ, arns("payroll"), Condition={"StringEquals": {"s3:ExistingObjectTag/a": "b"}}),
            "Conditions do not apply to combination of actions and resources",
        ),
    ],
)
def test_a_bucket_policy_whose_parts_do_not_fit_is_not_stored(
    world: World, payroll: str, statement: dict[str, Any], words: str
) -> None:
    text = document({**statement, "Principal": {"AWS": VICTIM}})
    with pytest.raises(ClientError, match=f"MalformedPolicy.*{words}"):
        world.s3.put_bucket_policy(Bucket="payroll", Policy=text)
    assert refusal(world.s3.get_bucket_policy, Bucket="payroll") == "NoSuchBucketPolicy"


def test_a_bucket_policy_may_name_an_account_by_its_canonical_id(world: World, payroll: str) -> None:
    eve = world.user("eve", allow("s3:*"), account=OUTSIDE)
    canonical = world.client("s3", eve).list_buckets()["Owner"]["ID"]
    assert get(world, eve) == "AccessDenied"
    world.policy("payroll", allow(READ, arns("payroll"), Principal={"CanonicalUser": canonical}))
    assert get(world, eve) == ""
    granted = allow(READ, arns("payroll"), Principal={"AWS": OUTSIDE})
    world.policy("payroll", granted, deny("s3:*", arns("payroll"), Principal={"CanonicalUser": canonical}))
    assert get(world, eve) == "AccessDenied"


@pytest.mark.parametrize("named", [VICTIM, f"arn:aws:iam::{VICTIM}:root"])
def test_an_account_id_in_a_bucket_policy_gives_a_federated_session_nothing(
    world: World, payroll: str, named: str
) -> None:
    world.policy("payroll", allow(READ, arns("payroll"), Principal={"AWS": named}))
    bob = world.user("bob", allow("sts:GetFederationToken"))
    sts = world.client("sts", bob)
    session = sts.get_federation_token(Name="fed", Policy=document(allow("s3:*")))["Credentials"]
    assert get(world, session) == "AccessDenied"


def test_listing_can_be_limited_to_a_prefix(world: World, payroll: str) -> None:
    bob = world.user("bob", allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": "home/bob/*"}}))
    listing = world.client("s3", bob).list_objects_v2
    assert refusal(listing, Bucket="payroll", Prefix="home/bob/x") == ""
    assert refusal(listing, Bucket="payroll", Prefix="home/ann/x") == "AccessDenied"
    assert refusal(listing, Bucket="payroll") == "AccessDenied"


def test_a_missing_object_is_not_told_to_those_who_may_not_list(world: World, payroll: str) -> None:
    blind = world.user("blind", allow("s3:GetObject"))
    lister = world.user("lister", allow(READ))
    assert get(world, blind, "nothing") == "AccessDenied"
    assert get(world, lister, "nothing") == "NoSuchKey"


def test_versions_have_permissions_of_their_own(world: World, payroll: str) -> None:
    world.s3.put_bucket_versioning(Bucket="payroll", VersioningConfiguration={"Status": "Enabled"})
    version = world.s3.put_object(Bucket="payroll", Key="key", Body=b"new")["VersionId"]
    current = world.client("s3", world.user("current", allow(["s3:GetObject", "s3:DeleteObject"])))
    assert refusal(current.get_object, Bucket="payroll", Key="key") == ""
    assert refusal(current.get_object, Bucket="payroll", Key="key", VersionId=version) == "AccessDenied"
    assert refusal(current.delete_object, Bucket="payroll", Key="key", VersionId=version) == "AccessDenied"
    assert refusal(current.delete_object, Bucket="payroll", Key="key") == ""
    keeper = world.client("s3", world.user("keeper", allow("s3:GetObjectVersion")))
    assert keeper.get_object(Bucket="payroll", Key="key", VersionId=version)["Body"].read() == b"new"


def test_copying_needs_to_read_the_source(world: World, payroll: str) -> None:
    world.bucket("press")
    writer = world.client("s3", world.user("writer", allow("s3:PutObject")))
    copier = world.client("s3", world.user("copier", allow(["s3:PutObject", "s3:GetObject"])))
    params = {"Bucket": "press", "Key": "copy", "CopySource": {"Bucket": "payroll", "Key": "key"}}
    assert refusal(writer.copy_object, **params) == "AccessDenied"
    assert refusal(copier.copy_object, **params) == ""


def test_a_boundary_limits_users_and_roles(world: World, payroll: str) -> None:
    world.bucket("press", key=b"x")
    bob = world.user("bob", allow("s3:*"))
    boundary = world.iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("s3:*", arns("press"))))
    arn = boundary["Policy"]["Arn"]
    assert get(world, bob) == ""
    world.iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=arn)
    shown = world.iam.get_user(UserName="bob")["User"]["PermissionsBoundary"]
    assert shown["PermissionsBoundaryArn"] == arn
    assert get(world, bob) == "AccessDenied"
    assert refusal(world.client("s3", bob).get_object, Bucket="press", Key="key") == ""
    world.iam.delete_user_permissions_boundary(UserName="bob")
    assert get(world, bob) == ""

    role = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}), allow("s3:*"), PermissionsBoundary=arn)
    assumer = world.user("ann", allow("sts:AssumeRole"))
    session = world.client("sts", assumer).assume_role(RoleArn=role, RoleSessionName="s1")["Credentials"]
    assert get(world, session) == "AccessDenied"
    world.iam.delete_role_permissions_boundary(RoleName="worker")
    assert get(world, session) == ""


def test_a_boundary_given_with_a_new_user_counts(world: World, payroll: str) -> None:
    edge = world.iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("sts:*")))["Policy"]["Arn"]
    world.iam.create_user(UserName="bob", PermissionsBoundary=edge)
    world.iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    assert get(world, world.iam.create_access_key(UserName="bob")["AccessKey"]) == "AccessDenied"
    assert refusal(world.iam.create_user, UserName="ann", PermissionsBoundary=edge + "-none") == "NoSuchEntity"
    assert refusal(world.iam.get_user, UserName="ann") == "NoSuchEntity"


def test_session_policies_limit_a_role_session(world: World, payroll: str) -> None:
    role = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}), allow("s3:*"))
    sts = world.client("sts", world.user("bob", allow("sts:AssumeRole")))
    assume = {"RoleArn": role, "RoleSessionName": "s1"}
    whole = sts.assume_role(**assume)["Credentials"]
    passed = sts.assume_role(**assume, Policy=document(allow("s3:GetObject", "arn:aws:s3:::payroll/key")))
    managed = sts.assume_role(**assume, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AWSDenyAll"}])
    assert (get(world, whole), get(world, whole, "secret")) == ("", "")
    assert get(world, passed["Credentials"]) == ""
    assert get(world, passed["Credentials"], "secret") == "AccessDenied"
    assert get(world, managed["Credentials"]) == "AccessDenied"


@pytest.mark.parametrize(
    ("principal", "more", "given", "code"),
    [
        ({"AWS": f"arn:aws:iam::{VICTIM}:user/bob"}, {}, {}, ""),
        ({"AWS": f"arn:aws:iam::{VICTIM}:root"}, {}, {}, ""),
        ({"AWS": f"arn:aws:iam::{VICTIM}:user/ann"}, {}, {}, "AccessDenied"),
        ({"Service": "ec2.amazonaws.com"}, {}, {}, "AccessDenied"),
        ({"AWS": "*"}, {"Condition": {"StringEquals": {"sts:ExternalId": "42"}}}, {}, "AccessDenied"),
        ({"AWS": "*"}, {"Condition": {"StringEquals": {"sts:ExternalId": "42"}}}, {"ExternalId": "41"}, "AccessDenied"),
        ({"AWS": "*"}, {"Condition": {"StringEquals": {"sts:ExternalId": "42"}}}, {"ExternalId": "42"}, ""),
        ({"AWS": "*"}, {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}, {}, "AccessDenied"),
        ({"AWS": "*"}, {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, {}, "AccessDenied"),
        ({"AWS": f"arn:aws:iam::{VICTIM}:user/bob"}, {"Effect": "Deny"}, {}, "AccessDenied"),
    ],
)
def test_trust_policies_decide_who_may_assume(
    world: World, principal: Any, more: dict[str, Any], given: dict[str, str], code: str
) -> None:
    bob = world.user("bob", allow("sts:AssumeRole"))
    world.user("ann")
    role = world.role("worker", trust(principal, **more))
    assert refusal(world.client("sts", bob).assume_role, RoleArn=role, RoleSessionName="s1", **given) == code


def test_assuming_needs_a_role_and_for_an_account_trust_also_a_policy(world: World) -> None:
    named = world.role("named", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}))
    bob, ann = world.user("bob"), world.user("ann", allow("sts:AssumeRole"))
    for key, code in ((bob, "AccessDenied"), (ann, "")):
        assert refusal(world.client("sts", key).assume_role, RoleArn=named, RoleSessionName="s1") == code
    assert refusal(world.client("sts", ann).assume_role, RoleArn=named + "x", RoleSessionName="s1") == "AccessDenied"


def test_a_role_of_another_account_is_assumed_with_both_sides_willing(world: World) -> None:
    role = world.role("partner", trust({"AWS": OUTSIDE}), allow("s3:ListAllMyBuckets"))
    eve = world.user("eve", allow("sts:AssumeRole", role), account=OUTSIDE)
    idle = world.user("idle", account=OUTSIDE)
    assert refusal(world.client("sts", idle).assume_role, RoleArn=role, RoleSessionName="s1") == "AccessDenied"
    session = world.client("sts", eve).assume_role(RoleArn=role, RoleSessionName="s1")["Credentials"]
    world.bucket("payroll2")
    assert [item["Name"] for item in world.client("s3", session).list_buckets()["Buckets"]] == ["payroll2"]


def test_iam_permissions_are_checked_on_the_target(world: World) -> None:
    world.iam.create_user(UserName="dev", Path="/team/")
    own = world.user("bob", allow("iam:CreateAccessKey", f"arn:aws:iam::{VICTIM}:user/${{aws:username}}"))
    team = world.user("lead", allow("iam:*", f"arn:aws:iam::{VICTIM}:user/team/*"))
    assert refusal(world.client("iam", own).create_access_key, UserName="dev") == "AccessDenied"
    assert refusal(world.client("iam", own).create_access_key) == ""
    assert refusal(world.client("iam", team).create_access_key, UserName="dev") == ""
    assert refusal(world.client("iam", team).create_access_key, UserName="bob") == "AccessDenied"


def test_messages_say_what_decided(world: World, payroll: str) -> None:
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    world.policy("payroll", deny("s3:GetObject", arns("payroll"), Principal="*"))
    with pytest.raises(bob.exceptions.ClientError, match="with an explicit deny in a resource-based policy"):
        bob.get_object(Bucket="payroll", Key="key")
    assert json.loads(world.s3.get_bucket_policy(Bucket="payroll")["Policy"])["Statement"][0]["Effect"] == "Deny"
