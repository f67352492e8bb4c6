"""Text of any length to be read: wrapped, scrolled by line and page, painted only where it is visible."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from screens.keys import bindings
from screens.widgets.lines import Spans, strip_of, wrapped
from screens.widgets.palette import DIM

Paragraph = tuple[str, Style]
"""A line of text before wrapping, and its style."""


class Pages(Widget, can_focus=True):
    """Lines of text, each in one style. The text is cleaned on its way to the terminal."""

    BINDINGS = bindings("pages")
    DEFAULT_CSS = "Pages { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text: tuple[Paragraph, ...] = ()
        self._lines: list[Spans] = []
        self._cells = -1
        self.top = 0

    def show(self, text: Sequence[Paragraph], *, keep: bool = False) -> None:
        """Show a text.

        Args:
            text: Its lines.
            keep: Whether to stay at the line where the reader is.
        """
        if tuple(text) == self._text:
            return
        self._text = tuple(text)
        self._cells = -1
        self.top = self.top if keep else 0
        self.refresh()

    def text(self) -> str:
        """All of it, as it would be copied."""
        return "\n".join(line for line, _ in self._text)

    def _wrap(self) -> None:
        cells = self.size.width
        if cells == self._cells:
            return
        self._cells = cells
        self._lines = []
        for text, style in self._text:
            indent = min(len(text) - len(text.lstrip()) + 2, max(0, cells // 2))
            self._lines += [[(part, style)] for part in wrapped(text, max(8, cells - 1), indent)]
        self.top = max(0, min(self.top, len(self._lines) - self.size.height))

    def scroll_lines(self, by: int) -> None:
        """Scroll by lines."""
        self._wrap()
        top = max(0, min(self.top + by, len(self._lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.scroll_lines(by)

    def action_scroll_page(self, by: int) -> None:
        """Scroll by pages."""
        self.scroll_lines(by * max(1, self.size.height - 1))

    def action_scroll_edge(self, last: bool) -> None:
        """Scroll to the top or the end."""
        self.scroll_lines(len(self._lines) if last else -len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Line `y` as a strip (Textual's line API)."""
        self._wrap()
        index, height = self.top + y, self.size.height
        below = len(self._lines) - self.top - height
        if y == height - 1 and below > 0 and height > 2:
            return strip_of([(f"  … {below + 1} more lines", DIM)], self.size.width, self.rich_style)
        spans: Spans = self._lines[index] if index < len(self._lines) else ()
        return strip_of([(" ", DIM), *spans], self.size.width, self.rich_style)
