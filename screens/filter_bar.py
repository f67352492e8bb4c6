"""Where a filter of the tail is written: what may come next is offered above it, and what is wrong is said there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Label

from s3ir_tui.trail.complete import Completion, complete
from s3ir_tui.trail.fields import Line
from s3ir_tui.trail.filter import FilterError
from screens.keys import bindings
from screens.widgets.field import Field
from screens.widgets.lines import Lines, Spans, length
from screens.widgets.palette import AMBER, BOLD, DIM, PLAIN, REVERSE


class Offers(Lines):
    """What may be written next, the chosen one reversed, and what it is; or what is wrong.

    Attributes:
        completion: What is offered.
        chosen: Index of the chosen one.
        problem: What is wrong, or "".
    """

    completion = Completion(0, 0)
    chosen = 0
    problem = ""

    def show(self, completion: Completion, chosen: int, problem: str) -> None:
        """Show offers, or what is wrong."""
        self.completion, self.chosen, self.problem = completion, chosen, problem
        self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line
        """The line."""
        if self.problem:
            return [(" ! ", BOLD), (self.problem, AMBER)]
        options = self.completion.options
        if not options:
            return [(' words, field:value, -not, >=high, "as it is"; enter keeps it, escape takes it back', DIM)]
        help_text = f"  {options[self.chosen].help}" if options[self.chosen].help else ""
        spans: list[tuple[str, Style]] = [(" tab ", DIM)]
        for index in range(self.chosen, len(options)):
            spans += [(f" {options[index].text} ", REVERSE if index == self.chosen else PLAIN)]
            if index == self.chosen and help_text:
                spans += [(help_text.strip() + "  ", DIM)]
            if length(spans) > cells:
                break
        return spans


class FilterBar(Vertical):
    """The line that asks for a filter, and the line above it; its field comes when it is first asked (see `Prompt`)."""

    BINDINGS = bindings("filter")
    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; background: $panel; }
    FilterBar Horizontal { height: 1; }
    FilterBar Label { width: auto; padding: 0 1; text-style: bold; }
    FilterBar Field { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__(id="filter")
        self._offers, self._line, self._field = Offers(), Horizontal(), Field()
        self._narrow: Callable[[str], None] = lambda _text: None
        self._lately: Callable[[], Iterable[Line]] = lambda: ()
        self._before: Widget | None = None
        self._was = ""

    def compose(self) -> ComposeResult:
        """Offers, and the line that takes a word and a field."""
        yield self._offers
        yield self._line

    def ask(self, value: str, narrow: Callable[[str], None], lately: Callable[[], Iterable[Line]]) -> None:
        """Ask for a filter.

        Args:
            value: What stands there at first.
            narrow: Told every filter on the way; raises `FilterError` for what is none.
            lately: Lines whose values are offered, newest first.
        """
        self._narrow, self._lately, self._was = narrow, lately, value
        self._before = self.screen.focused
        field = self._field
        if not field.is_attached:
            self._line.mount(Label("filter tail", markup=False), field)
        field.value = value
        field.cursor_position = len(value)
        self.display = True
        self.screen.set_focus(field)
        self._offer("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what it finds at once; what is no filter yet, or may become the name of a field, is left out."""
        event.stop()
        if self.display:
            # Of letters that came in one go the field may hold more by now than the message says.
            begun, text = self._completion(), self._field.value
            may_be_field = any(option.text.endswith(":") for option in begun.options)
            self._try(text[: begun.start] + text[begun.end :] if may_be_field else text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it, if it is a filter."""
        event.stop()
        if self._try(event.value):
            self._close()

    def action_cancel(self) -> None:
        """Take it back."""
        self._narrow(self._was)
        self._close()

    def action_complete(self) -> None:
        """Write what is offered."""
        offers, field = self._offers, self._field
        completion = self._completion()
        if completion.options:
            text, cursor = completion.taken(field.value, min(offers.chosen, len(completion.options) - 1))
            field.value = text
            field.cursor_position = cursor

    def action_offer(self, by: int) -> None:
        """Offer the next one, or the one before."""
        offers = self._offers
        count = len(offers.completion.options)
        if count:
            offers.show(offers.completion, (offers.chosen + by) % count, "")

    def _try(self, text: str) -> bool:
        try:
            self._narrow(text)
        except FilterError as error:
            self._offer(str(error))
            return False
        self._offer("")
        return True

    def _offer(self, problem: str) -> None:
        completion = self._completion()
        # A value that is only begun is no mistake yet: what it may become says more.
        self._offers.show(completion, 0, "" if completion.options else problem)

    def _completion(self) -> Completion:
        return complete(self._field.value, self._field.cursor_position, self._lately())

    def _close(self) -> None:
        self.display = False
        if self._before is not None and self._before.is_mounted:
            self._before.focus()
