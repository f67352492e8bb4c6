"""What the detections found, worst first: each with its events, its principal and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from textual.widget import Widget

from s3ir_tui.model import Severity
from s3ir_tui.text import clean, fit, short_arn
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.found import Found
from screens.base import CaseScreen
from screens.event import EventScreen
from screens.histogram import Jump
from screens.keys import bindings
from screens.state import State
from screens.widgets.lines import Spans, ruled
from screens.widgets.pages import Pages, Paragraph
from screens.widgets.palette import BOLD, DIM, PLAIN, severity_style
from screens.widgets.rows import Rows

_LOOKED_BACK = 5_000

_Key = tuple[str, str, str]


class FoundList(Rows):
    """Entries, one a line. Until the cursor is moved they stand worst first; then each keeps its place."""

    def __init__(self) -> None:
        super().__init__(id="found")
        self.filter = ""
        self._all: dict[_Key, Found] = {}
        self._order: list[_Key] = []
        self._shown: list[Found] = []
        self._news = 0

    def show(self, found: tuple[Found, ...]) -> None:
        """Show entries as the room gives them, worst first."""
        self._all = {item.key: item for item in found}
        if self.touched:
            known = set(self._order)
            fresh = [item.key for item in found if item.key not in known]
            self._news += len(fresh)
            self._order = [key for key in self._order if key in self._all] + fresh
        else:
            self._order = list(self._all)
        self._arrange()

    def sort(self) -> None:
        """Worst first again."""
        self._news, self._order = 0, list(self._all)
        self._arrange()

    def narrow(self, text: str) -> None:
        """Show only entries that contain a text."""
        self.filter = text.casefold()
        self._arrange()

    def current(self) -> Found | None:
        """The entry under the cursor."""
        return self._shown[self.cursor] if self.cursor < len(self._shown) else None

    def _arrange(self) -> None:
        before, under = self._shown, self.current()
        self._shown = [item for item in (self._all[key] for key in self._order) if self._fits(item)]
        if before == self._shown:
            self.refresh_head()
            return
        if self.touched and under is not None:
            place = next((place for place, item in enumerate(self._shown) if item.key == under.key), None)
            self.cursor = self.cursor if place is None else place
        self.rows_changed()
        self.post_message(self.Moved(self))

    def _fits(self, item: Found) -> bool:
        words = (item.name, item.text, item.principal, item.bucket, item.severity.word)
        return not self.filter or self.filter in " ".join(words).casefold()

    # -- painting ------------------------------------------------------------------------------

    def count(self) -> int:
        """How many entries are shown."""
        return len(self._shown)

    def empty(self) -> str:
        """What is said where there are none."""
        return "nothing matches the filter" if self.filter else "no detection has found anything yet"

    def head(self, cells: int) -> Spans:
        """The line above the entries."""
        number = f"{len(self._shown)} of {len(self._all)}" if self.filter else f"{len(self._all)}"
        grave = sum(item.severity >= Severity.HIGH for item in self._all.values())
        left: list[tuple[str, Style]] = [("─ ", PLAIN), ("Detections", PLAIN), (f" ─ {number}", PLAIN)]
        left.append((f", {grave} high or worse " if grave else " ", PLAIN))
        if self.filter:
            left.append((f"─ filter /{clean(self.filter)} ", BOLD))
        return ruled(left, [(f" +{self._news} new, o sorts ", BOLD)] if self._news else [], cells)

    def spans(self, index: int, cells: int) -> Spans:
        """One entry."""
        item = self._shown[index]
        wide = cells >= 110
        who, where = (26, 24) if wide else (13, 0)
        times = f"x{item.count}" if item.count > 1 else ""
        style = severity_style(item.severity)
        text = item.text if wide or not item.bucket or item.bucket in item.text else f"{item.text}: {item.bucket}"
        spans: list[tuple[str, Style]] = [
            (f"{item.severity.short:<4} ", style),
            (f"{_last(item)[11:19] or '-':<8} ", DIM),
            (fit(times, 5) + " ", BOLD),
            (fit(_who(item.principal), who) + " ", PLAIN),
        ]
        if where:
            spans.append((fit(clean(item.bucket) or "-", where) + " ", PLAIN))
        room = max(8, cells - 5 - 9 - 6 - who - 1 - (where + 1 if where else 0))
        return [*spans, (fit(clean(text), room), style if item.severity >= Severity.HIGH else PLAIN)]


def _last(item: Found) -> str:
    """Time of the newest of its events that is known, or ""."""
    return item.last or (item.sample.event.time if item.sample else "")


def _who(principal: str) -> str:
    short = clean(short_arn(principal))
    kind, slash, rest = short.partition("/")
    return rest if slash and kind in ("user", "role") else short


def about_lines(found: Found) -> list[Paragraph]:
    """An entry in full."""
    times = f"{found.first} to {found.last}" if found.first != found.last else found.first
    facts = (times, f"{found.count} events" if found.count > 1 else "", found.bucket, found.name)
    return [
        (f"{found.severity.word}: {found.text}", severity_style(found.severity)),
        (clean(found.principal), PLAIN),
        ("  ".join(clean(fact) for fact in facts if fact and fact != found.text), DIM),
    ]


class DetectionsScreen(CaseScreen):
    """What the detections found.

    Args:
        state: What all screens look at.
        jump: Shows the tail as of a time; told that of the newest event.
    """

    PLACES = ("found", "list", "all")
    BINDINGS = bindings("found")
    DEFAULT_CSS = "DetectionsScreen #about { height: 6; padding-top: 1; }"

    def __init__(self, state: State, jump: Jump | None = None) -> None:
        super().__init__(state)
        self._jump = jump

    def body(self) -> Iterable[Widget]:
        """The entries, and the whole words of the one under the cursor."""
        yield FoundList()
        about = Pages(id="about")
        about.can_focus = False
        yield about

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.query_one(FoundList).focus()

    def refill(self) -> None:
        """Show the newest entries."""
        self.query_one(FoundList).show(self.state.snapshot.found)
        self._tell()

    def on_rows_moved(self, _: Rows.Moved) -> None:
        """Tell of another entry."""
        self._tell()

    def _tell(self) -> None:
        found = self.query_one(FoundList).current()
        self.query_one("#about", Pages).show(about_lines(found) if found else ())

    def action_filter(self) -> None:
        """Show only what contains a text."""
        listed = self.query_one(FoundList)
        self.ask("filter detections", lambda _text: None, value=listed.filter, live=listed.narrow)

    def action_sort(self) -> None:
        """Worst first again."""
        self.query_one(FoundList).sort()

    def action_act(self) -> None:
        """Actions for its principal, or for the bucket where nobody signed."""
        from screens.actions import open_actions

        found = self.query_one(FoundList).current()
        if found is None:
            return
        event = found.sample.event if found.sample else None
        if event is not None and event.kind == "Anonymous" and event.bucket:
            open_actions(self, [("bucket", event.bucket)])
        else:
            open_actions(self, [("principal", self.state.principal_of(event) if event else found.principal)])

    def action_tail(self) -> None:
        """Show the tail as of its newest event."""
        found = self.query_one(FoundList).current()
        when = _last(found) if found is not None else ""
        if self._jump is not None and when:
            self.dismiss(None)
            self._jump(when)
        elif found is not None:
            self.say("the time of its events is not known here")

    def on_rows_chosen(self, _: Rows.Chosen) -> None:
        """Show the newest of its events."""
        found = self.query_one(FoundList).current()
        if found is None:
            return
        line = found.sample or self._kept(found.events)
        if line is not None:
            self.app.push_screen(EventScreen(self.state, line))
        else:
            self.say(f"not at the end of the tail: events {', '.join(map(clean, found.events[:2]))}", alarm=True)

    def _kept(self, events: tuple[str, ...]) -> Judged | None:
        """The newest line of the end of the tail that is one of some events."""
        lines, wanted = self.state.lines, set(events)
        oldest = max(lines.start, lines.end - _LOOKED_BACK)
        newest_first = (lines[number] for number in range(lines.end - 1, oldest - 1, -1))
        return next((line for line in newest_first if line.event.id in wanted), None)
