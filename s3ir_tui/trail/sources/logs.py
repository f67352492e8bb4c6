"""CloudWatch Logs: what a trail sends to its log group, read with FilterLogEvents."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import Skipped, decode, decode_record
from s3ir_tui.trail.dedupe import SeenIds
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import BUSY, Calls, SourceError, throttled, trouble
from s3ir_tui.trail.sources.covers import Covers

INTERVAL = 5.0
SECONDS_A_POLL = 2.0
"""A poll asks for no further page after so long: what is newest is to be shown soon."""

QUOTA = {
    "us-east-1": 25,
    "eu-central-1": 5,
    "ap-northeast-3": 5,
    "ap-southeast-3": 5,
    "ca-west-1": 5,
    "il-central-1": 5,
}
"""FilterLogEvents per second, account and Region (CloudWatch Logs quotas, not adjustable)."""

USUAL_QUOTA = 10

SLACK = timedelta(minutes=2)
"""Looked back beyond the lateness that was seen: our clock and theirs differ."""

OVERLAP = timedelta(minutes=15)
"""The longest look back of each poll, and the look back while the group's lateness is not known."""

DEEP_OVERLAP = timedelta(hours=1)
DEEP_EVERY = timedelta(minutes=10)

_FIRST_SLICE = timedelta(minutes=15)
_LONGEST_SLICE = timedelta(hours=4)
_TRIES = 4
_REMEMBERED = 200_000
_MOST_REASONS = 100


@dataclass(slots=True)
class _Window:
    """A time range, milliseconds since 1970, both ends included; the token says how far it has been read."""

    start: int
    end: int
    token: str = ""


