"""What the screens send to the terminal: when nothing happens, and while the tail runs."""

from __future__ import annotations

import pytest

from tests.terminal.harness import CONSOLE, Terminal

pytestmark = pytest.mark.bench

_IDLE_LIMIT, _TAIL_LIMIT = 300.0, 100_000.0
_TERMINALS = {
    "truecolor": {},
    "256 colours": {"COLORTERM": None},
    "16 colours": {"TERM": "linux", "COLORTERM": None},
    "NO_COLOR": {"NO_COLOR": "1"},
}


def _rate(terminal: Terminal, seconds: float) -> float:
    return len(terminal.read(seconds)) / seconds


@pytest.mark.parametrize("name", _TERMINALS)
def test_bytes_per_second_idle(name: str) -> None:
    with Terminal(CONSOLE, env=_TERMINALS[name]) as terminal:
        terminal.wait_for("Next: contain")
        first = len(terminal.sent)
        terminal.read(2)
        idle = _rate(terminal, 10)
        print(f"\n{name:12} first paint {first / 1000:5.1f} kB   idle {idle:4.0f} B/s")
        assert idle < _IDLE_LIMIT


@pytest.mark.parametrize("name", _TERMINALS)
def test_bytes_per_second_under_a_tail_of_50_events_a_second(name: str) -> None:
    with Terminal((*CONSOLE, "--rate", "50"), env=_TERMINALS[name]) as terminal:
        terminal.wait_for("file-")
        terminal.read(2)
        tail = _rate(terminal, 8)
        print(f"\n{name:12} tail of 50 events/s {tail / 1000:5.1f} kB/s")
        assert tail < _TAIL_LIMIT


def test_bytes_of_what_a_responder_does() -> None:
    with Terminal((*CONSOLE, "--mute"), env=_TERMINALS["truecolor"]) as terminal:
        terminal.wait_for("connecting")
        terminal.read(1)
        print()
    with Terminal(CONSOLE) as terminal:
        terminal.wait_for("Next: contain")
        terminal.read(1.2)
        for name, keys in (
            ("cursor up", "\x1b[A"),
            ("other pane", "2"),
            ("actions", "a"),
            ("plan", "\r"),
            ("back", "\x1b"),
            ("help", "?"),
            ("back", "\x1b"),
            ("palette", ":"),
        ):
            terminal.press(keys)
            print(f"{name:12} {len(terminal.read(0.9)) / 1000:5.1f} kB")
