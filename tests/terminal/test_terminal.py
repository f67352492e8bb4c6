"""The console in a real terminal: what an attacker wrote does nothing there, and a lost terminal loses no outcome."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.terminal.harness import CONSOLE, ROOT, Terminal

pytestmark = pytest.mark.slow

_OSC52 = b"\x1b]52"
_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")


def _console(*options: str) -> tuple[str, ...]:
    return (*CONSOLE, *options)


def _begin_plan(terminal: Terminal) -> None:
    terminal.wait_for("Next: contain")
    terminal.press("a")
    terminal.wait_for("contain.lineage")
    terminal.press("\r")
    terminal.wait_for("type 4 to run")
    terminal.press("4\r")
    terminal.wait_for("running")


def _hostile_bytes(sent: bytes) -> list[bytes]:
    """Sequences of the attacker that came through: the clipboard, the erasing, C1 and bidi controls."""
    wanted = (_OSC52, "\x9b31m".encode(), "\u202e".encode())
    return [sequence for sequence in wanted if sequence in sent]


def test_hostile_strings_reach_the_screen_as_words_only() -> None:
    with Terminal(_console("--hostile"), size=(100, 30)) as terminal:
        terminal.wait_for("\\x1b]52;c;cHduZWQ=")
        begun = len(terminal.sent)
        for keys in ("2", "1", "4", "w", "\x1b", "l", "\x1b", "\r", "\x1b", "2", "\r", "\x1b"):
            terminal.press(keys)
            terminal.read(0.5)
        terminal.press("a")
        terminal.wait_for("contain.lineage")
        terminal.press("\r")
        terminal.wait_for("to run")
        terminal.press("D")
        terminal.read(0.5)
        assert terminal.process.poll() is None
        assert _hostile_bytes(terminal.sent) == []
        # Erasing the screen is Textual's own first act, and nobody's later.
        assert b"\x1b[2J" not in terminal.sent[begun:]
        terminal.press("\x1b")
        terminal.read(0.3)
        terminal.press("\x1b")
        terminal.read(0.3)
        terminal.press("q")
        assert terminal.ended() == 0


def test_hostile_paste_is_typed_as_words() -> None:
    with Terminal(_console()) as terminal:
        terminal.wait_for("Next: contain")
        terminal.press("i")
        terminal.wait_until(lambda: "\n note" in terminal.text(), "no prompt")
        terminal.read(0.3)
        terminal.press("\x1b[200~before \x9b31m\u202e[@click=app.bell()]x[/]\x1b[201~")
        terminal.wait_for("[@click=app.bell()]x[/]")
        assert _hostile_bytes(terminal.sent) == []


def test_lost_terminal_while_a_plan_runs_leaves_its_outcome_recorded(tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes"
    with Terminal(_console("--seconds", "2", "--outcomes", str(outcomes), "--rate", "20")) as terminal:
        _begin_plan(terminal)
        terminal.hang_up()
        status = terminal.ended(15)
        assert outcomes.read_text(encoding="utf-8").split("\n") == ["intent 0", "outcome 0", ""]
        assert status in (128 + signal.SIGHUP, -signal.SIGHUP)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_while_a_plan_runs_leaves_its_outcome_recorded(tmp_path: Path, number: signal.Signals) -> None:
    outcomes = tmp_path / "outcomes"
    with Terminal(_console("--seconds", "1.5", "--outcomes", str(outcomes))) as terminal:
        _begin_plan(terminal)
        terminal.process.send_signal(number)
        assert terminal.ended() == 128 + number
        assert outcomes.read_text(encoding="utf-8").split() == ["intent", "0", "outcome", "0"]


def test_terminal_that_is_not_read_stops_neither_plan_nor_ending(tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes"
    with Terminal(_console("--seconds", "0.7", "--outcomes", str(outcomes), "--rate", "200")) as terminal:
        _begin_plan(terminal)
        time.sleep(4)  # nothing is read: the terminal's buffer fills, and the loop stands still
        assert "outcome 3" in outcomes.read_text(encoding="utf-8")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended() == 128 + signal.SIGTERM


def test_orphan_does_not_spin(tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes"
    with Terminal(_console("--seconds", "4", "--outcomes", str(outcomes))) as terminal:
        _begin_plan(terminal)
        terminal.hang_up()
        time.sleep(0.5)
        before = _cpu_seconds(terminal.process.pid)
        time.sleep(2)
        assert _cpu_seconds(terminal.process.pid) - before < 0.6
        terminal.ended(15)
        assert "outcome 0" in outcomes.read_text(encoding="utf-8")


def test_quitting_restores_the_terminal() -> None:
    with Terminal(_console()) as terminal:
        terminal.wait_for("Next: contain")
        terminal.press("q")
        assert terminal.ended() == 0
        assert b"\x1b[?1049l" in terminal.sent


def test_fault_says_one_calm_line_and_keeps_locals_to_itself(tmp_path: Path) -> None:
    program = """
import sys
from s3ir_tui.app import run
from tests.screens.fakes import FakeDesk, FakeRoom
class Broken(FakeRoom):
    def detail(self, kind, ident):
        credential = "sessiontoken-of-nobody"
        raise ValueError("broken detail")
