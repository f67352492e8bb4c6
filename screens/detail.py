"""What is known of a bucket, a principal or an instance."""

from __future__ import annotations

from rich.style import Style

from s3ir_tui.room import Detail, Row
from s3ir_tui.text import clean
from screens.document import DocumentScreen
from screens.keys import bindings
from screens.state import State
from screens.widgets.palette import BOLD, DIM, PLAIN, severity_style, state_mark


class RowScreen(DocumentScreen):
    """A row in full.

    Args:
        state: What all screens look at.
        row: The row.
    """

    BINDINGS = bindings("row")
    PLACES = ("row", "document", "pages", "all")

    def __init__(self, state: State, row: Row) -> None:
        detail = state.room.detail(row.kind, row.id)
        super().__init__(state, f"{row.kind} {row.label}", detail_lines(row, detail), detail.copy or row.id)
        self._row = row

    def action_mark(self) -> None:
        """Mark or unmark it."""
        on = not self.state.is_marked(self._row.kind, self._row.id)
        self.state.mark(self._row.kind, self._row.id, on)
        self.say(f"{self._row.label} {'marked' if on else 'is no longer marked'}")

    def action_act(self) -> None:
        """Actions for it."""
        from screens.actions import open_actions

        open_actions(self, [(self._row.kind, self._row.id)])


def detail_lines(row: Row, detail: Detail) -> list[tuple[str, Style]]:
    """A row and its details as lines."""
    word, style = state_mark(row.state)
    lines: list[tuple[str, Style]] = [(clean(row.id), BOLD)]
    lines.append((f"severity {row.severity.word}", severity_style(row.severity)))
    if word:
        lines.append((word, style))
    if not any(lines_of for _, lines_of in detail.sections):
        lines += [(f"  {reason}", PLAIN) for reason in row.reasons]
    for head, texts in detail.sections:
        lines += [("", PLAIN), (head, BOLD)]
        lines += [(f"  {text}", PLAIN) for text in texts] or [("  nothing", DIM)]
    return lines
