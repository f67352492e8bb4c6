"""Principals that no policy of IAM cuts, and what a deny on a bucket reaches: against the embedded account."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, can_read, client, scene

from actions.plan import Refusal
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal, bucket_arns, document, trust

KEY = "a.csv"
_NUMBER = itertools.count()


@pytest.fixture(autouse=True)
def _short_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.contain.lineage.HOLD_SECONDS", 0.1)


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    return Seed(server)


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


@pytest.fixture
def here(server: AccountServer, responder: Credential, tmp_path: Path) -> Iterator[Scene]:
    with scene(server, responder, tmp_path / "case") as made:
        yield made


@pytest.fixture
def bucket(seed: Seed) -> str:
    name = f"claims-{next(_NUMBER)}"
    seed.bucket(name, {KEY: 100}, blocked=False)
    return name


def keys(answer: Any) -> dict[str, str]:
    made = answer["Credentials"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


def guest_of(server: AccountServer, owner: Credential, name: str) -> dict[str, str]:
    wide = json.dumps({"Version": "2012-10-17", "Statement": [allow(["s3:*"])]})
    return keys(client(server, owner, "sts").get_federation_token(Name=name, Policy=wide))


def maker(seed: Seed, bucket: str) -> Credential:
    return seed.user(f"user-{next(_NUMBER)}", allow(["s3:*"], bucket_arns(bucket)), allow(["sts:*"]))


def test_a_session_of_identity_center_is_denied_on_the_buckets_and_the_other_steps_are_named_in_order(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    name = f"AWSReservedSSO_Admin_{next(_NUMBER):016x}"
    role = seed.iam.create_role(
        RoleName=name,
        Path="/aws-reserved/sso.amazonaws.com/",
        AssumeRolePolicyDocument=document(trust({"AWS": f"arn:aws:iam::{seed.account}:root"})),
    )["Role"]["Arn"]
    seed.iam.put_role_policy(RoleName=name, PolicyName="a", PolicyDocument=document(allow(["s3:*"])))
    thief, worker = (keys(seed.sts.assume_role(RoleArn=role, RoleSessionName=who)) for who in ("mallory", "bob"))
    assert can_read(server, thief, bucket, KEY)
    session = f"arn:aws:sts::{seed.account}:assumed-role/{name}/mallory"
    plan = here.desk.plan("contain.lineage", {"principal": (session,)})
    told = "\n".join(plan.warnings)
    steps = ("list-users", "create-policy", "delete-account-assignment", "Active sessions", "12 hours")
    assert [told.index(step) for step in steps] == sorted(told.index(step) for step in steps)
    assert "AttributeValue=mallory" in told
    result = here.run(plan)
    assert result.ok, result.details
    assert [can_read(server, item, bucket, KEY) for item in (thief, worker)] == [False, True]
    with pytest.raises(Refusal, match=r"Way out: contain\.lineage"):
        here.desk.plan("contain.revoke-role-sessions", {"role": (name,)})


def test_a_session_of_federation_is_cut_with_the_user_that_made_it(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    owner = maker(seed, bucket)
    name = f"guest{next(_NUMBER)}"
    guest = guest_of(server, owner, name)
    assert can_read(server, guest, bucket, KEY)
    arn = f"arn:aws:sts::{seed.account}:federated-user/{name}"
    plan = here.desk.plan("contain.lineage", {"principal": (arn,)})
    assert f"was made by {owner.name}" in "\n".join(plan.warnings)
    assert {step.call.operation for step in plan.steps} == {"AttachUserPolicy", "UpdateAccessKey", "PutBucketPolicy"}
    assert here.run(plan).ok
    assert not can_read(server, guest, bucket, KEY)
    assert not can_read(server, owner, bucket, KEY)


def test_a_stolen_root_user_is_not_the_end_of_the_way(here: Scene, seed: Seed) -> None:
    with pytest.raises(Refusal) as refused:
        here.desk.plan("contain.lineage", {"principal": (f"arn:aws:iam::{seed.account}:root",)})
    told = str(refused.value)
    assert told.startswith("this console can cut nothing of it now")
    assert f"aws sts assume-root --region us-east-1 --target-principal {seed.account}" in told
    assert "root-task/IAMDeleteRootUserCredentials" in told


def test_a_deny_of_a_user_on_a_bucket_reaches_the_sessions_of_federation_that_the_trail_shows(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    owner, other = maker(seed, bucket), maker(seed, bucket)
    guest = guest_of(server, owner, f"guest{next(_NUMBER)}")
    stranger = guest_of(server, other, f"guest{next(_NUMBER)}")
    assert can_read(server, guest, bucket, KEY)
    plan = here.desk.plan("contain.deny-principal", {"principal": (owner.principal,), "bucket": (bucket,)})
    told = "\n".join(plan.warnings)
    assert "Access Grants" in told
    assert "one under another name is not reached" in told
    result = here.run(plan)
    assert result.ok, result.details
    assert not can_read(server, owner, bucket, KEY)
    assert not can_read(server, guest, bucket, KEY)
    assert can_read(server, stranger, bucket, KEY)
    here.undo(result.plan_ref)
    assert can_read(server, guest, bucket, KEY)


def test_what_the_suspect_granted_by_address_counts_and_is_named(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    thief = maker(seed, bucket)
    grant = {
        **allow_principal("Door", "*", ["s3:GetObject"], bucket),
        "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.7/32"}},
    }
    client(server, thief, "s3").put_bucket_policy(Bucket=bucket, Policy=document(grant))
    targets = {"principal": (thief.principal,)}
    offer = next(item for item in here.desk.offers(targets) if item.action == "contain.lineage")
    assert "1 grant to others" in offer.detail
    plan = here.desk.plan("contain.lineage", targets)
    line = next(line for line in plan.warnings if "198.51.100.7/32" in line)
    assert line.startswith(f"{bucket} stays open to")
    assert "statement Door, granted by the suspect" in line


def test_buckets_whose_policy_cannot_be_read_are_named(
    server: AccountServer, seed: Seed, bucket: str, tmp_path: Path
) -> None:
    seed.bucket_policy(bucket, allow_principal("Partner", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:*"], bucket))
    hidden = f"hidden-{next(_NUMBER)}"
    seed.bucket(hidden, {})
    deny = {"Effect": "Deny", "Action": "s3:GetBucketPolicy", "Resource": f"arn:aws:s3:::{hidden}"}
    limited = seed.user(f"limited-{next(_NUMBER)}", allow(["s3:*", "iam:*"]), deny)
    with scene(server, limited, tmp_path / "limited") as there:
        plan = there.desk.plan("contain.deny-principal", {"account": (OUTSIDE,)})
    assert bucket in [step.target for step in plan.steps]
    assert any(hidden in line and "cannot be read" in line for line in plan.warnings)


def test_an_account_that_an_access_point_grants_access_is_found_and_cut(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    outsider = seed.outside_user(f"collector-{next(_NUMBER)}", allow(["s3:*"]), addresses=())
    name = f"door-{next(_NUMBER)}"
    point = f"arn:aws:s3:us-east-1:{seed.account}:accesspoint/{name}"
    control = server.admin("s3control")
    alias = control.create_access_point(AccountId=seed.account, Name=name, Bucket=bucket)["Alias"]
    grant = {
        **allow_principal("Door", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:GetObject", "s3:ListBucket"], bucket),
        "Resource": [point, f"{point}/object/*"],
    }
    control.put_access_point_policy(AccountId=seed.account, Name=name, Policy=document(grant))
    delegation = {
        **allow_principal("Points", "*", ["s3:*"], bucket),
        "Condition": {"StringEquals": {"s3:DataAccessPointAccount": seed.account}},
    }
    seed.bucket_policy(bucket, delegation)
    assert can_read(server, outsider, alias, KEY)
    plan = here.desk.plan("contain.deny-principal", {"account": (OUTSIDE,)})
    assert bucket in [step.target for step in plan.steps]
    assert here.run(plan).ok
    assert not can_read(server, outsider, alias, KEY)
