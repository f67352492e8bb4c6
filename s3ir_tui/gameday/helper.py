"""A child process of a game day: configured by its stdin, heard by its stdout, ended by its id."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from s3ir_tui.model import Json

_GRACE = 3.0


class Helper:
    """Runs one module of this package as a process in a group of its own.

    Secrets reach it by its stdin, never by its arguments, environment or a file. It ends when its stdin does, so it
    cannot outlive this process.

    Args:
        module: The module to run, such as `s3ir_tui.gameday.attacker`.
        config: Its first line of input.
        errors: File that takes its stderr.
        on_message: Takes each of its messages, on a thread of its own.
    """

    def __init__(
        self, module: str, config: Json, errors: Path, on_message: Callable[[Helper, Mapping[str, Any]], None]
    ) -> None:
        self._on_message = on_message
        self._lock = threading.Lock()
        with errors.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        self._listener = threading.Thread(target=self._listen, name=module, daemon=True)
        self._listener.start()
        self.send(config)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, message: Json) -> None:
        """Send it a message; one that has ended gets none."""
        stdin = self._process.stdin
        if stdin is None:
            return
        try:
            with self._lock:
                stdin.write(json.dumps(message) + "\n")
                stdin.flush()
        except (BrokenPipeError, ValueError):
            return

    def stop(self) -> None:
        """End it: by the end of its input, and by force where that does not help."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_GRACE)
        self._listener.join(_GRACE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._on_message(self, json.loads(line))
