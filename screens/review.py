"""The time line of a recorded case at work: stepping, playing, going to a time."""

from __future__ import annotations

from collections.abc import Callable

from s3ir_tui.room import Timeline
from screens.widgets.slider import Slider

SPEEDS = (1, 2, 4, 8, 16, 64)
"""Records a second."""


class Player:
    """Moves a time line and shows where it is.

    Args:
        timeline: The recorded case.
        slider: Where the position is shown.
    """

    def __init__(self, timeline: Timeline, slider: Slider) -> None:
        self._timeline, self._slider = timeline, slider
        self._wanted: int | None = None
        self._speed = SPEEDS.index(4)
        self._owed = 0.0
        self.playing = False

    def show(self) -> None:
        """Show the position; what was asked for counts until the room has followed."""
        if self._wanted == self._timeline.position:
            self._wanted = None
        self._slider.show(self._timeline.points, self._at(), speed=SPEEDS[self._speed], playing=self.playing)

    def step(self, by: int) -> None:
        """Go some records on or back."""
        self.go(self._at() + by)

    def go(self, position: int) -> None:
        """Go to a record."""
        last = len(self._timeline.points) - 1
        if last < 0:
            return
        self._wanted = max(0, min(position, last))
        self._timeline.seek(self._wanted)
        self.show()

    def toggle(self) -> None:
        """Play, or stop; from the end it plays from the beginning."""
        self.playing = not self.playing
        if self.playing and self._at() >= len(self._timeline.points) - 1:
            self.go(0)
        self.show()

    def faster(self, by: int) -> None:
        """Change the speed."""
        self._speed = max(0, min(self._speed + by, len(SPEEDS) - 1))
        self.show()

    def tick(self, seconds: float) -> None:
        """Go on by as many records as the speed asks for; called while the screen is in sight."""
        if not self.playing or self._wanted is not None:
            return
        self._owed += seconds * SPEEDS[self._speed]
        whole = int(self._owed)
        self._owed -= whole
        if self._at() >= len(self._timeline.points) - 1:
            self.playing = False
            self.show()
        elif whole:
            self.step(whole)

    def go_to_time(self, text: str, tell: Callable[[str], None]) -> None:
        """Go to the last record at or before a time such as `09:14`, `09:14:05` or `2026-11-24T09:14`."""
        wanted = text.strip().rstrip("Zz")
        if not wanted:
            return
        points = self._timeline.points
        day = "T" not in wanted
        found = [
            index
            for index, point in enumerate(points)
            if (point.at[11:19] if day else point.at)[: len(wanted)] <= wanted
        ]
        if not wanted[0].isdigit() or not found:
            tell(f"no record at or before {wanted}; write a UTC time such as 09:14:05")
            return
        self.go(found[-1])

    def _at(self) -> int:
        return self._timeline.position if self._wanted is None else self._wanted
