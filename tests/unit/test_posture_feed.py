"""Posture is read whole once, follows what is written to, and rests at a rate that leaves the account its quotas."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from posture_stub import BEGIN, LargeAccount

from s3ir_tui.aws.guard import WriteRefused
from s3ir_tui.feeds import Fact, Feeds, PostureFailed, PostureRead
from s3ir_tui.feeds.posture_feed import PostureFeed, PosturePace
from s3ir_tui.feeds.writes import OwnWrites
from s3ir_tui.model import Bucket, Principal
from s3ir_tui.trail.targets import Target

PACE = replace(PosturePace(), threads=1)
BUCKET, USER = Target("bucket", "bucket-0500"), Target("user", "user-007")


def read_for(account: LargeAccount, seconds: float) -> tuple[PostureFeed, list[Fact]]:
    """Read rounds for so many seconds of the account's clock."""
    inbox: SimpleQueue[Fact] = SimpleQueue()
    feed = account.feed(inbox, PACE)
    account.ends = account.seconds + seconds
    feed.read_rounds(account)
    return feed, taken(inbox)


def taken(inbox: SimpleQueue[Fact]) -> list[Fact]:
    facts: list[Fact] = []
    while True:
        try:
            facts.append(inbox.get_nowait())
        except Empty:
            return facts


def test_a_large_account_at_rest_takes_less_than_a_hundred_calls_a_minute() -> None:
    account = LargeAccount(1000, 500, 800)
    _, facts = read_for(account, 6 * 3600)
    minutes = account.per_minute()
    first, rest = minutes[:15], minutes[15:]
    assert max(first) <= 20 * 60 + 200
    assert sum(first) < 9000
    assert max(rest) < 50
    assert sum(rest) / len(rest) < 90
    read = [fact.item for fact in facts if isinstance(fact, PostureRead)]
    assert {item.name for item in read if isinstance(item, Bucket)} == {f"bucket-{n:04}" for n in range(1000)}
    assert sum(isinstance(item, Principal) for item in read) >= 1300


def test_no_bucket_of_a_large_account_grows_older_than_two_hours() -> None:
    account = LargeAccount(1000, 500, 800)
    _, facts = read_for(account, 8 * 3600)
    newest = {
        fact.item.name: fact.item for fact in facts if isinstance(fact, PostureRead) if isinstance(fact.item, Bucket)
    }
    ages = [account.now() - (bucket.read_at or BEGIN) for bucket in newest.values()]
    assert max(ages) < timedelta(hours=2)


def test_users_of_a_large_account_come_from_the_credential_report_with_its_time() -> None:
    account = LargeAccount(1, 500, 0)
    _, facts = read_for(account, 60)
    users = [fact.item for fact in facts if isinstance(fact, PostureRead) and isinstance(fact.item, Principal)]
    assert {(user.active_keys, user.keys) for user in users} == {(1, ())}
    assert all(user.credentials_at is not None for user in users)
    assert not any(name.startswith("ListAccessKeys") for name in account.asked)


def changes(account: LargeAccount, act: Callable[[PostureFeed], None], seconds: float = 40.0) -> list[str]:
    """What is asked within some seconds after something happened to an account that was read whole."""
    inbox: SimpleQueue[Fact] = SimpleQueue()
    feed = account.feed(inbox, PACE)
    account.ends = 1500.0
    feed.read_rounds(account)
    account.stop.clear()
    account.ends = float("inf")
    account.asked.clear()
    begun = account.seconds
    act(feed)
    feed.run_due(account, lambda: account.seconds - begun < seconds)
    return account.asked


def test_a_write_reads_that_target_again_and_once_more_when_reads_have_settled() -> None:
    account = LargeAccount(1000, 500, 800)
    asked = changes(account, lambda feed: feed.written([(BUCKET, account.now()), (USER, account.now())]))
    assert {name.split()[1] for name in asked if " " in name and name.split()[1:]} <= {"bucket-0500", "user-007"}
    assert asked.count("GetBucketPolicy bucket-0500") == 2
    assert asked.count("GetUser user-007") == 2
    assert len(asked) < 70


