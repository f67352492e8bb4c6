"""Failures on request: throttling and server errors, for so many calls."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from s3ir_tui.gameday.wire import Call, Refused

_MESSAGES = {
    "SlowDown": "Please reduce your request rate.",
    "ThrottlingException": "Rate exceeded",
    "Throttling": "Rate exceeded",
    "InternalError": "We encountered an internal error. Please try again.",
    "OperationAborted": "A conflicting conditional operation is currently in progress against this resource.",
    "ServiceUnavailable": "Service is unable to handle request.",
}


class Faults:
    """The failures that are due. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: list[dict[str, Any]] = []

    def set(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Replace what is due.

        Args:
            faults: Each with `code` and `status` (503 by default), for calls of `service` and `operation` (any by
                default), for `count` calls (1 by default). Seeding credentials meet none.
        """
        with self._lock:
            self._due = [{"count": 1, **fault} for fault in faults]

    def clear(self) -> None:
        """Nothing is due."""
        self.set(())

    def meet(self, call: Call) -> None:
        """Fail a call if its turn has come.

        Raises:
            Refused: It fails.
        """
        with self._lock:
            for fault in self._due:
                if fault["count"] > 0 and _fits(fault, call):
                    fault["count"] -= 1
                    code = str(fault.get("code", "ServiceUnavailable"))
                    message = str(fault.get("message") or _MESSAGES.get(code, code))
                    raise Refused(code, message, int(fault.get("status", 503)))


def _fits(fault: Mapping[str, Any], call: Call) -> bool:
    return fault.get("service") in (None, call.service) and fault.get("operation") in (None, call.operation)
