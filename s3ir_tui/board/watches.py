"""The quiet watch of each containment in force: what its actor could still do, and from when on silence is proof."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from s3ir_tui.board.kin import contained_idents, members, still_in
from s3ir_tui.board.known import Known
from s3ir_tui.board.proof import EXPECTED, Actor, proof
from s3ir_tui.board.reach import Reach
from s3ir_tui.case import Containment
from s3ir_tui.model import Severity, State, iso
from s3ir_tui.room import Pulse, WatchedCredential, WatchView
from s3ir_tui.states import state_of
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.arns import account_of
from s3ir_tui.trail.record import ANONYMOUS
from s3ir_tui.trail.sightings import PrincipalSighting
from s3ir_tui.trail.watch import Proof, Verdict, Watch, seen_of

CELL_SECONDS = 10
CELLS = 24
SUSPECT = Severity.HIGH
"""From this severity on a principal or bucket is a suspect: the responder is asked to do something about it."""

GLOBAL_REGIONS: Mapping[str, str] = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""By partition, where events of IAM and of global STS are recorded."""

Checked = tuple[int, int, datetime, int]
"""Changes in place, changes, and when that was read."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the watches are judged by besides the facts.

    Attributes:
        now: The time.
        quiet: How long silence must last.
        sources: The trail sources at work.
        expected: How late CloudTrail brings a call at most, as a rule.
        checked: When our changes were last read, and how many were in place, by plan reference.
        recorded: Whether the states are those of the log: in a review.
    """

    now: datetime
    quiet: timedelta = timedelta(minutes=30)
    sources: tuple[Reach, ...] = ()
    expected: timedelta = EXPECTED
    checked: Mapping[str, Checked] = field(default_factory=dict)
    recorded: bool = False


def watch_views(known: Known, sight: Sight) -> tuple[tuple[WatchView, frozenset[str]], ...]:
    """The watch of each containment in force, oldest first, with the identities that it contains."""
    views = []
    for item in known.case.holding:
        idents = contained_idents(known, item)
        if idents:
            views.append((_view(known, item, idents, sight), idents))
    return tuple(views)


def _view(known: Known, item: Containment, idents: frozenset[str], sight: Sight) -> WatchView:
    analysis = known.analysis
    contained = datetime.fromisoformat(item.at)
    kin = members(known, item, idents)
    inside = still_in(known, item, kin, [other for other in known.case.holding if other is not item])
    family = idents.union(*(member.idents for member in kin))
    verdict = Watch(contained, sight.quiet).look(
        seen_of(analysis, idents, contained),
        sight.now,
        _proof(known, family, contained, sight),
        was_quiet=item.ref in known.case.was_quiet,
        family_ok=max((one.last_ok for one in inside), default=""),
    )
    if sight.recorded:
        verdict = _recorded(known, item.ref, verdict)
    allowed, denied = analysis.pulse(idents, sight.now, CELL_SECONDS, CELLS)
    in_place, changes, when, unreadable = sight.checked.get(item.ref, (item.done, item.done, None, 0))
    asked = [value for values in item.targets.values() for value in values]
    first = next((name for name in (*asked, *item.principals) if name), item.label)
    signing = [ident for ident in idents if not _redundant(ident, idents)]
    return WatchView(
        id=item.ref,
        label=clean(short_arn(first)),
        state=verdict.state,
        since=verdict.since,
        words=clean(inside[0].words if verdict.state is State.STILL_IN else verdict.words),
        by=clean(short_arn(item.actor)),
        last_ok=verdict.last_ok,
        first_denied=verdict.first_denied,
        proof_from=verdict.proof_from,
        quiet_at=verdict.quiet_at,
        pulse=Pulse(CELL_SECONDS, allowed, denied),
        credentials=_credentials(known, signing, verdict.since),
        in_place=in_place,
        changes=changes,
        unreadable=unreadable,
        checked=iso(when) if when else "",
        workload=_workload(known, idents, family, verdict.since),
        refs=f"{item.ref}..{item.last_ref.rsplit(':', 1)[-1]}",
        still_in=inside,
        reasons=tuple(map(clean, verdict.reasons)),
    )


