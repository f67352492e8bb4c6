"""The tail of the trail: follows until the responder moves, folds service noise, filters, never jumps under the eye."""

from __future__ import annotations

from rich.style import Style
from textual.cache import LRUCache

from s3ir_tui.model import Severity
from s3ir_tui.text import clean, fit, middle, short_arn, width
from s3ir_tui.trail.event import Event, Judged
from screens.widgets.lines import Spans, ruled
from screens.widgets.palette import BOLD, DIM, PLAIN, RED, severity_style
from screens.widgets.ring import Ring
from screens.widgets.rows import Rows

_DENIED = ("denied", "unauthorized", "invalidclienttoken", "invalidaccesskey", "expiredtoken", "tokenrefresh")
_LONGEST = 400


class Tail(Rows):
    """Lines of a ring of events, oldest first.

    Args:
        lines: The ring.
        live: Whether more comes by itself.

    Attributes:
        follow: Whether the newest line stays in sight.
        fold: Whether calls of AWS services are folded.
        filter: What a line must contain, casefolded.
    """

    def __init__(self, lines: Ring[Judged], *, live: bool = True) -> None:
        super().__init__(id="pane-tail", classes="pane")
        self._lines, self._live = lines, live
        self._view: Ring[int] = Ring(2**40)
        self._gone = 0
        self._next = 0
        self._cache: LRUCache[tuple[int, int], Spans] = LRUCache(256)
        self.follow = True
        self.fold = True
        self.filter = ""
        self.folded = 0
        self.fresh = 0

    # -- lines ---------------------------------------------------------------------------------

    def lines_came(self, *, reset: bool = False) -> None:
        """Take in what was added to the ring.

        Args:
            reset: Whether the ring was emptied first.
        """
        if reset:
            self.rebuild()
            return
        old = self.count()
        added = self._scan(max(self._next, self._lines.start))
        dropped = self._trim()
        if self.follow:
            self._to_end()
        else:
            self.fresh += added
            self.cursor, self.top = max(0, self.cursor - dropped), max(0, self.top - dropped)
        visible = added and (self.follow or old - self.top < self.page)
        if visible or (dropped and self.top == 0):
            self.refresh()
        else:
            self.refresh_head()

    def rebuild(self) -> None:
        """Look at every line again: the filter or the folding changed."""
        under = self._number(self.cursor) if self.count() and not self.follow else None
        self._view, self._gone, self.folded, self.fresh = Ring(2**40), 0, 0, 0
        self._cache.clear()
        self._scan(self._lines.start)
        if under is None:
            self._to_end()
        else:
            numbers = [self._number(index) for index in range(self.count())]
            self.cursor = max(0, sum(number <= under for number in numbers) - 1)
            self._into_view()
        self.refresh()

    def narrow(self, text: str) -> None:
        """Show only lines that contain a text; all of them where it is empty."""
        self.filter = text.casefold()
        self.rebuild()

    def current(self) -> Judged | None:
        """The event under the cursor."""
        return self._lines[self._number(self.cursor)] if self.count() else None

    def set_follow(self, on: bool) -> None:
        """Follow the newest line, or stay where it is."""
        self.follow = on
        if on:
            self.fresh = 0
            self._to_end()
        self.refresh()

    def move_to(self, index: int) -> None:
        """Put the cursor on a line; on the last one the tail follows again."""
        follow = index >= self.count() - 1
        if follow != self.follow:
            self.follow = follow
            self.fresh = 0 if follow else self.fresh
        super().move_to(index)
        self.refresh_head()

    def _number(self, index: int) -> int:
        return self._view[self._view.start + index]

    def _scan(self, start: int) -> int:
        found = []
        for number in range(start, self._lines.end):
            line = self._lines[number]
            if line.noise and self.fold:
                self.folded += 1
            elif not self.filter or self.filter in haystack(line):
                found.append(number)
        self._next = self._lines.end
        self._view.extend(found)
        return len(found)

    def _trim(self) -> int:
        dropped = 0
        while self._view.start < self._view.end and self._view[self._view.start] < self._lines.start:
            self._view.start += 1
            dropped += 1
        return dropped

    def _to_end(self) -> None:
        self.cursor = max(0, self.count() - 1)
        self._into_view()

    # -- painting ------------------------------------------------------------------------------

    def count(self) -> int:
        """How many lines there are."""
        return len(self._view)

    def empty(self) -> str:
        """What is said where there are none."""
        if self.filter:
            return "nothing matches the filter"
        return "no event yet"

    def title(self) -> str:
        """`4 Tail LIVE`, for the tabs."""
        if self.follow:
            return "4 Tail LIVE" if self._live else "4 Tail"
        return f"4 Tail +{self.fresh}"

    def head(self, cells: int) -> Spans:
        """The line above the lines."""
        left: list[tuple[str, Style]] = [("─ ", PLAIN), ("4 Tail", PLAIN)]
        if self.filter:
            lines = "line" if self.count() == 1 else "lines"
            left.append((f" ─ filter /{clean(self.filter)}: {self.count()} {lines}", BOLD))
        left.append((" ─ following " if self.follow else " ─ PAUSED, end follows ", PLAIN if self.follow else BOLD))
        if self.folded:
            plural = "call" if self.folded == 1 else "calls"
            left.append((f"─ {self.folded} service {plural} folded, S shows ", PLAIN))
        right = [(f" +{self.fresh} new ", BOLD)] if self.fresh else []
        return ruled(left, right, cells)

    def spans(self, index: int, cells: int) -> Spans:
        """One line."""
        number = self._number(index)
        key = (number, cells)
        spans = self._cache.get(key)
        if spans is None:
            spans = line_spans(self._lines[number], cells)
            self._cache[key] = spans
        return spans


