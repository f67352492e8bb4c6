"""Actions on buckets: who still reads afterwards, what is merged and kept, and that undo brings all of it back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, allowed, can_read, client, scene

from actions.plan import Refusal
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal, bucket_arns, trust

KEY = "a.csv"
ANYONE = Credential("anyone", anonymous=True)
_NUMBER = itertools.count()


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    return Seed(server)


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


@pytest.fixture(scope="module")
def outsider(seed: Seed) -> Credential:
    return seed.outside_user("collector", allow(["s3:*"]), addresses=())


@pytest.fixture(scope="module")
def glass(seed: Seed, responder: Credential) -> str:
    return seed.break_glass()


@pytest.fixture
def here(server: AccountServer, responder: Credential, glass: str, tmp_path: Path) -> Iterator[Scene]:
    with scene(server, responder, tmp_path / "case", (glass,)) as made:
        yield made


@pytest.fixture
def bucket(seed: Seed) -> str:
    name = f"payroll-{next(_NUMBER)}"
    seed.bucket(name, {KEY: 100}, blocked=False)
    return name


def user(seed: Seed, bucket: str) -> Credential:
    return seed.user(f"user-{next(_NUMBER)}", allow(["s3:*"], bucket_arns(bucket)))


def partner(bucket: str) -> Any:
    return allow_principal(
        "Partner", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:GetObject", "s3:ListBucket"], bucket
    )


def everyone(bucket: str) -> Any:
    return allow_principal("Everyone", "*", ["s3:GetObject", "s3:ListBucket"], bucket)


def sids(seed: Seed, bucket: str) -> list[str]:
    return [item["Sid"] for item in json.loads(seed.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]]


# -- deny-principal -------------------------------------------------------------------------------


def test_an_outside_account_is_cut_and_everyone_else_reads_on(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential
) -> None:
    seed.bucket_policy(bucket, partner(bucket))
    worker = user(seed, bucket)
    before = here.state()
    assert can_read(server, outsider, bucket, KEY)
    done = here.act("contain.deny-principal", principal=OUTSIDE, bucket=bucket)
    assert not can_read(server, outsider, bucket, KEY)
    assert can_read(server, worker, bucket, KEY)
    assert sids(seed, bucket) == ["Partner", f"S3irDenyControl{OUTSIDE}", f"S3irDenyData{OUTSIDE}"]
    assert here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)}).in_place
    here.undo(done.plan_ref)
    assert can_read(server, outsider, bucket, KEY)
    assert here.state() == before


def test_the_buckets_that_let_an_account_in_are_found_without_being_named(
    here: Scene, seed: Seed, bucket: str, outsider: Credential
) -> None:
    seed.bucket_policy(bucket, partner(bucket))
    plan = here.desk.plan("contain.deny-principal", {"account": (OUTSIDE,)})
    assert bucket in [step.target for step in plan.steps]


def test_a_bucket_without_a_policy_has_none_again_after_undo(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    thief = user(seed, bucket)
    before = here.state()
    done = here.act("contain.deny-principal", principal=thief.principal, bucket=bucket)
    assert not can_read(server, thief, bucket, KEY)
    assert not allowed(client(server, thief, "s3").delete_bucket_policy, Bucket=bucket)
    here.undo(done.plan_ref)
    assert here.state() == before


def test_two_denies_are_undone_one_by_one_from_the_policy_as_it_then_is(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    one, two = user(seed, bucket), user(seed, bucket)
    first = here.act("contain.deny-principal", principal=one.principal, bucket=bucket)
    here.act("contain.deny-principal", principal=two.principal, bucket=bucket)
    others = json.loads(seed.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    seed.bucket_policy(bucket, *others, partner(bucket))
    here.undo(first.plan_ref)
    assert can_read(server, one, bucket, KEY)
    assert not can_read(server, two, bucket, KEY)
    assert "Partner" in sids(seed, bucket)


def test_a_role_is_cut_with_all_its_sessions_and_a_session_alone(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    name = f"role-{next(_NUMBER)}"
    arn = seed.role(name, trust({"AWS": f"arn:aws:iam::{seed.account}:root"}), allow(["s3:*"], bucket_arns(bucket)))

    def session(label: str) -> dict[str, str]:
        made = seed.sts.assume_role(RoleArn=arn, RoleSessionName=label)["Credentials"]
        return {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
            "aws_session_token": made["SessionToken"],
        }

    thief, worker = session("thief"), session("worker")
    ident = f"arn:aws:sts::{seed.account}:assumed-role/{name}/thief"
    here.act("contain.deny-principal", principal=ident, bucket=bucket)
    assert [can_read(server, item, bucket, KEY) for item in (thief, worker)] == [False, True]
    assert can_read(server, worker, bucket, KEY)
    plan = here.desk.plan("contain.deny-principal", {"role": (arn,), "bucket": (bucket,)})
    assert any("worker" in line for line in plan.breaks)
    assert here.run(plan).ok
    assert not can_read(server, worker, bucket, KEY)


@pytest.mark.parametrize(
    ("principal", "says"),
    [
        ("anonymous", "block-public-access"),
        ("111122223333", "you included"),
        ("some-service", "nothing in a bucket policy matches it"),
    ],
)
def test_who_cannot_be_denied_by_name_is_refused_with_what_helps(
    here: Scene, bucket: str, principal: str, says: str
) -> None:
    with pytest.raises(Refusal, match=says):
        here.desk.plan("contain.deny-principal", {"principal": (principal,), "bucket": (bucket,)})


def test_responder_and_break_glass_are_not_cut_off_a_bucket(
    here: Scene, bucket: str, responder: Credential, glass: str
) -> None:
    for principal in (responder.principal, glass, here.account.identity.arn):
        with pytest.raises(Refusal, match="Way out"):
            here.desk.plan("contain.deny-principal", {"principal": (principal,), "bucket": (bucket,)})


def test_a_policy_that_would_not_fit_is_refused(here: Scene, seed: Seed, bucket: str) -> None:
    long = [f"arn:aws:s3:::{bucket}/{'x' * 90}{number}" for number in range(168)]
    seed.bucket_policy(bucket, {**partner(bucket), "Action": "s3:GetObject", "Resource": long})
    with pytest.raises(Refusal, match=r"20480 are allowed\. Way out"):
        here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})


def test_what_the_attacker_changed_between_plan_and_write_stops_no_deny_and_is_shown(
    here: Scene, seed: Seed, bucket: str
) -> None:
    plan = here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
    seed.bucket_policy(bucket, everyone(bucket))
    result = here.run(plan)
    assert result.ok
    intent = next(item for item in here.journal.records("actions") if item["kind"] == "intent")
    assert "+ Everyone" in intent["moved"]
    assert sids(seed, bucket) == ["Everyone", f"S3irDenyControl{OUTSIDE}", f"S3irDenyData{OUTSIDE}"]
    here.undo(result.plan_ref)
    assert sids(seed, bucket) == ["Everyone"]


def test_a_second_deny_on_the_bucket_leaves_the_first_in_place(here: Scene, seed: Seed, bucket: str) -> None:
    other = user(seed, bucket)
    first = here.act("contain.deny-principal", principal=OUTSIDE, bucket=bucket)
    second = here.act("contain.deny-principal", principal=other.principal, bucket=bucket)
    assert here.desk.in_place(first.plan_ref) == here.desk.in_place(second.plan_ref) == (1, 1, 0)
    here.undo(first.plan_ref)
    assert here.desk.in_place(second.plan_ref) == (1, 1, 0)


def test_a_bucket_of_another_account_is_its_owners_to_contain(here: Scene, server: AccountServer) -> None:
    name = f"foreign-{next(_NUMBER)}"
    server.admin("s3", account=OUTSIDE).create_bucket(Bucket=name)
    for action in ("contain.block-public-access", "contain.private-bucket-acl"):
        with pytest.raises(Refusal, match="its owner's to contain"):
            here.desk.plan(action, {"bucket": (name,)})


# -- block-public-access --------------------------------------------------------------------------


def test_a_public_bucket_is_closed_to_everyone_outside_and_opened_again(
    here: Scene, server: AccountServer, seed: Seed, outsider: Credential
) -> None:
    name = f"open-{next(_NUMBER)}"
    seed.public_bucket(name, {KEY: 100})
    seed.bucket_policy(name, everyone(name), partner(name))
    worker = user(seed, name)
    before = here.state()
    assert all(can_read(server, item, name, KEY) for item in (ANYONE, outsider, worker))
    plan = here.desk.plan("contain.block-public-access", {"bucket": (name,)})
    assert any(OUTSIDE in line and "cut as well" in line for line in plan.breaks)
    assert any("AllUsers" in json.dumps(kept["acl"]) for kept in plan.evidence.values())
    done = here.run(plan)
    assert [can_read(server, item, name, KEY) for item in (ANYONE, outsider, worker)] == [False, False, True]
    recorded = next(item for item in here.journal.records("actions") if item["kind"] == "plan")
    assert "AllUsers" in json.dumps(recorded["plan"]["evidence"])
    here.undo(done.plan_ref)
    assert can_read(server, ANYONE, name, KEY)
    assert here.state() == before


def test_flags_that_were_set_in_part_come_back_in_part(here: Scene, seed: Seed, bucket: str) -> None:
    flags = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": False,
    }
    seed.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=flags)
    before = here.state()
    done = here.act("contain.block-public-access", bucket=bucket)
    assert here.desk.offers({"bucket": (bucket,)})[-1].why_not
    assert here.desk.plan("contain.block-public-access", {"bucket": (bucket,)}).in_place
    here.undo(done.plan_ref)
    assert here.state() == before


def test_a_break_glass_principal_of_another_account_is_not_cut_by_a_block(
    server: AccountServer, responder: Credential, seed: Seed, bucket: str, tmp_path: Path
) -> None:
    seed.bucket_policy(bucket, everyone(bucket))
    rescue = f"arn:aws:iam::{OUTSIDE}:role/Rescue"
    with scene(server, responder, tmp_path / "c", (rescue,)) as here, pytest.raises(Refusal, match="Way out"):
        here.desk.plan("contain.block-public-access", {"bucket": (bucket,)})


# -- private-bucket-acl ---------------------------------------------------------------------------


def test_a_public_acl_becomes_private_and_comes_back(here: Scene, server: AccountServer, seed: Seed) -> None:
    name = f"acl-{next(_NUMBER)}"
    seed.public_bucket(name, {KEY: 100})
    before = here.state()
    listing = client(server, ANYONE, "s3").list_objects_v2
    assert allowed(listing, Bucket=name)
    done = here.act("contain.private-bucket-acl", bucket=name)
    assert not allowed(listing, Bucket=name)
    assert not allowed(client(server, ANYONE, "s3").put_bucket_acl, Bucket=name, ACL="public-read")
    assert here.desk.plan("contain.private-bucket-acl", {"bucket": (name,)}).in_place
    here.undo(done.plan_ref)
    assert allowed(listing, Bucket=name)
    assert here.state() == before


def test_the_log_deliverer_of_cloudfront_keeps_its_grant_when_an_acl_becomes_private(here: Scene, seed: Seed) -> None:
    name = f"acl-{next(_NUMBER)}"
    seed.public_bucket(name, {KEY: 100})
    acl = seed.s3.get_bucket_acl(Bucket=name)
    deliverer = "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0"
    grants = [
        *acl["Grants"],
        {"Grantee": {"Type": "CanonicalUser", "ID": deliverer}, "Permission": "FULL_CONTROL"},
    ]
    seed.s3.put_bucket_acl(Bucket=name, AccessControlPolicy={"Owner": acl["Owner"], "Grants": grants})
    here.act("contain.private-bucket-acl", bucket=name)
    left = [grant["Grantee"].get("ID") for grant in seed.s3.get_bucket_acl(Bucket=name)["Grants"]]
    assert sorted(left) == sorted([acl["Owner"]["ID"], deliverer])


def test_where_acls_do_not_count_nothing_is_offered(here: Scene, bucket: str) -> None:
    offer = next(o for o in here.desk.offers({"bucket": (bucket,)}) if o.action == "contain.private-bucket-acl")
    assert offer.why_not == "ACLs are off here (BucketOwnerEnforced)"


def test_bucket_configuration_that_takes_effect_late_is_still_read_back(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential
) -> None:
    seed.bucket_policy(bucket, partner(bucket))
    server.control("settings", {"delay": 1.5})
    try:
        assert here.act("contain.deny-principal", principal=OUTSIDE, bucket=bucket).ok
    finally:
        server.control("settings", {"delay": 0})
    assert not can_read(server, outsider, bucket, KEY)


def test_a_federated_user_is_cut_and_the_user_behind_it_reads_on(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    owner = seed.user(f"user-{next(_NUMBER)}", allow(["s3:*"], bucket_arns(bucket)), allow(["sts:*"]))
    wide = json.dumps({"Version": "2012-10-17", "Statement": [allow(["s3:*"])]})
    made = client(server, owner, "sts").get_federation_token(Name="guest", Policy=wide)["Credentials"]
    guest = {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }
    assert can_read(server, guest, bucket, KEY)
    here.act("contain.deny-principal", principal=f"arn:aws:sts::{seed.account}:federated-user/guest", bucket=bucket)
    assert not can_read(server, guest, bucket, KEY)
    assert can_read(server, owner, bucket, KEY)
