"""Whether the old state that is read after an accepted write is "not visible yet", or was put back by someone."""

from __future__ import annotations

from dataclasses import dataclass

from actions.records import VISIBLE_AFTER

_NEVER_SHOWN = VISIBLE_AFTER.total_seconds()
_SHORTEST_WAIT = 1.0


@dataclass(slots=True)
class Visibility:
    """What was seen of one accepted write. Times are seconds of a monotonic clock.

    Attributes:
        accepted: When AWS accepted it.
        shown: When it was read back first, or `None`.
        missing: Since when the old state has been read without a break, or `None`.
    """

    accepted: float
    shown: float | None = None
    missing: float | None = None

    def seen(self, now: float) -> None:
        """It was read back."""
        self.shown = now if self.shown is None else self.shown
        self.missing = None

    def not_seen(self, now: float) -> None:
        """The old state was read."""
        self.missing = now if self.missing is None else self.missing

    @property
    def delay(self) -> float:
        """How long it took to be visible; 0 where it is not yet."""
        return 0.0 if self.shown is None else self.shown - self.accepted

    def put_back(self, now: float, slowest: float) -> bool:
        """Whether someone put the old state back.

        IAM and bucket configuration are eventually consistent: a read may show the state from before a write. So a
        write is taken for undone only when the old state has been read for longer than writes need here to show. One
        that was never seen is waited for longer, but not for ever: whoever undoes at once would win.

        Args:
            now: The time.
            slowest: The longest that a write to the same service took to be visible in this run; 0 where none was yet.
        """
        if self.missing is None:
            return False
        if self.shown is None:
            known = max(_SHORTEST_WAIT, 4 * slowest)
            return now - self.accepted >= (min(known, _NEVER_SHOWN) if slowest else _NEVER_SHOWN)
        waited = now - self.missing
        return waited > 0 and waited >= min(2 * slowest, _NEVER_SHOWN)
