"""LookupEvents: the management events of one Region, of the last 90 days, without any set-up in the account."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.dedupe import SeenIds
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import BUSY, Calls, trouble
from s3ir_tui.trail.sources.covers import Covers, Lateness
from s3ir_tui.trail.sources.lookup_denied import RETRY_SECONDS, DeniedRegions
from s3ir_tui.trail.sources.lookup_passes import LATE, OVERLAP, Pass, Schedule
from s3ir_tui.trail.sources.lookup_quota import PACE, Quota

__all__ = ["INTERVAL", "PACE", "SLOW_INTERVAL", "LookupSource"]

INTERVAL = 6.0
"""Seconds between two looks at what is new, where something happens."""

SLOW_INTERVAL = 60.0
"""The same where nothing happens."""

PAGE = 50
PAGES_A_POLL = 8

_AWAKE_SECONDS = 120.0
_FEW_PAGES = 12
_REMEMBERED = 200_000


class LookupSource:
    """Polls LookupEvents: what is new first, then what came late, then, part by part, what is older.

    Each look at what is new reaches back a quarter of an hour, since events come late and in no order. Where that is
    more than a page, calls that change something are asked for first (`ReadOnly=false`), and a look ends at a page
    whose older half was all known; whole looks follow at their own pace.

    Args:
        account: The connection.
        region: The Region to look in.
        since: How far to look back.
        pages: Most pages of 50 events in one poll.
        every: Seconds between two looks where nothing happens.
        remark: What whoever found this source could not see.
        quota: The budget of the account in the Region.
        own: Access keys of this console: its own calls are nothing that happens.
        denied: Where Regions are noted that this identity may not use; `None` where that is an error.
        clock: The time, UTC.
        monotonic: Seconds, for the pace.
        sleep: Waits.

    Attributes:
        renewed: Makes the same source anew, with nothing read.
        on_answer: Called when the service answered.
        dormant: Whether the Region is left out for now, and another source tells why.
        complete_to: When the last whole look began, or `None`.
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
        quota: Quota | None = None,
        own: Callable[[], Collection[str]] = tuple,
        denied: DeniedRegions | None = None,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = f"lookup {region}"
        self.renewed: Callable[[], LookupSource] = lambda: LookupSource(
            account,
            region,
            since,
            pages=pages,
            every=every,
            remark=remark,
            quota=quota,
            own=own,
            denied=denied,
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
        )
        self.on_answer: Callable[[], None] = lambda: None
        self.region, self.since = region, since
        self._account, self._pages = account, pages
        self._slow, self._said, self._own, self._denied = every, remark, own, denied
        self._clock, self._monotonic = clock, monotonic
        self._quota = quota or Quota(monotonic=monotonic, sleep=sleep)
        self._seen = SeenIds(_REMEMBERED)
        self._schedule = Schedule(since)
        self._lateness = Lateness(oldest=LATE.total_seconds())
        self._looked_at: float | None = None
        self._small = True
        self._every, self._awake_until = min(INTERVAL, every), float("-inf")
        self._answered = False
        self.dormant = False
        self.complete_to: datetime | None = None
        self._began: datetime | None = None
        self._left = pages
        self._fresh: list[Event] = []

    # -- what it says of itself -------------------------------------------------------------------

    @property
    def caught_up(self) -> bool:
        """Whether nothing older is left to be read."""
        return self.dormant or (self._looked_at is not None and not self._schedule.backlog)

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll."""
        if self.dormant:
            return RETRY_SECONDS
        if self._looked_at is None or self._schedule.waiting:
            return BUSY
        return max(BUSY, self._looked_at + self._every - self._monotonic())

    @property
    def remark(self) -> str:
        """What could not be seen, and where LookupEvents is not allowed."""
        return "; ".join(filter(None, (self._said, self._denied.said_by(self.name) if self._denied else "")))

    @property
    def covers(self) -> Covers:
        """All management events of the Region; data events are never in Event history."""
        return Covers((self.region,))

    @property
    def late(self) -> float | None:
        """How long after their times events came, in seconds."""
        return self._lateness.seconds

    @property
    def backlog(self) -> tuple[Pass, ...]:
        """What is left to be read of history: another console of the case goes on with it."""
        return tuple(self._schedule.backlog)

    def take_over(self, complete_to: datetime | None, backlog: Sequence[Pass]) -> None:
        """Go on where another console of the case ended.

        Args:
            complete_to: Up to when it had brought everything.
            backlog: What it had left to read.
        """
        self._schedule.resume(complete_to, backlog)

    # -- polling ----------------------------------------------------------------------------------

    def poll(self) -> list[Event]:
        """Read what is new if it is time to, then a part of what is late or older.

        Raises:
            SourceError: Not one page could be read.
        """
        now = self._clock()
        found: list[Event] = []
        self._left, self._fresh = self._pages, []
        try:
            if self._due():
                self._look(now, found)
            while self._left > 0 and (some := self._schedule.next(now)) is not None:
                self._read(some, found)
        except AwsError as error:
            if not found:
                return self._failed(error)
            # What was not read waits; the next poll tells if the trouble stays.
        self._keep_pace()
        return found

    def _due(self) -> bool:
        return self._looked_at is None or self._monotonic() >= self._looked_at + self._every - BUSY

    def _look(self, now: datetime, found: list[Event]) -> None:
        """Look at the last quarter of an hour: whole where a page holds it, else writes first, as far as is new."""
        first = self._looked_at is None
        start = max(self.since, now - OVERLAP)
        whole = Pass(start, now, now, kind="look")
        self._left = max(self._left, 1)
        if self._small and self._read(whole, found, pages=1):
            pass
        else:
            self._small = False
            for some in (Pass(start, now, now, writes=True, kind="look"), Pass(start, now, now, kind="look")):
                if not self._read(some, found, quick=not first) and some.cut:
                    self._schedule.put(some)
        if first:
            self._began = now
            few = self._small and (now - self.since) <= OVERLAP * _FEW_PAGES
            self._schedule.begin(now, start, writes_first=not few)
        self._looked_at = self._monotonic()

    def _read(self, some: Pass, found: list[Event], *, pages: int = 0, quick: bool = False) -> bool:
        """Page back through what is left of a pass, within the budget of the poll.

        Args:
            some: The pass.
            found: Where new events go.
            pages: Most pages, or 0 for what the poll has left.
            quick: Whether to end at a page whose older half was known.

        Returns:
            Whether it was read to its beginning.
        """
        token, read, oldest = "", 0, some.end
        while True:
            try:
                answer = self._quota.ask(self._account, some.params(PAGE, token), self.region)
            except AwsError:
                if read:
                    some.cut_at(oldest + timedelta(seconds=1), read, keep=True)
                raise
            self._worked()
            self._left -= 1
            read += 1
            page = [event for event in map(_event, answer.get("Events") or ()) if event is not None]
            new = [self._seen.add(event.id) for event in page]
            fresh = [event for event, is_new in zip(page, new, strict=True) if is_new]
            found += fresh
            if some.kind != "history":
                self._fresh += fresh
            token = str(answer.get("NextToken") or "")
            oldest = min((event.at for event in page), default=some.end)
            if not token or oldest <= some.start:
                self._done(some, read)
                return True
            spent = read >= pages if pages else self._left <= 0
            known = quick and not any(new[len(new) // 2 :])
            # The end of a window is whole seconds: the second that was cut through is read again. A second that holds
            # more than the budget is read to its end, or it would be begun again and again.
            if (spent or known) and some.cut_at(oldest + timedelta(seconds=1), read, keep=not known):
                return False

    def _worked(self) -> None:
        self.on_answer()
        self._answered = True
        if self.dormant and self._denied is not None:
            self.dormant = False
            self._denied.works(self.region)

    def _done(self, some: Pass, read: int) -> None:
        some.pages += read
        if some.proves:
            self.complete_to = max(self.complete_to or some.begun, some.begun)
        if some.kind == "look" and not some.writes and not some.cut:
            self._small = some.pages <= 1
        self._schedule.done(some)

    def _keep_pace(self) -> None:
        """Look often where others than this console do something, seldom where nobody does."""
        now, own = self._clock(), self._own()
        for event in self._fresh:
            if self._began is not None and event.at >= self._began:  # what is older was looked up, it did not come late
                self._lateness.take(event.at, now)
        if any(e.name != "LookupEvents" and not e.invoked_by and e.access_key not in own for e in self._fresh):
            self._awake_until = self._monotonic() + _AWAKE_SECONDS
            self._every = min(INTERVAL, self._slow)
        elif self._monotonic() >= self._awake_until:
            self._every = min(self._slow, self._every * 2)

    def _failed(self, error: AwsError) -> list[Event]:
        """Say what is wrong; a Region that never answered and may not be used is noted with the others."""
        if self._denied is not None and not self._answered and self._denied.take(self.region, error):
            self.dormant = True
            return []
        raise trouble(self.name, error) from None


def _event(entry: object) -> Event | None:
    text: Any = entry.get("CloudTrailEvent") if isinstance(entry, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return decode_record(text.encode("utf-8", "replace"))
    except ValueError:
        return None
