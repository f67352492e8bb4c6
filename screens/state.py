"""What all screens look at: the newest snapshot, the lines of the tail, the marks, the plan that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3ir_tui.model import utc_now
from s3ir_tui.room import Kind, Room, Row, Snapshot, Status, Timeline, Update
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sieve import Lines
from s3ir_tui.trail.spool import Spool
from screens.asking import Asks
from screens.desk import DeskLike
from screens.keys import Needs

if TYPE_CHECKING:
    from actions.plan import Targets
    from screens.running import Run

RECORDED = "this is a recorded case: nothing can be changed here"


class State:
    """The state of the console, confined to the loop.

    Attributes:
        room: Who feeds the screens.
        desk: Who plans and acts; `None` where nothing can be changed.
        timeline: The time line of a recorded case, or `None`.
        snapshot: The newest snapshot; an empty one before the first.
        lines: The events of the tail: the newest in memory, a million older ones on the disk.
        run: The plan that runs or ran last.
        heard: Whether the room has said anything yet.
        faults: Threads of this console that ended with a fault: alarms on every screen, until the end.
        operator: Who is at the console, as typed when it was armed; "" before.
        asks: Who answers questions to history; `None` where there is no one.
        show_only: Shows the lines of the tail that a filter finds, whatever screen is open.
    """

    def __init__(self, room: Room, desk: DeskLike | None, timeline: Timeline | None) -> None:
        self.room, self.desk, self.timeline = room, desk, timeline
        self.snapshot = Snapshot()
        self.lines: Lines = Spool()
        self.run: Run | None = None
        self.heard = False
        self.faults: tuple[str, ...] = ()
        self.operator = ""
        self.asks: Asks | None = None
        self.show_only: Callable[[str], None] = lambda _filter: None
        self._wishes: dict[tuple[Kind, str], bool] = {}

    @property
    def live(self) -> bool:
        """Whether the room is not a recorded one."""
        return self.timeline is None

    @property
    def waits(self) -> str:
        """What the room does until it says anything: whoever can act connects, a recording is read; "" once it has."""
        if self.heard:
            return ""
        return "reading" if self.desk is None else "connecting"

    @property
    def status(self) -> Status:
        """The newest status, with what is wrong with this console itself."""
        status = self.snapshot.status
        return replace(status, alarms=(*self.faults, *status.alarms)) if self.faults else status

    def has(self, needs: Needs) -> bool:
        """Whether what a key needs is there: what is absent is not offered."""
        return {
            "": True,
            "desk": self.desk is not None,
            "live": self.timeline is None,
            "timeline": self.timeline is not None,
        }[needs]

    def take(self, update: Update) -> None:
        """Take in what the room says."""
        self.heard = True
        if self.live and not self.lines.begun:
            self.lines.begun = update.snapshot.status.now
        self.snapshot = update.snapshot
        if update.reset:
            self.lines.clear()
        self.lines.extend(update.lines)
        if self._wishes:
            marked = {(row.kind, row.id): row.marked for row in self._all_rows()}
            self._wishes = {key: on for key, on in self._wishes.items() if marked.get(key) is not on}

    def rows(self, kind: Kind) -> tuple[Row, ...]:
        """The rows of a pane, with marks that are not recorded yet."""
        rows = self._rows(kind)
        if not self._wishes:
            return rows
        return tuple(replace(row, marked=self._wishes.get((kind, row.id), row.marked)) for row in rows)

    def marked(self) -> list[tuple[Kind, str]]:
        """What is marked, in all panes."""
        found = [(row.kind, row.id) for kind in ("bucket", "principal", "instance") for row in self.rows(kind)
                 if row.marked]  # fmt: skip
        seen = set(found)
        return found + [key for key, on in self._wishes.items() if on and key not in seen]

    def is_marked(self, kind: Kind, ident: str) -> bool:
        """Whether a row is marked."""
        return (kind, ident) in self.marked()

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """Mark or unmark; shown at once, recorded by the room."""
        self._wishes[(kind, ident)] = on
        self.room.mark(kind, ident, on)

    def row(self, kind: Kind, ident: str) -> Row | None:
        """A row by its identity."""
        return next((row for row in self.rows(kind) if row.id == ident), None)

    def worst(self) -> Row | None:
        """The row that `Next:` is about, else the worst suspect."""
        proposal = self.snapshot.proposal
        if proposal is not None and proposal.row is not None:
            row = self.row(*proposal.row)
            if row is not None:
                return row
        suspects = [row for row in self._all_rows() if row.suspect]
        return max(suspects, key=lambda row: (row.severity, row.kind == "principal"), default=None)

    def now(self) -> datetime:
        """What the clock of the room says; that of this machine before it has said anything."""
        try:
            return datetime.fromisoformat(self.snapshot.status.now).astimezone(UTC)
        except ValueError:
            return utc_now()

    def principal_of(self, event: Event) -> str:
        """The id of the row that an event's principal stands in; the event's own word for it where there is none."""
        known = {row.id for row in self.snapshot.principals}
        return next((item for item in (event.principal, event.issuer) if item in known), event.principal)

    def _all_rows(self) -> Iterable[Row]:
        now = self.snapshot
        return (*now.principals, *now.buckets, *now.instances)

    def _rows(self, kind: Kind) -> tuple[Row, ...]:
        now = self.snapshot
        return {"bucket": now.buckets, "principal": now.principals, "instance": now.instances}[kind]


def targets_of(chosen: Iterable[tuple[Kind, str]]) -> Targets:
    """Rows as the targets of an action."""
    targets: dict[str, tuple[str, ...]] = {}
    for kind, ident in chosen:
        targets[kind] = (*targets.get(kind, ()), ident)
    return targets
