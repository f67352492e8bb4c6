"""Clashes of writes to the settings of one bucket, as S3 answers them when two meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3ir_tui.gameday.wire import Call, Refused

_MESSAGE = "A conflicting conditional operation is currently in progress against this resource. Please try again."
_SETTING_WRITES = ("Put", "Delete", "Create")


class Conflicts:
    """Refuses a write to a bucket's settings that comes too soon after another one. Thread-safe.

    Args:
        clock: Seconds that only grow.

    Attributes:
        window: Seconds after a write during which a further one is refused; 0 refuses none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.window = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._written: dict[str, float] = {}

    def clear(self) -> None:
        """No write has happened."""
        with self._lock:
            self._written.clear()

    def meet(self, call: Call, bucket: str) -> None:
        """Note a write to the settings of a bucket; calls of any other kind pass.

        Raises:
            Refused: OperationAborted: the last write was less than `window` seconds ago.
        """
        if not self.window or call.params.get("Key") or not call.operation.startswith(_SETTING_WRITES):
            return
        if call.operation == "DeleteObjects":
            return
        with self._lock:
            now = self._clock()
            if now - self._written.get(bucket, float("-inf")) < self.window:
                raise Refused("OperationAborted", _MESSAGE, 409)
            self._written[bucket] = now
