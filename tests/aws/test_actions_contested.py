"""Containment while someone keeps touching what it writes, while AWS clashes, throttles and shows changes late."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, allowed, can_read, client, scene

from actions.plan import Refusal
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal, trust
from s3ir_tui.journal import Journal

KEY = "a.csv"
_NUMBER = itertools.count()


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
    server.control("settings", {"read_lag": 0.0, "delay": 0.0, "clash": 0.0})
    server.control("faults", [])


@pytest.fixture
def bucket(seed: Seed) -> str:
    name = f"payroll-{next(_NUMBER)}"
    seed.bucket(name, {KEY: 100}, blocked=False)
    return name


@pytest.fixture
def role(seed: Seed) -> str:
    return seed.role(f"role-{next(_NUMBER)}", trust({"Service": "ec2.amazonaws.com"}), allow(["s3:*"]))


def kinds(journal: Journal, kind: str) -> list[Any]:
    return [item for item in journal.records("actions") if item["kind"] == kind]


@contextmanager
def touching(server: AccountServer, who: Credential, bucket: str, seconds: float) -> Iterator[list[int]]:
    """Someone who writes the bucket's policy anew every so often, for as long as that is allowed."""
    over, written = threading.Event(), [0]
    s3 = client(server, who, "s3")

    def touch() -> None:
        while not over.is_set():
            grant = allow_principal(
                f"Own{written[0]}", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:GetObject"], bucket
            )
            text = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
            written[0] += allowed(s3.put_bucket_policy, Bucket=bucket, Policy=text)
            over.wait(seconds)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join(10)


