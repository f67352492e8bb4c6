"""What every screen has: the status at the top, one line to say and ask things, the keys at the foot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Label

from screens.keys import Key, Where, bindings, keys_of
from screens.messages import Fetched
from screens.state import RECORDED, State
from screens.widgets.bars import KeysLine, NextLine
from screens.widgets.field import Field
from screens.widgets.status import StatusLines

if TYPE_CHECKING:
    from screens.running import Run

T = TypeVar("T")


class Prompt(Horizontal):
    """One line that asks for a text. Its field comes with the first question: styling one takes longer than a pane."""

    BINDINGS = bindings("prompt")
    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt Label { width: auto; padding: 0 1; text-style: bold; }
    Prompt Field { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._word, self._field = Label("", markup=False), Field()
        self._then: Callable[[str], None] = lambda _text: None
        self._live: Callable[[str], None] | None = None
        self._before: Widget | None = None

    def ask(
        self, word: str, then: Callable[[str], None], *, value: str = "", live: Callable[[str], None] | None = None
    ) -> None:
        """Ask for a text.

        Args:
            word: What is asked; our own words.
            then: Told the text on `enter`.
            value: What stands there at first.
            live: Told the text on every change, and "" when it is cancelled.
        """
        self._then, self._live = then, None
        self._before = self.screen.focused
        if not self._field.is_attached:
            self.mount(self._word, self._field)
        self._word.update(word)
        field = self._field
        field.value = value
        field.cursor_position = len(value)
        self._live = live
        self.display = True
        self.screen.set_focus(field)

    def close(self) -> None:
        """Go away, and give the focus back."""
        self.display = False
        self._live = None
        if self._before is not None and self._before.is_mounted:
            self._before.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell who wants to know at once."""
        event.stop()
        if self._live is not None and self.display:
            self._live(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell the text."""
        event.stop()
        self.close()
        self._then(event.value.strip())

    def action_cancel(self) -> None:
        """Take it back."""
        live = self._live
        self.close()
        if live is not None:
            live("")


class CaseScreen(Screen[None]):
    """A screen of the console.

    Args:
        state: What all screens look at.
    """

    PLACES: ClassVar[tuple[Where, ...]] = ("all",)
    """The places of the key table that the screen answers to, most telling first."""

    BINDINGS = bindings("all")
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    CaseScreen { layout: vertical; background: $background; }
    CaseScreen NextLine { height: 1; }
    """

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self._unsaid: tuple[str, bool, float] | None = None

    # -- layout --------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The frame around `body`."""
        yield StatusLines()
        yield from self.body()
        yield Prompt()
        yield NextLine(id="next")
        yield KeysLine([key for key in self.key_table() if key.word])

    def body(self) -> Iterable[Widget]:
        """What the screen is about; to be filled in."""
        return ()

    def places(self) -> tuple[Where, ...]:
        """The places that it answers to now."""
        return self.PLACES

    def key_table(self) -> list[Key]:
        """The keys that make sense on this screen now; of two for the same key the first one counts."""
        found: list[Key] = []
        taken: set[str] = set()
        for key in keys_of(*self.places()):
            names = set(key.keys.split(","))
            if names <= taken or not self.state.has(key.needs):
                continue
            taken |= names
            found.append(key)
        return found

    # -- news ----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show what is known already; Textual calls this after the `on_mount` of the screen itself."""
        self.update()
        if self._unsaid is not None:
            words, alarm, seconds = self._unsaid
            self.say(words, alarm=alarm, seconds=seconds)

    def on_screen_resume(self) -> None:
        """Show what has changed meanwhile."""
        self.update()

    def update(self) -> None:
        """Show the newest state; called for every update of the room while the screen is in sight."""
        if not self.is_mounted or not self.query(StatusLines):
            return
        self.query_one(StatusLines).show(self.state.status, waits=self.state.waits)
        self.show_next()
        self.refill()

    def show_silence(self, seconds: float) -> None:
        """Say that the room has been silent for too long; 0 takes it back."""
        if self.query(StatusLines):
            self.query_one(StatusLines).show(self.state.status, waits=self.state.waits, silent=seconds)

    def run_ended(self, run: Run) -> None:
        """Say how a plan ended that is not shown here."""
        from screens.plan_text import running_words

        self.say(running_words(run), alarm=not (run.result and run.result.ok), seconds=15)

    def show_next(self) -> None:
        """Show what is said at the foot besides what was just said: nothing, on most screens."""
        self.query_one(NextLine).show(None, self.running())

    def refill(self) -> None:
        """Show the newest state in the body; to be filled in."""

    def running(self) -> str:
        """What is said about a plan that runs; "" where none does."""
        run = self.state.run
        if run is None or run.ended:
            return ""
        return f"{run.plan.action} runs: {run.done} of {len(run.states)} steps"

    # -- talking -------------------------------------------------------------------------------

    def say(self, text: str, *, alarm: bool = False, seconds: float = 8.0) -> None:
        """Say something at the foot (see `NextLine.say`), as soon as the screen is there."""
        if self.query(NextLine):
            self.query_one(NextLine).say(text, alarm=alarm, seconds=seconds)
        else:
            self._unsaid = text, alarm, seconds

    def ask(
        self, word: str, then: Callable[[str], None], *, value: str = "", live: Callable[[str], None] | None = None
    ) -> None:
        """Ask for a text at the foot (see `Prompt.ask`)."""
        self.query_one(Prompt).ask(word, then, value=value, live=live)

    def can_act(self) -> bool:
        """Whether anything can be changed from here; says so where not."""
        if self.state.desk is None:
            self.say(RECORDED if not self.state.live else "this console cannot change anything", alarm=True)
            return False
        return True

    def fetch(
        self, words: str, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None] | None = None
    ) -> None:
        """Read something on a thread.

        Args:
            words: What is said meanwhile; nothing where it is "".
            work: Reads; runs on the thread.
            then: Told the answer, on the loop.
            failed: Told why there is none, on the loop; it is said at the foot where it is `None`.
        """
        if words:
            self.say(f"{words} …", seconds=0)

        said = bool(words)

        def read() -> None:
            try:
                value = work()
            except Exception as error:  # noqa: BLE001 - the responder is told, and the screen lives on
                from screens.running import words_of

                why = words_of(error)
                self.post_message(Fetched(lambda: (failed or self._failed)(why), said))
                return
            self.post_message(Fetched(lambda: then(value), said))

        threading.Thread(target=read, name=f"read {words}", daemon=True).start()

    def on_fetched(self, message: Fetched) -> None:
        """What was asked for has come."""
        message.stop()
        if message.said:
            self.say("")
        message.then()

    def _failed(self, words: str) -> None:
        self.say(words, alarm=True, seconds=30)

    # -- actions -------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Leave the screen."""
        if len(self.app.screen_stack) > 1:
            self.dismiss(None)

    def action_help(self) -> None:
        """Show every key of this screen."""
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.state, self.key_table()))