def haystack(line: Judged) -> str:
    """What the filter looks into."""
    event = line.event
    return " ".join(
        (event.name, event.principal, event.bucket, event.key, event.address, event.error, event.access_key,
         line.severity.short, outcome(event), *line.reasons)
    ).casefold()  # fmt: skip


def outcome(event: Event) -> str:
    """`ok`, `denied` or `failed`: attempts and successes are told apart in every line."""
    if event.ok:
        return "ok"
    error = event.error.casefold()
    return "denied" if any(word in error for word in _DENIED) else "failed"


def line_spans(line: Judged, cells: int) -> Spans:
    """An event in one line of `cells` cells, safe to show."""
    event = line.event
    name = 16 if cells < 76 else 18 if cells < 110 else 26
    who = 11 if cells < 76 else 13 if cells < 90 else 26
    what = max(8, cells - 8 - 6 - name - 1 - who - 1 - 7)
    result = outcome(event)
    style = severity_style(line.severity)
    return [
        (event.time[11:19], DIM),
        (f" {line.severity.short:<4} ", style),
        (fit(clean(event.name[:_LONGEST]), name), style if line.severity >= Severity.HIGH else PLAIN),
        (" " + fit(_what(line, what), what), PLAIN),
        (" " + fit("us" if line.ours else clean(actor(event)), who), DIM if line.ours else PLAIN),
        (f" {result:<6}", RED if result == "denied" else PLAIN),
    ]


def actor(event: Event) -> str:
    """Who acted, short: `svc-export`, `etl-role/i-0a1b`, `anonymous`."""
    short = short_arn(event.principal[:_LONGEST])
    kind, slash, rest = short.partition("/")
    return rest if slash and kind in ("user", "role", "federated-user") else short


def _what(line: Judged, cells: int) -> str:
    """On what, or why it matters: in a critical line the reason is worth more than the key."""
    event = line.event
    bucket, key = clean(event.bucket[:_LONGEST]), clean(event.key[-_LONGEST:])
    reason = clean(line.reasons[0][:_LONGEST]) if line.reasons else ""
    if line.severity >= Severity.CRITICAL and reason:
        return f"{_shorter(bucket, reason, cells)} {reason}".strip()
    if key:
        place = _shorter(bucket, key, cells)
        return f"{place}/{_end(key, cells - width(place) - 1)}"
    return bucket or reason or clean(event.address)


def _end(key: str, cells: int) -> str:
    """A key cut at its beginning: the name of the file tells more than its folders."""
    while width(key) > cells and len(key) > 1:
        key = "…" + key.lstrip("…")[1:]
    return key


def _shorter(bucket: str, rest: str, cells: int) -> str:
    """The bucket's name, cut where the rest, which tells more, would not fit beside it."""
    return middle(bucket, max(cells - width(rest) - 1, cells // 3))
