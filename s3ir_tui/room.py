"""What the war room shows: immutable snapshots, and the protocols of whoever makes them.

The live account and a recorded case both implement `Room`, so that the same screens show either; only a recorded case
also implements `Timeline`. Everything here is plain data: strings are already cleaned for display.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from s3ir_tui.model import Severity, State
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.found import Found
from s3ir_tui.trail.histogram import Counts
from s3ir_tui.trail.sources.covers import Covers

Kind = Literal["bucket", "principal", "instance"]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A trail source at work.

    Attributes:
        name: `lookup us-east-1`, `bucket trail-logs`, `files`.
        lag: Seconds between the newest event and now when it was seen, or `None` before the first event.
        error: What went wrong last, or "".
        data_events: Whether it can bring S3 data events.
        remark: What it does not bring although it works, or "".
        caught_up: Whether nothing older is left to be read.
        complete_to: Up to when it has brought every event that was there to be read; `None` where it does not say.
        late: Seconds after its time at which an event was brought, the longest of late, or `None`.
        failing_since: Since when it has brought nothing but errors, or `None` while it works.
        covers: Which events it can bring.
        by: The console of this case that reads it for this one, or "".
    """

    name: str
    lag: float | None = None
    error: str = ""
    data_events: bool = False
    remark: str = ""
    caught_up: bool = True
    complete_to: datetime | None = None
    late: float | None = None
    failing_since: datetime | None = None
    covers: Covers = field(default_factory=Covers)
    by: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the console can see now.

    Attributes:
        word: `NOT CONNECTED`, `SIGNING IN`, `READING HISTORY`, `LIVE`, `SOURCE LOST`, `NO NEWS`; "" in a recorded case.
        text: The reason and how far it is.
        way_out: What to do about it, or "".
    """

    word: str = ""
    text: str = ""
    way_out: str = ""

    @property
    def words(self) -> str:
        """`READING HISTORY: 14 of 24 h`."""
        return ": ".join(filter(None, (self.word, "; ".join(filter(None, (self.text, self.way_out))))))


@dataclass(frozen=True, slots=True)
class Status:
    """The two lines at the top of every screen.

    Attributes:
        lag: How far the trail is behind in seconds, late events included: it grows while a source is lost.
        suspects: Principals that are suspects.
        contained: How many of them a plan of this case contains.
        condition: What the console can see now.
        no_news: Seconds since any source was last read without an error; `None` before the first.
    """

    account: str = ""
    region: str = ""
    identity: str = ""
    mode: str = "READ-ONLY"
    case: str = ""
    phase: str = "triage"
    opened: str = ""
    now: str = ""
    sources: tuple[SourceStatus, ...] = ()
    lag: float | None = None
    suspects: int = 0
    contained: int = 0
    head: str = ""
    consoles: int = 1
    alarms: tuple[str, ...] = ()
    condition: Condition = Condition()
    no_news: float | None = None


@dataclass(frozen=True, slots=True)
class Pulse:
    """Calls per cell of fixed time, oldest first; allowed and denied never share a number."""

    cell_seconds: int = 10
    allowed: tuple[int, ...] = ()
    denied: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a pane.

    Attributes:
        kind: Which pane.
        id: Full identity: bucket name, ARN or other principal id, instance id.
        label: Short name for the column.
        severity: Worst severity with a reason behind it.
        state: What it does now.
        facts: Short words, most telling first.
        reasons: Why it has its severity, in full.
        pulse: Its calls over time.
        marked: Whether the responder marked it.
        suspect: Whether it is counted as a suspect.
        contained: Whether a plan of this case contains it.
        before: Whether it was contained before this case: by another case, or by hand with our names.
    """

    kind: Kind
    id: str
    label: str
    severity: Severity = Severity.INFO
    state: State = State.NONE
    facts: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    pulse: Pulse = Pulse()
    marked: bool = False
    suspect: bool = False
    contained: bool = False
    before: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """The `Next:` line: one step of the playbook, with its reason and its key.

    Attributes:
        text: What to do and why.
        key: The key that begins it.
        action: Id of the action it leads to, or "".
        row: `(kind, id)` of what it is about, or `None`.
    """

    text: str
    key: str = ""
    action: str = ""
    row: tuple[Kind, str] | None = None


@dataclass(frozen=True, slots=True)
class WatchedCredential:
    """One credential of a contained actor on the watch screen."""

    id: str
    what: str
    last_ok: str = ""
    denied: int = 0


