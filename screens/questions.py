"""Questions to history: the list, with what the cursor knows filled in, and the answer as a table."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from textual.widget import Widget

from s3ir_tui.questions.catalog import CATALOG
from s3ir_tui.questions.question import Parameter, Question
from s3ir_tui.questions.results import Answer
from s3ir_tui.text import clean, fit, middle, short_arn, width
from s3ir_tui.trail.event import Event
from screens.base import CaseScreen
from screens.document import DocumentScreen, Title
from screens.keys import bindings
from screens.state import State
from screens.widgets.lines import Spans
from screens.widgets.pages import Pages
from screens.widgets.palette import BOLD, DIM, PLAIN
from screens.widgets.rows import Rows

_BLOCKS = 16
"""Blocks of the tail that are taken in at once: some milliseconds on the loop."""

_NO_PLACE = "questions cannot be asked here"
_WIDEST = 26
"""Cells that a column takes at most."""

_LOOKED_AT = 500
"""Rows that the columns are made wide for."""


class QuestionList(Rows):
    """The questions, one a line, each with what it would be asked with."""

    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__(id="questions")
        self.about = dict(about)

    def current(self) -> Question:
        """The question under the cursor."""
        return CATALOG[self.cursor]

    def count(self) -> int:
        """How many there are."""
        return len(CATALOG)

    def given(self, asked: Question) -> dict[str, str]:
        """What is known of its parameters."""
        return {item.name: self.about.get(item.name, "") for item in asked.parameters}

    def spans(self, index: int, cells: int) -> Spans:
        """One question."""
        asked = CATALOG[index]
        name = max(len(item.id) for item in CATALOG)
        title = max(width(item.title) for item in CATALOG) if cells >= 110 else 0
        known = "  ".join(_said(item, self.about.get(item.name, "")) for item in asked.parameters)
        return [
            (fit(asked.id, name) + "  ", BOLD),
            (fit(asked.title, title) + "  " if title else "", PLAIN),
            (known, DIM),
        ]


def _said(parameter: Parameter, value: str) -> str:
    if value:
        return f"{parameter.name}={middle(clean(short_arn(value)), 24)}"
    return f"{parameter.name}=?" if parameter.default is None else f"[{parameter.name}]"


class QuestionsScreen(CaseScreen):
    """The list of questions.

    Args:
        state: What all screens look at.
        about: What the cursor knows, by name of the parameter.
    """

    BINDINGS = bindings("questions")
    PLACES = ("questions", "list", "all")
    DEFAULT_CSS = """
    QuestionsScreen #about { height: 7; padding-top: 1; }
    """

    def __init__(self, state: State, about: Mapping[str, str]) -> None:
        super().__init__(state)
        self._about = dict(about)
        self._stop: threading.Event | None = None

    def body(self) -> Iterable[Widget]:
        """The list, and the words about the question under the cursor."""
        yield Title(id="title")
        yield QuestionList(self._about)
        about = Pages(id="about")
        about.can_focus = False
        yield about

    def on_mount(self) -> None:
        """Begin with the first."""
        self.query_one(Title).show("Questions to history", "of what this console has seen")
        self.query_one(QuestionList).focus()
        self._explain()

    def on_rows_moved(self, _: Rows.Moved) -> None:
        """Say more about the question under the cursor."""
        self._explain()

    def _explain(self) -> None:
        asked = self.query_one(QuestionList).current()
        lines = [(asked.title, BOLD), (f"Shows {asked.answers}.", PLAIN), (asked.blind, DIM)]
        self.query_one("#about", Pages).show(lines)

    # -- parameters ----------------------------------------------------------------------------

    def on_rows_chosen(self, _: Rows.Chosen) -> None:
        """Ask, once everything that it needs is known."""
        listed = self.query_one(QuestionList)
        asked = listed.current()
        given = listed.given(asked)
        self._fill(asked, given, [item for item in asked.parameters if item.default is None and not given[item.name]])

    def action_edit(self) -> None:
        """Ask with other values."""
        listed = self.query_one(QuestionList)
        asked = listed.current()
        self._fill(asked, listed.given(asked), list(asked.parameters))

    def _fill(self, asked: Question, given: dict[str, str], open_: list[Parameter]) -> None:
        """Ask the responder for one value after the other, then history for the answer."""
        if self._stop is not None:
            self.say("a question is being answered: escape takes it back", alarm=True)
            return
        if not open_:
            self._ask(asked, given)
            return
        first, *rest = open_

        def told(text: str) -> None:
            self.query_one(QuestionList).about[first.name] = text
            self.query_one(QuestionList).refresh()
            self._fill(asked, {**given, first.name: text}, rest)

        word = first.title if first.default is None else f"{first.title} (may be left out)"
        self.ask(word, told, value=given[first.name])

    # -- the answer ----------------------------------------------------------------------------

    def _ask(self, asked: Question, given: Mapping[str, str]) -> None:
        asks = self.state.asks
        if asks is None:
            self.say(_NO_PLACE, alarm=True)
            return
        self._stop = threading.Event()
        if self.state.timeline is not None or self.state.lines.end < asks.taken:
            # The lines of a recorded case are those of the moment that is looked at.
            self.fetch("", asks.forget, lambda _: self._catch_up(asked, given), self._failed_to_ask)
        else:
            self._catch_up(asked, given)

    def _catch_up(self, asked: Question, given: Mapping[str, str]) -> None:
        """Take in what came since the last question, part by part, so that the screen stays alive."""
        asks, stop, lines = self.state.asks, self._stop, self.state.lines
        if asks is None or stop is None or stop.is_set():
            self._taken_back()
            return
        at = max(asks.taken, lines.start)
        if at < lines.end:
            events, end = self._part(at)
            words = (
                f"taking in {end - lines.start:,} of {lines.end - lines.start:,} events; escape takes the question back"
            )
            self.say(words, seconds=0)
            self.fetch("", lambda: asks.add(events, end), lambda _: self._catch_up(asked, given), self._failed_to_ask)
            return
        self.fetch(f"asking: {asked.title}", lambda: asks.ask(asked, given, stop), self._answered, self._failed_to_ask)

    def _part(self, at: int) -> tuple[list[Event], int]:
        lines = self.state.lines
        events: list[Event] = []
        for _ in range(_BLOCKS):
            if at >= lines.end:
                break
            first, block = lines.block(at)
            found = list(islice(block, max(0, at - first), None))
            # A block that fell out meanwhile is empty: go on behind it.
            events += [line.event for line in found]
            at = at + len(found) if found else min(lines.end, first + lines.span)
        return events, at

    def _answered(self, answer: Answer) -> None:
        self._stop = None
        self.say("")
        if self.is_current:
            self.app.push_screen(AnswerScreen(self.state, answer))

    def _failed_to_ask(self, words: str) -> None:
        if self._stop is not None and self._stop.is_set():
            self._taken_back()
            return
        self._stop = None
        self.say(words, alarm=True, seconds=30)

    def _taken_back(self) -> None:
        self._stop = None
        self.say("the question was taken back")

    def action_back(self) -> None:
        """Take the question back that is being answered, else leave."""
        if self._stop is not None:
            self._stop.set()
            self.say("taking the question back …", seconds=0)
        else:
            super().action_back()


class AnswerList(Rows):
    """The rows of an answer, in columns as wide as what they hold; those that do not fit are reached sideways."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(id="rows")
        self.answer = answer
        self._first = 0
        looked_at = answer.rows[:_LOOKED_AT]
        self._widths = [
            min(_WIDEST, max([len(name), *(width(_word(row[index])) for row in looked_at)]))
            for index, name in enumerate(answer.columns)
        ]

    def shift(self, by: int) -> None:
        """Begin with another column."""
        self._first = max(0, min(self._first + by, len(self._widths) - 1))
        self.refresh()

    def count(self) -> int:
        """How many there are."""
        return len(self.answer.rows)

    def empty(self) -> str:
        """What is said where there are none."""
        return "nothing of it is in what this console has seen"

    def head(self, cells: int) -> Spans:  # noqa: ARG002 - cut at the edge
        """The names of the columns."""
        left = "‹" if self._first else " "
        return [(left + self._line(self.answer.columns), BOLD)]

    def spans(self, index: int, cells: int) -> Spans:  # noqa: ARG002 - cut at the edge
        """One row."""
        return [(self._line([_word(cell) for cell in self.answer.rows[index]]), PLAIN)]

    def _line(self, words: Sequence[str]) -> str:
        shown = zip(words[self._first :], self._widths[self._first :], strict=True)
        return "  ".join(fit(word, room) for word, room in shown)


