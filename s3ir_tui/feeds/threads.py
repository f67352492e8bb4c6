"""The threads of one connected account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from s3ir_tui.feeds.checks import check
from s3ir_tui.feeds.facts import Inbox, PostureFailed
from s3ir_tui.feeds.logged_feed import read_what_is_logged
from s3ir_tui.feeds.posture_feed import PostureFeed, PosturePace
from s3ir_tui.feeds.trail_feed import poll
from s3ir_tui.text import clean
from s3ir_tui.trail.sources.base import Closes, Source
from s3ir_tui.trail.targets import Target

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


class Feeds:
    """The threads of one connected account. Each ends soon after `stop`; none holds the process alive.

    Args:
        inbox: Where the facts go.
        pace: How fast posture is read.
        consoles: How many consoles of the case read the account now: they share the pace of the later rounds.
    """

    def __init__(self, inbox: Inbox, pace: PosturePace | None = None, consoles: Callable[[], int] = lambda: 1) -> None:
        self._inbox = inbox
        self._stop = threading.Event()
        self._posture = PostureFeed(inbox, self._stop, pace, consoles=consoles)
        self._threads: list[threading.Thread] = []
        self._open: list[Closes] = []

    def follow(self, source: Source) -> None:
        """Poll a trail source from now on."""
        if isinstance(source, Closes):
            self._open.append(source)
        self._begin(f"trail {source.name}", lambda: poll(source, self._inbox, self._stop))

    def read_posture(self, account: Account) -> None:
        """Read the posture of the account whole once, then what changed, and slowly all of it again."""
        self._begin("posture", lambda: self._posture.read_rounds(account))
        self._begin("posture of what changed", lambda: self._posture.read_changes(account))

    def read_logged(self, account: Account, since: datetime) -> None:
        """Read what was logged of each bucket since a moment, now and every ten minutes."""
        self._begin("logged", lambda: read_what_is_logged(account, since, self._inbox, self._stop))

    def check_changes(
        self,
        holding: Callable[[], tuple[str, ...]],
        in_place: Callable[[str], tuple[int, int, int]],
        unknown: Callable[[], int],
    ) -> None:
        """Read our changes again and again, and look for calls whose outcome is unknown.

        Args:
            holding: References of the plans in force.
            in_place: How many changes of a plan are in place, of how many; blocks on AWS.
            unknown: How many calls were begun and have no outcome.
        """
        self._begin("checks", lambda: check(holding, in_place, unknown, self._inbox, self._stop))

    def written(self, writes: Iterable[tuple[Target, datetime]]) -> None:
        """Something was written to: its posture is read again, unless it was read after that."""
        self._posture.written(writes)

    def look_closely(self, targets: Iterable[Target]) -> None:
        """What is marked or suspect now: all of it is read, once."""
        self._posture.named(targets)

    def stop(self, seconds: float = 3.0) -> None:
        """Ask every thread to end and wait at most so long for all of them."""
        self._stop.set()
        self._posture.end()
        for source in self._open:
            source.close()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._watched, args=(name, work), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watched(self, name: str, work: Callable[[], None]) -> None:
        """Run a thread's work; that it ended before the console did is an alarm."""
        why = "it ended"
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a thread that ends without a word would look like silence
            why = f"unexpected {type(error).__name__}: {error}"
        if not self._stop.is_set():
            text = clean(f"{why}. Nothing of it is read any more: leave the console and open the case again")
            self._inbox.put(PostureFailed(f"{name} stopped", text))
