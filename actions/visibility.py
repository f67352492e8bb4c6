"""Whether the old state that is read after an accepted write is "not visible yet", or was put back by someone."""

from __future__ import annotations

from dataclasses import dataclass

from actions.records import VISIBLE_AFTER

_NEVER_SHOWN = VISIBLE_AFTER.total_seconds()


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
        write that was never seen is waited for; one that was seen is taken for undone only when the old state has been
        read for longer than writes need here to show.

        Args:
            now: The time.
            slowest: The longest that a write of this run took to be visible.
        """
        if self.missing is None:
            return False
        if self.shown is None:
            return now - self.accepted >= _NEVER_SHOWN
        waited = now - self.missing
        return waited > 0 and waited >= min(2 * slowest, _NEVER_SHOWN)
