"""Background threads that bring facts of the live account to the room: trail sources, posture, our changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.board.known import Posture
from s3ir_tui.room import SourceStatus
from s3ir_tui.text import clean
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import Acknowledged, Closes, Source, SourceError, remark

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

POSTURE_SECONDS = 60.0

_FULL = 40
_FULL_SECONDS = 0.05
CHECK_SECONDS = 15.0
LOGGED_SECONDS = 600.0
_AFTER_FAULT = 15.0


@dataclass(frozen=True, slots=True)
class EventsCame:
    """A poll of a source brought events.

    Attributes:
        source: Name of the source.
        events: What it brought.
        recorded: To be told once all of them are on disk, by a source that gives them up then; else `None`.
    """

    source: str
    events: tuple[Event, ...]
    recorded: Callable[[Sequence[Event]], None] | None = None


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """A source was polled: it works, or its error says why not."""

    status: SourceStatus


@dataclass(frozen=True, slots=True)
class PostureRead:
    """The posture of one bucket, principal or instance was read."""

    item: Posture


@dataclass(frozen=True, slots=True)
class LoggedRead:
    """It was read what was logged of a bucket's objects."""

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostureFailed:
    """A whole posture reading failed, or works again where `error` is empty."""

    what: str
    error: str


@dataclass(frozen=True, slots=True)
class ChangesChecked:
    """Our changes of one containment were read again."""

    ref: str
    in_place: int
    changes: int
    at: datetime


@dataclass(frozen=True, slots=True)
class OutcomesUnknown:
    """How many calls were begun by consoles that ended before they recorded the outcome."""

    count: int


Fact = EventsCame | SourceChanged | PostureRead | LoggedRead | PostureFailed | ChangesChecked | OutcomesUnknown
Inbox = SimpleQueue[Fact]


class Feeds:
    """The threads of one connected account. Each ends soon after `stop`; none holds the process alive.

    Args:
        inbox: Where the facts go.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._stop = threading.Event()
        self._posture_due = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[Closes] = []

    def follow(self, source: Source) -> None:
        """Poll a trail source from now on."""
        if isinstance(source, Closes):
            self._open.append(source)
        self._begin(f"trail {source.name}", lambda: self._poll(source))

    def read_posture(self, account: Account) -> None:
        """Read the posture of the account now, every minute, and whenever `posture_changed` is called."""
        self._begin("posture", lambda: self._posture(account))

    def read_logged(self, account: Account, since: datetime) -> None:
        """Read what was logged of each bucket since a moment, now and every ten minutes."""
        self._begin("logged", lambda: self._logged(account, since))

    def check_changes(
        self,
        holding: Callable[[], tuple[str, ...]],
        in_place: Callable[[str], tuple[int, int]],
        unknown: Callable[[], int],
    ) -> None:
        """Read our changes again and again, and look for calls whose outcome is unknown.

        Args:
            holding: References of the plans in force.
            in_place: How many changes of a plan are in place, of how many; blocks on AWS.
            unknown: How many calls were begun and have no outcome.
        """
        self._begin("checks", lambda: self._check(holding, in_place, unknown))

    def posture_changed(self) -> None:
        """Something was changed: read the posture again soon."""
        self._posture_due.set()

    def stop(self, seconds: float = 3.0) -> None:
        """Ask every thread to end and wait at most so long for all of them."""
        self._stop.set()
        self._posture_due.set()
        for source in self._open:
            source.close()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _poll(self, source: Source) -> None:
        recorded = source.recorded if isinstance(source, Acknowledged) else None
        while not self._stop.is_set():
            error = ""
            try:
                events = source.poll()
                wait = source.interval
            except SourceError as problem:
                error, wait = str(problem), problem.retry_after or source.interval
            except Exception as problem:  # noqa: BLE001 - a source that ends without a word would look like silence
                error, wait = clean(f"{source.name}: unexpected {type(problem).__name__}: {problem}"), _AFTER_FAULT
            else:
                self._inbox.put(EventsCame(source.name, tuple(events), recorded))
            status = SourceStatus(source.name, None, error, source.data_events, clean(remark(source)))
            self._inbox.put(SourceChanged(status))
            self._stop.wait(wait)
            while self._inbox.qsize() > _FULL and not self._stop.is_set():
                self._stop.wait(_FULL_SECONDS)  # a source that is faster than the room must not fill the memory

    def _posture(self, account: Account) -> None:
        from s3ir_tui.aws.buckets import read_buckets
        from s3ir_tui.aws.instances import read_instances
        from s3ir_tui.aws.principals import read_principals

        readers: tuple[tuple[str, Callable[[], object]], ...] = (
            ("buckets", lambda: read_buckets(account, self._posture_came)),
            ("principals", lambda: self._posture_list(read_principals(account))),
            ("instances", lambda: self._posture_list(read_instances(account))),
        )
        while not self._stop.is_set():
            self._posture_due.clear()
            for what, read in readers:
                error = ""
                try:
                    read()
                except AwsError as problem:
                    error = str(problem)
                self._inbox.put(PostureFailed(what, error))
                if self._stop.is_set():
                    return
            self._posture_due.wait(POSTURE_SECONDS)

    def _logged(self, account: Account, since: datetime) -> None:
        from s3ir_tui.trail.discover import survey
        from s3ir_tui.trail.logged import read_logged

        while True:
            reading = read_logged(account, survey(account), since, datetime.now(UTC))
            for bucket in reading.buckets:
                self._inbox.put(LoggedRead(reading.facts(bucket)))
            if self._stop.wait(LOGGED_SECONDS):
                return

    def _posture_list(self, items: Iterable[Posture]) -> None:
        for item in items:
            self._posture_came(item)

    def _posture_came(self, item: Posture) -> None:
        self._inbox.put(PostureRead(item))

    def _check(
        self,
        holding: Callable[[], tuple[str, ...]],
        in_place: Callable[[str], tuple[int, int]],
        unknown: Callable[[], int],
    ) -> None:
        while True:
            self._inbox.put(OutcomesUnknown(unknown()))
            if self._stop.wait(CHECK_SECONDS):
                return
            for ref in holding():
                try:
                    there, changes = in_place(ref)
                except AwsError:
                    continue
                self._inbox.put(ChangesChecked(ref, there, changes, datetime.now(UTC)))
