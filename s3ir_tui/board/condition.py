"""What the console can see now, in one word with its reason and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from s3ir_tui.board.proof import FAILING
from s3ir_tui.board.reach import Reach
from s3ir_tui.room import Condition
from s3ir_tui.text import ago

NO_NEWS = timedelta(minutes=1)
"""After so long without any source that was read, nothing on the screen is news."""

NOT_CONNECTED = "NOT CONNECTED"
SIGNING_IN = "SIGNING IN"
READING_HISTORY = "READING HISTORY"
LIVE = "LIVE"
SOURCE_LOST = "SOURCE LOST"
NO_NEWS_WORD = "NO NEWS"


def condition_of(
    sources: Sequence[Reach],
    now: datetime,
    *,
    signed_in: bool,
    error: str = "",
    answered: datetime | None = None,
) -> Condition:
    """What the console can see now.

    Args:
        sources: The trail sources at work.
        now: The time.
        signed_in: Whether the account has answered.
        error: Why signing in, or finding the sources, failed last; "" where it has not failed.
        answered: When any source was last read without an error.
    """
    if not signed_in:
        if not error:
            return Condition(SIGNING_IN, "waiting for AWS to say who this console is")
        return Condition(NOT_CONNECTED, error, "tried again every 10 s")
    if not sources:
        if error:
            return Condition(SOURCE_LOST, f"the trail sources cannot be found: {error}", "tried again every 10 s")
        return Condition(READING_HISTORY, "looking for the trail sources")
    lost = lost_sources(sources, now)
    if lost and answered is not None and now - answered >= NO_NEWS:
        text = f"no trail source has been read for {ago((now - answered).total_seconds())}"
        return Condition(NO_NEWS_WORD, text, f"restore {lost[0].name}: {lost[0].error}")
    if lost:
        worst = lost[0]
        since = ago((now - (worst.failing_since or now)).total_seconds())
        more = f" (+{len(lost) - 1} more)" if len(lost) > 1 else ""
        return Condition(SOURCE_LOST, f"{worst.name} for {since}{more}: {worst.error}", "tried again until it works")
    behind = [item for item in sources if not item.caught_up]
    if behind:
        slowest = min(behind, key=lambda item: _hours(item.progress))
        return Condition(READING_HISTORY, f"{slowest.progress or 'begun'} of {slowest.name}")
    if answered is not None and now - answered >= NO_NEWS:
        text = f"no trail source has been read for {ago((now - answered).total_seconds())}"
        return Condition(NO_NEWS_WORD, text, "see the sources in the palette")
    return Condition(LIVE, f"{len(sources)} trail source{'s' if len(sources) > 1 else ''}")


def lost_sources(sources: Sequence[Reach], now: datetime) -> list[Reach]:
    """Sources that have brought nothing but errors for too long, the longest first."""
    lost = [item for item in sources if item.failing_since is not None and now - item.failing_since >= FAILING]
    return sorted(lost, key=lambda item: item.failing_since or now)


def _hours(progress: str) -> float:
    number = progress.split(" ", 1)[0]
    return float(number) if number.isdigit() else 0.0
