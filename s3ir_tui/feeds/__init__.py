"""Background threads that bring facts of the live account to the room: trail sources, posture, our changes."""

from __future__ import annotations

from s3ir_tui.feeds.facts import (
    ChangesChecked,
    EventsCame,
    Fact,
    Inbox,
    LoggedRead,
    OutcomesUnknown,
    PostureFailed,
    PostureRead,
    SourceChanged,
)
from s3ir_tui.feeds.threads import Feeds

__all__ = [
    "ChangesChecked",
    "EventsCame",
    "Fact",
    "Feeds",
    "Inbox",
    "LoggedRead",
    "OutcomesUnknown",
    "PostureFailed",
    "PostureRead",
    "SourceChanged",
]
