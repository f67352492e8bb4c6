"""Stretches of time: what went on for long enough to be how a principal works."""

from __future__ import annotations

from datetime import datetime, timedelta

HISTORY = timedelta(hours=20)
"""What went on for so long is how a principal works, not how someone starts."""


def goes_on(first: str, last: str) -> bool:
    """Whether something went on from one day to another."""
    return later_by(first, last, HISTORY)


def later_by(first: str, last: str, by: timedelta) -> bool:
    """Whether one time is later than another by so much."""
    return last > first and between(first, last) >= by


def between(first: str, last: str) -> timedelta:
    """How long it is from one time to another."""
    return datetime.fromisoformat(last) - datetime.fromisoformat(first)
