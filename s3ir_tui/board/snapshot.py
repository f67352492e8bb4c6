"""The whole board at one moment: the same function for the live account and for a recorded case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from s3ir_tui.board.known import Known
from s3ir_tui.board.lag import ASSUMED_SECONDS
from s3ir_tui.board.proposal import propose
from s3ir_tui.board.rows import Look, bucket_rows, index, instance_rows, principal_rows
from s3ir_tui.board.watches import Checked, watch_views
from s3ir_tui.model import State, iso
from s3ir_tui.room import Snapshot, SourceStatus, Status
from s3ir_tui.text import clean


@dataclass(frozen=True, slots=True)
class Moment:
    """What a snapshot is made with besides the facts.

    Attributes:
        now: The time: of the clock, or of the record under review.
        mode: `READ-ONLY`, `ARMED` or `REVIEW`.
        case: Name of the case.
        sources: The trail sources at work.
        lag: How far the trail is behind in seconds, or `None` where it is not measured.
        head: Head of the log.
        consoles: How many consoles work on the case.
        alarms: What is wrong and must be seen.
        quiet: How long silence must last to be called quiet.
        checked: Changes in place, changes, and when that was read, by plan reference.
        folded: How many events of service noise were folded.
        unknown_outcomes: How many calls were begun and have no recorded outcome.
    """

    now: datetime
    mode: str
    case: str
    sources: tuple[SourceStatus, ...] = ()
    lag: float | None = None
    head: str = ""
    consoles: int = 1
    alarms: tuple[str, ...] = ()
    quiet: timedelta = timedelta(minutes=30)
    checked: Mapping[str, Checked] = field(default_factory=dict)
    folded: int = 0
    unknown_outcomes: int = 0


def snapshot(known: Known, moment: Moment) -> Snapshot:
    """Everything that the war room shows of what is known."""
    blind = bool(moment.sources) and not any(item.data_events and not item.error for item in moment.sources)
    behind = ASSUMED_SECONDS if moment.lag is None else moment.lag
    views = watch_views(known, moment.now, None if blind else behind, moment.quiet, moment.checked)
    look = Look(
        now=moment.now,
        lag=moment.lag,
        blind=blind,
        watched=index(views),
        running=frozenset(ident for item in known.case.running for ident in item.principals),
    )
    # A recorded posture stands once, with the time at which it was first read: its age says nothing in a review.
    aged = None if moment.mode == "REVIEW" else moment.now
    principals, buckets = principal_rows(known, look), bucket_rows(known, aged)
    watches = tuple(view for view, _ in views)
    contained = {view.label for view in watches if view.state is not State.RETURNED}
    identity = known.identity
    status = Status(
        account=identity.account if identity else "",
        region=identity.region if identity else "",
        identity=clean(identity.arn.rsplit(":", 1)[-1]) if identity else "",
        mode=moment.mode,
        case=clean(moment.case),
        phase=known.case.phase,
        opened=known.case.opened,
        now=iso(moment.now),
        sources=moment.sources,
        lag=moment.lag,
        suspects=sum(row.suspect for row in principals),
        contained=len(contained),
        head=moment.head,
        consoles=moment.consoles,
        alarms=tuple(map(clean, (*moment.alarms, *filter(None, [known.case.skipped_alarm])))),
    )
    proposal = propose(
        unknown_outcomes=moment.unknown_outcomes,
        principals=principals,
        buckets=buckets,
        watches=watches,
        connected=identity is not None,
    )
    return Snapshot(
        status,
        buckets,
        principals,
        instance_rows(known, aged),
        proposal,
        watches,
        moment.folded,
        known.calls.counts(),
        known.finds.beside(known.analysis.principals()),
    )
