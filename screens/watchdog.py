"""Looks again and again whether the screen still moves: a picture that stands still without a word is a false one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_SECONDS = 0.5
OVERDUE_SECONDS = 1.0
"""A paint that was due is made by the watchdog after this long."""

OLD_SECONDS = 2.0
"""Header and clock that are older than this say so."""


class Watchdog:
    """Repaints what is overdue, and says how old the picture is. It runs on the loop's own timer, not on Textual's.

    Args:
        overdue: Seconds since a paint became due that has not been made; 0 where none is due.
        repaint: Paints now.
        silent: Seconds since the room last said anything; 0 where it need not say anything.
        tell_age: Shows on the screen how old it is; called with 0 once it is new again.
        tell: Says a sentence at the foot of the screen.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        overdue: Callable[[], float],
        repaint: Callable[[], None],
        silent: Callable[[], float],
        tell_age: Callable[[float], None],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._overdue, self._repaint, self._silent = overdue, repaint, silent
        self._tell_age, self._tell, self._clock = tell_age, tell, clock
        self._looked = clock()
        self._was_old = False

    def start(self) -> None:
        """Look from now on until the loop ends."""
        self._looked = self._clock()
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_on)

    def look(self) -> None:
        """Look once."""
        now = self._clock()
        stood, self._looked = now - self._looked - LOOK_SECONDS, now
        late = self._overdue()
        if late > OVERDUE_SECONDS:
            self._repaint()
            self._tell(f"the screen stood still for {late:.0f} s and was repainted; what it shows is new again")
        elif stood > OLD_SECONDS:
            self._repaint()
            self._tell(f"this console was busy: the screen stood still for {stood:.0f} s")
        silent = self._silent()
        old = silent > OLD_SECONDS
        if old or self._was_old:
            self._tell_age(silent if old else 0.0)
        self._was_old = old

    def _look_on(self) -> None:
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_on)
        self.look()
