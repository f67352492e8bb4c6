"""The thread that reads our own changes again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from s3ir_tui.feeds.facts import ChangesChecked, Inbox, OutcomesUnknown, PostureFailed
from s3ir_tui.text import clean

CHECK_SECONDS = 15.0


def check(
    holding: Callable[[], tuple[str, ...]],
    in_place: Callable[[str], tuple[int, int, int]],
    unknown: Callable[[], int],
    inbox: Inbox,
    stop: threading.Event,
) -> None:
    """Read our changes again and again until `stop`, and look for calls whose outcome is unknown."""
    while True:
        error = ""
        try:
            inbox.put(OutcomesUnknown(unknown()))
        except Exception as problem:  # noqa: BLE001 - the checks must go on, and say that they could not look
            error = clean(f"{type(problem).__name__}: {problem}")
        if stop.wait(CHECK_SECONDS):
            return
        for ref in holding():
            try:
                there, changes, unreadable = in_place(ref)
            except Exception as problem:  # noqa: BLE001 - as above
                error = clean(f"{ref}: {type(problem).__name__}: {problem}")
                continue
            inbox.put(ChangesChecked(ref, there, changes, datetime.now(UTC), unreadable))
        inbox.put(PostureFailed("our changes could not be checked", error))
