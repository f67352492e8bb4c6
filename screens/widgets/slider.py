"""The time line of a review: where in the case the screens are, and what the record there says."""

from __future__ import annotations

from rich.style import Style

from s3ir_tui.room import Point
from screens.widgets.lines import Lines, Spans, spread
from screens.widgets.palette import ACCENT, BOLD, DIM, PLAIN, REVERSE

_GLYPHS = {
    **dict.fromkeys(("plan", "intent", "outcome", "end"), "●"),
    **dict.fromkeys(("mark", "note", "armed", "phase"), "○"),
    **dict.fromkeys(("watch", "verdict"), "◆"),
}


class Slider(Lines):
    """Two lines: the track with its records and the handle, and the record at the handle.

    Attributes:
        points: The records.
        position: Index of the one that is shown.
        speed: Records a second while it plays.
        playing: Whether it plays.
    """

    DEFAULT_CSS = "Slider { height: 2; }"
    points: tuple[Point, ...] = ()
    position = -1
    speed = 4
    playing = False

    def show(self, points: tuple[Point, ...], position: int, *, speed: int, playing: bool) -> None:
        """Show a position."""
        self.points, self.position, self.speed, self.playing = points, position, speed, playing
        self.changed()

    def line(self, y: int, cells: int) -> Spans:
        """The line."""
        if not self.points:
            return [(" reading the case …", DIM)] if y == 0 else ()
        return self._track(cells) if y == 0 else self._words(cells)

    def _track(self, cells: int) -> Spans:
        last = len(self.points) - 1
        right = f" {'▶' if self.playing else ' '} x{self.speed} "
        room = max(4, cells - len(right) - 3)
        marks = ["─"] * room
        for index, point in enumerate(self.points):
            glyph = _GLYPHS.get(point.kind)
            if glyph:
                marks[_place(index, last, room)] = glyph
        handle = _place(max(0, self.position), last, room)
        left, right_of = "".join(marks[:handle]), "".join(marks[handle + 1 :])
        return [(" ├", DIM), (left, ACCENT), ("■", REVERSE), (right_of, DIM), ("┤", DIM), (right, PLAIN)]

    def _words(self, cells: int) -> Spans:
        if not 0 <= self.position < len(self.points):
            return [(" before the first record", DIM)]
        point = self.points[self.position]
        left: list[tuple[str, Style]] = [
            (f" {point.at[11:19]}Z ", BOLD),
            (f" {point.kind}  ", DIM),
            (point.text, PLAIN),
        ]
        return spread(left, [(f"{self.position + 1} of {len(self.points)}  {point.ref} ", DIM)], cells)


def _place(index: int, last: int, room: int) -> int:
    return 0 if last <= 0 else round(index * (room - 1) / last)