class LogsSource:
    """Polls a log group: what is new first, then, window by window, what is older.

    Args:
        account: The connection.
        group: Name or ARN of the log group.
        region: The Region that the group is in.
        since: How far to look back.
        data_events: Whether the trail's selectors include S3 data events.
        seconds: How long a poll goes on asking for pages.
        clock: The time, UTC.
        monotonic: Seconds, for the pace.
        sleep: Waits.
    """

    def __init__(
        self,
        account: Calls,
        group: str,
        region: str,
        since: datetime,
        *,
        data_events: bool,
        seconds: float = SECONDS_A_POLL,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = f"logs {group_name(group)}"
        self.data_events = data_events
        self.pace = 1.1 / QUOTA.get(region, USUAL_QUOTA)
        self._account, self._region, self._since, self._seconds = account, region, _millis(since), seconds
        self._group = {"logGroupIdentifier": group_arn(group)} if group.startswith("arn:") else {"logGroupName": group}
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        self._seen = SeenIds(_REMEMBERED)
        self._reasons: Counter[str] = Counter()
        self._looked_to: int | None = None
        self._whole_to: int | None = None
        self._deep_at = 0
        # How long after its time an event was there to be read: the longest of this period, and of the last one.
        self._late, self._late_before = 0, 0
        self._asked = float("-inf")
        # What is still to be read: the newest window by itself, the older ones newest last.
        self._newest: list[_Window] = []
        self._older: list[_Window] = []

    @property
    def caught_up(self) -> bool:
        """Whether nothing older is left to be read."""
        return self._looked_to is not None and not self._newest and not self._older

    @property
    def covers(self) -> Covers:
        """Whatever the trail selects, unless an event is larger than CloudWatch Logs takes."""
        return Covers(data=self.data_events)

    @property
    def complete_to(self) -> datetime | None:
        """The end of the last window that was read whole."""
        return None if self._whole_to is None else datetime.fromtimestamp(self._whole_to / 1000, UTC)

    @property
    def late(self) -> float | None:
        """How long after their times events were there to be read, in seconds."""
        return max(self._late, self._late_before) / 1000 or None

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll."""
        return INTERVAL if self.caught_up else BUSY

    @property
    def skipped(self) -> list[Skipped]:
        """What stood in the group and gave no event."""
        return [Skipped(self.name, reason, count) for reason, count in self._reasons.items()]

    def poll(self) -> list[Event]:
        """Read what is new, then a part of what is older.

        Raises:
            SourceError: Not one page could be read.
        """
        self._plan(_millis(self._clock()))
        until = self._monotonic() + self._seconds
        found: list[Event] = []
        try:
            for windows in (self._newest, self._older):
                # A page of each at least: neither waits for ever for the other.
                while windows:
                    found += self._read_page(windows)
                    if self._monotonic() >= until:
                        break
        except AwsError as error:
            if not found:
                raise logs_trouble(self.name, error, self._region) from None
            # The window stays; the next poll tells if the trouble does.
        return found

    def _plan(self, now: int) -> None:
        """Look from where the last poll ended to now, with an overlap for what came late."""
        if self._looked_to is None:
            *self._older, newest = _slices(self._since, now)
            self._newest = [newest]
            self._deep_at = self._looked_to = now
            return
        start = max(self._since, self._looked_to - self._overlap())
        if now - self._deep_at >= _span(DEEP_EVERY):
            self._older.insert(0, _Window(max(self._since, self._deep_at - _span(DEEP_OVERLAP)), now))
            self._deep_at = now
            self._late, self._late_before = 0, self._late
        if not self._newest:
            self._newest.append(_Window(start, now))
        elif not self._newest[0].token:
            self._newest[0].end = now  # it was never begun: the last poll failed
        else:
            return  # what came since then is looked for once this is read
        self._looked_to = now

    def _overlap(self) -> int:
        late = max(self._late, self._late_before)
        return min(late + _span(SLACK), _span(OVERLAP)) if late else _span(OVERLAP)

    def _read_page(self, windows: list[_Window]) -> list[Event]:
        """Read the next page of the last window; the window goes when there are no more."""
        window = windows[-1]
        try:
            answer = self._ask(window)
        except AwsError as error:
            if window.token and error.code == "InvalidParameterException":
                window.token = ""  # a token is good for a day: begin again
            raise
        window.token = str(answer.get("nextToken") or "")
        if not window.token:
            windows.pop()
            if windows is self._newest:
                self._whole_to = window.end
        entries = [entry for entry in answer.get("events") or () if self._is_new(entry)]
        self._late = max([self._late, *map(_lateness, entries)])
        return decode_messages((str(entry.get("message") or "") for entry in entries), self.name, self._reasons)

    def _is_new(self, entry: Mapping[str, Any]) -> bool:
        ident = str(entry.get("eventId") or "")
        return not ident or self._seen.add(ident)

    def _ask(self, window: _Window) -> dict[str, Any]:
        params: dict[str, Any] = {**self._group, "startTime": window.start, "endTime": window.end}
        if window.token:
            params["nextToken"] = window.token
        for trial in range(_TRIES):
            self._sleep(max(0.0, self._asked + self.pace - self._monotonic()))
            self._asked = self._monotonic()
            try:
                return self._account.call("logs", "FilterLogEvents", params, self._region)
            except AwsError as error:
                if not throttled(error) or trial == _TRIES - 1:
                    raise
                self._sleep(self.pace * 2 ** (trial + 1))
        raise AssertionError("unreachable")


_WAYS_OUT = {
    "ResourceNotFoundException": "There is no such log group in {region}: DescribeTrails names the trail's own.",
    "InvalidOperationException": "Live Tail reads log groups of the Standard class only: take the source `logs`.",
    "LimitExceededException": "Too many Live Tail sessions are open in this account: end one, or take `logs`.",
}


def logs_trouble(name: str, error: AwsError, region: str) -> SourceError:
    """The error of a source of CloudWatch Logs, with the way out."""
    told = trouble(name, error)
    way = _WAYS_OUT.get(error.code, "").format(region=region)
    return SourceError(f"{told} {way}".strip(), told.retry_after)


def decode_messages(messages: Iterable[str], origin: str, reasons: Counter[str]) -> list[Event]:
    """Decode the messages of log events: one record each, as CloudTrail sends them.

    Args:
        messages: The messages.
        origin: The source that they come from.
        reasons: What gives no event is counted here, by its reason.
    """
    events: list[Event] = []
    for message in messages:
        raw = message.encode("utf-8", "replace")
        try:
            events.append(decode_record(raw))
        except ValueError:
            found = decode(raw, origin)
            events += found.events
            for item in found.skipped:
                if item.reason in reasons or len(reasons) < _MOST_REASONS:
                    reasons[item.reason] += item.count
    return events


def group_arn(arn: str) -> str:
    """The ARN of a log group as the calls of CloudWatch Logs take it: trails name theirs with `:*` at the end."""
    return arn.removesuffix(":*")


def group_name(group: str) -> str:
    """The name in `arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*`, or what was given."""
    return group_arn(group).split(":log-group:", 1)[-1]


def _slices(start: int, end: int) -> list[_Window]:
    """Cut a time range into windows, newest last: short where it is recent, longer further back."""
    windows: list[_Window] = []
    length = _span(_FIRST_SLICE)
    while not windows or end > start:
        begin = max(start, end - length)
        windows.insert(0, _Window(min(begin, end), end))
        end, length = begin, min(length * 2, _span(_LONGEST_SLICE))
    return windows


def _lateness(entry: Mapping[str, Any]) -> int:
    return int(entry.get("ingestionTime") or 0) - int(entry.get("timestamp") or 0)


def _millis(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)


def _span(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
