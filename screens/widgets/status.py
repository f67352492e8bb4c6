"""The two lines at the top of every screen: where, who, may it write, how far behind, which time, which log."""

from __future__ import annotations

from datetime import datetime

from rich.style import Style

from s3ir_tui.room import Status
from s3ir_tui.text import ago, middle
from screens.widgets.lines import Lines, Spans, spread
from screens.widgets.palette import ALARM, AMBER, BOLD, DIM, PLAIN, RED

_WIDE = 110


class StatusLines(Lines):
    """Two lines, of which only the cells that changed are repainted.

    Attributes:
        status: What they say.
        heard: Whether the room has said anything yet.
    """

    DEFAULT_CSS = "StatusLines { height: 2; background: $panel; }"

    def __init__(self) -> None:
        super().__init__(id="status")
        self.status = Status()
        self.heard = False
        self.silent = 0.0

    def show(self, status: Status, *, heard: bool = True, silent: float = 0.0) -> None:
        """Show a status.

        Args:
            status: The status.
            heard: Whether the room has said anything yet.
            silent: Seconds since the room last said anything, where that is too long.
        """
        self.status, self.heard, self.silent = status, heard, silent
        self.changed()

    def line(self, y: int, cells: int) -> Spans:
        """The line."""
        return self._first(cells) if y == 0 else self._second(cells)

    def _first(self, cells: int) -> Spans:
        now = self.status
        left: list[tuple[str, Style]] = [(f" {now.case or 's3ir-tui'} ", BOLD)]
        if not self.heard:
            left.append((" connecting …", AMBER))
        elif not now.identity and now.mode != "REVIEW":
            left.append((" not connected", AMBER))
        else:
            left += [(f" {account(now.account)} ", PLAIN), (f" {now.region} ", PLAIN)]
            left.append((f" {middle(now.identity, max(12, cells - 62))}", PLAIN))
        return spread(left, [_mode(now), ("  ", PLAIN), (clock(now), BOLD), (" ", PLAIN)], cells)

    def _second(self, cells: int) -> Spans:
        now = self.status
        if not self.heard:
            return [(" nothing has been read yet", DIM)]
        if self.silent:
            return [(f" no news from this console's own threads for {ago(self.silent)}", ALARM)]
        right = [(f"log {now.head or '-'}", DIM), (" ", PLAIN)]
        if now.consoles > 1 and (cells >= _WIDE or now.mode != "REVIEW"):
            right = [(f"{now.consoles} consoles  ", PLAIN), *right] if cells >= _WIDE else right
        left: list[tuple[str, Style]] = [(f" {now.phase}", BOLD), (f"  {opened(now)}", PLAIN)]
        left.append(_lag(now, cells))
        left.append((f"  suspects {now.suspects}", BOLD if now.suspects else PLAIN))
        if cells >= _WIDE or now.contained:
            left.append((f"  contained {now.contained}", PLAIN))
        if now.alarms:
            left = [(f" {now.alarms[0]}", RED), (f" (+{len(now.alarms) - 1})" if len(now.alarms) > 1 else "", RED)]
        return spread(left, right, cells)


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


def _mode(status: Status) -> tuple[str, Style]:
    style = {"ARMED": Style(bold=True, reverse=True), "REVIEW": BOLD}.get(status.mode, BOLD)
    return f" {status.mode} ", style


def _lag(status: Status, cells: int) -> tuple[str, Style]:
    if status.mode == "REVIEW":
        return "  as recorded", PLAIN
    if not status.sources:
        return "  lag ? no source", AMBER
    broken = [source.name for source in status.sources if source.error]
    if broken:
        return f"  lag {_seconds(status.lag)} LOST {middle(broken[0], 16)}", AMBER
    if not any(source.data_events for source in status.sources):
        return f"  lag {_seconds(status.lag)} no data events", AMBER
    names = "+".join(dict.fromkeys(source.name.split()[0] for source in status.sources))
    return f"  lag {_seconds(status.lag)} {middle(names, 14 if cells < _WIDE else 30)}", PLAIN


def _seconds(lag: float | None) -> str:
    return "?" if lag is None else ago(lag)
