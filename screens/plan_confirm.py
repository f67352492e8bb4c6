"""What a plan asks for before it runs: ticket and name where it arms the console, what must be typed, the buttons."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label

from actions.plan import Answer, Danger, Plan
from s3ir_tui.text import clean
from screens.plan_text import step_count
from screens.widgets.choice import Choice
from screens.widgets.field import Field

SETTLE_SECONDS = 0.4
"""An `enter` alone counts only after a pause of so long: one that was meant for the screen before runs nothing."""


class Confirmation(Vertical):
    """The lines under a plan. It asks for what is needed, in order, and tells once all of it is given.

    Args:
        plan: The plan.
        arms: Whether it arms the console: then it asks for a ticket and for who is there.
        operator: Who is there, as far as it is known.
        ticket: A ticket that was typed already.
    """

    DEFAULT_CSS = """
    Confirmation { height: auto; }
    Confirmation Horizontal { height: 1; }
    Confirmation Label { width: auto; padding: 0 1; }
    Confirmation #count { width: 4; }
    Confirmation #target { width: 1fr; min-width: 8; }
    Confirmation #reason { width: 2fr; min-width: 8; }
    Confirmation #operator { width: 1fr; min-width: 8; }
    Confirmation .space { width: 1fr; }
    """

    class Confirmed(Message):
        """All that is asked for was given."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    class Cancelled(Message):
        """It is not to run."""

    class Missing(Message):
        """Something is missing; the words say what."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, plan: Plan, *, arms: bool, operator: str = "", ticket: str = "") -> None:
        super().__init__(id="confirmation")
        self.excluded: set[int] = set()
        self._plan, self._arms = plan, arms
        self._operator, self._ticket = operator, ticket
        self._irreversible = plan.danger is Danger.IRREVERSIBLE
        self._asked_for_ticket = False
        self._pressed = math.inf  # until it is in sight

    # -- layout --------------------------------------------------------------------------------

    def compose(self) -> Iterable[Widget]:
        """Who and why, where that is asked; then what to type and the buttons."""
        if self._arms or self._irreversible:
            yield Horizontal(*self._who(), id="who")
        yield Horizontal(*self._buttons(), id="confirm")

    def _who(self) -> Iterable[Widget]:
        yield Label("reason:" if self._irreversible else "ticket:", markup=False)
        yield Field(self._ticket, id="reason")
        if self._arms:
            yield Label("your name:", markup=False)
            yield Field(self._operator, id="operator")

    def _buttons(self) -> Iterable[Widget]:
        plan = self._plan
        if plan.danger is Danger.WIDE:
            yield Label(f"type {plan.must_type} to run:", markup=False)
            yield Field(digits=True, id="count")
        elif plan.must_type:
            yield Label(f"type {clean(plan.must_type)} to run:", markup=False)
            yield Field(id="target")
        yield Label("", classes="space")
        yield Choice("Cancel", id="cancel")
        yield Choice(f"Run {step_count(len(plan.steps))}" if plan.steps else "Start", id="run")

    def on_mount(self) -> None:
        """Count from when it can be seen."""
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        self._pressed = time.monotonic()

    def focus_next_gap(self) -> None:
        """Go to the first thing that is still missing, else to the button that runs it."""
        self._gap().focus()

    def _gap(self) -> Widget:
        if self._has("#reason") and not self._value("#reason") and not self._asked_for_ticket:
            return self.query_one("#reason")
        if self._has("#operator") and not self._value("#operator"):
            return self.query_one("#operator")
        if self._typed() != self._plan.must_type:
            return self.query_one("#count, #target")
        return self.query_one("#run")

    def offer(self, ticket: str) -> None:
        """Say what was given last in this case; it is not taken by itself."""
        if ticket and self._has("#reason"):
            self.query_one("#reason", Field).placeholder = f"last in this case: {clean(ticket)}"

    def leave_out(self, excluded: set[int]) -> None:
        """Say how many steps are left to run."""
        self.excluded = excluded
        left = len(self._plan.steps) - len(excluded)
        self.query_one("#run", Choice).rename(f"Run {step_count(left)}")

    @property
    def ticket(self) -> str:
        """What is typed as ticket or reason."""
        return self._value("#reason")

    @property
    def writes_text(self) -> bool:
        """Whether letters are typed into a field now, and so are no keys of the screen."""
        focused = self.screen.focused
        return isinstance(focused, Field) and focused.id != "count"

    # -- what is given -------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether an `enter` counts now."""
        return time.monotonic() - self._pressed >= SETTLE_SECONDS

    def _too_soon(self) -> bool:
        settled, self._pressed = self.settled, time.monotonic()
        if not settled:
            self._tell("the plan has only just come: look at it, then enter")
        return not settled

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """Run it, or not."""
        event.stop()
        if event.choice.id == "cancel":
            self.post_message(self.Cancelled())
        elif self._plan.must_type or not self._too_soon():
            self._confirm()

    def on_input_changed(self, event: Input.Changed) -> None:
        """A ticket was begun after all."""
        if event.input.id == "reason":
            self._asked_for_ticket = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in what must be typed confirms; elsewhere it goes on to what is missing."""
        event.stop()
        if event.input.id in ("count", "target"):
            self._confirm()
        elif event.input.id == "reason" and not self._value("#reason"):
            if not self._too_soon():
                self._without_ticket()
        elif self._plan.must_type and self._typed() == self._plan.must_type:
            self._confirm()
        else:
            self.focus_next_gap()

    def _without_ticket(self) -> None:
        if self._irreversible:
            self._tell("this cannot be undone, so a reason is needed")
        elif not self._asked_for_ticket:
            self._ask_again()
        elif self._gap().id == "run":
            self._confirm()
        else:
            self.focus_next_gap()

    def _ask_again(self) -> None:
        self._asked_for_ticket = True
        words = "go on" if self._plan.must_type and self._typed() != self._plan.must_type else "run"
        self._tell(f"{words} without a ticket? enter again")

    def _confirm(self) -> None:
        plan, reason = self._plan, self._value("#reason")
        if self._typed() != plan.must_type:
            self._tell(f"not run: type {clean(plan.must_type)} to confirm, nothing was changed")
        elif self._irreversible and not reason:
            self._tell("not run: this cannot be undone, so a reason is needed, nothing was changed")
            self.query_one("#reason").focus()
        elif plan.steps and len(self.excluded) == len(plan.steps):
            self._tell("not run: every step is left out")
        elif self._arms and not reason and not self._asked_for_ticket:
            self._ask_again()
        else:
            self.post_message(self.Confirmed(self._answer(reason)))

    def _answer(self, reason: str) -> Answer:
        operator = self._value("#operator") or self._operator
        no_ticket = self._arms and not reason
        return Answer(self._typed(), reason, frozenset(self.excluded), operator, no_ticket)

    def _tell(self, words: str) -> None:
        self.post_message(self.Missing(words))

    def _typed(self) -> str:
        return self._value("#count") or self._value("#target")

    def _has(self, name: str) -> bool:
        return bool(self.query(name))

    def _value(self, name: str) -> str:
        found = self.query(name)
        return found.first(Field).value.strip() if found else ""
