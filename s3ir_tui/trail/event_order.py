"""Lines that come late take their place in time: where they go, and what that does to the numbers of the others."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec

from s3ir_tui.trail.event import Judged

LATE = timedelta(seconds=60)
"""A line that comes so long after newer ones is marked: several sources are never read in the same second."""

_REMEMBERED = 4_096
_MOST = 512

_time = attrgetter("event.time")


class Moves:
    """Where lines were put in, for whoever remembers numbers of lines.

    Attributes:
        version: Grows with each line that was put in.
    """

    def __init__(self) -> None:
        self.version = 0
        self._places: deque[int] = deque(maxlen=_REMEMBERED)

    def add(self, places: Sequence[int]) -> None:
        """Lines were put in at these numbers, one after the other, each pushing those from there on up by one."""
        self._places.extend(places)
        self.version += len(places)

    def since(self, version: int) -> list[int] | None:
        """The numbers that lines have now that were put in since a version, sorted; `None` where they are too many."""
        count = self.version - version
        if count > min(_MOST, len(self._places)):
            return None
        found: list[int] = []
        for place in list(self._places)[len(self._places) - count :]:
            found = [other + (other >= place) for other in found]
            found.append(place)
        return sorted(found)


def number_now(number: int, put_in: Sequence[int]) -> int:
    """The number that a line has now.

    Args:
        number: Its number before.
        put_in: Numbers that the lines put in since have now, sorted.
    """
    for place in put_in:
        if place > number:
            break
        number += 1
    return number


def numbers_now(numbers: Sequence[int], put_in: Sequence[int]) -> list[int]:
    """The same for many numbers in ascending order."""
    found, more, count = [], 0, len(put_in)
    for number in numbers:
        while more < count and put_in[more] <= number + more:
            more += 1
        found.append(number + more)
    return found


def is_in_order(lines: Sequence[Judged], last: str) -> bool:
    """Whether lines follow a time, and each other, in order."""
    for line in lines:
        if line.event.time < last:
            return False
        last = line.event.time
    return True


def by_time(lines: Sequence[Judged]) -> list[Judged]:
    """Lines in the order of their time; those of one second as they came."""
    return sorted(lines, key=_time)


def merged(window: Sequence[Judged], late: Sequence[Judged], first: int) -> tuple[list[Judged], list[int]]:
    """Put late lines among others.

    Args:
        window: Lines in order of time.
        late: What is put in, in order of time.
        first: Number of the first line of the window.

    Returns:
        All of them, and the numbers of the late ones among them.
    """
    times = [line.event.time for line in window]
    found: list[Judged] = []
    places: list[int] = []
    done = 0
    for line in late:
        place = bisect_right(times, line.event.time, done)
        found.extend(window[done:place])
        done = place
        places.append(first + len(found))
        found.append(line)
    found.extend(window[done:])
    return found, places


def marked(line: Judged, newest: str, begun: str, oldest: str) -> Judged:
    """A late line with its mark, where it has one.

    Args:
        line: The line.
        newest: Time of the newest line that was there before it.
        begun: When lines began to come as they happen; what is older is history, and not late.
        oldest: Time of the oldest line before which it can still be put; "" where it can be put anywhere.
    """
    time = line.event.time
    if oldest and time < oldest:
        return msgspec.structs.replace(line, late=f"late, of {time[11:16]}")
    if begun and time >= begun and _seconds(time, newest) >= LATE.total_seconds():
        return msgspec.structs.replace(line, late="late")
    return line


def _seconds(early: str, late: str) -> float:
    try:
        return (datetime.fromisoformat(late) - datetime.fromisoformat(early)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
