"""Is it quiet? Allowed and denied calls of a contained actor, its credentials, our changes, the legitimate work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.widget import Widget

from s3ir_tui.model import State as Word
from s3ir_tui.room import Pulse, WatchView
from s3ir_tui.states import LEGEND
from s3ir_tui.text import ago, fit
from screens.base import CaseScreen
from screens.document import Title
from screens.keys import bindings
from screens.state import State
from screens.widgets.lines import Lines, Spans
from screens.widgets.palette import AMBER, BOLD, DIM, GREEN, PLAIN, RED, state_mark
from screens.widgets.pulse import bars

_CELLS = 15


class WatchBody(Lines):
    """The lines of a watch, of which only the changed cells are repainted."""

    DEFAULT_CSS = "WatchBody { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="watch-body")
        self._content: list[Spans] = []
        self.top = 0

    def show(self, content: list[Spans]) -> None:
        """Show lines."""
        self._content = content
        self.scroll_lines(0)
        self.changed()

    def scroll_lines(self, by: int) -> None:
        """Scroll by lines."""
        self.top = max(0, min(self.top + by, len(self._content) - self.size.height))
        if by:
            self.changed()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - cut by the strip
        """The line."""
        index = self.top + y
        return self._content[index] if index < len(self._content) else ()


class WatchScreen(CaseScreen):
    """The quiet watch.

    Args:
        state: What all screens look at.
        ref: The watch to show; the newest where it is "".
    """

    PLACES = ("watch", "all")
    BINDINGS = bindings("watch")

    def __init__(self, state: State, ref: str = "") -> None:
        super().__init__(state)
        self._ref = ref

    def body(self) -> Iterable[Widget]:
        """A title and the lines."""
        yield Title(id="title")
        yield WatchBody()

    def view(self) -> WatchView | None:
        """The watch that is shown."""
        views = self.state.snapshot.watches
        found = next((view for view in views if view.id == self._ref), None)
        return found or (views[-1] if views and not self._ref else None)

    def refill(self) -> None:
        """Show the newest numbers."""
        view, views = self.view(), self.state.snapshot.watches
        title = self.query_one(Title)
        if view is None:
            title.show("Watch")
            self.query_one(WatchBody).show(_nothing(waiting=bool(self._ref)))
            return
        place = views.index(view) + 1
        more = f"log {view.refs}" if view.refs else ""
        if len(views) > 1:
            more = f"{place} of {len(views)}, tab for the next"
        title.show(f"Watch  {view.label}", more)
        self.query_one(WatchBody).show(watch_lines(view, self.state.snapshot.status.now, self.size.width))

    def action_next(self, by: int) -> None:
        """Show another watch."""
        views = self.state.snapshot.watches
        view = self.view()
        if views:
            place = views.index(view) if view in views else 0
            self._ref = views[(place + by) % len(views)].id
            self.update()

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one(WatchBody).scroll_lines(by)

    def action_act(self) -> None:
        """Actions for the actor."""
        from screens.actions import open_actions

        view = self.view()
        label = view.label if view else ""
        rows = [row for row in self.state.rows("principal") if row.label == label]
        open_actions(self, [(row.kind, row.id) for row in rows[:1]])


def watch_lines(view: WatchView, now: str, cells: int) -> list[Spans]:
    """A watch as lines."""
    word, style = state_mark(view.state)
    lines: list[Spans] = [
        [(f" {word}", style), (f"   {view.words}", PLAIN)],
        [(f" {LEGEND[view.state].text if view.state in LEGEND else ''}", DIM)],
        [(f" contained {_at(view.since)} by {view.by or '?'}", PLAIN), (_ago(view.since, now), DIM)],
        [
            (" last success ", DIM),
            (_at(view.last_ok), BOLD),
            ("   first denied ", DIM),
            (_at(view.first_denied), BOLD),
        ],
        *_pulse(view.pulse),
        [(_proof(view, now), GREEN if view.state is Word.QUIET else AMBER)],
        [("─" * cells, DIM)],
    ]
    for item in view.credentials:
        lines.append(
            [
                (" " + fit(item.id, 21), BOLD),
                (" " + fit(item.what, 22), PLAIN),
                (f" last ok {_at(item.last_ok, 'never')}", PLAIN),
                (f"  denied {item.denied}", RED if item.denied else DIM),
            ]
        )
    if not view.credentials:
        lines.append([(" no credential of it is known", DIM)])
    lines.append([("─" * cells, DIM)])
    lines.append(_changes(view))
    lines += [[(" STILL IN     ", RED), (item.words, BOLD)] for item in view.still_in]
    lines += [[(" workload     ", DIM), (text, PLAIN)] for text in view.workload]
    return lines


def _pulse(pulse: Pulse) -> list[Spans]:
    peak = max((*pulse.allowed, *pulse.denied, 1))
    rows = (("allowed", pulse.allowed, BOLD), ("denied ", pulse.denied, RED))
    lines: list[Spans] = []
    for name, counts, style in rows:
        total = sum(counts)
        lines.append([(f" {name} ", DIM), (bars(counts, _CELLS, peak).rjust(_CELLS, "·"), style), (f" {total}", BOLD)])
    lines.append([(f"         one cell is {pulse.cell_seconds} s, newest at the right", DIM)])
    return lines


def _proof(view: WatchView, now: str) -> str:
    if view.state is Word.QUIET:
        return f" quiet: nothing was allowed from {_at(view.proof_from)} to {_at(view.quiet_at or now)}"
    if view.state is Word.UNKNOWN and view.reasons:
        return f" no proof: {'; '.join(view.reasons)}"
    if not view.proof_from:
        return " no proof yet: not all that could show a call has been read"
    until = f"; quiet if nothing is allowed until {_at(view.quiet_at)}" if view.quiet_at else ""
    left = _left(view.quiet_at, now)
    return f" proof from {_at(view.proof_from)}{until}{left}"


def _changes(view: WatchView) -> Spans:
    if not view.changes:
        return [(" our changes  ", DIM), ("none: this only watches", PLAIN)]
    style = PLAIN if view.in_place == view.changes else RED
    read = f", read back {_at(view.checked)}" if view.checked else ", not read back yet"
    unread = f", {view.unreadable} not readable" if view.unreadable else ""
    words = f"{view.in_place} of {view.changes} in place{unread}{read}" if view.checked else f"{view.changes}{read}"
    return [(" our changes  ", DIM), (words, style if view.checked else PLAIN)]


def _nothing(*, waiting: bool) -> list[Spans]:
    if waiting:
        return [[(" the first numbers come with the next look at the trail …", DIM)]]
    return [
        [(" Nothing is watched yet.", BOLD)],
        [(" A watch begins by itself when a plan has contained someone; `watch.quiet` under actions starts one.", DIM)],
    ]


def _at(moment: str, none: str = "-") -> str:
    return f"{moment[11:19]}Z" if len(moment) >= 19 else moment or none


def _seconds(early: str, late: str) -> float | None:
    try:
        return (datetime.fromisoformat(late) - datetime.fromisoformat(early)).total_seconds()
    except (ValueError, TypeError):
        return None


def _ago(moment: str, now: str) -> str:
    seconds = _seconds(moment, now)
    return "" if seconds is None else f"  {ago(seconds)} ago"


def _left(moment: str, now: str) -> str:
    seconds = _seconds(now, moment)
    return "" if seconds is None or seconds <= 0 else f" ({ago(seconds)} left)"
