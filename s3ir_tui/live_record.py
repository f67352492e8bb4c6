"""Which events of the live trail go into the case log, and how many of the rest there were."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from s3ir_tui.journal import Journal, JournalError
from s3ir_tui.model import Severity
from s3ir_tui.pace import give_way
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.raw import opened

BURST = 5000
"""Events without a reason that are recorded at once at most: what a first look back brings."""

PER_SECOND = 50.0
"""Events without a reason that are recorded a second on top of that."""


class TrailRecorder:
    """Records every event with a reason, and of the others as many as the budget allows; the rest is counted.

    Service noise is never recorded: the trail itself keeps it.
    """

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal, self._clock = journal, clock
        self._room, self._at = float(BURST), clock()
        self._left_out = 0
        self.problems: tuple[str, ...] = ()

    def choose(self, lines: Sequence[Judged]) -> list[Judged]:
        """Choose what of new events is recorded."""
        now = self._clock()
        self._room = min(float(BURST), self._room + (now - self._at) * PER_SECOND)
        self._at = now
        chosen = []
        for line in lines:
            if line.noise or not line.event.raw:
                continue
            if line.severity is Severity.INFO:
                if self._room < 1:
                    self._left_out += 1
                    continue
                self._room -= 1
            chosen.append(line)
        return chosen

    def write(self, chosen: Sequence[Judged]) -> bool:
        """Record them in one write; a log that cannot be written shows in `problems`.

        Returns:
            Whether they are on disk.
        """
        give_way()
        docs: list[dict[str, Any]] = [
            {"kind": "event", "source": line.source, "raw": opened(line.event.raw)} for line in chosen
        ]
        if self._left_out:
            docs.append({"kind": "left-out", "count": self._left_out, "why": "no reason, and over the budget"})
            self._left_out = 0
        try:
            self._journal.record_many("trail", docs)
        except JournalError as error:
            self.problems = (f"NOT RECORDED: {len(docs)} events: {error}",)
            return False
        self.problems = ()
        return True


def every(events: Sequence[Event], new: Sequence[Judged], source: str) -> list[Judged]:
    """All events of a poll, whether or not they are new, noise or beyond the budget.

    What a source gives up once it is recorded has to be recorded whole: nobody can ask for it again.

    Args:
        events: What the source brought.
        new: Those of them that nobody had brought before, judged.
        source: Name of the source.
    """
    judged = {line.event.id: line for line in new}
    return [judged.get(event.id) or Judged(event, source=source) for event in events]
