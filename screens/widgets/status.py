"""The two lines at the top of every screen: where, who, may it write, how far behind, which time, which log."""

from __future__ import annotations

from datetime import datetime

from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from s3ir_tui.room import Condition, Status
from s3ir_tui.text import ELLIPSIS, ago, middle, width
from screens.widgets.lines import Lines, Spans, length, spread
from screens.widgets.palette import ALARM, AMBER, ARMED, BOLD, DIM, PLAIN, RED

_WIDE = 84
NO_NEWS = "NO NEWS"
_CALM = ("", "LIVE")
_WAITING = ("SIGNING IN", "READING HISTORY")
_LONG_SILENCE = 20.0


class _Left(Lines):
    """Where and who; how the case stands."""

    DEFAULT_CSS = "_Left { height: 2; width: 1fr; }"
    status = Status()
    waits = "connecting"
    silent = 0.0

    def line(self, y: int, cells: int) -> Spans:
        """The line."""
        return self._first(cells) if y == 0 else self._second(cells)

    def _first(self, cells: int) -> Spans:
        now = self.status
        name = middle(now.case or "s3ir-tui", 40 if cells >= _WIDE else 12)
        left: list[tuple[str, Style]] = [(f" {name} ", BOLD)]
        if self.waits:
            return [*left, (f" {self.waits} …", AMBER)]
        if not now.identity and now.mode != "REVIEW":
            return [*left, (f" {(now.condition.word or 'not connected').lower()}", AMBER)]
        where = f" {account(now.account)}  {now.region}  "
        return [*left, (where + middle(now.identity, max(8, cells - length(left) - width(where))), PLAIN)]

    def _second(self, cells: int) -> Spans:
        now = self.status
        if self.silent:
            style = ALARM if self.silent > _LONG_SILENCE else AMBER
            return [(f" {ago(self.silent)} old: no news from this console's threads", style)]
        if self.waits:
            return [(" nothing has been read yet", DIM)]
        wide = cells >= _WIDE
        numbers = f"  suspects {now.suspects}"
        if now.contained or wide:
            numbers += f"  contained {now.contained}"
        if wide:
            numbers += f"  consoles {now.consoles}"
        return [(f" {now.phase}{numbers}  {opened(now)}", PLAIN), _lag(now, wide=wide)]


class _Right(Lines):
    """May it write, which time is it; which head has the log. Apart, so that a tick of the clock repaints little."""

    DEFAULT_CSS = "_Right { height: 2; width: 28; }"
    status = Status()

    def line(self, y: int, cells: int) -> Spans:
        """The line."""
        now = self.status
        if y == 0:
            style = ARMED if now.mode == "ARMED" else BOLD
            return spread([], [(f" {now.mode} ", style), (f"  {clock(now)} ", BOLD)], cells)
        return spread([], [(f"log {now.head or '-'} ", DIM)], cells)


class _Trouble(Lines):
    """What the console cannot see or record, and the way out: a line of its own, so that it hides no number."""

    DEFAULT_CSS = "_Trouble { height: 1; display: none; }"
    status = Status()

    def line(self, y: int, cells: int) -> Spans:  # noqa: ARG002 - one line
        """The line."""
        return trouble(self.status, cells)


class StatusLines(Vertical):
    """Two lines, and a third where there is trouble, of which only the cells that changed are repainted."""

    DEFAULT_CSS = """
    StatusLines { height: auto; background: $panel; }
    StatusLines Horizontal { height: 2; }
    """

    def __init__(self) -> None:
        super().__init__(id="status")
        self._left, self._right, self._trouble = _Left(), _Right(), _Trouble()

    def compose(self) -> ComposeResult:
        """The two halves, and the line beneath."""
        yield Horizontal(self._left, self._right)
        yield self._trouble

    def show(self, status: Status, *, waits: str = "", silent: float = 0.0) -> None:
        """Show a status.

        Args:
            status: The status.
            waits: What the room does until it says anything, `connecting`; "" once it has.
            silent: Seconds since the room last said anything, where that is too long.
        """
        self._left.status = self._right.status = status
        self._left.waits, self._left.silent = waits, silent
        self._trouble.status = status
        shown = bool(trouble(status, self.app.size.width)) and not waits
        if self._trouble.display != shown:
            self._trouble.display = shown
        self._left.changed()
        self._right.changed()
        self._trouble.changed()


