"""The tail of the trail: follows until the responder moves, folds, filters and searches, never jumps under the eye."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from rich.style import Style
from textual.cache import LRUCache

from s3ir_tui.model import Severity, utc_now
from s3ir_tui.text import clean, middle
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.event_order import number_now
from s3ir_tui.trail.fields import Line
from s3ir_tui.trail.filter import EVERYTHING, Filter, parse
from s3ir_tui.trail.sieve import Lines, Sieve
from screens.later import later
from screens.widgets.lines import Spans, ruled
from screens.widgets.palette import BOLD, DIM, PLAIN
from screens.widgets.rows import Rows
from screens.widgets.tail_line import highlighted, line_spans
from screens.widgets.tail_search import Search, Towards, part_of

_SLICE = 0.004
"""Seconds of looking through older lines at a time: less than a key would notice."""

_PAUSE = 0.002
_LATELY = 2_000


def is_own_read(line: Line) -> bool:
    """Whether this console made the call and changed nothing by it: what it changes is always shown."""
    return line.ours and line.event.read_only


class Tail(Rows):
    """Lines of the trail, oldest first. Looking through very many takes time; it is done in slices, newest first.

    Args:
        lines: The lines.
        live: Whether more comes by itself.
        clock: What times without a date, and `-15m`, count from.

    Attributes:
        follow: Whether the newest line stays in sight.
        fold: Whether calls of AWS services, and what this console reads itself, are folded.
        floor: The least severity that is shown.
        folded: How many calls of AWS services were folded.
        folded_own: How many reads of this console were.
        fresh: How many came since it was paused.
        nothing: Why there are none, where that is not because nothing happened.
    """

    def __init__(self, lines: Lines, *, live: bool = True, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(id="pane-tail", classes="pane")
        self._lines, self._live, self._clock = lines, live, clock
        self._view, self._search = Sieve(lines), Search(lines, self.passes)
        self._cache: LRUCache[tuple[int, int], Spans] = LRUCache(256)
        self._filter: Filter = EVERYTHING
        self._anchor: tuple[int | None, bool] | None = None
        self._towards: Towards | None = None
        self._wanted: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.follow = True
        self.fold = True
        self.floor = Severity.INFO
        self.folded = self.folded_own = 0
        self.fresh = 0
        self.nothing = ""
        self._view.begin(self._shown)

    # -- what is shown -------------------------------------------------------------------------

    @property
    def filter(self) -> str:
        """The filter as it was written, "" for none."""
        return self._filter.text

    @property
    def search(self) -> str:
        """What is searched, "" for nothing."""
        return self._search.filter.text

    def narrow(self, text: str) -> None:
        """Show only lines that a filter finds; all of them where it is empty.

        Raises:
            FilterError: It is no filter; what was shown stays.
        """
        self._filter = parse(text.strip(), self._clock())
        self.rebuild()

    def set_floor(self, floor: Severity) -> None:
        """Show only what is at least so severe."""
        self.floor = floor
        self.rebuild()

    def passes(self, line: Line) -> bool:
        """Whether a line is shown."""
        if line.severity < self.floor or (self.fold and (line.noise or is_own_read(line))):
            return False
        return self._filter.test is None or self._filter.test(line)

    def _shown(self, line: Line) -> bool:
        """`passes`, counting what is folded."""
        if line.severity < self.floor or not (self._filter.test is None or self._filter.test(line)):
            return False
        if not self.fold:
            return True
        if is_own_read(line):
            self.folded_own += 1
            return False
        if line.noise:
            self.folded += 1
            return False
        return True

    def rebuild(self) -> None:
        """Look at every line again: filter, floor or folding changed, or all lines did."""
        under = self._under()
        self.folded = self.folded_own = self.fresh = 0
        self._cache.clear()
        self._view.begin(self._shown, self._filter.needles, records=self._filter.record)
        self._search.begin(self._filter)
        self.cursor = self.top = 0
        self._wanted = None if self.follow else under
        self._look_on()
        self.refresh()

    def lately(self) -> Iterator[Line]:
        """The newest lines that are anyone's but this console's own, newest first."""
        for number in range(self._lines.end - 1, max(self._lines.start, self._lines.end - _LATELY) - 1, -1):
            line = self._lines.look(number)
            if not line.ours:
                yield line

    # -- lines come ----------------------------------------------------------------------------

    def lines_came(self, *, reset: bool = False) -> None:
        """Take in what was added to the lines.

        Args:
            reset: Whether they were emptied first.
        """
        if reset:
            self._towards = None
            self.rebuild()
            return
        old, begun, under = self.count(), self._view.begun, self._under()
        added, dropped = self._view.take()
        self._search.take()
        if self._view.begun != begun:
            self.folded = self.folded_own = 0
            self._wanted = None if self.follow else under
            self._look_on()
            self.refresh()
            return
        if self._view.put_in:
            self._numbers_moved(under)
        if self.follow:
            self._to_end()
        elif self._view.put_in:
            self.fresh += max(0, self.count() - old + dropped)
        else:
            self.fresh += added
            self.cursor, self.top = max(0, self.cursor - dropped), max(0, self.top - dropped)
        visible = self._view.put_in or (added and (self.follow or old - self.top < self.page))
        if visible or (dropped and self.top == 0):
            self.refresh()
        else:
            self.refresh_head()

    def _numbers_moved(self, under: int | None) -> None:
        """Late lines took their place: the line under the cursor stays under it, and where it is on the screen."""
        self._cache.clear()
        put_in = self._view.put_in
        if self._wanted is not None:
            self._wanted = number_now(self._wanted, put_in)
        if under is None or self.follow:
            return
        before = self.cursor
        self.cursor = min(self._view.index_of(number_now(under, put_in)), max(0, self.count() - 1))
        self.top = max(0, self.top + self.cursor - before)

    def _look_on(self) -> None:
        """Look at some more of the older lines, and again a little later until all were looked at."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            self._look_a_while()
            if self._all_looked_at or self.is_attached:
                break
        if not self._all_looked_at:
            self._timer = later(self, _PAUSE, self._look_on)

    @property
    def _all_looked_at(self) -> bool:
        return self._view.done and self._search.done

    def _look_a_while(self) -> None:
        if not self._view.done:
            short = self.count() < self.page
            found = self._view.step(_SLICE)
            self.cursor, self.top = self.cursor + found, self.top + found
            if self.follow:
                self._to_end()
            if short or self._view.done:
                self._into_view()
                self.refresh()
        else:
            self._search.step(_SLICE)
        if self._wanted is not None and (self._view.low <= self._wanted or self._view.done):
            wanted, self._wanted = self._wanted, None
            self._go_to_number(wanted)
        if self._towards is not None and self.find(self._towards) and self._anchor is not None and len(self._search):
            self._go_to_number(self._search.oldest())
        self.refresh_head()

    # -- search --------------------------------------------------------------------------------

    def begin_search(self) -> None:
        """The text is being written: every change of it is searched from this line; an empty one comes back to it."""
        self._anchor = self._under(), self.follow

    def end_search(self) -> None:
        """The text stands: the cursor stays where the search brought it."""
        self._anchor = None

    def seek(self, text: str) -> None:
        """Search: what a filter finds, else lines that hold the text as it is; the nearest match upwards is gone to."""
        self._towards = None
        if self._anchor is not None:
            self._return_to(*self._anchor)
        self._search.ask(text.strip(), self._clock())
        self._search.begin(self._filter)
        self._cache.clear()
        if self._search.active:
            self._towards = None if self._search.is_hit(self._look(self.cursor)) else "older"
            self._look_on()
        self.refresh()

    def find(self, towards: Towards) -> str:
        """Go to the next match.

        Args:
            towards: Whether to an older one or to a newer one.

        Returns:
            Why there is none, "" where there is one or it is still looked for.
        """
        if not self._search.active:
            return "nothing is searched; / searches"
        number = self._search.next(self._under(), towards)
        self._towards = None
        if number is not None:
            self._go_to_number(number)
            return ""
        if towards == "older" and not self._all_looked_at:
            self._towards = towards
            return ""
        return f"no {towards} match" if len(self._search) else "nothing matches"

    def _return_to(self, number: int | None, follow: bool) -> None:
        if number is not None and not follow:
            self._go_to_number(number)
        self.set_follow(follow)

    # -- going about ---------------------------------------------------------------------------

    def current(self) -> Judged | None:
        """The event under the cursor."""
        number = self._under()
        try:
            return None if number is None else self._lines[number]
        except IndexError:
            return None

    def go_to_time(self, when: str) -> None:
        """Put the cursor on the line that is nearest to a time.

        Args:
            when: UTC, as `Event.time` writes it.
        """
        if not self.count():
            return
        number = self._lines.near(when, self.passes)
        self.set_follow(False)
        if self._view.low <= number or self._view.done:
            self._go_to_number(number)
        else:
            self._wanted = number

    def set_follow(self, on: bool) -> None:
        """Follow the newest line, or stay where it is."""
        self.follow = on
        if on:
            self.fresh = 0
            self._wanted = self._towards = None
            self._to_end()
        self.refresh()

    def move_to(self, index: int) -> None:
        """Put the cursor on a line; on the last one the tail follows again."""
        self._wanted = self._towards = None
        follow = index >= self.count() - 1
        if follow != self.follow:
            self.follow = follow
            self.fresh = 0 if follow else self.fresh
        super().move_to(index)
        self.refresh_head()

    def _go_to_number(self, number: int) -> None:
        index = min(self._view.index_of(number), self.count() - 1)
        self.follow = False
        self.cursor = max(0, index)
        if not self.top <= self.cursor < self.top + self.page:
            self.top = self.cursor - self.page // 2
        self._into_view()
        self.post_message(self.Moved(self))
        self.refresh()

    def _under(self) -> int | None:
        return self._view[self.cursor] if self.cursor < self.count() else None

    def _look(self, index: int) -> Line | None:
        try:
            return self._lines.look(self._view[index])
        except IndexError:
            return None

    def _to_end(self) -> None:
        self.cursor = max(0, self.count() - 1)
        self._into_view()

    # -- painting ------------------------------------------------------------------------------

    def count(self) -> int:
        """How many lines there are."""
        return len(self._view)

    def empty(self) -> str:
        """What is said where there are none."""
        if not self._view.done:
            return "looking …"
        if self.filter:
            if self.folded or self.folded_own:
                return f"the filter finds {self._folded_words()}: folded, S shows them"
            return "nothing matches the filter; * stands for any text, as in name:Get*"
        if self.floor:
            return f"nothing is {self.floor.word} or worse; s changes that"
        if self.folded or self.folded_own:
            return f"nothing else yet: {self._folded_words()} folded, S shows them"
        return self.nothing or "no event yet"

    def title(self) -> str:
        """`4 Tail LIVE`, for the tabs."""
        if self.follow:
            return "4 Tail LIVE" if self._live else "4 Tail"
        return f"4 Tail +{self.fresh}"

    def head(self, cells: int) -> Spans:
        """The line above the lines."""
        left: list[tuple[str, Style]] = [("─ ", PLAIN), ("4 Tail", PLAIN)]
        room = max(12, (cells - 58) // 2 if self.search else cells - 58)
        if self.floor:
            left.append((f" ─ severity >= {self.floor.word}", BOLD))
        if self.filter:
            left.append((f" ─ filter {middle(clean(self.filter), room)}", BOLD))
        if self.filter or self.floor or not self._view.done:
            lines = "line" if self.count() == 1 else "lines"
            left.append((f": {self.count():,} {lines}{part_of(self._view)}", BOLD))
        if self.search:
            left.append((f" ─ /{middle(clean(self.search), room)}: {self._search.place(self._under())}", BOLD))
        left.append((" ─ following " if self.follow else " ─ PAUSED, end follows ", PLAIN if self.follow else BOLD))
        if self._lines.problem:
            left.append((f"─ {clean(self._lines.problem)} ", BOLD))
        if (self.folded or self.folded_own) and not self.search:
            left.append((f"─ {self._folded_words()} folded, S shows ", PLAIN))
        right = [(f" +{self.fresh:,} new ", BOLD)] if self.fresh else []
        return ruled(left, right, cells)

    def _folded_words(self) -> str:
        """`38 reads of this console, 2 service calls`: what is ours is never counted with what is not."""
        counts = ((self.folded_own, "read", " of this console"), (self.folded, "service call", ""))
        return ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}{of}" for count, word, of in counts if count)

    def spans(self, index: int, cells: int) -> Spans:
        """One line."""
        key = (self._view[index], cells)
        spans = self._cache.get(key)
        if spans is None:
            line = self._look(index)
            if line is None:
                return [("a line that cannot be read any more", DIM)]
            spans = line_spans(line, cells)
            if self._search.is_hit(line):
                spans = highlighted(spans, self._search.filter.marks)
            self._cache[key] = spans
        return spans
