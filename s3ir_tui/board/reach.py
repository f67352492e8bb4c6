"""What a trail source can show and how far it has shown it: the view of a source that `proof` decides by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from s3ir_tui.board.lag import Arrivals
from s3ir_tui.room import SourceStatus

_HOLE = re.compile(r"^no file from \S+ from .* to (\d{4}-\d\d-\d\d \d\d:\d\d)Z$")
_MORE = re.compile(r"^\d+ more$")
_HARMLESS = ("messages without CloudTrail events are left in it", "recorded messages stay in it")


@dataclass(frozen=True, slots=True)
class Reach:
    """A trail source.

    Attributes:
        name: `lookup us-east-1`, `bucket trail-logs`.
        complete_to: Up to when it has brought every event that the service had; `None` before the first whole look.
        late: How late the service brings an event to it, in seconds, the longest that was measured; `None` before that.
        newest: Time of the newest event that it brought, or `None`.
        caught_up: Whether nothing older is left to be read.
        progress: How far the look back is, `14 of 24 h`, or "".
        failing_since: Since when it has brought nothing but errors, or `None`.
        error: Its last error, or "".
        remark: What it does not bring although it works, or "".
        regions: Regions whose events it brings; empty for all.
        writes: Whether management events that change something come.
        reads: Whether read-only management events come.
        data: Whether S3 data events come.
        buckets: Buckets whose data events come; empty for those that the trail selects.
    """

    name: str
    complete_to: datetime | None = None
    late: float | None = None
    newest: datetime | None = None
    caught_up: bool = True
    progress: str = ""
    failing_since: datetime | None = None
    error: str = ""
    remark: str = ""
    regions: tuple[str, ...] = ()
    writes: bool = True
    reads: bool = True
    data: bool = False
    buckets: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`lookup`, `bucket`, `logs`, `livetail`, `queue`."""
        return self.name.split(" ", 1)[0]

    @property
    def past(self) -> bool:
        """Whether it holds only what was recorded before: files."""
        return self.kind == "files"

    @property
    def delivered(self) -> bool:
        """Whether its events come by a delivery that can be cut; Event history has none that anyone could change."""
        return self.kind in ("bucket", "logs", "livetail")

    def remarks(self, since: datetime) -> tuple[str, ...]:
        """What it says that it does not bring, without holes in the delivery that ended before a moment."""
        said = self.remark.removeprefix(f"{self.name}: ")
        parts = [part for part in said.split("; ") if part and not part.startswith(_HARMLESS)]
        left = [part for part in parts if not _ended(part, since)]
        # "3 more" counts older holes than those that are named.
        return tuple(part for part in left if not _MORE.match(part)) if len(left) != len(parts) else tuple(left)


def _ended(part: str, since: datetime) -> bool:
    found = _HOLE.match(part)
    return found is not None and datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC) < since


def reach_of(status: SourceStatus, arrivals: Arrivals, now: datetime, back: timedelta) -> Reach:
    """What a source can show, by what it says of itself and by what it brought.

    Args:
        status: What it says.
        arrivals: What all sources brought.
        now: The time.
        back: How far was asked to look back.
    """
    came, covers = arrivals.of(status.name), status.covers
    kind, _, region = status.name.partition(" ")
    regions, complete_to = covers.regions, status.complete_to
    if kind == "lookup":
        regions = regions or (region,)
    return Reach(
        name=status.name,
        complete_to=complete_to,
        late=delay if (delay := arrivals.delay(status.name)) is not None else status.late,
        newest=datetime.fromisoformat(came.newest) if came.newest else None,
        caught_up=status.caught_up,
        progress="" if status.caught_up else hours_read(came.oldest, now, back),
        failing_since=status.failing_since,
        error=status.error,
        remark=status.remark,
        regions=regions,
        writes=covers.writes,
        reads=covers.reads,
        data=covers.data or status.data_events,
        buckets=covers.buckets,
    )


def hours_read(oldest: str, now: datetime, back: timedelta) -> str:
    """`14 of 24 h`: how far a look back has come that begins with the newest events."""
    asked = back.total_seconds() / 3600
    read = (now - datetime.fromisoformat(oldest)).total_seconds() / 3600 if oldest else 0.0
    return f"{max(0.0, min(read, asked)):.0f} of {asked:.0f} h" if asked >= 1 else f"of the last {asked * 60:.0f} min"


def lag_of(item: Reach, now: datetime) -> float | None:
    """How far a source is behind in seconds, late events included; it grows while nothing is read."""
    if item.complete_to is None:
        return item.late
    return (now - item.complete_to).total_seconds() + (item.late or 0.0)
