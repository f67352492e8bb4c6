"""Lets changes of IAM and bucket settings take effect late, as on AWS, while reads show them at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3ir_tui.gameday.store import Fact, Key, all_keys, read_fact

_ALWAYS = 0.0


class Delays:
    """What enforcement believes: every fact as it was `seconds` ago.

    A thing that is new takes effect at once; what changes about it takes effect late.

    Args:
        seconds: How long a change takes.
        clock: Seconds since the epoch.
    """

    def __init__(self, seconds: float = 0.0, clock: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._past: dict[Key, list[tuple[float, Fact]]] = {}
        self.observe(at_once=True)

    @property
    def seconds(self) -> float:
        """How long a change takes to take effect."""
        return self._seconds

    @seconds.setter
    def seconds(self, value: float) -> None:
        with self._lock:
            self._seconds = value
            self._past.clear()
        self.observe(at_once=True)

    def clear(self) -> None:
        """Forget the past, as a fresh account has none."""
        with self._lock:
            self._past.clear()

    def fact(self, key: Key) -> Fact:
        """A fact as enforcement sees it at this moment."""
        if not self._seconds:
            return read_fact(key)
        with self._lock:
            past = self._past.get(key)
            if past is None:
                return read_fact(key)
            now = self._clock()
            while len(past) > 1 and past[1][0] <= now:
                past.pop(0)
            return past[0][1]

    def amend(self, change: Callable[[Fact], Fact]) -> None:
        """Change what was true before as well: for what no delay may bring back.

        Args:
            change: Makes the amended fact of a fact.
        """
        with self._lock:
            for key, past in self._past.items():
                self._past[key] = [(due, change(fact)) for due, fact in past]

    def observe(self, *, at_once: bool = False) -> None:
        """Note what has changed; call it after every call that may have changed a setting.

        Args:
            at_once: Whether these changes take effect at once: those that seed the account.
        """
        if not self._seconds:
            return
        with self._lock:
            due = _ALWAYS if at_once else self._clock() + self._seconds
            for key in {*self._past, *all_keys()}:
                fact = read_fact(key)
                past = self._past.get(key)
                if past is None or (past[-1][1] is None and fact is not None):
                    # New, or made anew under the name of what was deleted: another thing, with another unique id.
                    self._past[key] = [(_ALWAYS, fact)]
                elif past[-1][1] != fact:
                    self._past[key] = [(_ALWAYS, fact)] if at_once else [*past, (due, fact)]