@pytest.mark.parametrize("seconds", [2.0, 0.05])
def test_an_attacker_who_keeps_touching_the_policy_is_denied_all_the_same(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, seconds: float
) -> None:
    thief = seed.user(f"thief-{next(_NUMBER)}", allow(["s3:*"]))
    plan = here.desk.plan("contain.deny-principal", {"principal": (thief.principal,), "bucket": (bucket,)})
    with touching(server, thief, bucket, seconds) as written:
        until(lambda: written[0] > 0)
        result = here.run(plan)
    assert result.ok, result.details
    assert here.desk.in_place(result.plan_ref) == (1, 1, 0)
    assert not can_read(server, thief, bucket, KEY)
    assert "+ Own" in kinds(here.journal, "intent")[0]["moved"]
    here.undo(result.plan_ref)
    left = json.loads(seed.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert [item["Sid"][:3] for item in left] == ["Own"]


def until(condition: Any) -> None:
    waiting = threading.Event()
    for _ in range(200):
        if condition():
            return
        waiting.wait(0.05)
    pytest.fail("it never came true")


@pytest.mark.parametrize(
    ("code", "status"), [("OperationAborted", 409), ("SlowDown", 503), ("ConcurrentModification", 409)]
)
def test_clashes_and_throttles_are_tried_again_until_the_deny_is_in_place(
    here: Scene, server: AccountServer, bucket: str, code: str, status: int
) -> None:
    plan = here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
    server.control("faults", [{"code": code, "status": status, "operation": "PutBucketPolicy", "count": 5}])
    result = here.run(plan)
    assert result.ok, result.details
    outcomes = kinds(here.journal, "outcome")
    assert len(outcomes) == len(kinds(here.journal, "intent")) > 1
    assert here.desk.in_place(result.plan_ref) == (1, 1, 0)


def test_a_merge_that_would_now_lock_the_responder_out_is_not_sent(
    here: Scene, server: AccountServer, seed: Seed, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = here.desk.plan("contain.deny-principal", {"principal": (OUTSIDE,), "bucket": (bucket,)})
    seed.bucket_policy(bucket, allow_principal("Partner", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:*"], bucket))
    checked: list[Any] = []

    def refuse(*given: Any) -> str:
        checked.append(given)
        raise Refusal("refused: you would be cut")

    monkeypatch.setattr("actions.rebase.lockout.check_bucket", refuse)
    result = here.run(plan)
    assert not result.ok
    assert "you would be cut" in result.details[0]
    assert [item["Sid"] for item in checked[0][2]["Statement"]] == ["Partner"]
    assert len(checked[0][3]["Statement"]) == 3
    assert can_only_partner(seed, bucket)


def can_only_partner(seed: Seed, bucket: str) -> bool:
    found = json.loads(seed.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    return [item["Sid"] for item in found] == ["Partner"]


@pytest.mark.parametrize("lag", [1.2, 3.0])
def test_late_reads_of_iam_are_no_attacker_and_one_write_is_enough(
    here: Scene, server: AccountServer, role: str, lag: float
) -> None:
    plan = here.desk.plan("contain.revoke-role-sessions", {"principal": (role,)})
    server.control("settings", {"read_lag": lag})
    result = here.run(plan)
    assert result.ok, result.details
    assert len(kinds(here.journal, "intent")) == 1


def test_a_later_cut_off_of_someone_else_is_done_not_a_fight(here: Scene, server: AccountServer, role: str) -> None:
    first = here.act("contain.revoke-role-sessions", principal=role)
    here.ahead = timedelta(seconds=2)  # within the same second the cut-off would be the same, and nothing be sent
    second = here.act("contain.revoke-role-sessions", principal=role)
    assert here.desk.in_place(first.plan_ref) == here.desk.in_place(second.plan_ref) == (1, 1, 0)


def test_what_cannot_be_read_is_told_apart_from_what_was_undone(
    here: Scene, server: AccountServer, role: str, bucket: str
) -> None:
    done = here.act("contain.revoke-role-sessions", principal=role)
    server.control("faults", [{"code": "AccessDenied", "status": 403, "operation": "GetRolePolicy", "count": 3}])
    assert here.desk.in_place(done.plan_ref) == (0, 1, 1)


def test_an_out_of_date_plan_of_all_that_descends_is_refused_with_what_changed(
    here: Scene, server: AccountServer, seed: Seed
) -> None:
    thief = seed.user(f"thief-{next(_NUMBER)}", allow(["iam:*", "s3:*", "sts:*"]))
    seed.bucket(f"found-{next(_NUMBER)}", {KEY: 10})
    allowed(client(server, thief, "s3").list_buckets)
    plan = here.desk.plan("contain.lineage", {"principal": (thief.principal,)})
    assert here.desk.still_valid(plan) is None
    assert plan.evidence_key
    client(server, thief, "iam").create_access_key(UserName=thief.name)
    stale = here.desk.still_valid(plan)
    assert stale is not None
    assert stale.changes == ("+ 1 credential",)
    with pytest.raises(Refusal, match=r"\+ 1 credential.*plan it again"):
        here.run(plan)
    fresh = here.desk.plan("contain.lineage", {"principal": (thief.principal,)})
    assert len(fresh.steps) == len(plan.steps) + 1
    assert here.run(fresh).ok


def test_evidence_that_changes_no_step_stops_no_containment(here: Scene, server: AccountServer, seed: Seed) -> None:
    thief = seed.user(f"thief-{next(_NUMBER)}", allow(["s3:*", "sts:*"]))
    allowed(client(server, thief, "s3").list_buckets)
    plan = here.desk.plan("contain.lineage", {"principal": (thief.principal,)})
    client(server, thief, "sts").get_session_token()
    assert here.desk.still_valid(plan) is not None
    assert here.run(plan).ok


def test_an_old_plan_is_read_again_before_it_runs(here: Scene, seed: Seed, role: str) -> None:
    user = seed.user(f"user-{next(_NUMBER)}", allow(["s3:*"]))
    plan = here.desk.plan("contain.disable-access-key", {"user": (user.name,)})
    seed.iam.create_access_key(UserName=user.name)
    desk = here.desk
    assert desk.age(plan) < 5
    here.ahead = 10 * desk._plan_age
    assert desk.age(plan) > 60
    with pytest.raises(Refusal, match="2 steps, not these 1"):
        here.run(plan)
