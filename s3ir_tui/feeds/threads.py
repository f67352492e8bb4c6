"""The threads of one connected account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from s3ir_tui.feeds.checks import check
from s3ir_tui.feeds.facts import Inbox
from s3ir_tui.feeds.posture_feed import read_posture, read_what_is_logged
from s3ir_tui.feeds.trail_feed import poll
from s3ir_tui.trail.sources.base import Closes, Source

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


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
        self._begin(f"trail {source.name}", lambda: poll(source, self._inbox, self._stop))

    def read_posture(self, account: Account) -> None:
        """Read the posture of the account now, every minute, and whenever `posture_changed` is called."""
        self._begin("posture", lambda: read_posture(account, self._inbox, self._stop, self._posture_due))

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
