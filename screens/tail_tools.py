"""What the keys of the tail do besides moving in it: filter, search, severity, time, principals, what else there is."""

from __future__ import annotations

from s3ir_tui.model import Severity
from s3ir_tui.trail.filter import FilterError
from s3ir_tui.trail.moments import moment
from screens.base import CaseScreen, Prompt
from screens.filter_bar import FilterBar
from screens.state import State
from screens.widgets.tail import Tail
from screens.widgets.tail_search import Towards


class TailTools:
    """The tools of a tail on a screen that has a `FilterBar`.

    Args:
        screen: The screen.
        state: What all screens look at.
        tail: The tail.
    """

    def __init__(self, screen: CaseScreen, state: State, tail: Tail) -> None:
        self._screen, self._state, self._tail = screen, state, tail
        self._last = ""
        state.show_only = self.show_only

    def filter(self) -> None:
        """Ask for a filter."""
        tail = self._tail
        self._screen.query_one(FilterBar).ask(tail.filter, tail.narrow, tail.lately)

    def show_only(self, text: str) -> None:
        """Show the lines that a filter finds, on this screen."""
        app = self._screen.app
        while len(app.screen_stack) > 1 and app.screen is not self._screen:
            app.pop_screen()
        try:
            self._tail.narrow(text)
        except FilterError as error:
            self._screen.say(str(error), alarm=True)
            return
        self._screen.say(f"only {text}; escape shows all again")

    def search(self) -> None:
        """Ask what is searched, and go to it while it is written; nothing written is the last search again."""
        self._tail.begin_search()
        self._screen.ask("search", self._searched, live=self._seek)

    def _seek(self, text: str) -> None:
        self._tail.seek(text)
        if not self._screen.query_one(Prompt).display:  # it was taken back
            self._tail.end_search()

    def _searched(self, text: str) -> None:
        self._last = text or self._last
        if not text:
            self._tail.seek(self._last)
        self._tail.end_search()
        if self._tail.search:
            self._screen.say("n goes to the match before, N to the one after, escape ends the search", seconds=4)

    def again(self, towards: Towards) -> None:
        """Go to the next match."""
        why = self._tail.find(towards)
        if why:
            self._screen.say(why, seconds=3)

    def severity(self) -> None:
        """The next severity as the least that is shown; after the worst all are shown."""
        floor = Severity((self._tail.floor + 1) % len(Severity))
        self._tail.set_floor(floor)
        self._screen.say(f"severity {floor.word} and above" if floor else "every severity is shown", seconds=3)

    def time(self) -> None:
        """Ask for a time, and go to it."""
        self._screen.ask("go to (UTC, 14:03 or -15m)", self._go_to)

    def _go_to(self, text: str) -> None:
        if not text:
            return
        try:
            first, _last = moment(text, self._state.now())
        except ValueError as error:
            self._screen.say(str(error), alarm=True)
            return
        self._tail.go_to_time(first)

    def group(self) -> None:
        """Show one line for each principal."""
        from screens.groups import GroupsScreen

        tail = self._tail
        self._screen.app.push_screen(GroupsScreen(self._state, tail.passes, tail.filter))

    def event(self) -> None:
        """Show the event under the cursor in full."""
        from screens.event import EventScreen

        line = self._tail.current()
        if line is not None:
            self._tail.set_follow(False)
            self._screen.app.push_screen(EventScreen(self._state, line))

    def pivot(self) -> None:
        """Show what else there is of the event under the cursor."""
        from screens.pivot import PivotScreen

        line = self._tail.current()
        if line is not None:
            self._tail.set_follow(False)
            self._screen.app.push_screen(PivotScreen(self._state, line))
