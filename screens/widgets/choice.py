"""A button of one line: `[ Cancel ]`."""

from __future__ import annotations

from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from s3ir_tui.text import width
from screens.widgets.lines import strip_of
from screens.widgets.palette import BOLD


class Choice(Widget, can_focus=True):
    """Something to choose with `enter`.

    Args:
        label: What it says; our own words.
    """

    BINDINGS = [Binding("enter", "choose", "choose", show=False)]
    DEFAULT_CSS = """
    Choice { height: 1; width: auto; margin: 0 1 0 0; }
    Choice:focus { text-style: reverse bold; }
    """

    class Chosen(Message):
        """It was chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, label: str, *, id: str) -> None:
        super().__init__(id=id)
        self.label = label

    def rename(self, label: str) -> None:
        """Say something else."""
        self.label = label
        self.refresh(layout=True)

    def get_content_width(self, container: object, viewport: object) -> int:  # noqa: ARG002 - the shape of `Widget`
        """Cells that it takes."""
        return width(self.label) + 4

    def action_choose(self) -> None:
        """Tell that it was chosen."""
        self.post_message(self.Chosen(self))

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - one line
        """The line as a strip (Textual's line API)."""
        return strip_of([(f"[ {self.label} ]", BOLD)], self.size.width, self.rich_style)
