"""The single lines of a screen: tabs, the worst suspect, what to do next, the keys."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from s3ir_tui.room import Proposal, Row
from s3ir_tui.text import clean, middle, width
from screens.keys import Key
from screens.later import later
from screens.widgets.lines import Lines, Spans, spread
from screens.widgets.palette import AMBER, BOLD, DIM, KEY, PLAIN, REVERSE, severity_style, state_mark
from screens.widgets.pulse import bars

_PULSE = 12


class Tabs(Lines):
    """One word for each pane, with its number; the open one reversed.

    Attributes:
        tabs: `(id, text)` of each.
        active: Id of the open one.
    """

    tabs: tuple[tuple[str, str], ...] = ()
    active = ""

    def show(self, tabs: tuple[tuple[str, str], ...], active: str) -> None:
        """Show tabs."""
        self.tabs, self.active = tabs, active
        self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line of any length
        """The line."""
        spans: list[tuple[str, Style]] = []
        for ident, text in self.tabs:
            spans += [(f" {text} ", REVERSE if ident == self.active else PLAIN), (" ", PLAIN)]
        return spans


class Strip(Lines):
    """The worst suspect, always in sight.

    Attributes:
        row: The suspect, or `None`.
        none: What is said where there is none.
    """

    row: Row | None = None
    none = "no suspect yet"

    def show(self, row: Row | None, none: str = "no suspect yet") -> None:
        """Show a suspect, or say why there is none."""
        self.row, self.none = row, none
        self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line
        """The line."""
        row = self.row
        if row is None:
            return [(f" {self.none}", DIM)]
        word, style = state_mark(row.state)
        left = [
            (f" {row.severity.word.upper()}", severity_style(row.severity)),
            (f"  {word}" if word else "", style),
            (f"  {row.label}  ", BOLD),
            (", ".join(row.facts), PLAIN),
        ]
        right = [(bars(row.pulse.allowed, _PULSE), BOLD), (" ok ", DIM)] if row.pulse.allowed else []
        return spread(left, right, cells)


class NextLine(Lines):
    """What to do next and why; for a while also what was just said.

    Attributes:
        proposal: The step of the playbook.
        running: What is said about a plan that runs, instead.
        key: The key that leads to it.
    """

    DEFAULT_CSS = "NextLine { background: $panel; }"
    proposal: Proposal | None = None
    running = ""
    key = ""
    _said = ""
    _alarm = False

    def show(self, proposal: Proposal | None, running: str = "", key: str = "") -> None:
        """Show a proposal, or what runs and the key that leads there."""
        self.proposal, self.running, self.key = proposal, running, key
        self.changed()

    def say(self, text: str, *, alarm: bool = False, seconds: float = 8.0) -> None:
        """Say something for a while.

        Args:
            text: The words; "" takes them back.
            alarm: Whether it went wrong.
            seconds: For how long; 0 is until something else is said.
        """
        self._said, self._alarm = text, alarm
        self.changed()
        if seconds and text:
            later(self, seconds, lambda: self._forget(text))

    def _forget(self, text: str) -> None:
        if self._said == text:
            self.say("")

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line
        """The line."""
        if self._said:
            return [(" ! " if self._alarm else " ", BOLD), (self._said, AMBER if self._alarm else BOLD)]
        if self.running:
            return spread([(" " + self.running, AMBER)], [(f"{self.key} ", KEY)] if self.key else [], cells)
        if self.proposal is None:
            return []
        # Cut in the middle: a way out stands at the end.
        words = middle(clean(self.proposal.text), max(8, cells - 9 - len(self.proposal.key)))
        return spread([(" Next: ", BOLD), (words, PLAIN)], [(f"{self.proposal.key} ", KEY)], cells)


class KeysLine(Lines):
    """The keys of the screen, as many as fit; the last ones stay."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(id="keys")
        self._keys = list(keys)

    def show(self, keys: Sequence[Key]) -> None:
        """Show other keys."""
        self._keys = list(keys)
        self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line
        """The line."""
        shown = [key for key in self._keys if key.word]
        gap = next((gap for gap in ("   ", "  ") if sum(_cells(key, gap) for key in shown) < cells), " ")
        while len(shown) > 2 and sum(_cells(key, gap) for key in shown) > cells - 1:
            # Help and quit are the way to all others: what stands before them goes first.
            del shown[-3]
        spans: list[tuple[str, Style]] = [(" ", PLAIN)]
        for key in shown:
            spans += [(key.label, KEY), (f" {key.word}{gap}", PLAIN)]
        return spans


def _cells(key: Key, gap: str) -> int:
    return width(key.label) + 1 + width(key.word) + len(gap)
