"""Leaving in order, whatever the terminal does: no new step, the one in flight recorded, the log closed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from screens.state import State

_WHYS = {signal.SIGHUP: "the terminal went away", signal.SIGTERM: "terminated", signal.SIGINT: "interrupted"}
_GRACE = 20.0
"""Seconds that the screens get to end themselves after everything is recorded, where a signal ended the console."""


class Leaving:
    """The way out, taken once.

    It works on a thread of its own: a terminal that is not read any more stops the loop, and must not stop this.

    Args:
        state: What is to be ended.
        left: Told the exit status once everything is recorded; called on the thread.

    Attributes:
        gone: Set by whoever runs the screens, once they have ended.
    """

    def __init__(self, state: State, left: Callable[[int], None]) -> None:
        self._state, self._left = state, left
        self._once = threading.Lock()
        self._ended = threading.Event()
        self._silence = -1
        self.gone = threading.Event()

    @property
    def begun(self) -> bool:
        """Whether the console is on its way out."""
        return self._once.locked()

    def begin(self, why: str, code: int = 0, *, by_force: bool = False) -> None:
        """Begin to leave.

        Args:
            why: The reason that the log closes with.
            code: Exit status.
            by_force: Whether the process ends itself where the screens do not end in time.
        """
        # Taken for good, and never waited for: a signal may come while the loop is just here.
        if not self._once.acquire(blocking=False):
            return
        if self._state.desk is not None:
            self._state.desk.stop()
        threading.Thread(target=self._work, args=(why, code, by_force), name="leaving", daemon=by_force).start()

    def end(self, why: str) -> None:
        """Leave now, and wait until everything is recorded."""
        self.begin(why)
        self._ended.wait()

    def _work(self, why: str, code: int, by_force: bool) -> None:
        try:
            run = self._state.run
            if run is not None:
                run.join()
            self._state.room.stop(why)
        finally:
            self._ended.set()
            self._break_silence()
            self._left(code)
        if by_force and not self.gone.wait(_GRACE):
            os._exit(code)

    def _break_silence(self) -> None:
        """Whoever waits for input gets its end, and can end."""
        silence, self._silence = self._silence, -1
        if silence >= 0:
            os.close(silence)

    # -- signals -------------------------------------------------------------------------------

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Leave in order on SIGHUP, SIGTERM and SIGINT while the context lasts."""
        before = {number: signal.signal(number, self._signalled) for number in _WHYS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP and self._silence < 0:
            self._silence = _let_go_of_terminal()
            if self._ended.is_set():
                self._break_silence()
        self.begin(_WHYS[signal.Signals(number)], 128 + number, by_force=True)


def _let_go_of_terminal() -> int:
    """Put silence in the place of a terminal that is gone.

    Textual would read its end of file in a busy loop, and a write that fails would end its writing thread and block
    the loop.

    Returns:
        The descriptor that, closed, ends the silence.
    """
    silent, kept = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 0)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    return kept
