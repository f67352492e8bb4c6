"""Posture of buckets, principals and instances on the embedded account: what is, and what could not be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from acting import REGION, keys_of

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.buckets import BucketFacts, judged, list_buckets, read_buckets, with_other_ways
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.instances import read_instances
from s3ir_tui.aws.key_ids import with_key_ids
from s3ir_tui.aws.other_ways import read_other_ways
from s3ir_tui.aws.own import OwnAccount
from s3ir_tui.aws.principals import read_directory, read_principals, read_role, read_user
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal, trust
from s3ir_tui.model import Bucket, PublicAccessBlock, Severity

ALL_ON = PublicAccessBlock(True, True, True, True)
FLAGS = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    made = Seed(server)
    made.bucket("closed", {"a": 1})
    made.bucket("shared", {"a": 1}, blocked=False)
    made.bucket_policy(
        "shared", allow_principal("P", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:GetObject"], "shared")
    )
    made.bucket("open-policy", {"a": 1}, blocked=False)
    made.bucket_policy("open-policy", allow_principal("E", "*", ["s3:GetObject"], "open-policy"))
    made.public_bucket("open-acl", {"a": 1})
    made.public_bucket("masked", {"a": 1})
    made.bucket_policy("masked", allow_principal("E", "*", ["s3:GetObject"], "masked"))
    made.s3.put_public_access_block(Bucket="masked", PublicAccessBlockConfiguration=FLAGS)
    made.s3.put_bucket_tagging(Bucket="shared", Tagging={"TagSet": [{"Key": "owner", "Value": "payroll"}]})
    made.s3.put_bucket_versioning(Bucket="shared", VersioningConfiguration={"Status": "Enabled"})
    return made


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


def connected(server: AccountServer, credential: Credential) -> Account:
    return Account.connect(region=REGION, endpoint_url=server.endpoint_url, credentials=keys_of(credential))


@pytest.fixture(scope="module")
def account(server: AccountServer, responder: Credential) -> Account:
    return connected(server, responder)


def by_name(found: list[Bucket]) -> dict[str, Bucket]:
    return {bucket.name: bucket for bucket in found}


def test_buckets_are_public_only_where_nothing_closes_them(account: Account) -> None:
    told: list[Bucket] = []
    found = by_name(read_buckets(account, told.append))
    assert {bucket.name for bucket in told} == set(found)
    public = {name: (bucket.public_by_policy, bucket.public_by_acl) for name, bucket in found.items()}
    assert public == {
        "closed": (False, False),
        "shared": (False, False),
        "open-policy": (True, False),
        "open-acl": (False, True),
        "masked": (False, False),
    }
    assert found["closed"].public_access_block == found["masked"].public_access_block == ALL_ON
    assert found["shared"].public_access_block == PublicAccessBlock()
    assert not any(bucket.gaps for bucket in found.values())


def test_a_bucket_tells_who_else_is_let_in_and_how_it_is_kept(account: Account) -> None:
    (bucket,) = read_buckets(account, names=["shared"])
    assert bucket.foreign_accounts == (OUTSIDE,)
    assert (bucket.ownership, bucket.versioning, bucket.encryption) == ("BucketOwnerEnforced", "Enabled", "AES256")
    assert bucket.tags == {"owner": "payroll"}
    assert bucket.region == "us-east-1"
    assert OUTSIDE in (bucket.policy or "")


def test_the_block_of_the_account_closes_every_bucket(account: Account, server: AccountServer) -> None:
    control = server.admin("s3control")
    who = account.identity.account
    control.put_public_access_block(AccountId=who, PublicAccessBlockConfiguration=FLAGS)
    try:
        assert not any(bucket.public for bucket in read_buckets(account))
    finally:
        control.delete_public_access_block(AccountId=who)


def test_another_accounts_grant_in_an_acl_is_told(account: Account, seed: Seed, server: AccountServer) -> None:
    foreign = server.admin("s3", account=OUTSIDE).list_buckets()["Owner"]["ID"]
    acl = seed.s3.get_bucket_acl(Bucket="open-acl")
    given = {"Grantee": {"Type": "CanonicalUser", "ID": foreign}, "Permission": "READ"}
    changed = {"Owner": acl["Owner"], "Grants": [*acl["Grants"], given]}
    seed.s3.put_bucket_acl(Bucket="open-acl", AccessControlPolicy=changed)
    try:
        (bucket,) = read_buckets(account, names=["open-acl"])
    finally:
        restored = {"Owner": acl["Owner"], "Grants": acl["Grants"]}
        seed.s3.put_bucket_acl(Bucket="open-acl", AccessControlPolicy=restored)
    assert bucket.foreign_accounts == (f"canonical {foreign}",)


@pytest.fixture
def limited(seed: Seed, server: AccountServer) -> Iterator[Account]:
    allowed = ["s3:ListAllMyBuckets", "s3:GetBucketLocation", "s3:GetBucketAcl", "iam:ListUsers", "iam:ListRoles"]
    user = seed.user("auditor", allow(allowed))
    yield connected(server, user)
    seed.iam.delete_access_key(UserName="auditor", AccessKeyId=user.access_key_id)
    seed.iam.delete_user_policy(UserName="auditor", PolicyName="auditor-access")
    seed.iam.delete_user(UserName="auditor")


def test_what_may_not_be_read_is_a_gap_and_not_an_answer(limited: Account) -> None:
    found = by_name(read_buckets(limited))
    bucket = found["open-policy"]
    assert bucket.public_by_policy is None
    assert bucket.policy is None
    assert bucket.versioning is None
    assert {"policy", "versioning", "account_block"} <= set(bucket.gaps)
    assert set(bucket.gaps.values()) == {"no permission"}
    assert found["open-acl"].public_by_acl is True


def test_principals_are_listed_with_gaps_where_details_are_denied(limited: Account) -> None:
    (auditor,) = [item for item in read_principals(limited) if item.name == "auditor"]
    assert auditor.gaps == dict.fromkeys(("policies", "keys", "console", "mfa"), "no permission")
    with pytest.raises(AwsError, match="ec2:DescribeInstances"):
        read_instances(limited)


def test_users_come_with_keys_and_containment(account: Account, seed: Seed) -> None:
    made = seed.user("worker", allow(["s3:*"]))
    seed.iam.create_login_profile(UserName="worker", Password="Correct-Horse-7")
    seed.iam.attach_user_policy(UserName="worker", PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    (worker,) = [item for item in read_principals(account) if item.name == "worker"]
    assert [(key.id, key.status) for key in worker.keys] == [(made.access_key_id, "Active")]
    assert (worker.kind, worker.console, worker.mfa, worker.denied_all) == ("user", True, False, True)
    assert worker.policies == ("arn:aws:iam::aws:policy/AWSDenyAll", "inline worker-access")
    assert worker.gaps == {}


def test_roles_come_with_trust_and_instances_with_their_role(
    account: Account, seed: Seed, server: AccountServer
) -> None:
    arn = seed.role("web", trust({"Service": "ec2.amazonaws.com"}), allow(["s3:*"]), hours=2)
    instance, _ = seed.instance("web-1", seed.profile("web"), imds_v1=True)
    (role,) = [item for item in read_principals(account) if item.name == "web"]
    assert role.trusts == ("Service:ec2.amazonaws.com",)
    assert (role.max_session_seconds, role.sessions_revoked_before, role.denied_all) == (7200, None, False)
    assert role.instance_profiles == ("web-profile",)
    (found,) = read_instances(account)
    assert (found.id, found.role, found.imds_v1, found.state) == (instance, arn, True, "running")
    assert found.tags == {"Name": "web-1"}


def test_a_failing_service_is_a_gap_with_its_code(account: Account, server: AccountServer) -> None:
    fault = {"code": "InternalError", "status": 500, "service": "s3", "operation": "GetBucketVersioning", "count": 9}
    server.control("faults", [fault])
    try:
        (bucket,) = read_buckets(account, names=["closed"])
    finally:
        server.control("faults", [])
    assert bucket.gaps == {"versioning": "InternalError"}
    assert bucket.public is False


def test_policies_through_groups_are_shown(account: Account, seed: Seed) -> None:
    seed.user("member", allow(["sts:GetCallerIdentity"]))
    seed.iam.create_group(GroupName="admins")
    seed.iam.attach_group_policy(GroupName="admins", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    seed.iam.add_user_to_group(GroupName="admins", UserName="member")
    found = read_directory(account)
    wanted = "group admins: arn:aws:iam::aws:policy/AdministratorAccess"
    assert wanted in found.users["member"].policies
    assert wanted in read_user(account, "member", {}).policies


def test_the_credential_report_knows_keys_but_not_their_ids(account: Account, seed: Seed) -> None:
    made = seed.user("reported", allow(["s3:*"]))
    user = read_directory(account).users["reported"]
    assert (user.active_keys, user.keys, user.console, user.mfa) == (1, (), False, False)
    assert user.credentials_at is not None
    assert [key.id for key in with_key_ids(account, user).keys] == [made.access_key_id]


def test_one_role_reads_as_in_the_whole(account: Account, seed: Seed) -> None:
    seed.role("alone", trust({"Service": "lambda.amazonaws.com"}), allow(["s3:*"]), hours=3)
    whole = read_directory(account).roles["alone"]
    assert replace(read_role(account, "alone"), read_at=whole.read_at) == whole


def test_instances_of_every_enabled_region_are_found_by_id_too(account: Account, server: AccountServer) -> None:
    far = server.admin("ec2", region="eu-west-1")
    made = far.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert made in {item.id for item in read_instances(account)}
    assert [(item.id, item.region) for item in read_instances(account, ids=[made])] == [(made, "eu-west-1")]
    assert read_instances(account, ids=["i-0123456789abcdef0"]) == []


def test_an_access_point_that_grants_a_stranger_is_an_opening_of_its_bucket(
    account: Account, server: AccountServer
) -> None:
    control = server.admin("s3control")
    who = account.identity.account
    control.create_access_point(AccountId=who, Name="side-door", Bucket="closed")
    arn = f"arn:aws:s3:us-east-1:{who}:accesspoint/side-door"
    statement = {
        "Sid": "In",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OUTSIDE}:root"},
        "Action": "s3:GetObject",
        "Resource": f"{arn}/object/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    control.put_access_point_policy(AccountId=who, Name="side-door", Policy=policy)
    (plain,) = read_buckets(account, names=["closed"])
    assert plain.open_to == ()
    assert "access points" in plain.not_looked_at
    facts = with_other_ways(account, BucketFacts(plain), OwnAccount(who))
    looked = judged(facts, OwnAccount(who))
    assert looked.open_severity is Severity.HIGH
    assert f"account {OUTSIDE}: read (access point side-door, statement In)" in looked.open_to
    assert "access points" not in looked.not_looked_at


def test_rules_that_delete_soon_and_events_sent_elsewhere_are_noted(account: Account, seed: Seed) -> None:
    rule = {"ID": "wipe", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    seed.s3.put_bucket_lifecycle_configuration(Bucket="shared", LifecycleConfiguration={"Rules": [rule]})
    try:
        found = read_other_ways(account, "shared", REGION, OwnAccount(account.identity.account))
    finally:
        seed.s3.delete_bucket_lifecycle(Bucket="shared")
    assert [(item.severity, item.words) for item in found.notes] == [
        (Severity.MEDIUM, "objects are deleted after 1 day (lifecycle rule wipe)")
    ]
    assert "lifecycle" not in found.not_looked_at


def test_the_region_of_a_bucket_comes_with_the_list(account: Account, seed: Seed) -> None:
    listed = list_buckets(account)
    assert {bucket.region for bucket in listed.buckets.values()} == {"us-east-1"}
    assert len(listed.canonical_id) == 64
