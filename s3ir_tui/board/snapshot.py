"""The whole board at one moment: the same function for the live account and for a recorded case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from s3ir_tui.board.condition import NO_NEWS
from s3ir_tui.board.known import Known
from s3ir_tui.board.proof import EXPECTED
from s3ir_tui.board.proposal import propose
from s3ir_tui.board.reach import Reach, lag_of
from s3ir_tui.board.rows import Look, bucket_rows, index, instance_rows, principal_rows
from s3ir_tui.board.watches import Checked, Sight, watch_views
from s3ir_tui.model import iso
from s3ir_tui.room import Condition, Snapshot, SourceStatus, Status
from s3ir_tui.text import clean


@dataclass(frozen=True, slots=True)
class Moment:
    """What a snapshot is made with besides the facts.

    Attributes:
        now: The time: of the clock, or of the record under review.
        mode: `READ-ONLY`, `ARMED` or `REVIEW`.
        case: Name of the case.
        sources: The trail sources at work.
        reach: What the sources can show, and how far they have.
        lag: How late the trail brings calls in seconds, or `None` where it is not measured.
        expected: How late CloudTrail brings a call at most, as a rule.
        condition: What the console can see now.
        answered: When any source was last read without an error.
        recorded: Whether the states are those of the log: in a review.
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
    reach: tuple[Reach, ...] = ()
    lag: float | None = None
    expected: timedelta = EXPECTED
    condition: Condition = field(default_factory=Condition)
    answered: datetime | None = None
    recorded: bool = False
    head: str = ""
    consoles: int = 1
    alarms: tuple[str, ...] = ()
    quiet: timedelta = timedelta(minutes=30)
    checked: Mapping[str, Checked] = field(default_factory=dict)
    folded: int = 0
    unknown_outcomes: int = 0


def snapshot(known: Known, moment: Moment) -> Snapshot:
    """Everything that the war room shows of what is known."""
    sight = Sight(moment.now, moment.quiet, moment.reach, moment.expected, moment.checked, moment.recorded)
    views = watch_views(known, sight)
    no_news = (moment.now - moment.answered).total_seconds() if moment.answered is not None else None
    look = Look(
        now=moment.now,
        lag=moment.lag,
        blind=_blind(moment, no_news),
        watched=index(views),
        running=frozenset(ident for item in known.case.running for ident in item.principals),
    )
    # A recorded posture stands once, with the time at which it was first read: its age says nothing in a review.
    aged = None if moment.mode == "REVIEW" else moment.now
    principals, buckets = principal_rows(known, look), bucket_rows(known, aged)
    watches = tuple(view for view, _ in views)
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
        lag=_behind(moment),
        suspects=sum(row.suspect for row in principals),
        contained=sum(row.suspect and row.contained for row in principals),
        head=moment.head,
        consoles=moment.consoles,
        alarms=tuple(map(clean, (*moment.alarms, *filter(None, [known.case.skipped_alarm])))),
        condition=moment.condition,
        no_news=no_news,
    )
    proposal = propose(
        unknown_outcomes=moment.unknown_outcomes,
        principals=principals,
        buckets=buckets,
        watches=watches,
        connected=identity is not None,
        condition=moment.condition,
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


def _blind(moment: Moment, no_news: float | None) -> str:
    """Why silence says nothing of whoever is not contained, or ""."""
    if not moment.sources:
        return ""
    if no_news is not None and no_news >= NO_NEWS.total_seconds():
        return "no trail source can be read"
    bring = [item for item in moment.sources if item.data_events]
    if not bring:
        return "no source brings S3 data events"
    return "" if any(not item.error for item in bring) else f"{clean(bring[0].name)} is lost"


def _behind(moment: Moment) -> float | None:
    """How far the trail is behind: of the source that is furthest; it grows while a source is lost."""
    behind = [lag for item in moment.reach if not item.past and (lag := lag_of(item, moment.now)) is not None]
    return max(behind, default=moment.lag)