sys.exit(run(Broken(), FakeDesk()))
"""
    with Terminal((sys.executable, "-c", program), env={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("Next: contain")
        terminal.press("2")
        terminal.wait_for("acct")
        terminal.press("\r")
        assert terminal.ended() == 70
        assert "the screens broke off (ValueError" in " ".join(terminal.text().split())
        assert b"sessiontoken-of-nobody" not in terminal.sent
    (fault,) = (tmp_path / "s3ir-tui").glob("fault-*.txt")
    assert fault.stat().st_mode & 0o777 == 0o600
    assert "broken detail" in fault.read_text(encoding="utf-8")


def test_environment_presses_no_keys() -> None:
    with Terminal(_console(), env={"TEXTUAL_PRESS": "q", "TEXTUAL_DRIVER": "no.such:Driver"}) as terminal:
        terminal.wait_for("Next: contain")
        terminal.read(0.5)
        assert terminal.process.poll() is None


def test_no_color_sends_no_colour_and_still_tells_the_state() -> None:
    with Terminal(_console(), env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("● ACTIVE")
        assert "CRITICAL" in terminal.text()
        terminal.press("2")
        terminal.wait_for("› ")
        codes = {int(code) for sequence in _COLOURS.findall(terminal.sent)
                 for code in sequence[2:-1].split(b";") if code}  # fmt: skip
        assert codes <= {0, 1, 2, 3, 4, 7, 9, 39, 49}, codes


def test_sixteen_colours_are_enough() -> None:
    with Terminal(_console(), env={"TERM": "linux", "COLORTERM": None}) as terminal:
        terminal.wait_for("● ACTIVE")
        assert b"38;2;" not in terminal.sent
        assert b"38;5;" not in terminal.sent


def test_mouse_is_left_to_the_terminal() -> None:
    with Terminal(_console()) as terminal:
        terminal.wait_for("Next: contain")
        assert b"\x1b[?1000h" not in terminal.sent
        assert b"\x1b[?1003h" not in terminal.sent


def test_dumb_terminal_is_refused_with_the_way_out() -> None:
    with Terminal(_console(), env={"TERM": "dumb"}) as terminal:
        assert terminal.ended() == 2
        assert "TERM=dumb" in terminal.text()
        assert "s3ir-tui triage" in " ".join(terminal.text().split())


def test_pipe_is_refused() -> None:
    ended = subprocess.run(
        _console(), cwd=ROOT, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False
    )
    assert ended.returncode == 2
    assert "needs a terminal" in ended.stderr


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_paint_whose_timer_never_fires_is_made_by_the_watchdog_which_says_so() -> None:
    program = """
import sys
import s3ir_tui.app as app
from tests.screens.fakes import FakeDesk, FakeRoom
app.later = lambda *_: None
sys.exit(app.run(FakeRoom(ticking=True, rate=8), FakeDesk()))
"""
    with Terminal((sys.executable, "-c", program), size=(132, 34)) as terminal:
        terminal.wait_for("the screen stood still for")
        for _ in range(2):
            clock = _clock(terminal)
            terminal.wait_until(lambda: _clock(terminal) != clock, f"the clock stands at {clock}")  # noqa: B023


def test_a_room_that_falls_silent_is_said_within_three_seconds() -> None:
    program = """
import sys
from s3ir_tui.app import run
from tests.screens.fakes import FakeDesk, FakeRoom
sys.exit(run(FakeRoom(ticking=False), FakeDesk()))
"""
    with Terminal((sys.executable, "-c", program)) as terminal:
        terminal.wait_for("Next: contain")
        terminal.wait_for("s old: no news from this console's threads", patience=5)


def test_a_thread_that_ends_with_a_fault_is_an_alarm_on_every_screen(tmp_path: Path) -> None:
    program = """
import sys, threading
from s3ir_tui.app import run
from tests.screens.fakes import FakeDesk, FakeRoom
class Broken(FakeRoom):
    def note(self, text):
        threading.Thread(target=lambda: 1 / 0, name="posture").start()
sys.exit(run(Broken(ticking=True), FakeDesk()))
"""
    with Terminal((sys.executable, "-c", program), size=(132, 34), env={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("Next: contain")
        terminal.press("i")
        terminal.wait_until(lambda: "\n note" in terminal.text(), "no prompt")
        terminal.press("hello\r")
        terminal.wait_for("posture of this console ended: ZeroDivisionError; start it again")
        for keys, words in (("l", "Log"), ("\x1b", "Next:"), ("?", "No key changes AWS")):
            terminal.press(keys)
            terminal.wait_for(words)
            terminal.wait_for("posture of this console ended")
        assert terminal.process.poll() is None


@pytest.mark.parametrize("noise", [b"\xe9", b"\xff\xfe", bytes(range(128, 256)) * 8])
def test_bytes_that_are_no_text_end_nothing(noise: bytes) -> None:
    with Terminal(_console()) as terminal:
        terminal.wait_for("Next: contain")
        terminal.press_raw(noise)
        terminal.read(0.5)
        terminal.press("?")
        terminal.wait_for("No key changes AWS")
        assert terminal.process.poll() is None
        terminal.press("\x1b")
        terminal.wait_until(lambda: "No key changes AWS" not in terminal.text(), "help stays")
        terminal.press("q")
        assert terminal.ended() == 0


def _clock(terminal: Terminal) -> str:
    found = re.search(r"\d\d:\d\d:\d\dZ", terminal.text().splitlines()[0])
    assert found is not None
    return found[0]
