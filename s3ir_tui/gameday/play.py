"""The two ways to run a game day: with the console on it, or served for any AWS client."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s3ir_tui.gameday.day import GameDay

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def play(
    scenario: str,
    console: Callable[[dict[str, Any]], int],
    *,
    case: Path | None = None,
    lag: float = 5.0,
    delay: float = 0.0,
    port: int = 0,
    show: Callable[[str], None] | None = None,
    settings: Mapping[str, float] | None = None,
) -> int:
    """Play a game day: start everything, run the console on it, tell at the end what was true.

    Args:
        scenario: Its name.
        console: Runs the console on the account that the info describes, and returns its exit status.
        case: The case folder that the console will write, for the debrief.
        lag: Seconds until CloudTrail shows a call.
        delay: Seconds until a change takes effect.
        port: Port of the account; 0 takes a free one.
        show: Takes each line of the debrief; standard output where there is none.
        settings: More delays and quotas of the account.

    Returns:
        The exit status of the console.
    """
    say = show or _say
    with GameDay.start(scenario, port=port, lag=lag, delay=delay, settings=settings) as day:
        status = console(day.snapshot())
        day.halt()
        for line in day.debrief(case).lines():
            say(line)
        if case is not None and case.is_dir():
            say(f" review: s3ir-tui review {shlex.quote(str(case))}")
    return status


def serve(
    scenario: str,
    *,
    port: int,
    info: Path,
    attacker: bool = True,
    lag: float = 0.0,
    delay: float = 0.0,
    export: bool = False,
    settings: Mapping[str, float] | None = None,
) -> int:
    """Serve the account of a scenario until SIGINT, SIGTERM or SIGHUP.

    Args:
        scenario: Its name.
        port: Port on 127.0.0.1.
        info: File (0600, JSON) that takes endpoint, credentials and truth; kept up to date.
        attacker: Whether the attacker goes on, or only makes its opening moves.
        lag: Seconds until CloudTrail shows a call.
        delay: Seconds until a change takes effect.
        export: Whether to print the responder's shell lines.
        settings: More delays and quotas of the account.

    Returns:
        0 once it was told to stop.
    """
    chosen: dict[str, Any] = {"port": port, "lag": lag, "delay": delay, "attacker": attacker, "settings": settings}
    with _told_to_stop() as stop, GameDay.start(scenario, **chosen) as day:
        writing = threading.Lock()

        def write() -> None:
            with writing:
                write_info(info, day.snapshot())

        def rewrite() -> None:
            try:
                write()
            except OSError as error:
                sys.stderr.write(f"{info} is out of date: {error}\n")

        day.on_change(rewrite)
        write()
        if export:
            for line in export_lines(day.snapshot()):
                _say(line)
        stop.wait()
    return 0


def export_lines(info: Mapping[str, Any]) -> tuple[str, ...]:
    """Shell lines that make any AWS client the responder of this account."""
    responder = info["responder"]
    values = {
        "AWS_ENDPOINT_URL": info["endpoint_url"],
        "AWS_REGION": info["region"],
        "AWS_DEFAULT_REGION": info["region"],
        "AWS_ACCESS_KEY_ID": responder["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": responder["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": responder.get("aws_session_token", ""),
    }
    return tuple(f"export {name}={shlex.quote(value)}" for name, value in values.items() if value)


def write_info(path: Path, info: Mapping[str, Any]) -> None:
    """Write the info file whole or not at all, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(info, file, indent=2)
            file.write("\n")
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that is set by the signals that end a program; the handlers of before are put back."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
