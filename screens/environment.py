"""What of the environment reaches Textual; to be imported before Textual is, which reads it once."""

from __future__ import annotations

import os
import sys

_UNWANTED = (
    "TEXTUAL_PRESS",  # keys that press themselves
    "TEXTUAL_DRIVER",  # a class to be imported and run
    "TEXTUAL",  # developer tools: messages leave the process
    "TEXTUAL_LOG",
    "TEXTUAL_DEBUG",
    "TEXTUAL_SCREENSHOT",
)


def prepare() -> None:
    """Drop what would press keys or send data elsewhere, and choose forty frames a second.

    News are painted four times a second at most, which serves a slow line; a key waits for its frame 25 ms at most,
    and twice as long where a frame is missed because other threads are busy.
    """
    for name in _UNWANTED:
        os.environ.pop(name, None)
    os.environ.setdefault("TEXTUAL_FPS", "40")


def why_no_screen() -> str:
    """Why this terminal cannot show the console, with the way out; "" where it can."""
    if not (sys.__stdin__ and sys.__stderr__ and sys.__stdin__.isatty() and sys.__stderr__.isatty()):
        return "the console needs a terminal; without one use `s3ir-tui triage`, `trail`, `act` or `report`"
    term = os.environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        return (
            f"the console cannot draw on this terminal (TERM={term or 'not set'}); set TERM to what it is, such as "
            "xterm-256color, or use `s3ir-tui triage`, `trail`, `act` or `report`"
        )
    return ""


prepare()
