"""The clipboard over SSH and tmux: the tmux buffer first, then OSC 52, and a file where neither can be relied on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

OSC52_LIMIT = 74_994
"""Bytes that terminals take in one OSC 52 sequence (xterm's limit, less its frame)."""

_PATIENCE = 2.0


def copy(text: str, osc52: Callable[[str], None], env: Mapping[str, str] | None = None) -> str:
    """Put a text where the responder can paste it from.

    Args:
        text: The text.
        osc52: Sends a text to the terminal's clipboard.
        env: The environment; the process's where it is `None`.

    Returns:
        Where it is now, in words.
    """
    around = os.environ if env is None else env
    if around.get("TMUX") and _to_tmux(text):
        return "copied to the tmux buffer and, where tmux passes it on, to the clipboard"
    path = _to_file(text, around)
    kept = f"it is in {path}" if path else "no file could be written either"
    if around.get("TMUX") or around.get("STY") or len(text.encode()) > OSC52_LIMIT:
        return f"not sent to the clipboard from here: {kept}"
    osc52(text)
    return f"sent to the terminal's clipboard; if the terminal does not take it, {kept}"


def _to_tmux(text: str) -> bool:
    try:
        ended = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"], input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _to_file(text: str, env: Mapping[str, str]) -> Path | None:
    state = env.get("XDG_STATE_HOME") or str(Path(env.get("HOME") or "~").expanduser() / ".local" / "state")
    path = Path(state) / "s3ir-tui" / "clipboard.txt"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return path
