"""What can be done about what is chosen, and why not the rest; choosing shows the plan and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.style import Style
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label

from actions.plan import Danger, Offer, Plan
from s3ir_tui.room import Kind
from s3ir_tui.text import clean, fit, middle, short_arn
from screens.base import CaseScreen
from screens.document import Title
from screens.keys import bindings
from screens.plan import PlanScreen
from screens.state import State, targets_of
from screens.widgets.field import Field
from screens.widgets.lines import Spans
from screens.widgets.pages import Pages
from screens.widgets.palette import AMBER, BOLD, DIM, PLAIN
from screens.widgets.rows import Rows

Chosen = Sequence[tuple[Kind, str]]


def open_actions(screen: CaseScreen, chosen: Chosen) -> None:
    """Open the list of actions for rows; the running plan where there is one."""
    if not screen.can_act():
        return
    run = screen.state.run
    if run is not None and not run.ended:
        screen.app.push_screen(PlanScreen(screen.state, run.plan))
    elif not chosen:
        screen.say("nothing is chosen: put the cursor on a row, or mark rows with space", alarm=True)
    else:
        screen.app.push_screen(ActionsScreen(screen.state, chosen))


class OfferList(Rows):
    """Actions that fit, then those that do not."""

    def __init__(self) -> None:
        super().__init__(id="offers")
        self.can_focus = False
        self._all: tuple[Offer, ...] = ()
        self._shown: list[Offer | None] = []
        self._filter = ""
        self.read = False

    def show(self, offers: tuple[Offer, ...]) -> None:
        """Show offers."""
        self._all, self.read = offers, True
        self.narrow(self._filter)

    def narrow(self, text: str) -> None:
        """Show only offers that contain every word of a text."""
        self._filter = text
        words = text.casefold().split()
        fits = [offer for offer in self._all if all(word in _haystack(offer) for word in words)]
        good = [offer for offer in fits if not offer.why_not]
        other = [offer for offer in fits if offer.why_not]
        self._shown = [*good, *([None] if other else []), *other]
        self.cursor = self.top = 0
        self.rows_changed()
        self.post_message(self.Moved(self))

    def current(self) -> Offer | None:
        """The offer under the cursor."""
        return self._shown[self.cursor] if self.cursor < len(self._shown) else None

    def count(self) -> int:
        """How many lines there are."""
        return len(self._shown)

    def selectable(self, index: int) -> bool:
        """All but the line between."""
        return self._shown[index] is not None

    def empty(self) -> str:
        """What is said where there are none."""
        return "no action matches" if self.read else "asking AWS what fits …"

    @property
    def shows_cursor(self) -> bool:
        """The field above has the focus; the cursor is shown all the same."""
        return True

    def spans(self, index: int, cells: int) -> Spans:
        """One offer."""
        offer = self._shown[index]
        if offer is None:
            return [("── not now " + "─" * cells, DIM)]
        name = 30 if cells < 100 else 36
        danger = "" if offer.why_not else offer.danger.value
        room = max(8, cells - name - 3 - 13)
        style = DIM if offer.why_not else PLAIN
        words = offer.why_not or offer.detail or offer.title
        return [
            (" " + fit(offer.action, name) + " ", DIM if offer.why_not else BOLD),
            (fit(words, room), style),
            (f" {danger:>12}", _danger_style(offer.danger)),
        ]


def _haystack(offer: Offer) -> str:
    return f"{offer.action} {offer.title} {offer.detail} {offer.why_not}".casefold()


def _danger_style(danger: Danger) -> Style:
    return {Danger.READS: DIM, Danger.REVERSIBLE: PLAIN, Danger.WIDE: AMBER, Danger.IRREVERSIBLE: BOLD}[danger]


class ActionsScreen(CaseScreen):
    """The list of actions.

    Args:
        state: What all screens look at.
        chosen: What they would work on.
    """

    BINDINGS = bindings("actions")
    PLACES = ("actions", "all")
    DEFAULT_CSS = """
    ActionsScreen #narrow { height: 1; }
    ActionsScreen #narrow Label { width: auto; padding: 0 1; }
    ActionsScreen #about { height: 5; padding-top: 1; }
    """

    def __init__(self, state: State, chosen: Chosen) -> None:
        super().__init__(state)
        self._chosen = tuple(chosen)
        self._wanted = False
        self._planning = False

    def body(self) -> Iterable[Widget]:
        """A field to narrow, the list, and the words about the line under the cursor."""
        yield Title(id="title")
        yield Horizontal(Label("type to narrow", markup=False), Field(id="words"), id="narrow")
        yield OfferList()
        about = Pages(id="about")
        about.can_focus = False
        yield about

    def on_mount(self) -> None:
        """Ask what fits."""
        names = [clean(short_arn(ident)) for _, ident in self._chosen]
        self.query_one(Title).show(f"Actions for {middle(', '.join(names), 52)}", "nothing is changed yet")
        self.query_one(Field).focus()
        desk = self.state.desk
        if desk is not None:
            targets = targets_of(self._chosen)
            self.fetch("asking AWS what fits", lambda: desk.offers(targets), self._offered)

    def _offered(self, offers: tuple[Offer, ...]) -> None:
        self.query_one(OfferList).show(offers)
        if self._wanted:
            self._wanted = False
            self._choose()

    # -- keys ----------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor of the list."""
        self.query_one(OfferList).action_move(by)

    def action_page(self, by: int) -> None:
        """Move it by pages."""
        self.query_one(OfferList).action_page(by)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        if event.input.id == "words":
            self.query_one(OfferList).narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Plan what the cursor is on."""
        if event.input.id == "words":
            self._choose()

    def on_rows_moved(self, _: Rows.Moved) -> None:
        """Say more about the line under the cursor."""
        offer = self.query_one(OfferList).current()
        if offer is None:
            self.query_one("#about", Pages).show(())
            return
        lines = [(f"{offer.title}", BOLD)]
        lines.append((f"not now: {offer.why_not}", AMBER) if offer.why_not else (offer.detail, PLAIN))
        self.query_one("#about", Pages).show(lines)

    def _choose(self) -> None:
        listed = self.query_one(OfferList)
        offer = listed.current()
        desk = self.state.desk
        if self._planning or desk is None:
            return
        if not listed.read:
            self._wanted = True
            return
        if offer is None:
            return
        if offer.why_not:
            self.say("it does not fit now: the reason stands above", alarm=True)
            return
        self._planning = True
        targets = offer.targets or targets_of(self._chosen)

        def plan() -> tuple[Plan, bool]:
            return desk.plan(offer.action, targets), desk.needs_reason

        self.fetch(f"planning {offer.action}", plan, self._planned, self._refused)

    def _planned(self, answer: tuple[Plan, bool]) -> None:
        self._planning = False
        plan, needs_reason = answer
        if self.is_current:
            self.app.switch_screen(PlanScreen(self.state, plan, needs_reason=needs_reason))

    def _refused(self, words: str) -> None:
        self._planning = False
        self.query_one("#about", Pages).show([("No plan was made. Nothing was changed.", BOLD), (words, AMBER)])
