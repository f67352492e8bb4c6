"""CloudWatch Logs, pushed: what a trail sends to its log group, as Live Tail streams it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.streams import EventStream
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import BUSY, SourceError
from s3ir_tui.trail.sources.covers import Covers
from s3ir_tui.trail.sources.logs import decode_messages, group_arn, group_name, logs_trouble

SESSION_SECONDS = 3 * 3600.0
"""A session ends after three hours (StartLiveTail)."""

RENEW_AFTER = SESSION_SECONDS - 300.0
"""Age at which a session gets its successor: both are read for a while, so that nothing falls between them."""

BOTH_FOR = 10.0
"""Seconds for which a session goes on beside its successor: the service buffers up to ten updates."""

SILENT = 8.0
"""Seconds without an update after which the source counts as silent: one is due every second, also an empty one."""

WAITS = 1.0
"""Most seconds that a poll waits for something to come."""

MOST_WAITING = 64_000_000
"""Characters of messages that are kept until they are polled; the oldest go first."""

_SHORTEST_BACKOFF = 1.0
_LONGEST_BACKOFF = 30.0
_JOIN = 2.0


class Streams(Protocol):
    """The streaming half of `Account`, as this source uses it."""

    def stream(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> EventStream:
        """Open an event stream; raises `AwsError`."""


class LiveTailSource:
    """Keeps a Live Tail session open and hands on what it brings. It knows nothing of what was before.

    Sessions are opened, renewed and given up by `poll`; each is read on a thread of its own.

    Args:
        account: The connection.
        group_arn: ARN of the log group.
        region: The Region that the group is in.
        data_events: Whether the trail's selectors include S3 data events.
        renew_after: Age in seconds at which a session is renewed.
        both_for: Seconds for which a renewed session is still read.
        silent: Seconds without an update that are told.
        most_waiting: Characters of messages that may wait for a poll.
        clock: The time, UTC.
        monotonic: Seconds.
    """

    interval = BUSY

    def __init__(
        self,
        account: Streams,
        group_arn: str,
        region: str,
        *,
        data_events: bool,
        renew_after: float = RENEW_AFTER,
        both_for: float = BOTH_FOR,
        silent: float = SILENT,
        most_waiting: int = MOST_WAITING,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"livetail {group_name(group_arn)}"
        self.data_events = data_events
        self._account, self._arn, self._region = account, group_arn, region
        self._renew_after, self._both_for, self._silent = renew_after, both_for, silent
        self._clock, self._monotonic = clock, monotonic
        self._inbox = _Inbox(most_waiting)
        self._lock = threading.Lock()
        self._closed = False
        # The session that is read and, for a while, its successor or the one that it succeeds; oldest first.
        self._sessions: list[_Session] = []
        self._next_start, self._backoff = float("-inf"), _SHORTEST_BACKOFF
        self._proved: _Session | None = None
        self._problem = ""
        self._untold = False
        self._unread = _Unread()
        self._reasons: Counter[str] = Counter()

    @property
    def remark(self) -> str:
        """What is known to be missing: sampled, dropped, not read; "" when nothing is."""
        return "; ".join(part for part in (*self._inbox.remarks(), self._unread.remark()) if part)

    @property
    def covers(self) -> Covers:
        """Whatever the trail selects, from the moment on at which the session began."""
        return Covers(data=self.data_events)

    @property
    def complete_to(self) -> datetime | None:
        """When the last update came; `None` where updates are missing or only a sample: silence proves nothing then."""
        heard = [session.heard_at for session in self._sessions if session.begun_at is not None]
        return max(heard) if heard and not self.remark and not self._problem else None

    @property
    def late(self) -> float | None:
        """Not measured: an update says nothing of the time at which CloudTrail sent it."""
        return None

    @property
    def skipped(self) -> list[Skipped]:
        """What stood in the group and gave no event."""
        return [Skipped(self.name, reason, count) for reason, count in self._reasons.items()]

    def poll(self) -> list[Event]:
        """Hand on what has come; wait a little where nothing has.

        Raises:
            SourceError: There is no session, or it is silent. What came before that is kept for the next poll.
        """
        self._tend()
        if not self._untold:
            self._inbox.wait(WAITS)
            self._tend()
        if self._closed:
            return []
        if self._untold:
            self._untold = False
            raise SourceError(self._problem, BUSY)
        messages = self._inbox.take()
        if self._problem and not messages:
            raise SourceError(self._problem, BUSY)
        return decode_messages(messages, self.name, self._reasons)

    def close(self) -> None:
        """End the session; polls bring nothing from then on."""
        with self._lock:
            self._closed = True
            sessions = tuple(self._sessions)
        for session in sessions:
            session.close()
        self._inbox.wake()
        until = time.monotonic() + _JOIN
        for session in sessions:
            session.join(until - time.monotonic())

    # -- sessions ---------------------------------------------------------------------------------

    def _tend(self) -> None:
        """Give up sessions that are over, renew one that is old, open one where there is none."""
        for session in [session for session in self._sessions if session.over]:
            self._sessions.remove(session)
            self._ended(session)
        reading = [session for session in self._sessions if session.begun_at is not None]
        if reading:
            self._going_well(reading)
        elif not self._sessions:
            self._start()
        self._look_for_silence()

    def _going_well(self, reading: list[_Session]) -> None:
        newest = reading[-1]
        if newest.updates and newest is not self._proved:
            self._proved, self._backoff = newest, _SHORTEST_BACKOFF
        age = self._monotonic() - newest.begun
        if age >= self._both_for:
            for old in reading[:-1]:
                old.close()
        if age >= self._renew_after and newest is self._sessions[-1]:
            self._start()
        if newest.begun_at is not None:
            self._unread.end(newest.begun_at)
        if not self._untold:
            self._problem = ""

    def _start(self) -> None:
        now = self._monotonic()
        with self._lock:
            if now < self._next_start or self._closed:
                return
            session = _Session(self._account, self._arn, self._region, self._inbox, self._clock, self._monotonic)
            self._sessions.append(session)
            session.start()
        self._next_start, self._backoff = now + self._backoff, min(self._backoff * 2, _LONGEST_BACKOFF)

    def _ended(self, session: _Session) -> None:
        """Tell that a session is over, unless it was to end or another one is read."""
        if session.closed or any(other.begun_at is not None for other in self._sessions):
            return
        if session.begun_at is not None:
            self._unread.begin(session.heard_at)
        error = session.error or AwsError("StreamEnded", "", operation="logs:StartLiveTail", hint="The stream ended.")
        problem = f"{logs_trouble(self.name, error, self._region)} It is opened again."
        self._untold = self._untold or problem != self._problem
        self._problem = problem

    def _look_for_silence(self) -> None:
        if self._problem or not self._sessions:
            return
        quiet = self._monotonic() - max(session.heard for session in self._sessions)
        if quiet >= self._silent:
            self._problem = f"{self.name}: silent for {quiet:.0f} s, an update is due every second. It is waited for."


class _Session:
    """One Live Tail session, read on a thread of its own until it ends.

    Attributes:
        begun: When the service said that it begins, in monotonic seconds.
        begun_at: The same as a time, or `None` before.
        heard: When something came last, in monotonic seconds.
        heard_at: The same as a time.
        updates: Updates that came.
        closed: Whether we ended it.
        over: Whether its thread is done.
        error: Why it ended.
    """

    def __init__(
        self,
        account: Streams,
        arn: str,
        region: str,
        inbox: _Inbox,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._account, self._region, self._inbox = account, region, inbox
        self._params = {"logGroupIdentifiers": [group_arn(arn)]}
        self._clock, self._monotonic = clock, monotonic
        self._stream: EventStream | None = None
        self._thread = threading.Thread(target=self._run, name=f"live tail {group_name(arn)}", daemon=True)
        self.begun = 0.0
        self.begun_at: datetime | None = None
        self.heard, self.heard_at = monotonic(), clock()
        self.updates = 0
        self.closed = self.over = False
        self.error: AwsError | None = None

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End it; its thread is done soon after."""
        self.closed = True
        if self._stream is not None:
            self._stream.close()

    def join(self, seconds: float) -> None:
        self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        try:
            self._stream = self._account.stream("logs", "StartLiveTail", self._params, "responseStream", self._region)
            if self.closed:
                self._stream.close()
            for event in self._stream:
                self._hear(event)
        except AwsError as error:
            self.error = error
        finally:
            self.over = True
            self._inbox.wake()

    def _hear(self, event: Mapping[str, Any]) -> None:
        self.heard, self.heard_at = self._monotonic(), self._clock()
        if "sessionStart" in event:
            self.begun, self.begun_at = self.heard, self.heard_at
            self._inbox.wake()
        elif "sessionUpdate" in event:
            self.updates += 1
            update = event["sessionUpdate"]
            messages = [str(entry.get("message") or "") for entry in update.get("sessionResults") or ()]
            sampled = bool((update.get("sessionMetadata") or {}).get("sampled"))
            self._inbox.put(messages, self.heard_at if sampled else None)


