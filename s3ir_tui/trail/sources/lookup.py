"""LookupEvents: the management events of one Region, of the last 90 days, without any set-up in the account."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.dedupe import SeenIds
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import BUSY, Calls, throttled, trouble

INTERVAL = 2.0
PAGE = 50
PACE = 0.55
"""Seconds between requests: two a second per account and Region (CloudTrail API), shared with whoever else looks."""

OVERLAP = timedelta(minutes=15)
"""Events come "typically within 15 minutes", in no order: so far back is looked again, once a minute."""

SHORT_OVERLAP = timedelta(minutes=2)
DEEP_EVERY = timedelta(minutes=1)
PAGES_A_POLL = 10

_MOST_WINDOWS = 100
_TRIES = 4
_REMEMBERED = 100_000

Window = tuple[datetime, datetime]


class LookupSource:
    """Polls LookupEvents: what is new first, then, page by page, what is older.

    Args:
        account: The connection.
        region: The Region to look in.
        since: How far to look back.
        pages: Most pages of 50 events in one poll.
        every: Seconds between two polls once nothing older is left to be read.
        remark: What whoever found this source could not see.
        clock: The time, UTC.
        monotonic: Seconds, for the pace.
        sleep: Waits.
    """

    data_events = False

    def __init__(
        self,
        account: Calls,
        region: str,
        since: datetime,
        *,
        pages: int = PAGES_A_POLL,
        every: float = INTERVAL,
        remark: str = "",
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = f"lookup {region}"
        self.remark = remark
        self._account, self._region, self._since, self._pages = account, region, since, pages
        self._every = every
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        self._seen = SeenIds(_REMEMBERED)
        self._looked_to: datetime | None = None
        self._deep_at = since
        self._asked = float("-inf")
        # What is still to be read, newest last.
        self._windows: list[Window] = []
        self._left = pages

    @property
    def caught_up(self) -> bool:
        """Whether nothing older is left to be read."""
        return self._looked_to is not None and not self._windows

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll."""
        return self._every if self.caught_up else BUSY

    def poll(self) -> list[Event]:
        """Read what is new, then a part of what is older.

        Raises:
            SourceError: Not one page could be read.
        """
        self._windows.append(self._newest_window())
        del self._windows[:-_MOST_WINDOWS]
        self._left = self._pages
        found: list[Event] = []
        while self._windows and self._left > 0:
            try:
                self._read(self._windows[-1], found)
            except AwsError as error:
                if found:
                    return found  # the window stays; the next poll tells if the trouble does
                raise trouble(self.name, error) from None
        return found

    def _newest_window(self) -> Window:
        """From where the last poll ended; once nothing old is left, with an overlap for what came late."""
        now = self._clock()
        if self._looked_to is None:
            start = self._since
            self._deep_at = now
        elif self._windows:
            start = self._looked_to
        elif now - self._deep_at >= DEEP_EVERY:
            start = self._deep_at - OVERLAP
            self._deep_at = now
        else:
            start = self._looked_to - SHORT_OVERLAP
        self._looked_to = now
        return min(max(self._since, start), now), now

    def _read(self, window: Window, found: list[Event]) -> None:
        """Page back through a window; what the budget leaves of it stays for the next time."""
        start, end = window
        token = ""
        oldest = end
        while True:
            answer = self._ask(start, end, token)
            self._left -= 1
            page = [event for event in map(_event, answer.get("Events") or ()) if event is not None]
            found += [event for event in page if self._seen.add(event.id)]
            if page:
                oldest = min(oldest, min(event.at for event in page))
            token = str(answer.get("NextToken") or "")
            self._windows.pop()
            if not token or oldest <= start:
                return
            # The end of a window is whole seconds: the second that was cut through is read again. A second that holds
            # more than the budget is read to its end, or it would be begun again and again.
            left = min(end, oldest + timedelta(seconds=1))
            self._windows.append((start, left))
            if self._left <= 0 and left < end:
                return

    def _ask(self, start: datetime, end: datetime, token: str) -> dict[str, Any]:
        params: dict[str, Any] = {
            "StartTime": min(start, end),
            "EndTime": end,
            "MaxResults": PAGE,
        }
        if token:
            params["NextToken"] = token
        for trial in range(_TRIES):
            self._sleep(max(0.0, self._asked + PACE - self._monotonic()))
            self._asked = self._monotonic()
            try:
                return self._account.call("cloudtrail", "LookupEvents", params, self._region)
            except AwsError as error:
                if not throttled(error) or trial == _TRIES - 1:
                    raise
                self._sleep(PACE * 2**trial)
        raise AssertionError("unreachable")


def _event(entry: object) -> Event | None:
    text = entry.get("CloudTrailEvent") if isinstance(entry, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return decode_record(text.encode("utf-8", "replace"))
    except ValueError:
        return None
