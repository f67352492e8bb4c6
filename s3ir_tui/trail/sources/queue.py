"""EventBridge events from an SQS queue that exists: the lowest delay there is, for accounts that have set it up."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.text import clean
from s3ir_tui.trail.decode import Decoded, decode
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import BUSY, Calls, SourceError, throttled, trouble
from s3ir_tui.trail.sources.covers import Covers, Lateness
from s3ir_tui.trail.sources.queue_rule import Feeding, feeding

INTERVAL = 0.5
BATCH = 10
"""Most messages of one ReceiveMessage or DeleteMessageBatch (SQS API)."""

WAIT = 10
"""Seconds of long polling: below the 20 that the connection waits for an answer."""

HIDDEN = 120
"""Seconds for which a message that was received is hidden from other readers; it comes again if it was not deleted."""

SECONDS_A_POLL = 5.0

_REMEMBERED = 20_000
_REFUSED_SECONDS = 300.0
_HOST = re.compile(r"https?://(?:vpce-[^.]+\.)?(?:sqs(?:-fips)?\.([a-z0-9-]+)\.|([a-z0-9-]+)\.queue\.)")
_LEGACY = re.compile(r"https?://queue\.amazonaws\.com(?:[:/]|$)")
_NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class QueueGuard(Protocol):
    """The part of the write guard that lets messages be deleted."""

    def may_delete_from(self, queue_url: str) -> bool:
        """Whether the responder chose this queue as a source of a case that is recorded."""

    def deleting_from(self, queue_url: str) -> AbstractContextManager[None]:
        """Let this thread delete one batch of messages of a chosen queue."""


class QueueCalls(Calls, Protocol):
    """`Account`, as this source uses it."""

    @property
    def guard(self) -> QueueGuard: ...


@dataclass(slots=True)
class _Held:
    """A message that was received and still is in the queue.

    Attributes:
        receipt: What it is deleted by: that of the last time it was received.
        waiting: Ids of its events that are not known to be on disk.
        whole: Whether all that it holds became events; else it is never deleted.
    """

    receipt: str
    waiting: set[str]
    whole: bool


class QueueSource:
    """Receives what an EventBridge rule sends to a queue, also by way of an SNS topic.

    A message is deleted only after all that it brought is on disk (`recorded`), and only from a queue that the write
    guard has been told of. What holds anything else than CloudTrail events is left where it is: it is someone's.

    Args:
        account: The connection.
        url: URL of the queue.
        region: Its Region.
        wait: Seconds of long polling once the queue is empty.
        hidden: Seconds for which received messages are hidden.
        clock: The time, UTC.
        monotonic: Seconds.
    """

    def __init__(
        self,
        account: QueueCalls,
        url: str,
        region: str,
        *,
        wait: int = WAIT,
        hidden: int = HIDDEN,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"queue {clean(url.rstrip('/').rsplit('/', 1)[-1])}"
        self.url, self.region = url, region
        self._account, self._wait, self._hidden, self._monotonic = account, wait, hidden, monotonic
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._on_disk: SimpleQueue[Sequence[Event]] = SimpleQueue()
        self._deletable: dict[str, str] = {}
        self._not_deleted = ""
        self._others = False
        self._empty = False
        self._clock = clock
        self._feeding: Feeding | None = None
        # Kinds of events that came: what came once can come again.
        self._brought: set[str] = set()
        self._emptied_at: datetime | None = None
        self._lateness = Lateness()

    @property
    def data_events(self) -> bool:
        """Whether S3 data events came: EventBridge has them only where a trail logs them, which no queue can tell."""
        return "data" in self._brought

    @property
    def covers(self) -> Covers:
        """Writes of its Region; read-only calls where a rule sends them, or where one came; data events likewise."""
        reads = "read" in self._brought or bool(self._feeding and self._feeding.reads)
        return Covers((self.region,), reads=reads, data=self.data_events)

    @property
    def complete_to(self) -> datetime | None:
        """When the queue last had nothing more."""
        return self._emptied_at

    @property
    def late(self) -> float | None:
        """How long after their times events came, in seconds."""
        return self._lateness.seconds

    @property
    def caught_up(self) -> bool:
        """Whether the queue had nothing more that was not brought before."""
        return self._empty

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll, which itself waits for messages."""
        return INTERVAL if self._empty else BUSY

    @property
    def remark(self) -> str:
        """What stays in the queue, and why."""
        if self._not_deleted:
            return f"{self.name}: recorded messages stay in it: {self._not_deleted}"
        if self._others:
            return f"{self.name}: messages without CloudTrail events are left in it"
        return f"{self.name}: {self._feeding.gap}" if self._feeding and self._feeding.gap else ""

    def recorded(self, events: Sequence[Event]) -> None:
        """Hear that events are on disk: their messages are deleted at the next poll."""
        self._on_disk.put(events)

    def poll(self) -> list[Event]:
        """Delete what is on disk by now, then receive for a few seconds.

        Raises:
            SourceError: Nothing could be received.
        """
        self._see_what_reading_does()
        self._give_up()
        found: list[Event] = []
        first = self._emptied_at is None
        until = self._monotonic() + SECONDS_A_POLL
        while True:
            try:
                messages = self._receive()
            except AwsError as error:
                if found:
                    return found  # the next poll tells if the trouble stays
                raise self._trouble(error) from None
            came = [self._take(message) for message in messages]
            self._empty = not any(new for new, _ in came)
            found += [event for _, events in came for event in events]
            if self._empty or self._monotonic() >= until:
                break
        self._note(found, first)
        return found

    def _note(self, found: Sequence[Event], first: bool) -> None:
        """Take note of what kinds came, how late, and whether that was all."""
        now = self._clock()
        if self._empty:
            self._emptied_at = now
        for event in found:
            if event.category == "Data" and event.service == "s3":
                self._brought.add("data")
            elif event.category == "Management" and event.read_only:
                self._brought.add("read")
            if not first:
                self._lateness.take(event.at, now)

    def _see_what_reading_does(self) -> None:
        """Refuse a queue whose messages our reading would move away from those who wait for them.

        A message that was received `maxReceiveCount` times without being deleted goes to the dead-letter queue (SQS
        Developer Guide, "Using dead-letter queues"): only a reader that deletes what it recorded may read there.

        Raises:
            SourceError: It has a redrive policy, and this case deletes nothing.
        """
        if self._feeding is None:
            self._feeding = feeding(self._account, self.url, self.region)
        if self._feeding.redrive and not self._account.guard.may_delete_from(self.url):
            raise SourceError(
                f"{self.name}: not read: it has a RedrivePolicy (maxReceiveCount {self._feeding.redrive}), so "
                "that what is received and not deleted is moved to its dead-letter queue and lost to others. Read it "
                "in a console with a case: recorded messages are deleted there.",
                _REFUSED_SECONDS,
            )

    def _receive(self) -> Sequence[Mapping[str, Any]]:
        params = {
            "QueueUrl": self.url,
            "MaxNumberOfMessages": BATCH,
            # Waiting asks all of SQS's servers; not waiting asks some, and finds nothing where there is something.
            "WaitTimeSeconds": self._wait if self._empty else 1,
            "VisibilityTimeout": self._hidden,
        }
        return self._account.call("sqs", "ReceiveMessage", params, self.region).get("Messages") or ()

    def _take(self, message: Mapping[str, Any]) -> tuple[bool, list[Event]]:
        """Take in a message; tells whether it is new, and what is to be recorded of it."""
        ident, receipt = str(message.get("MessageId")), str(message.get("ReceiptHandle"))
        held = self._held.get(ident)
        if held is not None:
            held.receipt = receipt
            if not held.waiting:
                if held.whole:
                    self._deletable[ident] = receipt
                return False, []
        decoded = _decoded(message)
        if held is None:
            whole = bool(decoded.events) and not decoded.skipped
            self._others = self._others or not whole
            self._held[ident] = _Held(receipt, {event.id for event in decoded.events}, whole)
            while len(self._held) > _REMEMBERED:
                self._held.popitem(last=False)
        return held is None, decoded.events

    def _give_up(self) -> None:
        """Delete the messages of which everything is on disk."""
        on_disk: set[str] = set()
        try:
            while True:
                on_disk.update(event.id for event in self._on_disk.get_nowait())
        except Empty:
            pass
        if on_disk:
            for ident, held in self._held.items():
                if held.waiting & on_disk:
                    held.waiting -= on_disk
                    if held.whole and not held.waiting:
                        self._deletable[ident] = held.receipt
        if self._deletable and self._account.guard.may_delete_from(self.url):
            self._delete()

    def _delete(self) -> None:
        self._not_deleted = ""
        while self._deletable:
            batch = dict(list(self._deletable.items())[:BATCH])
            entries = [{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(batch.values())]
            params = {"QueueUrl": self.url, "Entries": entries}
            try:
                with self._account.guard.deleting_from(self.url):
                    answer = self._account.call("sqs", "DeleteMessageBatch", params, self.region)
            except AwsError as error:
                self._not_deleted = str(error)
                if not throttled(error) and error.answered:
                    self._deletable.clear()  # they come again, and are tried again then
                return
            failed = {str(item.get("Id")): str(item.get("Code")) for item in answer.get("Failed") or ()}
            for n, ident in enumerate(batch):
                del self._deletable[ident]
                if str(n) in failed:
                    self._not_deleted = clean(failed[str(n)])
                else:
                    self._held.pop(ident, None)

    def _trouble(self, error: AwsError) -> SourceError:
        if error.code not in _NO_QUEUE:
            return trouble(self.name, error)
        try:
            answer = self._account.call("sqs", "ListQueues", {"MaxResults": BATCH}, self.region)
        except AwsError:
            return trouble(self.name, error)
        names = [clean(str(url).rsplit("/", 1)[-1]) for url in answer.get("QueueUrls") or ()]
        there = f"there are: {', '.join(names)}" if names else "there is none"
        return SourceError(f"{self.name}: no such queue in {self.region}; {there}", 15.0)


def queue_region(url: str, default: str) -> str:
    """The Region of a queue's URL; of a name, or of another endpoint than AWS's, the default."""
    if _LEGACY.match(url):
        return "us-east-1"  # the endpoint without a Region is that of us-east-1 (AWS General Reference, SQS endpoints)
    found = _HOST.match(url)
    return (found[1] or found[2]) if found else default


def _decoded(message: Mapping[str, Any]) -> Decoded:
    return decode(str(message.get("Body") or "").encode("utf-8", "replace"), "queue")
