"""A deny is stored although S3 would refuse what stands in the policy already: against the embedded account."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, can_read, scene
from botocore.exceptions import ClientError

from actions.plan import Refusal
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal

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


@pytest.fixture
def here(server: AccountServer, responder: Credential, tmp_path: Path) -> Iterator[Scene]:
    with scene(server, responder, tmp_path / "case") as made:
        yield made


@pytest.fixture
def bucket(seed: Seed) -> str:
    name = f"ledger-{next(_NUMBER)}"
    seed.bucket(name, {KEY: 100}, blocked=False)
    return name


def partner(bucket: str, *more: str) -> Any:
    return allow_principal("Partner", {"AWS": [f"arn:aws:iam::{OUTSIDE}:root", *more]}, ["s3:*"], bucket)


def deleted(seed: Seed, bucket: str, *statements: Any) -> None:
    """Store a policy that names a user, then delete the user: S3 shows its unique id from then on."""
    seed.bucket_policy(bucket, *statements)
    for policy_name in seed.iam.list_user_policies(UserName="gone")["PolicyNames"]:
        seed.iam.delete_user_policy(UserName="gone", PolicyName=policy_name)
    seed.iam.delete_user(UserName="gone")


@pytest.fixture
def gone(seed: Seed) -> str:
    arn: str = seed.iam.create_user(UserName="gone")["User"]["Arn"]
    return arn


def stored(seed: Seed, bucket: str) -> list[Any]:
    found: list[Any] = json.loads(seed.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    return found


def test_the_statement_of_a_deleted_user_does_not_stop_a_deny(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential, gone: str
) -> None:
    deleted(seed, bucket, allow_principal("Former", {"AWS": gone}, ["s3:GetObject"], bucket), partner(bucket))
    with pytest.raises(ClientError, match="Invalid principal"):
        seed.bucket_policy(bucket, *stored(seed, bucket))
    plan = here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
    assert any("'Former' goes in the same write" in line and "AIDA" in line for line in plan.warnings)
    result = here.run(plan)
    assert result.ok, result.details
    assert not can_read(server, outsider, bucket, KEY)
    assert "Former" not in [item.get("Sid") for item in stored(seed, bucket)]
    assert here.desk.in_place(result.plan_ref) == (1, 1, 0)
    here.undo(result.plan_ref)
    assert can_read(server, outsider, bucket, KEY)


def test_who_else_stands_in_the_statement_of_a_deleted_user_keeps_the_access(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential, gone: str
) -> None:
    deleted(seed, bucket, partner(bucket, gone))
    worker = seed.user(f"user-{next(_NUMBER)}", allow(["s3:*"]))
    done = here.act("contain.deny-principal", principal=worker.principal, bucket=bucket)
    assert not can_read(server, worker, bucket, KEY)
    assert can_read(server, outsider, bucket, KEY)
    here.undo(done.plan_ref)
    assert can_read(server, worker, bucket, KEY)
    assert can_read(server, outsider, bucket, KEY)


def test_a_principal_deleted_after_the_deny_does_not_stop_its_undo(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential, gone: str
) -> None:
    seed.bucket_policy(bucket, allow_principal("Former", {"AWS": gone}, ["s3:GetObject"], bucket), partner(bucket))
    done = here.act("contain.deny-principal", principal=OUTSIDE, bucket=bucket)
    seed.iam.delete_user(UserName="gone")
    here.undo(done.plan_ref)
    assert can_read(server, outsider, bucket, KEY)
    assert [item["Sid"] for item in stored(seed, bucket)] == ["Partner"]


def test_a_deny_that_excepts_a_deleted_user_alone_is_not_dropped(
    here: Scene, seed: Seed, bucket: str, gone: str
) -> None:
    everyone_else = allow_principal("Only", "*", ["s3:DeleteObject"], bucket)
    item = {name: value for name, value in everyone_else.items() if name != "Principal"}
    deleted(seed, bucket, {**item, "Effect": "Deny", "NotPrincipal": {"AWS": gone}})
    with pytest.raises(Refusal, match=r"statement 'Only'.*more would be allowed.*Way out"):
        here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})


@pytest.mark.parametrize("level", ["bucket", "account"])
def test_a_public_statement_under_block_public_policy_goes_with_the_deny(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential, level: str
) -> None:
    seed.bucket_policy(bucket, allow_principal("Everyone", "*", ["s3:GetObject"], bucket), partner(bucket))
    flags = {
        "BlockPublicAcls": False,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": False,
    }
    control = server.admin("s3control")
    if level == "bucket":
        seed.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=flags)
    else:
        control.put_public_access_block(AccountId=seed.account, PublicAccessBlockConfiguration=flags)
    try:
        plan = here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
        assert any("'Everyone'" in line and "BlockPublicPolicy" in line for line in plan.warnings)
        result = here.run(plan)
        assert result.ok, result.details
        assert not can_read(server, outsider, bucket, KEY)
        assert not can_read(server, ANYONE, bucket, KEY)
        here.undo(result.plan_ref)
        assert can_read(server, outsider, bucket, KEY)
    finally:
        if level == "account":
            control.delete_public_access_block(AccountId=seed.account)


def test_what_is_public_without_a_block_stays_with_the_deny(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    seed.bucket_policy(bucket, allow_principal("Everyone", "*", ["s3:GetObject"], bucket))
    here.act("contain.deny-principal", principal=OUTSIDE, bucket=bucket)
    assert can_read(server, ANYONE, bucket, KEY)


def test_an_own_bucket_whose_policy_denies_its_account_is_opened_by_root_and_not_called_anothers(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, outsider: Credential
) -> None:
    seed.bucket_policy(bucket, partner(bucket), {**allow_principal("Mine", "*", ["s3:*"], bucket), "Effect": "Deny"})
    with pytest.raises(Refusal) as refused:
        here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
    told = str(refused.value)
    assert f"aws s3api delete-bucket-policy --bucket {bucket}" in told
    assert f"aws sts assume-root --region us-east-1 --target-principal {seed.account}" in told
    assert "its owner's to contain" not in told
    seed.s3.delete_bucket_policy(Bucket=bucket)
    assert here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)}).steps


def test_an_own_bucket_that_the_caller_lacks_permission_for_is_not_called_anothers(
    server: AccountServer, seed: Seed, bucket: str, tmp_path: Path
) -> None:
    weak = seed.user(f"weak-{next(_NUMBER)}", allow(["iam:*", "s3:ListAllMyBuckets"]))
    with (
        scene(server, weak, tmp_path / "weak") as limited,
        pytest.raises(Refusal, match="caller lacks s3:GetBucketLoc"),
    ):
        limited.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
