"""LookupEvents for all consoles of a case: one of them asks, the others take what it read.

The limit of LookupEvents is shared by all who ask in an account and Region: two consoles that both ask throttle each
other. What the leader reads is kept in the case folder, for this user alone, until the last console leaves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from s3ir_tui.model import iso
from s3ir_tui.text import clean
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import Source, SourceError
from s3ir_tui.trail.sources.covers import Covers
from s3ir_tui.trail.sources.lease import Lease
from s3ir_tui.trail.sources.lookup import LookupSource
from s3ir_tui.trail.sources.lookup_passes import Pass
from s3ir_tui.trail.sources.shared_file import Part, Reader, Window, Writer, names

FOLDER = "lookup"
FOLLOW_SECONDS = 1.0


class CaseOfConsoles(Protocol):
    """The log of a case, as the sharing uses it."""

    @property
    def folder(self) -> Path: ...
    @property
    def session(self) -> str: ...
    @property
    def consoles(self) -> int: ...


class Share:
    """The sharing of one account's LookupEvents among the consoles of a case.

    Args:
        case: The log of the case: its folder, this console's session, how many consoles there are.
        account: Id of the account: consoles of one case may work in several.
        since: How far this console looks back.
        monotonic: Seconds.
    """

    def __init__(
        self, case: CaseOfConsoles, account: str, since: datetime, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._case, self._closed = case, False
        self._folder = case.folder / FOLDER / account
        self.lease = Lease(
            self._folder / "lease", lambda: case.session, iso(since), monotonic, only=lambda: case.consoles <= 1
        )
        self.reader = Reader(self._folder)
        self._lock = threading.Lock()
        self._writer: Writer | None = None
        self.why_alone = ""
        try:
            for place in (self._folder.parent, self._folder):
                place.mkdir(mode=0o700, exist_ok=True)
                if place.is_symlink():
                    raise OSError(f"{place.name} is a link")
        except OSError as error:
            self._go_alone(error)

    def leads(self) -> bool:
        """Whether this console asks by itself: it leads, or nothing can be shared."""
        if self.why_alone:
            return True
        try:
            return self.lease.leads()
        except OSError as error:
            self._go_alone(error)
            return True

    def alive(self) -> None:
        """The service answered this console."""
        if not self.why_alone:
            try:
                self.lease.alive()
            except OSError as error:
                self._go_alone(error)

    def publish(self, part: Part) -> None:
        """Let the others have what was read."""
        if self.why_alone or self._closed:
            return
        with self._lock:
            term = max(self.lease.terms)
            if self._writer is None or self._writer.path.name != Writer(self._folder, term).path.name:
                self._writer = Writer(self._folder, term)
            writer = self._writer
        try:
            writer.add(part)
        except OSError as error:
            self.lease.release()  # another one leads, who can
            self._go_alone(error)

    def close(self) -> None:
        """Let another console lead; the last one leaves nothing."""
        if self._closed:
            return
        self._closed = True
        self.lease.release()
        if self._case.consoles <= 1:
            with suppress(OSError), self._lock:
                for name in names(self._folder):
                    (self._folder / name).unlink(missing_ok=True)

    def _go_alone(self, error: OSError) -> None:
        self.why_alone = clean(f"not shared with other consoles of the case: {error}")


class SharedLookup:
    """LookupEvents of one Region: asked by this console while it leads, else taken from the one that does.

    Args:
        source: The source; a new one takes its place each time this console begins to lead.
        share: The sharing.
    """

    data_events = False

    def __init__(self, source: LookupSource, share: Share) -> None:
        self.name = source.name
        self._source, self._share = source, share
        self._leading = False
        self._told: Part | None = None
        source.on_answer = share.alive

    @property
    def by(self) -> str:
        """The console that reads for this one."""
        return "" if self._leading else self._share.lease.held.holder

    @property
    def dormant(self) -> bool:
        """Whether the Region is left out."""
        return self._source.dormant if self._leading or self._told is None else self._told.dormant

    @property
    def caught_up(self) -> bool:
        """Whether nothing older is left to be read, by whoever reads."""
        if self._leading:
            return self._source.caught_up
        return self._told is not None and not self._told.backlog

    @property
    def complete_to(self) -> datetime | None:
        """Up to when everything was brought, by whoever read."""
        told = datetime.fromisoformat(self._told.complete_to) if self._told and self._told.complete_to else None
        if self._leading:
            return self._source.complete_to or told
        return None if self._share.reader.damaged else told

    @property
    def late(self) -> float | None:
        """How late events come, in seconds."""
        return self._source.late if self._leading or self._told is None else self._told.late

    @property
    def covers(self) -> Covers:
        """As the source."""
        return self._source.covers

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll."""
        return self._source.interval if self._leading else FOLLOW_SECONDS

    @property
    def remark(self) -> str:
        """What the source says, and who reads it."""
        if self._leading:
            return "; ".join(filter(None, (self._source.remark, self._share.why_alone)))
        held = self._share.lease.held
        said = [self._told.remark if self._told else "", f"read by console {clean(held.holder)}" if held.holder else ""]
        if held.since > iso(self._source.since):
            said.append(f"it looks back to {clean(held.since)} only")
        if self._share.reader.damaged:
            said.append("a part of what it wrote is damaged and missing")
        return "; ".join(filter(None, said))

    def poll(self) -> list[Event]:
        """Ask, or take what the leader read.

        Raises:
            SourceError: Nothing could be read, here or by the leader.
        """
        if not self._share.leads():
            self._leading = False
            return self._follow()
        events: list[Event] = []
        if not self._leading:
            with suppress(SourceError):
                events = self._follow()
            self._begin()
        return events + self._lead()

    def close(self) -> None:
        """Let another console lead."""
        self._share.close()

    def _begin(self) -> None:
        """Go on where the one ended who led before, with an overlap."""
        self._source = self._source.renewed()
        self._source.on_answer = self._share.alive
        if self._told is not None:
            backlog = [Pass(_time(w.start), _time(w.end), _time(w.end), w.writes) for w in self._told.backlog]
            self._source.take_over(self.complete_to, backlog)
        self._leading = True

    def _lead(self) -> list[Event]:
        try:
            events = self._source.poll()
        except SourceError as error:
            self._publish((), str(error))
            raise
        self._publish(events, "")
        return events

    def _publish(self, events: Sequence[Event], error: str) -> None:
        source = self._source
        part = Part(
            self.name,
            tuple(event.raw.decode("utf-8", "replace") for event in events),
            error,
            source.remark,
            source.dormant,
            iso(self.complete_to) if self.complete_to else "",
            source.late,
            tuple(Window(iso(item.start), iso(item.end), item.writes) for item in source.backlog),
        )
        self._share.publish(part)

    def _follow(self) -> list[Event]:
        parts = self._share.reader.take(self.name, self._share.lease.terms)
        events: list[Event] = []
        for part in parts:
            self._told = part
            for text in part.records:
                with suppress(ValueError):
                    events.append(decode_record(text.encode("utf-8", "replace")))
        if self._told is not None and self._told.error and not events:
            raise SourceError(clean(self._told.error), FOLLOW_SECONDS)
        return events


def shared(sources: Sequence[Source], share: Share) -> tuple[Source, ...]:
    """The sources with LookupEvents shared; the others as they are."""
    return tuple(SharedLookup(item, share) if isinstance(item, LookupSource) else item for item in sources)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