def trouble(status: Status, cells: int) -> Spans:
    """What the console cannot see or record, with the way out; nothing where all is well.

    Args:
        status: The status.
        cells: Room for it.
    """
    condition = status.condition
    calm = condition.word in _CALM
    # Its reason is that of the alarm, with the way out.
    alarms = [text for text in status.alarms if calm or not text.startswith(("account: ", "trail: "))]
    spans: list[tuple[str, Style]] = []
    if not calm:
        style = AMBER if condition.word in _WAITING else ALARM
        word = (
            f"{condition.word} {ago(status.no_news)}"
            if condition.word == NO_NEWS and status.no_news
            else condition.word
        )
        way_out = "r tries now" if can_retry(condition) else condition.way_out
        words = "; ".join(part for part in (condition.text, way_out) if part)
        if condition.word == NO_NEWS and condition.way_out:
            words = condition.way_out
        more = f" (+{len(alarms)})" if alarms else ""
        room = max(8, cells - width(word) - len(more) - 4)
        spans = [(f" {word} ", style), (f" {cut_before_end(words, condition, room)}{more}", BOLD)]
    elif alarms:
        more = f" (+{len(alarms) - 1})" if len(alarms) > 1 else ""
        spans = [(f" {middle(alarms[0], cells - len(more) - 2)}{more}", RED)]
    return spans


def cut_before_end(words: str, condition: Condition, cells: int) -> str:
    """A reason with its way out: where both do not fit, the reason is cut and the way out stays whole."""
    if width(words) <= cells or not condition.text:
        return middle(words, cells)
    rest = words.removeprefix(condition.text)
    return middle(condition.text, max(8, cells - width(rest))) + rest


def can_retry(condition: Condition) -> bool:
    """Whether a key tries at once what is tried again by itself."""
    return condition.way_out.startswith("tried again every")


def account(number: str) -> str:
    """`1111-2222-3333`."""
    return "-".join((number[:4], number[4:8], number[8:])) if len(number) == 12 and number.isdigit() else number


def clock(status: Status) -> str:
    """`09:14:07Z`."""
    return f"{status.now[11:19]}Z" if len(status.now) >= 19 else "--:--:--Z"


def opened(status: Status) -> str:
    """How long the case has been open: `open 12m31`."""
    try:
        since = datetime.fromisoformat(status.now) - datetime.fromisoformat(status.opened)
    except (ValueError, TypeError):
        return f"open {status.opened}" if status.opened else "open"
    return f"open {ago(since.total_seconds())}"


def _lag(status: Status, *, wide: bool) -> tuple[str, Style]:
    if status.mode == "REVIEW":
        return "  as recorded", PLAIN
    if not status.sources:
        return "  lag ? no source", AMBER
    broken = [source.name for source in status.sources if source.error]
    if broken:
        more = f" +{len(broken) - 1}" if len(broken) > 1 else ""
        return f"  lag {_seconds(status.lag)} LOST {middle(broken[0], (30 if wide else 14) - len(more))}{more}", AMBER
    if not any(source.data_events for source in status.sources):
        return f"  lag {_seconds(status.lag)} no data events", AMBER
    said = [source.remark.removeprefix(f"{source.name}: ") for source in status.sources if source.remark]
    if said:
        return f"  lag {_seconds(status.lag)} {begin(said[0], 40 if wide else 14)}", AMBER
    names = "+".join(dict.fromkeys(source.name.split()[0] for source in status.sources))
    return f"  lag {_seconds(status.lag)} {middle(names, 30 if wide else 13)}", PLAIN


def begin(text: str, cells: int) -> str:
    """The beginning of a sentence, as far as there is room."""
    return text if width(text) <= cells else text[: cells - 1] + ELLIPSIS


def _seconds(lag: float | None) -> str:
    return "?" if lag is None else ago(lag)
