"""The thread that reads what was logged of each bucket."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3ir_tui.feeds.facts import Inbox, LoggedRead, PostureFailed
from s3ir_tui.text import clean

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

LOGGED_SECONDS = 600.0
_WHAT = "what is logged"


def read_what_is_logged(account: Account, since: datetime, inbox: Inbox, stop: threading.Event) -> None:
    """Read what was logged of each bucket since a moment, now and every ten minutes, until `stop`."""
    while True:
        error = ""
        try:
            _read(account, since, inbox)
        except Exception as problem:  # noqa: BLE001 - a thread that ends would leave what it read last as current
            error = clean(f"{type(problem).__name__}: {problem}")
        inbox.put(PostureFailed(_WHAT, error))
        if stop.wait(LOGGED_SECONDS):
            return


def _read(account: Account, since: datetime, inbox: Inbox) -> None:
    from s3ir_tui.trail.discover import survey
    from s3ir_tui.trail.logged import read_logged

    reading = read_logged(account, survey(account), since, datetime.now(UTC))
    for bucket in reading.buckets:
        inbox.put(LoggedRead(reading.facts(bucket)))
