"""Calls over time: allowed and denied apart, at any scale; from a cell the tail is shown as of that time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.widget import Widget

from s3ir_tui.model import iso
from s3ir_tui.room import Kind
from s3ir_tui.text import middle
from s3ir_tui.trail.histogram import Cell, Counts
from screens.base import CaseScreen
from screens.document import Title
from screens.state import State
from screens.widgets.histogram import HistogramChart
from screens.widgets.lines import Lines, Spans
from screens.widgets.palette import AMBER, BOLD, DIM, PLAIN, RED
from screens.widgets.pulse import bars

Jump = Callable[[str], None]
"""Shows the tail as of a time (UTC, `YYYY-MM-DDTHH:MM:SSZ`)."""

_PULSE = 12
_NAME = 18


class Numbers(Lines):
    """The numbers of the cell under the cursor, of all calls, and of one row of the war room."""

    DEFAULT_CSS = "Numbers { height: 3; }"

    def __init__(self) -> None:
        super().__init__(id="numbers")
        self._content: list[Spans] = []

    def show(self, content: list[Spans]) -> None:
        """Show lines."""
        self._content = content
        self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - cut by the strip
        """The line."""
        return self._content[y] if y < len(self._content) else ()


class HistogramScreen(CaseScreen):
    """Calls over time.

    Args:
        state: What all screens look at.
        row: The row whose own pulse is shown beside, or `None`.
        jump: Told a time on `enter`, after this screen has gone; without one `enter` does nothing.
    """

    PLACES = ("histogram", "all")

    def __init__(self, state: State, row: tuple[Kind, str] | None = None, jump: Jump | None = None) -> None:
        super().__init__(state)
        self._row, self._jump = row, jump

    def body(self) -> Iterable[Widget]:
        """A title, the chart and the numbers."""
        yield Title(id="title")
        yield HistogramChart()
        yield Numbers()

    def on_mount(self) -> None:
        """The chart takes the keys."""
        self.query_one(HistogramChart).focus()

    def refill(self) -> None:
        """Show the newest counts."""
        self.query_one(HistogramChart).show(self.state.snapshot.calls)
        self._tell()

    def on_histogram_chart_moved(self, _: HistogramChart.Moved) -> None:
        """Tell the numbers of the cell."""
        self._tell()

    def on_histogram_chart_chosen(self, event: HistogramChart.Chosen) -> None:
        """Show the tail as of that time."""
        if self._jump is not None:
            self.dismiss(None)
            self._jump(iso(event.cell.start))

    def _tell(self) -> None:
        chart, counts = self.query_one(HistogramChart), self.state.snapshot.calls
        cell = chart.current()
        days = f"{counts.first[:10]} to {counts.last[:10]}" if counts.first[:10] != counts.last[:10] else ""
        self.query_one(Title).show("Calls over time", days or counts.first[:10])
        lines = [_cell_line(cell) if cell else (), _total_line(counts, recorded=not self.state.live), self._row_line()]
        self.query_one(Numbers).show(lines)

    def _row_line(self) -> Spans:
        row = self.state.row(*self._row) if self._row else None
        if row is None:
            return ()
        if not row.pulse.allowed:
            return [(f" {middle(row.label, _NAME)}", BOLD), ("  its calls are not kept by time", DIM)]
        minutes = len(row.pulse.allowed) * row.pulse.cell_seconds // 60
        peak = max((*row.pulse.allowed, *row.pulse.denied, 1))
        return [
            (f" {middle(row.label, _NAME)}", BOLD),
            (f"  last {minutes} min  allowed ", DIM),
            (bars(row.pulse.allowed, _PULSE, peak), BOLD),
            (f" {sum(row.pulse.allowed)}", BOLD),
            ("  denied ", DIM),
            (bars(row.pulse.denied, _PULSE, peak), RED),
            (f" {sum(row.pulse.denied)}", RED if any(row.pulse.denied) else PLAIN),
        ]


def _cell_line(cell: Cell) -> Spans:
    same = cell.start.date() == cell.end.date()
    until = f"{cell.end:%H:%M}Z" if same else f"{cell.end:%Y-%m-%d %H:%M}Z"
    return [(f" {cell.start:%Y-%m-%d %H:%M}Z to {until}", BOLD), *_numbers(cell.allowed, cell.denied, cell.failed)]


def _total_line(counts: Counts, *, recorded: bool) -> Spans:
    words = "in all recorded" if recorded else "in all"
    left_out = ("  without AWS services and this console", DIM)
    return [(f" {words}", DIM), *_numbers(counts.allowed, counts.denied, counts.failed), left_out]


def _numbers(allowed: int, denied: int, failed: int) -> Spans:
    return [
        ("  allowed ", DIM),
        (f"{allowed}", BOLD),
        ("  denied ", DIM),
        (f"{denied}", RED if denied else BOLD),
        ("  failed ", DIM),
        (f"{failed}", AMBER if failed else PLAIN),
    ]
