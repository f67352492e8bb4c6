"""Runs a program in a pseudo-terminal: its screen as text, its bytes as sent, its terminal taken away."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
CONSOLE = (sys.executable, "-m", "tests.screens.fakes")
"""The console on fakes, to be followed by options."""

_USUAL: Mapping[str, str | None] = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    # As an installed program has it: else a third of the time to its first picture goes by with compiling.
    "PYTHONDONTWRITEBYTECODE": None,
    "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "compiled"),
}


class Terminal:
    """A program in a terminal of a given size. Use it as a context manager: it ends the program.

    Args:
        command: The program and its arguments.
        size: Columns and rows.
        env: What to add to the environment; `None` takes a variable out.

    Attributes:
        sent: Every byte that the program sent to the terminal.
    """

    def __init__(
        self, command: Sequence[str], size: tuple[int, int] = (80, 24), env: Mapping[str, str | None] | None = None
    ) -> None:
        columns, rows = size
        self.sent = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            list(command),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            cwd=ROOT,
            env=_environment(env or {}),
            preexec_fn=_own_the_terminal,
        )
        os.close(follower)

    def __enter__(self) -> Terminal:
        """The terminal itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End the program."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    def read(self, seconds: float) -> bytes:
        """Let time pass, and give back what was sent in it."""
        begin = len(self.sent)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._read_once(min(left, 0.05)):
            pass
        return self.sent[begin:]

    def wait_for(self, words: str, patience: float = PATIENCE) -> None:
        """Read until words stand on the screen."""
        self.wait_until(lambda: words in self.text(), f"no {words!r}", patience)

    def wait_until(self, true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Read until something holds."""
        end = time.monotonic() + patience
        while not true():
            assert time.monotonic() < end, f"{what} after {patience} s:\n{self.text()}"
            self._read_once(0.05)

    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        """Type keys as a terminal sends them."""
        self.press_raw(keys.encode())

    def press_raw(self, data: bytes) -> None:
        """Send bytes to the program, whatever they are."""
        os.write(self._leader, data)

    def hang_up(self) -> None:
        """Take the terminal away, as a broken SSH connection does."""
        if self._leader >= 0:
            os.close(self._leader)
            self._leader = -1

    def ended(self, patience: float = PATIENCE) -> int:
        """Wait for the end of the program, reading on; gives its exit status."""
        end = time.monotonic() + patience
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it has not ended after {patience} s:\n{self.text()}"
            if self._leader < 0 or not self._read_once(0.05):
                time.sleep(0.02)
        while self._leader >= 0 and self._read_once(0.1):
            pass
        return self.process.returncode

    def _read_once(self, seconds: float) -> bool:
        if not select.select([self._leader], [], [], seconds)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._leader, 65536)
        except OSError:
            return False
        self.sent += data
        self._stream.feed(data)
        if b"\x1b[?2026$p" in data:
            os.write(self._leader, b"\x1b[?2026;2$y")  # synchronised output, as modern terminals answer
        return bool(data)


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES", "TMUX")}
    env = {name: value for name, value in env.items() if not name.startswith("TEXTUAL")}
    for name, value in {**_USUAL, **changes}.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def _own_the_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