class _Inbox:
    """Messages that wait for a poll: bounded, with what was left out counted.

    Args:
        most: Characters that may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[str] = deque()
        self._size = 0
        self._woken = False
        self._changed = threading.Condition()
        self._dropped = 0
        self._sampled = 0
        self._sampled_at: datetime | None = None
        self._sampling = False

    def put(self, messages: Iterable[str], sampled_at: datetime | None) -> None:
        """Take the messages of an update in; the oldest make room.

        Args:
            messages: The messages.
            sampled_at: When it came, if it is a sample of what was logged, else `None`.
        """
        with self._changed:
            for message in messages:
                self._waiting.append(message)
                self._size += len(message)
            while self._size > self._most:
                self._size -= len(self._waiting.popleft())
                self._dropped += 1
            self._sampling = sampled_at is not None
            if sampled_at is not None:
                self._sampled += 1
                self._sampled_at = sampled_at
            self._changed.notify_all()

    def take(self) -> list[str]:
        """Everything that waits."""
        with self._changed:
            messages = list(self._waiting)
            self._waiting.clear()
            self._size = 0
            return messages

    def wait(self, seconds: float) -> None:
        """Wait until something came, or somebody woke us."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._woken, seconds)
            self._woken = False

    def wake(self) -> None:
        """Something other than messages is to be looked at."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def remarks(self) -> tuple[str, ...]:
        """What was left out, in words."""
        with self._changed:
            found = []
            if self._sampling:
                found.append("sampled: over 500 events a second, the rest is not shown")
            elif self._sampled_at is not None:
                found.append(f"sampled until {self._sampled_at:%H:%M:%S} UTC ({self._sampled} updates)")
            if self._dropped:
                found.append(f"{self._dropped} events dropped: they came faster than they were read")
            return tuple(found)


class _Unread:
    """The times in which no session was read."""

    def __init__(self) -> None:
        self._from: datetime | None = None
        self._last: tuple[datetime, datetime] | None = None
        self._count = 0

    def begin(self, at: datetime) -> None:
        """Nothing is read from now on."""
        if self._from is None:
            self._from = at

    def end(self, at: datetime) -> None:
        """A session is read since then."""
        if self._from is not None:
            self._last, self._from = (self._from, at), None
            self._count += 1

    def remark(self) -> str:
        """What was not read, in words."""
        if self._from is not None:
            return f"not read since {self._from:%H:%M:%S} UTC"
        if self._last is None:
            return ""
        begin, end = self._last
        times = f" (gap {self._count})" if self._count > 1 else ""
        return f"not read from {begin:%H:%M:%S} to {end:%H:%M:%S} UTC{times}"
