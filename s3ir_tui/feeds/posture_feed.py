"""The threads of posture: buckets, principals, instances, and what is logged of each bucket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.board.known import Posture
from s3ir_tui.feeds.facts import Inbox, LoggedRead, PostureFailed, PostureRead

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

POSTURE_SECONDS = 60.0
LOGGED_SECONDS = 600.0


def read_posture(account: Account, inbox: Inbox, stop: threading.Event, due: threading.Event) -> None:
    """Read the posture of the account now, every minute, and whenever `due` is set, until `stop`."""
    from s3ir_tui.aws.buckets import read_buckets
    from s3ir_tui.aws.instances import read_instances
    from s3ir_tui.aws.principals import read_principals

    def came(item: Posture) -> None:
        inbox.put(PostureRead(item))

    def came_all(items: Iterable[Posture]) -> None:
        for item in items:
            came(item)

    readers: tuple[tuple[str, Callable[[], object]], ...] = (
        ("buckets", lambda: read_buckets(account, came)),
        ("principals", lambda: came_all(read_principals(account))),
        ("instances", lambda: came_all(read_instances(account))),
    )
    while not stop.is_set():
        due.clear()
        for what, read in readers:
            error = ""
            try:
                read()
            except AwsError as problem:
                error = str(problem)
            inbox.put(PostureFailed(what, error))
            if stop.is_set():
                return
        due.wait(POSTURE_SECONDS)


def read_what_is_logged(account: Account, since: datetime, inbox: Inbox, stop: threading.Event) -> None:
    """Read what was logged of each bucket since a moment, now and every ten minutes, until `stop`."""
    from s3ir_tui.trail.discover import survey
    from s3ir_tui.trail.logged import read_logged

    while True:
        reading = read_logged(account, survey(account), since, datetime.now(UTC))
        for bucket in reading.buckets:
            inbox.put(LoggedRead(reading.facts(bucket)))
        if stop.wait(LOGGED_SECONDS):
            return
