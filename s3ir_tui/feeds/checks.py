"""The thread that reads our own changes again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.feeds.facts import ChangesChecked, Inbox, OutcomesUnknown

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
        inbox.put(OutcomesUnknown(unknown()))
        if stop.wait(CHECK_SECONDS):
            return
        for ref in holding():
            try:
                there, changes, unreadable = in_place(ref)
            except AwsError:
                continue
            inbox.put(ChangesChecked(ref, there, changes, datetime.now(UTC), unreadable))
