"""Reads of an account at a settable rate: what looks at everything must not take the quota of those who work there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from s3ir_tui.model import Identity


class Calls(Protocol):
    """What a reader of posture asks of a connection; `Account` is one."""

    @property
    def identity(self) -> Identity: ...
    @property
    def region(self) -> str: ...
    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]: ...
    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]: ...


class Stopped(Exception):
    """The console ends: no more calls are made."""


class Rate:
    """Lets a number of calls a second begin, some more at once after a silence. Shared by threads.

    Args:
        per_second: How many (see `slow_down`).
        burst: How many may begin at once after a silence.
        stop: Set when no more calls may begin.
        clock: Seconds, steadily growing.
        wait: Waits some seconds; tells whether the console ends.
    """

    def __init__(
        self,
        per_second: float,
        burst: float,
        stop: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._per_second = per_second
        self._burst, self._stop, self._clock = burst, stop, clock
        self._wait = stop.wait if wait is None else wait
        self._lock = threading.Lock()
        self._free, self._at = burst, clock()

    def take(self) -> None:
        """Wait until one more call may begin.

        Raises:
            Stopped: The console ends.
        """
        with self._lock:
            now = self._clock()
            self._free = min(self._burst, self._free + (now - self._at) * self._per_second)
            self._at = now
            self._free -= 1
            pause = max(0.0, -self._free / self._per_second)
        if self._stop.is_set() or (pause and self._wait(pause)):
            raise Stopped

    def slow_down(self, per_second: float, burst: float = 1.0) -> None:
        """Let calls begin at another rate from now on.

        Args:
            per_second: How many a second.
            burst: How many at once after a silence.
        """
        with self._lock:
            self._per_second, self._burst = per_second, burst
            self._free, self._at = min(burst, self._free), self._clock()


class PacedCalls:
    """A connection whose reads begin at a rate.

    Args:
        calls: The connection.
        rate: How fast.
    """

    def __init__(self, calls: Calls, rate: Rate) -> None:
        self._calls, self._rate = calls, rate

    @property
    def identity(self) -> Identity:
        """Who the console is."""
        return self._calls.identity

    @property
    def region(self) -> str:
        """Home Region of the connection."""
        return self._calls.region

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        """Make one call (see `Account.call`) once it may begin."""
        self._rate.take()
        return self._calls.call(service, operation, params, region)

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]:
        """All items of a paged read (see `Account.pages`); its first page waits until it may begin."""
        self._rate.take()
        yield from self._calls.pages(service, operation, params, key, region)
