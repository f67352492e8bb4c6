"""The threads of posture: one reads everything round after round, one reads again what was written to or is suspect."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from s3ir_tui.aws.calls import Calls, PacedCalls, Rate, Stopped
from s3ir_tui.aws.memory import Memory
from s3ir_tui.aws.posture import Posture, PostureReader, attempt, read_round
from s3ir_tui.feeds.due import Due
from s3ir_tui.feeds.facts import Inbox, PostureFailed, PostureRead
from s3ir_tui.model import utc_now
from s3ir_tui.text import clean
from s3ir_tui.trail.targets import Target


@dataclass(frozen=True, slots=True)
class PosturePace:
    """How fast posture is read. Reads share their quotas with everyone who works in the account.

    Attributes:
        first: Calls a second of the first round.
        first_burst: Calls that may begin at once: a small account is read whole in a moment.
        rest: Calls a second of every later round, of all consoles of the case together.
        changes: Calls a second for what was written to or is suspect.
        changes_burst: Calls of that which may begin at once.
        every: Seconds from the begin of a round to the next, unless it takes longer.
        threads: Buckets read at a time in the first round.
    """

    first: float = 20.0
    first_burst: float = 200.0
    rest: float = 0.7
    changes: float = 4.0
    changes_burst: float = 80.0
    every: float = 1800.0
    threads: int = 6


_AFTER_FAULT = 15.0
_LONGEST_WAIT = 60.0


class PostureFeed:
    """Reads the posture of an account whole once, then what changed, and slowly all of it again.

    Args:
        inbox: Where the facts go.
        stop: Set when the console ends.
        pace: How fast.
        clock: Seconds, steadily growing.
        wait: Waits some seconds; tells whether the console ends.
        now: The time.
        consoles: How many consoles of the case read the account now.
    """

    def __init__(
        self,
        inbox: Inbox,
        stop: threading.Event,
        pace: PosturePace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
        now: Callable[[], datetime] = utc_now,
        consoles: Callable[[], int] = lambda: 1,
    ) -> None:
        self._consoles = consoles
        self._inbox, self._stop, self._clock, self._now = inbox, stop, clock, now
        self._wait = stop.wait if wait is None else wait
        self._pace = pace or PosturePace()
        self._due = Due(clock, wait)
        self._memory = Memory()
        self._begun = threading.Event()
        self._failing: set[str] = set()

    # -- from the room's thread -------------------------------------------------------------------

    def written(self, writes: Iterable[tuple[Target, datetime]]) -> None:
        """The trail or our own log shows writes.

        Args:
            writes: What was written to, and when. What was read well after that is not read again.
        """
        self._due.written(writes)

    def named(self, targets: Iterable[Target]) -> None:
        """What is marked or suspect now: it is looked at more closely, once."""
        now = frozenset(targets)
        new = now - self._memory.named
        if now != self._memory.named:
            self._memory.named = now
        if new:
            self._due.wanted(new)

    def end(self) -> None:
        """Wake the thread that waits for something to do."""
        self._begun.set()
        self._due.changed.set()

    # -- its threads ------------------------------------------------------------------------------

    def read_rounds(self, account: Calls) -> None:
        """Read everything round after round, until `stop`: the first at a good pace, the others slowly."""
        pace = self._pace
        rate = Rate(pace.first, pace.first_burst, self._stop, clock=self._clock, wait=self._wait)
        reader = PostureReader(PacedCalls(account, rate), self._memory, self._came, self._now)
        threads, first = pace.threads, True
        try:
            while not self._stop.is_set():
                begun = self._clock()
                parts = read_round(reader, self._failed, lambda: self._wait(_AFTER_FAULT), threads=threads, first=first)
                for _ in parts:
                    self._begun.set()
                rate.slow_down(pace.rest / max(1, self._consoles()))
                threads, first = 1, False
                if self._wait(max(0.0, begun + pace.every - self._clock())):
                    return
        except Stopped:
            return

    def read_changes(self, account: Calls) -> None:
        """Read again what was written to or is suspect, until `stop`.

        Users, roles and instances are listed first, in a few calls: most of what a look back brings is older than that.
        """
        self._begun.wait()
        self.run_due(account, lambda: not self._stop.is_set())

    def run_due(self, account: Calls, goes_on: Callable[[], bool]) -> None:
        """Read what is due for as long as it goes on.

        Args:
            account: The connection.
            goes_on: Asked before each look at what is due.
        """
        pace = self._pace
        rate = Rate(pace.changes, pace.changes_burst, self._stop, clock=self._clock, wait=self._wait)
        reader = PostureReader(PacedCalls(account, rate), self._memory, self._came, self._now)
        try:
            while goes_on():
                for target, written in self._due.take():
                    if self._memory.outdated(target, written):
                        self._target(reader, target)
                self._due.wait(_LONGEST_WAIT)
        except Stopped:
            return

    def _target(self, reader: PostureReader, target: Target) -> None:
        def failed(_what: str, error: str) -> None:
            self._failed(f"{target.kind} read again", error and f"{target.name}: {error}")

        attempt(target.name, lambda: reader.target(target), failed, lambda: self._wait(1.0))

    def _came(self, item: Posture) -> None:
        self._inbox.put(PostureRead(item))

    def _failed(self, what: str, error: str) -> None:
        # What always worked is not worth a word: a round of a large account would bring thousands of them.
        if error or what in self._failing:
            (self._failing.add if error else self._failing.discard)(what)
            self._inbox.put(PostureFailed(clean(what), clean(error)))
