"""Keeps the records of the account, and knows when each may be seen."""

from __future__ import annotations

import bisect
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from s3ir_tui.gameday.events import Record

Selector = Callable[[Record], Iterable[str]]
"""Which trails (their ARNs) take a record."""


class Recorder:
    """The truth of what happened, in order; the trail shows a record only once the lag has passed. Thread-safe.

    Args:
        clock: Seconds since the epoch.

    Attributes:
        lag: Seconds until a record shows.
        late_share: Share of the records that show later than that.
        late_seconds: At most how many seconds later.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.lag = self.late_share = self.late_seconds = 0.0
        self._chance = random.Random()  # noqa: S311 - no secret is made of it
        self.select: Selector = lambda _record: ()
        self._clock = clock
        self._lock = threading.Lock()
        self._all: list[Record] = []
        self._history: dict[tuple[str, str], list[tuple[str, int, float, Record]]] = defaultdict(list)
        self._pending: dict[str, list[tuple[float, Record]]] = defaultdict(list)

    def add(self, records: Iterable[Record], *, at_once: bool = False) -> None:
        """Record what happened.

        Args:
            records: CloudTrail records.
            at_once: Whether they may be seen now, as history that was injected may.
        """
        due = 0.0 if at_once else self._clock() + self.lag
        with self._lock:
            for record in records:
                late = not at_once and self._chance.random() < self.late_share
                visible = due + (self._chance.uniform(0.0, self.late_seconds) if late else 0.0)
                self._all.append(record)
                if record.get("eventCategory", "Management") == "Management":
                    place = (str(record["recipientAccountId"]), str(record["awsRegion"]))
                    entry = (str(record["eventTime"]), len(self._all), visible, record)
                    bisect.insort(self._history[place], entry, key=lambda item: item[:2])
                for trail in self.select(record):
                    self._pending[trail].append((visible, record))

    def truth(self, after: int = 0) -> list[Record]:
        """Every record, in the order in which it came, seen or not yet seen.

        Args:
            after: How many to leave out at the beginning.
        """
        with self._lock:
            return self._all[after:]

    def management(self, account: str, region: str, start: str, end: str) -> Iterator[Record]:
        """Management events of a Region that may be seen, newest first.

        Args:
            account: The account.
            region: The Region.
            start: Earliest `eventTime`.
            end: Latest `eventTime`.
        """
        now = self._clock()
        with self._lock:
            history = self._history.get((account, region), [])
            low = bisect.bisect_left(history, start, key=lambda item: item[0])
            high = bisect.bisect_right(history, end, key=lambda item: item[0])
            found = history[low:high]
        return (record for _, _, visible, record in reversed(found) if visible <= now)

    def take(self, *, everything: bool = False) -> dict[str, list[Record]]:
        """Records that are due for delivery, by trail; each is taken once.

        Args:
            everything: Whether those that may not be seen yet are taken as well.
        """
        now = self._clock()
        due: dict[str, list[Record]] = {}
        with self._lock:
            for trail, waiting in self._pending.items():
                ready = [record for visible, record in waiting if everything or visible <= now]
                if ready:
                    due[trail] = ready
                    self._pending[trail] = [] if everything else [item for item in waiting if item[0] > now]
        return due

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._all.clear()
            self._history.clear()
            self._pending.clear()


def event_view(record: Record) -> dict[str, Any]:
    """Who and what a record is about, as the attributes of LookupEvents see it: `Username`, `AccessKeyId`, and
    `Resources` as pairs of type and name."""
    identity = record.get("userIdentity") or {}
    arn = str(identity.get("arn") or "")
    return {
        "Username": identity.get("userName") or arn.rpartition("/")[2] or identity.get("invokedBy") or "",
        "AccessKeyId": identity.get("accessKeyId") or "",
        "Resources": list(dict.fromkeys(_resources(record))),
    }


_PARAMETERS = (
    ("userName", "AWS::IAM::User"),
    ("roleName", "AWS::IAM::Role"),
    ("groupName", "AWS::IAM::Group"),
    ("policyArn", "AWS::IAM::Policy"),
    ("policyName", "AWS::IAM::Policy"),
    ("accessKeyId", "AWS::IAM::AccessKey"),
    ("instanceProfileName", "AWS::IAM::InstanceProfile"),
    ("instanceId", "AWS::EC2::Instance"),
    ("bucketName", "AWS::S3::Bucket"),
    ("roleArn", "AWS::IAM::Role"),
    ("roleSessionName", "AWS::STS::AssumedRole"),
    ("trailName", "AWS::CloudTrail::Trail"),
)


def _resources(record: Record) -> Iterator[tuple[str, str]]:
    for resource in record.get("resources") or ():
        if arn := resource.get("ARN"):
            name = arn.split(":::", 1)[1] if ":::" in arn else arn
            yield str(resource.get("type", "")), name
    parameters = record.get("requestParameters") or {}
    for name, kind in _PARAMETERS:
        if isinstance(value := parameters.get(name), str):
            yield kind, value
    answered = record.get("responseElements") or {}
    for holder in ("accessKey", "credentials"):
        if isinstance(made := answered.get(holder), dict) and made.get("accessKeyId"):
            yield "AWS::IAM::AccessKey", str(made["accessKeyId"])
