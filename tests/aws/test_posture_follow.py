"""What is read of the embedded account follows what is done to it, without reading all of it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest
from acting import REGION, keys_of

from s3ir_tui.aws.account import Account
from s3ir_tui.feeds import Fact, Feeds, PostureRead
from s3ir_tui.gameday.process import OUTSIDE, AccountServer
from s3ir_tui.gameday.seeding import Seed, allow, allow_principal
from s3ir_tui.model import Bucket, Principal, Severity, utc_now
from s3ir_tui.trail.targets import Target


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    made = Seed(server)
    for name in ("payroll", "reports"):
        made.bucket(name, {"a": 1})
    made.user("worker", allow(["s3:*"]))
    return made


@pytest.fixture(scope="module")
def inbox() -> SimpleQueue[Fact]:
    return SimpleQueue()


@pytest.fixture(scope="module")
def feeds(server: AccountServer, seed: Seed, inbox: SimpleQueue[Fact]) -> Iterator[Feeds]:
    account = Account.connect(region=REGION, endpoint_url=server.endpoint_url, credentials=keys_of(seed.responder()))
    running = Feeds(inbox)
    running.read_posture(account)
    there = {"payroll", "reports"}
    while there:
        there.discard(until(inbox, lambda item: item.settings_at is not None, Bucket).name)
    yield running
    running.stop()


def until(inbox: SimpleQueue[Fact], wanted: Callable[[Any], bool], kind: type[Bucket] | type[Principal]) -> Any:
    """The first posture of a kind that is as wanted."""
    while True:
        fact = inbox.get(timeout=30)
        if isinstance(fact, PostureRead) and isinstance(fact.item, kind) and wanted(fact.item):
            return fact.item


def test_a_policy_that_opens_a_bucket_is_read_after_the_write_alone(
    feeds: Feeds, seed: Seed, inbox: SimpleQueue[Fact]
) -> None:
    statement = allow_principal("Out", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, ["s3:GetObject"], "payroll")
    seed.bucket_policy("payroll", statement)
    feeds.written([(Target("bucket", "payroll"), utc_now())])
    found = until(inbox, lambda item: bool(item.open_to) and "lifecycle" not in item.not_looked_at, Bucket)
    assert (found.name, found.open_severity) == ("payroll", Severity.HIGH)


def test_a_user_that_is_gone_is_said_to_be(feeds: Feeds, seed: Seed, inbox: SimpleQueue[Fact]) -> None:
    key = seed.iam.list_access_keys(UserName="worker")["AccessKeyMetadata"][0]["AccessKeyId"]
    seed.iam.delete_access_key(UserName="worker", AccessKeyId=key)
    seed.iam.delete_user_policy(UserName="worker", PolicyName="worker-access")
    seed.iam.delete_user(UserName="worker")
    feeds.written([(Target("user", "worker"), utc_now())])
    assert until(inbox, lambda item: item.deleted, Principal).name == "worker"