def test_many_writes_to_one_target_are_few_reads() -> None:
    account = LargeAccount(10, 10, 10)

    def flood(feed: PostureFeed) -> None:
        for _ in range(500):
            feed.written([(Target("bucket", "bucket-0005"), account.now())])

    assert changes(account, flood).count("GetBucketPolicy bucket-0005") == 2


def test_what_was_read_well_after_a_write_is_not_read_again() -> None:
    account = LargeAccount(10, 10, 10)
    old = BEGIN - timedelta(hours=3)
    assert changes(account, lambda feed: feed.written([(Target("user", "user-003"), old)])) == []


def test_what_is_marked_is_read_with_key_ids_and_other_ways_at_once() -> None:
    account = LargeAccount(10, 10, 10)
    marked = [Target("user", "user-003"), Target("bucket", "bucket-0003")]
    asked = changes(account, lambda feed: feed.named(marked), 1.0)
    assert {"ListAccessKeys user-003", "ListAccessPoints bucket-0003", "GetBucketReplication bucket-0003"} <= set(asked)


def test_the_block_of_the_account_is_one_read_for_all_buckets() -> None:
    account = LargeAccount(1000, 1, 1)
    asked = changes(account, lambda feed: feed.written([(Target("account", ""), account.now())]), 5.0)
    assert asked == ["GetPublicAccessBlock "]


def test_a_bucket_that_is_no_longer_listed_is_said_to_be_gone() -> None:
    account = LargeAccount(3, 0, 0)
    inbox: SimpleQueue[Fact] = SimpleQueue()
    feed = account.feed(inbox, PACE)
    account.ends = 1500.0
    feed.read_rounds(account)
    taken(inbox)
    account.buckets = 2
    account.stop.clear()
    account.ends = account.seconds + 1500.0
    feed.read_rounds(account)
    gone = [fact.item for fact in taken(inbox) if isinstance(fact, PostureRead) if isinstance(fact.item, Bucket)]
    assert {bucket.name for bucket in gone if bucket.deleted} == {"bucket-0002"}


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
        WriteRefused("refused"),
        KeyError("Buckets"),
    ],
)
def test_what_nobody_expected_is_said_and_the_rest_is_read_all_the_same(error: Exception) -> None:
    account = LargeAccount(5, 5, 5)
    account.broken = error
    _, facts = read_for(account, 3000)
    said = [fact for fact in facts if isinstance(fact, PostureFailed)]
    assert type(error).__name__ in said[0].error
    assert said[-1].error == ""
    assert {item.item.name for item in facts if isinstance(item, PostureRead)} >= {
        "bucket-0004",
        "user-004",
        "role-004",
    }


def test_a_thread_that_ends_is_an_alarm() -> None:
    inbox: SimpleQueue[Fact] = SimpleQueue()
    feeds = Feeds(inbox)

    class Broken:
        name = "odd"
        data_events = False
        interval = 0.01

        def poll(self) -> list[Any]:
            raise SystemError

        @property
        def remark(self) -> str:
            raise ValueError("no remark")

    feeds.follow(Broken())
    while not isinstance(fact := inbox.get(timeout=5), PostureFailed):
        pass
    feeds.stop()
    assert fact.what == "trail odd stopped"
    assert "ValueError: no remark" in fact.error


class Logged(dict[str, Any]):
    """A record of the log."""

    def __init__(self, ref: str, **fields: Any) -> None:
        super().__init__(fields)
        self.ref, self.table, self.ts = ref, "actions", "2026-11-24T09:14:07.000000Z"


def test_an_own_call_is_a_write_once_it_has_an_outcome() -> None:
    own = OwnWrites()
    call = {"service": "s3", "operation": "PutBucketPolicy", "params": {"Bucket": "b"}, "region": ""}
    records: Iterable[Any] = [Logged("1:1", kind="intent", call=call)]
    assert own.take(records) == []
    outcome: Iterable[Any] = [Logged("1:2", kind="outcome", intent="1:1"), Logged("1:3", kind="outcome", intent=7)]
    assert [target for target, _ in own.take(outcome)] == [Target("bucket", "b")]


def test_the_threads_of_posture_end_when_the_console_does() -> None:
    account = LargeAccount(50, 5, 5)
    feeds = Feeds(SimpleQueue(), PosturePace(first=5.0, first_burst=1.0))
    feeds.read_posture(account)  # type: ignore[arg-type]
    feeds.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("posture")]
