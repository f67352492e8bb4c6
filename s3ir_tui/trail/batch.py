"""Events that were read together, with what was found out of each of them where they were read."""

from __future__ import annotations

import msgspec

from s3ir_tui.trail.alike import Told, told_by
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.repeats import Like, kind_of, place_of

MOST_NUMBERED = 200_000
"""Kinds and places that keep their number; one that comes again later than that gets another."""


class Batch(msgspec.Struct, array_like=True, gc=False):
    """Some events.

    Attributes:
        events: In the order in which they are to be taken in.
        told: What each tells by itself; `None` where that has not been looked at.
        likes: The numbers of its kind and of its place (see `repeats`), by turns; `None` where they have none.
        skipped: What was left out beside them.
        file: Which of the files they stand in, counted from 0.
    """

    events: list[Event]
    told: list[Told | None] | None = None
    likes: list[int] | None = None
    skipped: list[Skipped] = []
    file: int = 0

    def __len__(self) -> int:
        return len(self.events)

    def part(self, start: int, stop: int) -> Batch:
        """Some of the events, with all that is known of them."""
        return Batch(
            self.events[start:stop],
            None if self.told is None else self.told[start:stop],
            None if self.likes is None else self.likes[2 * start : 2 * stop],
        )

    def tells(self, index: int) -> Told | None:
        """What an event tells by itself; `None` where it is nothing."""
        return told_by(self.events[index]) if self.told is None else self.told[index]

    def like(self, index: int) -> Like:
        """What an event must have in common with others to be like them."""
        if self.likes is None:
            event = self.events[index]
            return kind_of(event), place_of(event)
        return self.likes[2 * index], self.likes[2 * index + 1]


class Numbers:
    """Numbers of kinds and of places, for whoever looks at events before they are taken in. Bounded."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        self._last = 0

    def looked_at(self, batch: Batch) -> Batch:
        """A batch with what each of its events tells by itself."""
        likes = [number for event in batch.events for number in (self._of(kind_of(event)), self._of(place_of(event)))]
        return Batch(batch.events, [told_by(event) for event in batch.events], likes, batch.skipped, batch.file)

    def _of(self, thing: object) -> int:
        known = self._known.get(thing)
        if known is None:
            if len(self._known) >= MOST_NUMBERED:
                self._known.clear()
            self._last += 1
            known = self._known[thing] = self._last
        return known
