"""Posture of buckets, principals and instances on the embedded account: what is, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from acting import REGION, keys_of

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.buckets import read_buckets
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.instances import read_instances
from s3ir_tui.aws.principals import read_principals
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal, trust
from s3ir_tui.model import Bucket, PublicAccessBlock

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
