"""Allowed and denied calls over time: two charts over one axis, with a cursor that tells the numbers of a cell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.style import Style
from textual.message import Message

from s3ir_tui.trail.histogram import Cell, Counts
from screens.keys import bindings
from screens.widgets.lines import Lines, Spans
from screens.widgets.palette import BOLD, DIM, KEY, PLAIN, RED

_DAY = 86_400
STEPS = (60, 120, 300, 600, 1800, 3600, 7200, 6 * 3600, 12 * 3600, _DAY, 7 * _DAY, 31 * _DAY, 366 * _DAY, 3660 * _DAY)
"""Lengths of a cell on the screen, in seconds."""

_GUTTER = 14
_LABEL = 12
_SOLID = " ▁▂▃▄▅▆▇█"
_SHADE = " ░░░░▒▒▒▒"


class HistogramChart(Lines, can_focus=True):
    """Two charts over one axis. What is denied is drawn by other glyphs than what is allowed: it reads without colour.

    Attributes:
        step: Seconds of a cell.
        follow: Whether the cursor stays on the newest cell.
    """

    BINDINGS = bindings("histogram")
    DEFAULT_CSS = "HistogramChart { height: 1fr; }"

    class Moved(Message):
        """The cursor stands on another cell, or the cells are others."""

    class Chosen(Message):
        """`enter` was pressed on a cell."""

        def __init__(self, cell: Cell) -> None:
            super().__init__()
            self.cell = cell

    def __init__(self) -> None:
        super().__init__(id="histogram")
        self._counts = Counts()
        self._cells: tuple[Cell, ...] = ()
        self._right = 0
        self._at = 0
        self._zoomed = False
        self.step = 60
        self.follow = True

    # -- what is shown -------------------------------------------------------------------------

    def show(self, counts: Counts) -> None:
        """Show counts; until it is moved the cursor goes with the newest."""
        if counts is self._counts and self._cells:
            return
        self._counts = counts
        self._arrange()

    def current(self) -> Cell | None:
        """The cell under the cursor."""
        place = self._at - self._left
        return self._cells[place] if 0 <= place < len(self._cells) else None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in sight, oldest first."""
        return self._cells

    @property
    def _columns(self) -> int:
        return max(1, self.size.width - _GUTTER - 1)

    @property
    def _left(self) -> int:
        return self._right - len(self._cells) + 1

    def _edges(self) -> tuple[int, int]:
        """Numbers of the first and the last cell with a call."""
        return _number(self._counts.first, self.step), _number(self._counts.last, self.step)

    def _steps(self) -> tuple[int, ...]:
        """The lengths that make sense: not finer than what is kept."""
        return tuple(step for step in STEPS if step >= self._counts.seconds) or STEPS[-1:]

    def _arrange(self) -> None:
        counts, columns = self._counts, self._columns
        if not counts.first or not self.is_mounted or not self.size.width:
            self._cells = ()
            self.changed()
            return
        steps = self._steps()
        if self.step not in steps or not self._zoomed:
            self._set_step(next((step for step in steps if _span(counts, step) <= columns), steps[-1]))
        first, last = self._edges()
        self._at = last if self.follow else max(first, min(self._at, last))
        # All of it where it fits, begun at the left; else a window that holds the cursor.
        lowest = first + columns - 1
        right = max(self._at, min(self._right, self._at + columns - 1))
        self._right = max(lowest, min(right, max(last, lowest)))
        end = _moment((self._right + 1) * self.step)
        start = _moment((self._right + 1 - columns) * self.step)
        self._cells = counts.cells(start, end, columns)
        self.changed()
        self.post_message(self.Moved())

    def _set_step(self, step: int) -> None:
        """Cells of another length; the cursor stays at its time, in the middle where there is more than fits."""
        if step != self.step:
            self._at = self._at * self.step // step
            self._right = self._at + self._columns // 2
            self.step = step

    def on_resize(self) -> None:
        """As many cells as there is room for."""
        self._arrange()

    # -- keys ----------------------------------------------------------------------------------

    def _go(self, number: int) -> None:
        if self._cells:
            first, last = self._edges()
            self._at = max(first, min(number, last))
            self.follow = self._at == last
            self._arrange()

    def action_move(self, by: int) -> None:
        """Move the cursor by cells."""
        self._go(self._at + by)

    def action_page(self, by: int) -> None:
        """Move it by screens."""
        self._go(self._at + by * max(1, self._columns - 1))

    def action_edge(self, last: bool) -> None:
        """Go to the first or the newest cell."""
        if self._cells:
            self._go(self._edges()[last])

    def action_denied(self, by: int) -> None:
        """Go to the next cell with a denied call, or the one before, of those in sight."""
        numbers = [self._left + place for place, cell in enumerate(self._cells) if cell.denied]
        ahead = [number for number in numbers if (number - self._at) * by > 0]
        if ahead:
            self._go(ahead[0] if by > 0 else ahead[-1])

    def action_zoom(self, by: int) -> None:
        """Shorter cells or longer ones, around the cursor; from then on they stay that long."""
        steps = self._steps()
        if self._cells:
            self._zoomed = True
            self._set_step(steps[max(0, min(steps.index(self.step) - by, len(steps) - 1))])
            self._arrange()

    def action_choose(self) -> None:
        """Tell that the cell was chosen."""
        cell = self.current()
        if cell is not None:
            self.post_message(self.Chosen(cell))

    # -- painting ------------------------------------------------------------------------------

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - the cells of time are as many as there is room for
        """The line."""
        height = self.size.height
        if not self._cells:
            return (
                [("  no call yet: calls of AWS services and of this console are not counted here", DIM)]
                if not y
                else ()
            )
        upper = max(1, (height - 2) // 2)
        lower = max(1, height - 2 - upper)
        if y < upper:
            return self._chart("allowed", [cell.allowed for cell in self._cells], upper - 1 - y, upper, BOLD, _SOLID)
        if y < upper + lower:
            denied = [cell.denied for cell in self._cells]
            return self._chart("denied", denied, upper + lower - 1 - y, lower, RED, _SHADE)
        return self._axis() if y == upper + lower else self._times()

    def _chart(self, word: str, counts: list[int], row: int, rows: int, style: Style, glyphs: str) -> Spans:
        peak = max(*counts, 1)
        label = word if row == rows - 1 else f"peak {max(counts)}" if row == max(0, rows - 2) else ""
        if rows == 1:
            label = f"{word} {max(counts)}"
        at = self._at - self._left
        text = "".join(_glyph(count, peak, row, rows, glyphs) for count in counts)
        bright = DIM if style is BOLD else style
        return [
            (f" {label[:_LABEL]:<{_LABEL}} ", bright if row == rows - 1 else DIM),
            (text[:at], style),
            (text[at], style + Style(reverse=True)),
            (text[at + 1 :], style),
        ]

    def _axis(self) -> Spans:
        at = self._at - self._left
        marks = ["─"] * len(self._cells)
        for place in range(0, len(marks), 10):
            marks[place] = "┬"
        axis = "".join(marks)
        return [(" " * _GUTTER, PLAIN), (axis[:at], DIM), ("▲", KEY), (axis[at + 1 :], DIM)]

    def _times(self) -> Spans:
        form = "%H:%M" if self.step < 12 * 3600 else "%m-%d" if self.step < 31 * _DAY else "%Y"
        text = "".join(f"{self._cells[place].start.strftime(form):<10}" for place in range(0, len(self._cells), 10))
        return [(f" {length_of(self.step) + ' a cell':<{_LABEL}} ", DIM), (text[: len(self._cells)], DIM)]


def length_of(seconds: int) -> str:
    """A length of time in a word: `1 min`, `2 h`, `7 d`."""
    for size, word in ((_DAY, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def _glyph(count: int, peak: int, row: int, rows: int, glyphs: str) -> str:
    """One character of a bar: the lowest row of something is never empty, of nothing a dot."""
    if count <= 0:
        return "·" if row == 0 else " "
    eighths = -(-count * rows * 8 // peak) - row * 8
    return glyphs[max(0, min(8, eighths))]


def _span(counts: Counts, step: int) -> int:
    """Cells of a length that hold every call."""
    return _number(counts.last, step) - _number(counts.first, step) + 1


def _number(time: str, step: int) -> int:
    """Number of the cell that a time falls into."""
    try:
        return int(datetime.fromisoformat(time).timestamp()) // step
    except ValueError:
        return 0


def _moment(seconds: int) -> datetime:
    """A time by its seconds; the nearest that a calendar has where it has none."""
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    except OverflowError:
        edge = datetime.max if seconds > 0 else datetime.min
        return edge.replace(tzinfo=UTC)
