"""Reads of IAM that show a change late, as on AWS, where what was written is eventually consistent."""

from __future__ import annotations

import copy
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from moto.iam.responses import IamResponse

from s3ir_tui.gameday.store import iam

_shown: ContextVar[Any] = ContextVar("shown", default=None)
"""The state that the read under way shows, or `None` for the present one."""


class LaggingReads:
    """The states of IAM that reads still show: each as it was before a write.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._past: dict[str, list[tuple[float, Any]]] = defaultdict(list)

    def before_write(self, account: str) -> Any:
        """A copy of the state of an account, to be given to `written` if the write succeeds; `None` without lag."""
        if not self.seconds:
            return None
        backend = iam(account)
        # AWS's own 1,500 policies never change: they are shared.
        kept: dict[int, Any] = {id(policy): policy for policy in backend.aws_managed_policies}
        return copy.deepcopy(backend, kept)

    def written(self, account: str, before: Any) -> None:
        """Show an account as it was before a write for as long as the lag."""
        if before is not None:
            with self._lock:
                self._past[account].append((self._clock() + self.seconds, before))

    def clear(self) -> None:
        """Show the present state."""
        with self._lock:
            self._past.clear()

    @contextmanager
    def reading(self, account: str) -> Iterator[None]:
        """Within it moto answers from the state that a read shows now."""
        token = _shown.set(self._state(account))
        try:
            yield
        finally:
            _shown.reset(token)

    def _state(self, account: str) -> Any:
        now = self._clock()
        with self._lock:
            past = self._past.get(account)
            if not past:
                return None
            while past and past[0][0] <= now:
                past.pop(0)
            return past[0][1] if past else None


def let_reads_lag() -> None:
    """Have moto's IAM answer from the state that `LaggingReads` chose."""
    current = IamResponse.backend.fget  # type: ignore[attr-defined]
    if getattr(current, "lagging", False):
        return

    def backend(self: Any) -> Any:
        shown = _shown.get()
        return shown if shown is not None else current(self)

    backend.lagging = True  # type: ignore[attr-defined]
    IamResponse.backend = property(backend)  # type: ignore[assignment,method-assign]