def _word(cell: object) -> str:
    return clean(short_arn(cell)) if isinstance(cell, str) else clean(cell)


class AnswerScreen(CaseScreen):
    """An answer.

    Args:
        state: What all screens look at.
        answer: The answer.
    """

    BINDINGS = bindings("answer")
    PLACES = ("answer", "list", "all")
    DEFAULT_CSS = """
    AnswerScreen #notes { height: 6; }
    """

    def __init__(self, state: State, answer: Answer) -> None:
        super().__init__(state)
        self._answer = answer

    def body(self) -> Iterable[Widget]:
        """What was asked, the rows, what they cannot say."""
        yield Title(id="title")
        yield AnswerList(self._answer)
        notes = Pages(id="notes")
        notes.can_focus = False
        yield notes

    def on_mount(self) -> None:
        """Show the answer."""
        answer = self._answer
        asked = "  ".join(
            f"{name}={middle(clean(value), 30)}" for name, value in answer.parameters.items() if value != ""
        )
        self.query_one(Title).show(f"{answer.question}  {asked}".rstrip(), answer.count)
        self.query_one(AnswerList).focus()
        self.query_one("#notes", Pages).show([(clean(note), DIM) for note in answer.notes])

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Show the row in full."""
        answer = self._answer
        row = answer.rows[event.index]
        wide = max(len(name) for name in answer.columns) + 2
        lines = [(f"{name:<{wide}}{clean(cell)}", PLAIN) for name, cell in zip(answer.columns, row, strict=True)]
        self.app.push_screen(DocumentScreen(self.state, f"{answer.question}, row {event.index + 1}", lines))

    def action_shift(self, by: int) -> None:
        """Begin with the next column, or the one before."""
        self.query_one(AnswerList).shift(by)

    def action_save(self, form: Literal["csv", "json"]) -> None:
        """Write the answer into a file of the case."""
        asks = self.state.asks
        if asks is None:
            self.say(_NO_PLACE, alarm=True)
            return
        self.fetch("saving", lambda: asks.save(self._answer, form), self._saved)

    def _saved(self, path: Path) -> None:
        if self.state.live:
            self.state.room.note(f"answer to {self._answer.question} ({self._answer.count}) saved as {path.name}")
        self.say(f"saved as {clean(path)}", seconds=30)
