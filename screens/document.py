"""A screen to read something on: a title and text, copied whole by one key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget

from s3ir_tui.text import clean_block
from screens import clipboard
from screens.base import CaseScreen
from screens.keys import Where, bindings
from screens.state import State
from screens.widgets.lines import Lines, Spans, ruled
from screens.widgets.pages import Pages, Paragraph
from screens.widgets.palette import BOLD, DIM


class Title(Lines):
    """The line that says what is shown.

    Attributes:
        text: What.
        aside: A few words at the right edge.
    """

    text = ""
    aside = ""

    def show(self, text: str, aside: str = "") -> None:
        """Show a title."""
        self.text, self.aside = text, aside
        self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line
        """The line."""
        aside = [(f" {self.aside} ", DIM)] if self.aside else []
        return ruled([("─ ", DIM), (self.text, BOLD), (" ", DIM)], aside, cells)


class DocumentScreen(CaseScreen):
    """Text to be read.

    Args:
        state: What all screens look at.
        title: What it is.
        text: Its lines.
        copied: What is copied instead of the text; "" for the text itself.
    """

    PLACES: ClassVar[tuple[Where, ...]] = ("document", "pages", "all")
    BINDINGS = bindings("document")

    def __init__(self, state: State, title: str, text: Sequence[Paragraph], copied: str = "") -> None:
        super().__init__(state)
        self._title, self._text, self._copied = title, text, copied

    def body(self) -> Iterable[Widget]:
        """Title and text."""
        yield Title(id="title")
        yield Pages(id="text")

    def on_mount(self) -> None:
        """Show the text."""
        self.query_one(Title).show(self._title)
        pages = self.query_one(Pages)
        pages.show(self._text)
        pages.focus()

    def action_copy(self) -> None:
        """Copy it whole."""
        text = clean_block(self._copied or self.query_one(Pages).text())
        self.say(clipboard.copy(text, self.app.copy_to_clipboard))
