"""What an analysis lacks: data that gave no event, sources that could not be read, what is not listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from s3ir_tui.trail.decode import Skipped

MOST_SKIPPED = 10_000
"""Things that are named one by one; what comes after that is counted by its reason."""


class Missing:
    """What is missing and not absent. Bounded.

    Attributes:
        gaps: Why a source could not be read, by its name.
        capped: What grew too long to be kept whole.
        service_calls: Calls of AWS services, which are counted and not listed.
    """

    def __init__(self) -> None:
        self.gaps: dict[str, str] = {}
        self.capped: set[str] = set()
        self.service_calls = 0
        self._skipped: dict[tuple[str, str], int] = {}

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Note what gave no event."""
        for item in skipped:
            named = (item.origin, item.reason)
            if named not in self._skipped and len(self._skipped) >= MOST_SKIPPED:
                named = ("others", item.reason)
            self._skipped[named] = self._skipped.get(named, 0) + item.count

    def count_service_call(self, _at: str, _size: int) -> None:
        """Count a call of an AWS service."""
        self.service_calls += 1

    def to_json(self) -> dict[str, Any]:
        """As `trail --output json` prints it."""
        return {
            "skipped": [
                {"origin": origin, "reason": reason, "count": count}
                for (origin, reason), count in self._skipped.items()
            ]
        }
