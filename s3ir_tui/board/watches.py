"""The quiet watch of each containment in force: what its actor could still do, and from when on silence is proof."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from s3ir_tui.board.known import Known
from s3ir_tui.case import Containment
from s3ir_tui.model import iso
from s3ir_tui.room import Pulse, WatchedCredential, WatchView
from s3ir_tui.states import state_of
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.arns import account_of
from s3ir_tui.trail.watch import Watch, seen_of

CELL_SECONDS = 10
CELLS = 24

Checked = tuple[int, int, datetime, int]
"""Changes in place, changes, and when that was read."""


def watch_views(
    known: Known, now: datetime, lag: float | None, quiet: timedelta, checked: Mapping[str, Checked]
) -> tuple[tuple[WatchView, frozenset[str]], ...]:
    """The watch of each containment in force, oldest first, with the identities that it covers.

    Args:
        known: What is known.
        now: The time.
        lag: Seconds that the trail is behind, or `None` where nothing can be seen at all.
        quiet: How long silence must last.
        checked: When our changes were last read, and how many were in place.
    """
    found = []
    for item in known.case.holding:
        idents = _covered(known, item.principals)
        if idents:
            found.append((_view(known, item, idents, now, lag, quiet, checked.get(item.ref)), idents))
    return tuple(found)


def _covered(known: Known, principals: Collection[str]) -> frozenset[str]:
    """The identities named by the plan with every credential that came of them."""
    found = set(principals)
    for ident in principals:
        family = known.analysis.family(ident)
        found.update(item.access_key for item in family.credentials)
    return frozenset(found)


def _view(
    known: Known,
    item: Containment,
    idents: frozenset[str],
    now: datetime,
    lag: float | None,
    quiet: timedelta,
    checked: Checked | None,
) -> WatchView:
    analysis = known.analysis
    contained = datetime.fromisoformat(item.at)
    verdict = Watch(contained, quiet).look(
        seen_of(analysis, idents, contained), now, lag, state_of(known.case.verdicts.get(item.ref))
    )
    allowed, denied = analysis.pulse(idents, now, CELL_SECONDS, CELLS)
    in_place, changes, when, unreadable = checked if checked is not None else (item.done, item.done, None, 0)
    asked = [value for values in item.targets.values() for value in values]
    first = next((name for name in (*asked, *item.principals) if name), item.label)
    signing = [ident for ident in idents if not _redundant(ident, idents)]
    return WatchView(
        id=item.ref,
        label=clean(short_arn(first)),
        state=verdict.state,
        since=verdict.since,
        words=clean(verdict.words),
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
        workload=_workload(known, idents, verdict.since),
        refs=f"{item.ref}..{item.last_ref.rsplit(':', 1)[-1]}",
    )


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


def _workload(known: Known, idents: Collection[str], since: str) -> tuple[str, ...]:
    """Everyone else who was seen on the buckets that the actor touched, and whether it still works."""
    analysis = known.analysis
    sightings = analysis.principals()
    names = {item.id: {item.id, account_of(item.id), *item.access_keys} for item in sightings}
    actors = [item for item in sightings if names[item.id] & set(idents)]
    touched = {bucket for item in actors for bucket in item.buckets}
    lines = []
    for item in sightings:
        ours = bool(set(analysis.own_keys) & set(item.access_keys))
        if item in actors or ours or not touched & set(item.buckets):
            continue
        last, refused = analysis.last_ok([item.id]), analysis.first_denied_after([item.id], since)
        word = "works" if last > since else "no call since"
        cut = f", first denied {refused[11:19]}Z" if refused else ", none denied"
        lines.append(f"{clean(short_arn(item.id))}  {word}, last ok {last[11:19] or '-'}Z{cut}")
    return tuple(lines[:8])


def _later(moment: str, by: timedelta) -> str:
    return iso(datetime.fromisoformat(moment) + by)
