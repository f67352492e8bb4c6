"""Who a plan must not cut, and that a deny by name reaches who it names: against the embedded account."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from acting import REGION, Scene, allowed, can_read, client, keys_of, scene

from actions.lockout import LockOut
from actions.plan import Refusal
from s3ir_tui.aws.account import Account
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal, bucket_arns, document, trust
from s3ir_tui.journal import Journal

KEY = "a.csv"
_NUMBER = itertools.count()


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    return Seed(server)


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


@pytest.fixture(scope="module")
def glass(seed: Seed, responder: Credential) -> str:
    return seed.break_glass()


@pytest.fixture
def here(server: AccountServer, responder: Credential, glass: str, tmp_path: Path) -> Iterator[Scene]:
    with scene(server, responder, tmp_path / "case", (glass,)) as made:
        yield made


@pytest.fixture
def bucket(seed: Seed) -> str:
    name = f"wages-{next(_NUMBER)}"
    seed.bucket(name, {KEY: 100}, blocked=False)
    return name


def user_in_path(seed: Seed, name: str, path: str, *statements: object) -> Credential:
    arn = seed.iam.create_user(UserName=name, Path=path)["User"]["Arn"]
    seed.iam.put_user_policy(UserName=name, PolicyName="access", PolicyDocument=document(*statements))  # type: ignore[arg-type]
    key = seed.iam.create_access_key(UserName=name)["AccessKey"]
    return Credential(name, key["AccessKeyId"], key["SecretAccessKey"], principal=arn)


def test_a_user_with_a_path_given_by_its_name_is_really_denied(
    here: Scene, server: AccountServer, seed: Seed, bucket: str
) -> None:
    thief = user_in_path(seed, f"alice-{next(_NUMBER)}", "/eng/", allow(["s3:*"], bucket_arns(bucket)))
    assert can_read(server, thief, bucket, KEY)
    done = here.act("contain.deny-principal", user=thief.name, bucket=bucket)
    assert not can_read(server, thief, bucket, KEY)
    here.undo(done.plan_ref)
    assert can_read(server, thief, bucket, KEY)


def test_a_name_that_iam_does_not_know_is_refused_before_anything_is_planned(here: Scene, bucket: str) -> None:
    with pytest.raises(Refusal, match="no user nobody"):
        here.desk.plan("contain.deny-principal", {"user": ("nobody",), "bucket": (bucket,)})


@pytest.mark.parametrize("action", ["contain.deny-user", "contain.lineage"])
def test_the_user_that_the_consoles_role_was_assumed_with_is_not_cut(
    server: AccountServer, seed: Seed, responder: Credential, tmp_path: Path, action: str
) -> None:
    behind = user_in_path(seed, f"ops-{next(_NUMBER)}", "/", allow(["*"]))
    account = Account.connect(
        region=REGION,
        endpoint_url=server.endpoint_url,
        credentials=keys_of(behind),
        role_arn=f"arn:aws:iam::{seed.account}:role/IRResponder",
    )
    assert account.sources == (behind.principal,)
    with Journal.open(tmp_path / "case", about={"command": "test"}, poll_seconds=0) as journal:
        here = Scene(server, account, journal)
        with pytest.raises(LockOut, match="your role is assumed with its credentials"):
            here.desk.plan(action, {"user": (behind.name,)})
    assert allowed(client(server, behind, "s3").list_buckets)


def test_a_perimeter_on_the_bucket_does_not_let_a_deny_of_the_own_role_pass(
    here: Scene, seed: Seed, bucket: str, responder: Credential, glass: str
) -> None:
    perimeter = {
        **allow_principal("Perimeter", "*", ["s3:*"], bucket),
        "Effect": "Deny",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-0a1b2c3d"},
            "Null": {"aws:SourceVpc": "false"},
        },
    }
    seed.bucket_policy(bucket, perimeter)
    for principal in (responder.principal, glass):
        with pytest.raises(LockOut, match="Way out"):
            here.desk.plan("contain.deny-principal", {"principal": (principal,), "bucket": (bucket,)})
    assert json.loads(seed.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Sid"] == "Perimeter"


def test_break_glass_given_as_a_session_protects_the_role_behind_it(
    server: AccountServer, seed: Seed, responder: Credential, tmp_path: Path
) -> None:
    name = f"Rescue{next(_NUMBER)}"
    seed.role(name, trust({"AWS": f"arn:aws:iam::{seed.account}:root"}), allow(["*"]))
    session = f"arn:aws:sts::{seed.account}:assumed-role/{name}/bob"
    with (
        scene(server, responder, tmp_path / "case", (session,)) as here,
        pytest.raises(LockOut, match="break-glass principal"),
    ):
        here.desk.plan("contain.revoke-role-sessions", {"role": (name,)})
