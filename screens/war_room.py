"""The war room: affected buckets, principals and instances beside the live tail, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widget import Widget

from s3ir_tui.room import Kind, Row
from s3ir_tui.text import clean
from screens import opening
from screens.asking import about_event, about_row
from screens.base import CaseScreen, Prompt
from screens.filter_bar import FilterBar
from screens.keys import KEYS, Key, Where, bindings, keys_of
from screens.review import Player
from screens.state import State
from screens.tail_tools import TailTools
from screens.widgets.bars import KeysLine, NextLine, Strip, Tabs
from screens.widgets.pane import Pane
from screens.widgets.rows import Rows
from screens.widgets.slider import Slider
from screens.widgets.status import can_retry
from screens.widgets.tail import Tail
from screens.widgets.tail_search import Towards

WIDE = 110
"""From this many columns on all four panes are in sight."""

Name = Literal["bucket", "principal", "instance", "tail"]
_NAMES: tuple[Name, ...] = ("bucket", "principal", "instance", "tail")
_KINDS: tuple[Kind, ...] = ("bucket", "principal", "instance")
_TICK = 0.25
_ORDER: dict[Where, int] = {"review": 0, "tail": 1, "room": 1}
_OF_TAIL = frozenset(key.action.partition("(")[0] for key in keys_of("tail"))


class WarRoomScreen(CaseScreen):
    """The first screen, and the one under all others."""

    PLACES = ("review", "tail", "room", "list", "all")
    BINDINGS = [*bindings("review"), *bindings("tail"), *bindings("room")]
    DEFAULT_CSS = """
    WarRoomScreen #panes { height: 1fr; }
    WarRoomScreen #left { width: 5fr; }
    WarRoomScreen #pane-tail { width: 6fr; }
    WarRoomScreen.-wide.-all #pane-tail { border-left: solid $panel; }
    WarRoomScreen:ansi.-wide.-all #pane-tail { border-left: solid ansi_default; }
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._tail = Tail(state.lines, live=state.live, clock=state.now)
        self._tools = TailTools(self, state, self._tail)
        self._active: Name = "tail"
        self._wide = False
        self._zoomed = False
        self._touched = False
        self._player: Player | None = None

    # -- layout --------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Tabs and the worst suspect where it is narrow, the time line of a review, the panes."""
        self._wide = self.app.size.width >= WIDE
        self._active = "principal" if self._wide else "tail"
        # Now, since each class that a screen gets later has every widget on it styled anew.
        self._set_classes()
        yield Tabs(id="tabs")
        yield Strip(id="strip")
        if self.state.timeline is not None:
            yield Slider(id="slider")
        yield Horizontal(
            Vertical(*(Pane(kind) for kind in _KINDS), id="left"),
            self._tail,
            id="panes",
        )
        yield FilterBar()

    def on_mount(self) -> None:
        """Arrange for the size that there is."""
        if self.state.timeline is not None:
            self._player = Player(self.state.timeline, self.query_one(Slider))
            self.set_interval(_TICK, self._play_on)
        self._arrange()
        self._pane(self._active).focus()

    def on_resize(self, event: Resize) -> None:
        """Go from one pane to four, or back."""
        wide = event.size.width >= WIDE
        if wide != self._wide:
            self._wide = wide
            self._arrange()

    @property
    def _everything(self) -> bool:
        """Whether all four panes are in sight."""
        return self._wide and not self._zoomed

    def _set_classes(self) -> None:
        self.set_class(self._wide, "-wide")
        self.set_class(self._everything, "-all")

    def _arrange(self) -> None:
        everything = self._everything
        self._set_classes()
        self.query_one(Tabs).display = not everything
        self.query_one(Strip).display = not self._wide
        for name in _NAMES:
            self._pane(name).display = everything or name == self._active
        self.query_one("#left").display = everything or self._active != "tail"
        self.query_one(KeysLine).show(self.key_table())

    def _pane(self, name: Name) -> Pane | Tail:
        return self._tail if name == "tail" else self.query_one(f"#pane-{name}", Pane)

    def _focused(self) -> Pane | Tail:
        return self._pane(self._active)

    # -- news ----------------------------------------------------------------------------------

    def take_lines(self, *, reset: bool) -> None:
        """Take in lines that were added to the ring, in sight or not."""
        if self.is_mounted and self.query(Tail):
            self._tail.lines_came(reset=reset)

    def refill(self) -> None:
        """Show the newest rows."""
        condition = self.state.snapshot.status.condition
        # Before the history is read, that nothing is suspect says nothing; without sight, that nothing is there.
        blind = "" if condition.word in ("", "LIVE") else condition.words
        for kind in _KINDS:
            pane = self.query_one(f"#pane-{kind}", Pane)
            self._say_why_empty(pane, blind)
            pane.show(self.state.rows(kind))
        self._say_why_empty(self._tail, blind)
        worst = self.state.worst()
        self.query_one(Strip).show(worst, blind or "no suspect yet")
        self._settle(worst)
        tabs = tuple((name, self._pane(name).title()) for name in _NAMES)
        self.query_one(Tabs).show(tabs, self._active)
        if self._player is not None:
            self._player.show()

    def _say_why_empty(self, pane: Pane | Tail, why: str) -> None:
        if pane.nothing != why:
            pane.nothing = why
            pane.refresh()

    def show_next(self) -> None:
        """Show the next step of the playbook."""
        proposal = self.state.snapshot.proposal
        if proposal is not None and self.state.desk is None:
            proposal = replace(proposal, key="")
        elif proposal is not None and not proposal.key and can_retry(self.state.snapshot.status.condition):
            proposal = replace(proposal, key="r")
        self.query_one(NextLine).show(proposal, self.running(), "a")

    def _settle(self, worst: Row | None) -> None:
        """Until the responder moves, the cursor stays on the worst suspect, and its pane has the focus."""
        if worst is None or self._touched:
            return
        pane = self.query_one(f"#pane-{worst.kind}", Pane)
        if not pane.touched:
            pane.go_to(worst.id)
        if self._wide and self._active != worst.kind:
            self._open(worst.kind)

    def _play_on(self) -> None:
        if self._player is not None and self.is_current:
            self._player.tick(_TICK)

    # -- panes ---------------------------------------------------------------------------------

    def _open(self, name: Name) -> None:
        self._active = name
        self._arrange()
        if not self.query_one(Prompt).display and not self.query_one(FilterBar).display:
            self._pane(name).focus()
        self.query_one(Tabs).show(tuple((item, self._pane(item).title()) for item in _NAMES), name)

    def action_pane(self, name: Name) -> None:
        """Go to a pane."""
        self._touched = True
        self._open(name)

    def action_next_pane(self, by: int) -> None:
        """Go to the next pane."""
        self.action_pane(_NAMES[(_NAMES.index(self._active) + by) % len(_NAMES)])

    def action_zoom(self) -> None:
        """One pane on the whole screen, and back."""
        if not self._wide:
            self.say("one pane is on the whole screen already; 1 to 4 change it")
            return
        self._zoomed = not self._zoomed
        self._arrange()

    def places(self) -> tuple[Where, ...]:
        """Those of the tail too where it is open."""
        return tuple(place for place in self.PLACES if place != "tail" or self._active == "tail")

    def key_table(self) -> list[Key]:
        """The keys that make sense now; those of the tail stand among those of the room."""
        return sorted(super().key_table(), key=lambda key: (_ORDER.get(key.where, 2), KEYS.index(key)))

    def action_filter(self) -> None:
        """Show only what is asked for."""
        pane = self._focused()
        if isinstance(pane, Tail):
            self._tools.filter()
            return
        self.ask(f"filter {_word(self._active)}", lambda _text: None, value=pane.filter, live=pane.narrow)

    def action_clear(self) -> None:
        """End the search, else clear the filter, else leave the zoom."""
        pane = self._focused()
        if isinstance(pane, Tail) and pane.search:
            pane.seek("")
        elif pane.filter:
            pane.narrow("")
        elif self._zoomed:
            self.action_zoom()

    def action_sort(self) -> None:
        """Worst first again."""
        pane = self._focused()
        if isinstance(pane, Pane):
            pane.sort()

    def action_pause(self) -> None:
        """Pause the tail, or follow again."""
        tail = self._tail
        tail.set_follow(not tail.follow)

    def action_fold(self) -> None:
        """Show or fold calls of AWS services and reads of this console."""
        tail = self._tail
        tail.fold = not tail.fold
        tail.rebuild()
        what = "calls of AWS services and reads of this console"
        self.say(f"{what} are {'folded' if tail.fold else 'shown'}")

    def action_search(self) -> None:
        """Search the tail."""
        self._tools.search()

    def action_again(self, towards: Towards) -> None:
        """Go to the next match."""
        self._tools.again(towards)

    def action_severity(self) -> None:
        """The next severity as the least that is shown."""
        self._tools.severity()

    def action_tail_time(self) -> None:
        """Go to a time in the tail."""
        self._tools.time()

    def action_group(self) -> None:
        """The tail by principal."""
        self._tools.group()

    def action_pivot(self) -> None:
        """What else there is of the event under the cursor."""
        self._tools.pivot()

    # -- what is chosen ------------------------------------------------------------------------

    def chosen(self) -> Sequence[tuple[Kind, str]]:
        """What actions work on: the marked rows, else what the cursor is on."""
        marked = self.state.marked()
        if marked:
            return marked
        pane = self._focused()
        if isinstance(pane, Pane):
            row = pane.current()
            return [(row.kind, row.id)] if row else []
        line = pane.current()
        if pane.follow or line is None:
            worst = self.state.worst()
            return [(worst.kind, worst.id)] if worst else []
        if line.event.kind == "Anonymous" and line.event.bucket:
            return [("bucket", line.event.bucket)]
        return [("principal", self.state.principal_of(line.event))]

    def action_act(self) -> None:
        """Show what can be done."""
        opening.actions(self, self.chosen())

    def action_mark(self) -> None:
        """Mark or unmark the row, or the principal of the event."""
        pane = self._focused()
        self._touched = True
        pane.touched = True
        if isinstance(pane, Pane):
            row = pane.current()
            found = (row.kind, row.id) if row else None
        else:
            line = pane.current()
            ident = self.state.principal_of(line.event) if line else ""
            found = ("principal", ident) if ident else None
        if found is None:
            return
        on = not self.state.is_marked(*found)
        self.state.mark(*found, on)
        self.say(f"{found[0]} {clean(found[1])} {'marked' if on else 'is no longer marked'}", seconds=3)
        self.update()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Show the row or event in full."""
        rows = event.rows
        if isinstance(rows, Tail):
            self._tools.event()
        elif isinstance(rows, Pane):
            row = rows.current()
            if row is not None:
                opening.row(self, row)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """The cursor was moved by hand: it stays the responder's."""
        self._touched = self._touched or event.rows.touched

    # -- other screens -------------------------------------------------------------------------

    def action_watch(self) -> None:
        """Show whether it is quiet."""
        pane = self._focused()
        opening.watch(self, pane.current() if isinstance(pane, Pane) else None)

    def action_undo(self) -> None:
        """Show what was done."""
        opening.undo(self)

    def action_note(self) -> None:
        """Write a note into the log."""
        self.ask("note", self._noted)

    def _noted(self, text: str) -> None:
        if text:
            self.state.room.note(text)
            self.say("noted in the log")

    def action_detections(self) -> None:
        """Show what the detections found."""
        opening.detections(self, self._show_time)

    def action_histogram(self) -> None:
        """Show calls over time, with those of what the cursor is on."""
        chosen = self.chosen()
        opening.histogram(self, chosen[0] if chosen else None, self._show_time)

    def _show_time(self, when: str) -> None:
        self.action_pane("tail")
        self._tail.go_to_time(when)

    def action_questions(self) -> None:
        """Ask history about what the cursor is on."""
        pane = self._focused()
        line = None if isinstance(pane, Pane) or pane.follow else pane.current()
        row = pane.current() if isinstance(pane, Pane) else self.state.worst()
        now = self.state.snapshot.status.now
        about = about_event(line.event, now) if line is not None else about_row(row) if row is not None else {}
        opening.questions(self, about)

    def action_log(self) -> None:
        """Show the log."""
        opening.log(self)

    def action_report(self) -> None:
        """Show how the report is written."""
        opening.report(self)

    def action_retry(self) -> None:
        """Sign in, or find the trail sources, now."""
        if can_retry(self.state.snapshot.status.condition):
            self.state.room.retry()
            self.say("trying again …", seconds=4)
        else:
            self.say("nothing waits to be tried again; the sources stand in the palette", seconds=4)

    def action_back(self) -> None:
        """There is nothing behind this screen."""

    # -- review --------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Keys of the tail are there where it is open; those of a time line in a review, marks outside one."""
        if action in _OF_TAIL:
            return self._active == "tail"
        if action in ("step", "play", "speed", "go"):
            return self.state.timeline is not None
        if action in ("mark", "note"):
            return self.state.timeline is None
        return True

    def action_step(self, by: int) -> None:
        """Next record, or the one before."""
        if self._player is not None:
            self._player.step(by)

    def action_play(self) -> None:
        """Play, or stop."""
        if self._player is not None:
            self._player.toggle()

    def action_speed(self, by: int) -> None:
        """Faster or slower."""
        if self._player is not None:
            self._player.faster(by)

    def action_go(self) -> None:
        """Go to a time."""
        player = self._player
        if player is not None:
            self.ask("go to (UTC)", lambda text: player.go_to_time(text, lambda words: self.say(words, alarm=True)))


def _word(name: Name) -> str:
    return "tail" if name == "tail" else f"{name}s"
