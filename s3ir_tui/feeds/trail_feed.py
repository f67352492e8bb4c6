"""The thread of a trail source: polls it, passes on what it brings, says what goes wrong and tries again."""

from __future__ import annotations

import threading
from datetime import datetime

from s3ir_tui.feeds.facts import EventsCame, Inbox, SourceChanged
from s3ir_tui.model import utc_now
from s3ir_tui.room import SourceStatus
from s3ir_tui.text import clean
from s3ir_tui.trail.sources.base import Acknowledged, Dormant, Source, SourceError, caught_up, read_by, remark
from s3ir_tui.trail.sources.covers import complete_to, covers, late

_FULL = 40
_FULL_SECONDS = 0.05
_AFTER_FAULT = 15.0


def poll(source: Source, inbox: Inbox, stop: threading.Event) -> None:
    """Poll a source until `stop`; what goes wrong is said and tried again."""
    recorded = source.recorded if isinstance(source, Acknowledged) else None
    failing_since: datetime | None = None
    while not stop.is_set():
        error = ""
        try:
            events = source.poll()
            wait = source.interval
        except SourceError as problem:
            error, wait = str(problem), problem.retry_after or source.interval
        except Exception as problem:  # noqa: BLE001 - a source that ends without a word would look like silence
            error, wait = clean(f"{source.name}: unexpected {type(problem).__name__}: {problem}"), _AFTER_FAULT
        else:
            inbox.put(EventsCame(source.name, tuple(events), recorded, read_by(source)))
        failing_since = (failing_since or utc_now()) if error else None
        if not (isinstance(source, Dormant) and source.dormant):
            inbox.put(SourceChanged(status_of(source, error, failing_since)))
        stop.wait(wait)
        while inbox.qsize() > _FULL and not stop.is_set():
            stop.wait(_FULL_SECONDS)  # a source that is faster than the room must not fill the memory


def status_of(source: Source, error: str = "", failing_since: datetime | None = None) -> SourceStatus:
    """What a source says of itself, after a poll.

    Args:
        source: The source.
        error: What went wrong with the poll, or "".
        failing_since: Since when nothing else happened.
    """
    return SourceStatus(
        source.name,
        None,
        error,
        source.data_events,
        clean(remark(source)),
        caught_up=caught_up(source),
        complete_to=complete_to(source),
        late=late(source),
        failing_since=failing_since,
        covers=covers(source),
        by=read_by(source),
    )