def _recorded(known: Known, ref: str, verdict: Verdict) -> Verdict:
    """The state as it was recorded: a review does not have the sources by which it was decided."""
    state = state_of(known.case.verdicts.get(ref))
    reason = known.case.reasons.get(ref, "")
    if state is State.HOLDING and verdict.last_ok > verdict.since:
        state = State.LEAKING  # an older version had one word for both
    return replace(
        verdict,
        state=state,
        quiet_at=known.case.quiet_at.get(ref, ""),
        reasons=(reason,) if reason and state is State.UNKNOWN else (),
    )


def _proof(known: Known, family: frozenset[str], contained: datetime, sight: Sight) -> Proof:
    """What would show a call of the actor or of its family."""
    if sight.recorded:
        return Proof(None)
    touched = {bucket for item in _sightings_of(known, family) for bucket in item.buckets} | (
        family & set(known.buckets)
    )
    # A bucket of someone else is not ours to lose; until the account has been read every name may be ours.
    ours = {name for name in touched if name in known.buckets or not known.buckets}
    return proof(
        Actor({name: known.buckets[name].region if name in known.buckets else "" for name in ours},
              anonymous=family <= {ANONYMOUS}),
        sight.sources,
        known.coverage,
        contained,
        sight.now,
        quiet=sight.quiet,
        expected=sight.expected,
        global_region=_global_region(known),
        changed_at=known.trail_changed,
        read_at=known.logged_at,
    )  # fmt: skip


def _global_region(known: Known) -> str:
    """Where calls to IAM and STS are recorded, by the partition of the account."""
    parts = known.identity.arn.split(":") if known.identity is not None else []
    partition = parts[1] if len(parts) > 1 else "aws"
    return GLOBAL_REGIONS.get(partition, "us-east-1")


def _sightings_of(known: Known, idents: Collection[str]) -> list[PrincipalSighting]:
    return [item for item in known.analysis.principals() if _names(item) & set(idents)]


def _names(item: PrincipalSighting) -> set[str]:
    account = account_of(item.id) if item.kind == "AWSAccount" else ""
    return {item.id, *item.access_keys, account} - {""}


def _redundant(ident: str, idents: Collection[str]) -> bool:
    """An ARN beside the access keys that it signs with says nothing more."""
    return ident.startswith("arn:") and any(other.startswith(("AKIA", "ASIA")) for other in idents)


def _credentials(known: Known, idents: Collection[str], since: str) -> tuple[WatchedCredential, ...]:
    """Those that were used since the hour before, or never; sessions that ended long ago say nothing."""
    shown = [_credential(known, ident) for ident in sorted(idents)]
    recent = _later(since, -timedelta(hours=1))
    return tuple(item for item in shown if item.denied or not item.last_ok or item.last_ok >= recent)


def _credential(known: Known, ident: str) -> WatchedCredential:
    analysis = known.analysis
    found = next((item for item in analysis.family(ident).credentials if item.access_key == ident), None)
    what = clean(found.kind) if found else ("account" if ident.isdigit() else "")
    if found and found.expires_at:
        what += f" to {found.expires_at[11:16]}Z"
    return WatchedCredential(clean(short_arn(ident)), what, analysis.last_ok([ident]), analysis.denied([ident]))


def _workload(known: Known, idents: Collection[str], family: Collection[str], since: str) -> tuple[str, ...]:
    """Everyone else who was seen on the buckets that the actor touched, and whether it still works.

    Suspects are no workload, whoever they are, nor is what comes from the actor.
    """
    analysis = known.analysis
    touched = {bucket for item in _sightings_of(known, idents) for bucket in item.buckets}
    lines = []
    for item in analysis.principals():
        ours = bool(set(analysis.own_keys) & set(item.access_keys))
        suspect = item.severity >= SUSPECT or ("principal", item.id) in known.case.marks
        if ours or suspect or _names(item) & set(family) or not touched & set(item.buckets):
            continue
        last, refused = analysis.last_ok([item.id]), analysis.first_denied_after([item.id], since)
        word = "works" if last > since else "no call since"
        cut = f", first denied {refused[11:19]}Z" if refused else ", none denied"
        lines.append(f"{clean(short_arn(item.id))}  {word}, last ok {last[11:19] or '-'}Z{cut}")
    return tuple(lines[:8])


def _later(moment: str, by: timedelta) -> str:
    return iso(datetime.fromisoformat(moment) + by)
