"""When something that was written to is read again: a little later, and once more when reads have settled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from s3ir_tui.trail.targets import Target

SOON = 2.0
"""Seconds from a write to the first read: further writes to the same target in that time make no further read."""

AGAIN = 15.0
"""Seconds from the last write to the last read. IAM and S3 may answer with the old state for some seconds."""

GAP = 5.0
"""Seconds between two reads of a target that is written to all the time."""


class Due:
    """Targets with the times at which they are to be read. Shared by threads.

    Args:
        clock: Seconds, steadily growing.
        wait: Waits some seconds; else it waits until something is added.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wait: Callable[[float], object] | None = None
    ) -> None:
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._soon: dict[Target, float] = {}
        self._again: dict[Target, float] = {}
        self._last: dict[Target, float] = {}
        self._writes: dict[Target, datetime] = {}
        self.changed = threading.Event()

    def written(self, writes: Iterable[tuple[Target, datetime]]) -> None:
        """Something was written to them.

        Args:
            writes: What, and when.
        """
        now = self._clock()
        with self._lock:
            for target, at in writes:
                self._soon.setdefault(target, max(now + SOON, self._last.get(target, now - GAP) + GAP))
                self._again[target] = now + AGAIN
                self._writes[target] = max(at, self._writes.get(target, at))
        self.changed.set()

    def wanted(self, targets: Iterable[Target]) -> None:
        """They are to be read as soon as can be, whether or not they were written to."""
        now = self._clock()
        with self._lock:
            for target in targets:
                self._soon[target] = now
                self._writes.pop(target, None)
        self.changed.set()

    def take(self) -> tuple[tuple[Target, datetime | None], ...]:
        """What is due, with the time of its last write; `None` for what is wanted without one."""
        now = self._clock()
        with self._lock:
            found: dict[Target, datetime | None] = {}
            for times in (self._soon, self._again):
                for target in [target for target, at in times.items() if at <= now]:
                    del times[target]
                    found[target] = self._writes.get(target)
            for target in found:
                if target not in self._again:
                    self._writes.pop(target, None)
            self._last |= dict.fromkeys(found, now)
            self._last = {target: at for target, at in self._last.items() if now - at < GAP}
        return tuple(found.items())

    def wait(self, longest: float) -> None:
        """Wait until something is due or was added, at most so many seconds."""
        with self._lock:
            times = [*self._soon.values(), *self._again.values()]
        pause = min([longest, *(max(0.0, at - self._clock()) for at in times)])
        if self._wait is not None:
            self._wait(pause)
        else:
            self.changed.wait(pause)
            self.changed.clear()
