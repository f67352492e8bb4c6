"""Events from a queue: nothing is taken out of it that is not on disk, and nothing is lost when something fails."""

from __future__ import annotations

import functools
import json
import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from account_world import World, allow, deny
from faulty_line import Fault, FaultyLine

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.guard import WriteRefused
from s3ir_tui.headless.gather import Sources, gather
from s3ir_tui.journal import Journal, JournalError
from s3ir_tui.live import LiveRoom
from s3ir_tui.model import iso, utc_now
from s3ir_tui.room import Update
from s3ir_tui.settings import Settings
from s3ir_tui.trail.sources.base import SourceError
from s3ir_tui.trail.sources.queue import QueueSource, queue_region

NAME = "trail-events"
TRIES = 4
"""As often as the connection sends a call that fails."""


def event(number: int, **more: Any) -> dict[str, Any]:
    """What EventBridge sends for a call that a trail logs."""
    record = {
        "eventVersion": "1.11",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventTime": iso(utc_now()),
        "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory"},
        "requestParameters": {"bucketName": "payroll", "key": f"k{number}"},
        **more,
    }
    return {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": record}


class Box:
    """The queue, as its owner sees it."""

    def __init__(self, world: World) -> None:
        self.sqs = world.server.admin("sqs")
        self.url = self.sqs.create_queue(QueueName=NAME)["QueueUrl"]

    def send(self, *bodies: object) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    @property
    def left(self) -> int:
        """Messages in the queue, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in answer.values())


def connect(endpoint_url: str, key: dict[str, str]) -> Account:
    return Account.connect(
        region="us-east-1",
        endpoint_url=endpoint_url,
        credentials={"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's own retries wait less."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50)))


@pytest.fixture
def box(world: World) -> Box:
    return Box(world)


@pytest.fixture
def account(world: World) -> Account:
    return connect(world.server.endpoint_url, world.user("responder", allow("*")))


def source(account: Account, box: Box, *, chosen: bool = True, hidden: int = 60) -> QueueSource:
    if chosen:
        account.guard.choose_queue(box.url)
    return QueueSource(account, box.url, "us-east-1", wait=1, hidden=hidden)


def keys(events: list[Any]) -> set[str]:
    return {item.key for item in events}


def until(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


# -- what is brought, and what is given up ---------------------------------------------------------


def test_events_are_brought_plain_and_by_way_of_sns(account: Account, box: Box) -> None:
    box.send(event(1), {"Type": "Notification", "Message": json.dumps(event(2))})
    assert keys(source(account, box).poll()) == {"k1", "k2"}


def test_messages_are_deleted_once_their_events_are_on_disk_and_not_before(account: Account, box: Box) -> None:
    box.send(*(event(number) for number in range(25)))
    reader = source(account, box)
    events = reader.poll()
    assert len(events) == 25
    assert reader.caught_up
    reader.poll()
    assert box.left == 25
    reader.recorded(events[:5])
    reader.poll()
    assert box.left == 20
    reader.recorded(events[5:])
    reader.poll()
    assert box.left == 0


def test_what_was_not_recorded_comes_again_and_is_deleted_then(account: Account, box: Box) -> None:
    box.send(event(1))
    reader = source(account, box, hidden=1)
    assert keys(reader.poll()) == {"k1"}
    again: list[Any] = []
    assert until(lambda: bool(again.extend(reader.poll()) or again))
    reader.recorded(again)
    reader.poll()
    assert box.left == 0


def test_what_holds_no_event_of_cloudtrail_is_left_and_said(account: Account, box: Box) -> None:
    box.send({"Records": [{"s3": {"object": {"key": "someone's notification"}}}]}, event(1))
    reader = source(account, box)
    events = reader.poll()
    assert keys(events) == {"k1"}
    reader.recorded(events)
    reader.poll()
    assert box.left == 1
    assert reader.remark == f"queue {NAME}: messages without CloudTrail events are left in it"


def test_without_the_permission_to_delete_events_come_and_the_remark_says_why(world: World, box: Box) -> None:
    account = connect(world.server.endpoint_url, world.user("reader", allow("*"), deny("sqs:DeleteMessage*")))
    box.send(event(1))
    reader = source(account, box)
    events = reader.poll()
    reader.recorded(events)
    assert reader.poll() == []
    assert box.left == 1
    assert "recorded messages stay in it" in reader.remark
    assert "sqs:DeleteMessage" in reader.remark


def test_a_headless_reading_takes_nothing_away(account: Account, box: Box) -> None:
    box.send(event(1), event(2))
    analysis, missing = gather(account, Sources(Settings(sources=(f"queue:{NAME}",))), utc_now())
    assert (analysis.distinct, missing) == (2, [])
    assert box.left == 2
    assert not account.guard.may_delete_from(box.url)


def test_a_queue_that_does_not_exist_is_told_with_those_that_do(account: Account, box: Box) -> None:
    with pytest.raises(SourceError, match=f"no such queue in us-east-1; there are: {NAME}"):
        QueueSource(account, f"{box.url}-2", "us-east-1").poll()


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-3.amazonaws.com/111122223333/q", "eu-west-3"),
        ("https://ap-south-1.queue.amazonaws.com/111122223333/q", "ap-south-1"),
        ("https://vpce-1a-2b.sqs.us-west-2.vpce.amazonaws.com/111122223333/q", "us-west-2"),
        ("https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/q", "us-gov-west-1"),
        ("https://queue.amazonaws.com/111122223333/q", "us-east-1"),
        ("http://127.0.0.1:5000/111122223333/q", "eu-central-1"),
        ("q", "eu-central-1"),
    ],
)
def test_the_region_of_a_queue_stands_in_its_url(url: str, region: str) -> None:
    assert queue_region(url, "eu-central-1") == region


def test_a_queue_with_a_redrive_policy_is_read_where_messages_are_deleted(
    world: World, account: Account, box: Box
) -> None:
    dead = box.sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = box.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    box.sqs.set_queue_attributes(QueueUrl=box.url, Attributes={"RedrivePolicy": policy})
    box.send(event(1))
    source = QueueSource(account, box.url, "us-east-1", wait=0)
    for _ in range(4):
        with pytest.raises(SourceError, match=r"RedrivePolicy \(maxReceiveCount 3\)"):
            source.poll()
    account.guard.choose_queue(box.url)
    assert [item.name for item in source.poll()] == ["GetObject"]


def test_a_queue_says_what_it_brought_and_up_to_when(account: Account, box: Box) -> None:
    source = QueueSource(account, box.url, "us-east-1", wait=0)
    assert not source.data_events
    assert source.complete_to is None
    box.send(event(1, eventName="PutBucketPolicy", readOnly=False))
    before = utc_now()
    source.poll()
    assert not source.data_events
    assert not source.covers.reads
    box.send(event(2, eventCategory="Data", readOnly=True), event(3, eventName="ListBuckets", readOnly=True))
    source.poll()
    assert source.data_events
    assert source.covers.reads
    assert source.complete_to is not None
    assert source.complete_to >= before


# -- the guard -------------------------------------------------------------------------------------


def test_nothing_deletes_from_a_queue_that_was_not_chosen(account: Account, box: Box) -> None:
    box.send(event(1))
    reader = source(account, box, chosen=False)
    events = reader.poll()
    reader.recorded(events)
    reader.poll()
    assert box.left == 1
    with pytest.raises(WriteRefused), account.guard.deleting_from(box.url):
        pytest.fail("permit given")


def test_the_permit_opens_one_batch_on_the_chosen_queue_and_nothing_else(account: Account, box: Box) -> None:
    other = box.sqs.create_queue(QueueName="other")["QueueUrl"]
    box.send(event(1))
    sqs = account.client("sqs")
    receipt = sqs.receive_message(QueueUrl=box.url)["Messages"][0]["ReceiptHandle"]
    batch = {"Entries": [{"Id": "0", "ReceiptHandle": receipt}]}
    account.guard.choose_queue(box.url)
    with pytest.raises(WriteRefused):
        sqs.delete_message_batch(QueueUrl=box.url, **batch)
    with account.guard.deleting_from(box.url):
        for call, params in (
            (sqs.delete_message_batch, {"QueueUrl": other, **batch}),
            (sqs.delete_message, {"QueueUrl": box.url, "ReceiptHandle": receipt}),
            (sqs.purge_queue, {"QueueUrl": box.url}),
            (sqs.delete_queue, {"QueueUrl": box.url}),
            (sqs.send_message, {"QueueUrl": box.url, "MessageBody": "x"}),
            (account.client("s3").delete_bucket, {"Bucket": "b"}),
        ):
            with pytest.raises(WriteRefused):
                call(**params)
        assert box.left == 1
        sqs.delete_message_batch(QueueUrl=box.url, **batch)
        with pytest.raises(WriteRefused):
            sqs.delete_message_batch(QueueUrl=box.url, **batch)
    assert box.left == 0
    with pytest.raises(WriteRefused):
        sqs.delete_message_batch(QueueUrl=box.url, **batch)


# -- when something fails --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "wait"),
    [("ThrottlingException", 400, 5.0), ("ServiceUnavailable", 503, 15.0), ("ExpiredToken", 403, 15.0)],
)
def test_a_failure_is_told_with_the_time_to_wait_and_the_next_poll_works(
    world: World, account: Account, box: Box, code: str, status: int, wait: float
) -> None:
    box.send(event(1))
    reader = source(account, box)
    fault = {"service": "sqs", "operation": "ReceiveMessage", "code": code, "status": status, "count": TRIES}
    world.server.control("faults", fault)
    with pytest.raises(SourceError, match=code) as caught:
        reader.poll()
    assert caught.value.retry_after == wait
    world.server.control("faults", [])
    assert keys(reader.poll()) == {"k1"}


def test_a_deletion_that_fails_is_tried_again(world: World, account: Account, box: Box) -> None:
    box.send(event(1))
    reader = source(account, box)
    reader.recorded(reader.poll())
    fault = {
        "service": "sqs",
        "operation": "DeleteMessageBatch",
        "code": "InternalFailure",
        "status": 500,
        "count": TRIES,
    }
    world.server.control("faults", fault)
    reader.poll()
    assert box.left == 1
    assert "InternalFailure" in reader.remark
    reader.poll()
    assert (box.left, reader.remark) == (0, "")


@pytest.fixture
def line(world: World) -> Iterator[FaultyLine]:
    with FaultyLine(int(world.server.endpoint_url.rsplit(":", 1)[1])) as running:
        yield running


@pytest.mark.parametrize("after", [0, 40])
def test_a_dropped_connection_loses_nothing(world: World, line: FaultyLine, box: Box, after: int) -> None:
    box.send(event(1), event(2))
    reader = source(connect(line.endpoint_url, world.user("remote", allow("*"))), box, hidden=1)
    line.fault = Fault(b"ReceiveMessage", after=after)  # the answer was on its way: its messages are hidden now
    with pytest.raises(SourceError, match="ReceiveMessage"):
        reader.poll()
    assert line.met > 0
    line.fault = None
    found: list[Any] = []
    assert until(lambda: bool(found.extend(reader.poll())) or keys(found) == {"k1", "k2"})
    reader.recorded(found)
    reader.poll()
    assert box.left == 0


def test_a_slow_answer_is_waited_for(world: World, line: FaultyLine, box: Box) -> None:
    box.send(event(1))
    reader = source(connect(line.endpoint_url, world.user("remote", allow("*"))), box)
    line.fault = Fault(b"ReceiveMessage", seconds=1.0)
    assert keys(reader.poll()) == {"k1"}
    assert line.met > 0


# -- the live room ---------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "case", about={})


def follow(journal: Journal, account: Account) -> tuple[LiveRoom, queue.SimpleQueue[Update]]:
    updates: queue.SimpleQueue[Update] = queue.SimpleQueue()
    sources = Sources(Settings(sources=(f"queue:{NAME}",)))
    room = LiveRoom(lambda: account, journal, sources=sources.recorded)
    room.start(updates.put)
    return room, updates


def kept(journal: Journal) -> set[str]:
    """Keys of the objects of the events on disk."""
    events = [record for record in journal.records() if record.table == "trail" and record.get("kind") == "event"]
    return {record["raw"]["requestParameters"]["key"] for record in events if record["source"] == f"queue {NAME}"}


def test_a_console_records_all_that_the_queue_brings_and_then_empties_it(
    account: Account, box: Box, journal: Journal
) -> None:
    noise = {
        "userIdentity": {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"},
        "eventName": "GetBucketAcl",
    }
    box.send(event(1), event(2, **noise))
    room, _ = follow(journal, account)
    try:
        assert until(lambda: box.left == 0)
        assert kept(journal) == {"k1", "k2"}
    finally:
        room.stop("end of test")


def test_a_log_that_cannot_be_written_leaves_the_messages_in_the_queue(
    account: Account, box: Box, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = journal.record_many

    def full(table: str, docs: Any) -> Any:
        if table == "trail":
            raise JournalError("no space left")
        return write(table, docs)

    monkeypatch.setattr("s3ir_tui.headless.gather.QueueSource", functools.partial(QueueSource, wait=1, hidden=1))
    monkeypatch.setattr(journal, "record_many", full)
    box.send(event(1))
    room, updates = follow(journal, account)
    try:
        assert until(lambda: any("NOT RECORDED" in alarm for alarm in updates.get().snapshot.status.alarms))
        time.sleep(2.5)
        assert box.left == 1
        monkeypatch.setattr(journal, "record_many", write)
        assert until(lambda: box.left == 0, 30)
        assert kept(journal) == {"k1"}
    finally:
        room.stop("end of test")


def test_a_queue_that_goes_away_is_shown_as_lost_and_taken_up_again(
    world: World, account: Account, box: Box, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "s3ir_tui.trail.sources.queue.trouble", lambda name, error: SourceError(f"{name}: {error}", 0.2)
    )
    world.server.control("faults", {"service": "sqs", "code": "AccessDenied", "status": 403, "count": 6})
    box.send(event(1))
    room, updates = follow(journal, account)
    try:
        assert until(lambda: any(item.error for item in updates.get().snapshot.status.sources))
        assert until(lambda: box.left == 0)
        assert until(lambda: not any(item.error for item in updates.get().snapshot.status.sources))
    finally:
        room.stop("end of test")