@dataclass(frozen=True, slots=True)
class StillIn:
    """Something that descends from a contained actor, or was granted access by it, and is still active.

    Attributes:
        id: Its identity, as in the row of a principal.
        label: It, short.
        how: `granted access by svc-export`, `created by svc-export`.
        ok: Its calls that were allowed since the containment.
        since: UTC time from which they are counted.
        last_ok: UTC time of the last of them.
    """

    id: str
    label: str
    how: str
    ok: int
    since: str
    last_ok: str

    @property
    def words(self) -> str:
        """`acct 9999…7777 (granted access by svc-export): 36 ok since 20:16:10Z`."""
        return f"{self.label} ({self.how}): {self.ok} ok since {self.since[11:19]}Z"


@dataclass(frozen=True, slots=True)
class WatchView:
    """The quiet watch of one contained actor.

    Attributes:
        id: Journal reference of the plan that contained it, or of the watch record.
        label: The actor, short.
        state: The state word.
        since: UTC time of containment.
        words: The numbers of the state in words: `0 allowed, 960 denied since 20:16:10Z; QUIET at 20:46Z`.
        by: Who contained it.
        last_ok: UTC time of the actor's last successful call, or "".
        first_denied: UTC time of its first denied call after containment, or "".
        proof_from: UTC time from which silence counts as proof (containment plus lag), or "" while lag is unknown.
        quiet_at: UTC time at which it is called quiet if nothing more is allowed.
        pulse: Its calls over time.
        credentials: Its credentials.
        in_place: How many of our changes were in place at the last check.
        changes: How many changes there are.
        unreadable: How many of them could not be read at the last check.
        checked: UTC time of the last check of our changes, or "".
        workload: One line each for the legitimate principals on the same buckets: never a suspect, never the family.
        still_in: What descends from it, or was granted access by it, and is still active.
        reasons: Why the state is UNKNOWN, in words.
        refs: First and last journal reference of the containment.
    """

    id: str
    label: str
    state: State
    since: str
    words: str = ""
    by: str = ""
    last_ok: str = ""
    first_denied: str = ""
    proof_from: str = ""
    quiet_at: str = ""
    pulse: Pulse = Pulse()
    credentials: tuple[WatchedCredential, ...] = ()
    in_place: int = 0
    changes: int = 0
    unreadable: int = 0
    checked: str = ""
    workload: tuple[str, ...] = ()
    refs: str = ""
    still_in: tuple[StillIn, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the screens show at one moment, except the lines of the tail."""

    status: Status = Status()
    buckets: tuple[Row, ...] = ()
    principals: tuple[Row, ...] = ()
    instances: tuple[Row, ...] = ()
    proposal: Proposal | None = None
    watches: tuple[WatchView, ...] = ()
    folded: int = 0
    calls: Counts = field(default_factory=Counts)
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """One tick: the new snapshot and the events that arrived since the last one.

    Attributes:
        snapshot: The state now.
        lines: New events, oldest first.
        reset: Whether the tail is to be emptied first (a recorded case was moved to another time).
    """

    snapshot: Snapshot
    lines: tuple[Judged, ...] = ()
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """What `enter` shows of a row: headed lines, safe to display, and the whole value to copy."""

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    copy: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of the journal for the log screen."""

    ref: str
    at: str
    who: str
    kind: str
    text: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A record on the time line of a review."""

    ref: str
    at: str
    kind: str
    text: str


class Room(Protocol):
    """Whoever feeds the screens. Every method but `start` and `stop` returns at once and may be called on the loop."""

    def start(self, post: Callable[[Update], None]) -> None:
        """Begin to work in the background; `post` is called from any thread, at most four times a second."""

    def stop(self, why: str) -> None:
        """End in order: threads joined, the log closed with the reason. Blocks for a few seconds at most."""

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """Mark or unmark a row; recorded."""

    def note(self, text: str) -> None:
        """Record a note of the responder."""

    def retry(self) -> None:
        """Try now what is tried again by itself: to sign in, to find the trail sources."""

    def detail(self, kind: Kind, ident: str) -> Detail:
        """What is known of a row."""

    def log(self) -> tuple[LogLine, ...]:
        """The records of the case, newest last."""


class Timeline(Protocol):
    """A recorded case that can be moved through time."""

    @property
    def points(self) -> tuple[Point, ...]:
        """The records that the slider steps through, oldest first."""

    @property
    def position(self) -> int:
        """Index of the point that is shown."""

    def seek(self, position: int) -> None:
        """Show the room as it was after that point; an `Update` with `reset` follows."""
