"""Rows of the three panes: posture, sightings and containment of each bucket, principal and instance in one line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from s3ir_tui.board.exposure import age_facts, openness
from s3ir_tui.board.known import Known
from s3ir_tui.board.lag import ASSUMED_SECONDS
from s3ir_tui.board.watches import SUSPECT
from s3ir_tui.model import Instance, Severity, State
from s3ir_tui.pace import pieces
from s3ir_tui.room import Pulse, Row, WatchView
from s3ir_tui.text import clean, short_arn, size
from s3ir_tui.trail.arns import account_of
from s3ir_tui.trail.sightings import BucketSighting, InstanceSighting, PrincipalSighting
from s3ir_tui.trail.targets import TargetKind

CELL_SECONDS = 10
CELLS = 12
OUR_POLICIES = ("S3irDenyAll", "S3irRevokeSessions")
"""Inline policies by which `contain.deny-user` and `contain.revoke-role-sessions` contain."""

BEFORE = "contained before this case"

_ACTIVE_GRACE = 60.0
_GAPING = (State.LEAKING, State.RETURNED)


@dataclass(frozen=True, slots=True)
class Look:
    """What every row is judged by.

    Attributes:
        now: The time.
        lag: How late the trail brings calls in seconds, or `None` where it is not measured.
        blind: Why silence says nothing, or "".
        watched: The watch of each contained identity.
        running: Identities that a running plan contains.
    """

    now: datetime
    lag: float | None
    blind: str
    watched: Mapping[str, WatchView]
    running: Collection[str]


def principal_rows(known: Known, look: Look) -> tuple[Row, ...]:
    """Principals: suspects first, then by severity, those who made credentials for others before those others, name.

    The order does not change from call to call.
    """
    rows = [_principal(known, sighting, look) for sighting in pieces(known.analysis.principals())]
    made = {row.id: len(known.analysis.family(row.id).credentials) for row in rows if row.suspect}
    seen = {row.id for row in rows}
    rows += [
        Row(
            "principal",
            arn,
            clean(short_arn(arn)),
            facts=_posture_facts(known, arn, look.now),
            marked=_marked(known, arn),
        )
        for arn in known.principals
        if arn not in seen
    ]
    return tuple(sorted(rows, key=lambda row: (*_rank(row)[:2], -made.get(row.id, 0), row.label)))


def bucket_rows(known: Known, now: datetime | None = None) -> tuple[Row, ...]:
    """Buckets that are open, were touched, or exist, in that order.

    Args:
        known: What is known.
        now: The time, for the age of what was read; `None` where it is not told.
    """
    sightings = {item.name: item for item in known.analysis.buckets()}
    names = dict.fromkeys([*sightings, *known.buckets])
    return _ordered(_bucket(known, name, sightings.get(name), now) for name in names)


def instance_rows(known: Known, now: datetime | None = None) -> tuple[Row, ...]:
    """Instances whose credentials were seen in the wrong hands first (see `bucket_rows`)."""
    sightings = {item.id: item for item in known.analysis.instances()}
    names = dict.fromkeys([*sightings, *known.instances])
    return _ordered(_instance(known, name, sightings.get(name), now) for name in names)


def _ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=_rank))


def _rank(row: Row) -> tuple[bool, int, str]:
    return not row.suspect, -row.severity, row.label


def _marked(known: Known, ident: str, kind: str = "principal") -> bool:
    return (kind, ident) in known.case.marks


def _principal(known: Known, sighting: PrincipalSighting, look: Look) -> Row:
    marked = _marked(known, sighting.id)
    watch = _watch_of(sighting, look)
    suspect = marked or sighting.severity >= SUSPECT or watch is not None
    live = [item for item in known.analysis.family(sighting.id).credentials if _live(item.expires_at, look.now)]
    state = _state(known, sighting, watch, suspect, look)
    before = watch is None and _before(known, sighting.id)
    facts = [look.blind] if state is State.UNKNOWN and watch is None else []
    facts += [BEFORE] if before else []
    facts += [f"{len(live)} cred"] if suspect and live else []
    if suspect:
        facts.append(f"{len(sighting.buckets)} buckets")
        if sighting.bytes_out:
            facts.append(f"{size(sighting.bytes_out)} out")
    facts += [f"{sighting.events - sighting.denied} ok", f"{sighting.denied} denied"]
    return Row(
        kind="principal",
        id=sighting.id,
        label=clean(short_arn(sighting.id)),
        severity=sighting.severity,
        state=state,
        facts=(*facts, *_posture_facts(known, sighting.id, look.now)),
        reasons=tuple(clean(reason.text) for reason in sighting.reasons),
        pulse=pulse_of(known, [sighting.id], look.now),
        marked=marked,
        suspect=suspect,
        contained=watch is not None and watch.state not in _GAPING,
        before=before,
    )


def _before(known: Known, arn: str) -> bool:
    """Whether it is contained, though by no plan of this case: everything is denied to it, or under our names."""
    item = known.principals.get(arn)
    if item is None:
        return False
    cut = item.denied_all or any(name in OUR_POLICIES for name in item.policies)
    return cut and not any(arn in plan.principals for plan in known.case.containments.values())


def _watch_of(sighting: PrincipalSighting, look: Look) -> WatchView | None:
    names = (sighting.id, *sighting.access_keys, account_of(sighting.id) if sighting.kind == "AWSAccount" else "")
    return next((look.watched[name] for name in names if name in look.watched), None)


def _state(known: Known, sighting: PrincipalSighting, watch: WatchView | None, suspect: bool, look: Look) -> State:
    if not suspect:
        return State.NONE
    if look.running and {sighting.id, *sighting.access_keys} & set(look.running):
        return State.CONTAINING
    if watch is not None:
        return watch.state
    lag = ASSUMED_SECONDS if look.lag is None else look.lag
    since = look.now - timedelta(seconds=lag + _ACTIVE_GRACE)
    last = known.analysis.last_ok([sighting.id])
    if last and last >= since.strftime("%Y-%m-%dT%H:%M:%SZ"):
        return State.ACTIVE
    return State.UNKNOWN if look.blind else State.NONE


def pulse_of(known: Known, idents: Collection[str], now: datetime) -> Pulse:
    """Calls of some identities per cell, allowed and denied apart."""
    allowed, denied = known.analysis.pulse(idents, now, CELL_SECONDS, CELLS)
    return Pulse(CELL_SECONDS, allowed, denied)


def _live(expires_at: str | None, now: datetime) -> bool:
    return not expires_at or expires_at > now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _posture_facts(known: Known, arn: str, now: datetime | None) -> tuple[str, ...]:
    item = known.principals.get(arn)
    if item is None:
        return ()
    if item.deleted:
        return ("deleted",)
    facts = []
    if item.denied_all:
        facts.append("denied all")
    active = sum(key.status == "Active" for key in item.keys)
    if item.keys:
        facts.append(f"keys {active}/{len(item.keys)} active")
    elif item.active_keys:
        facts.append(f"{item.active_keys} active {'key' if item.active_keys == 1 else 'keys'}")
    if item.sessions_revoked_before:
        facts.append("sessions revoked")
    kind: TargetKind = "user" if item.kind == "user" else "role"
    return (*facts, *age_facts(known, kind, item.name, item.read_at, now))


def _bucket(known: Known, name: str, sighting: BucketSighting | None, now: datetime | None) -> Row:
    posture = known.buckets.get(name)
    open_to, reasons, severity = openness(posture)
    facts = list(open_to)
    if sighting is not None:
        facts += [f"{sighting.reads} r", f"{sighting.writes} w"]
        if sighting.bytes_out:
            facts.append(f"{size(sighting.bytes_out)} out")
        severity = max(severity, sighting.severity)
        reasons += [clean(reason.text) for reason in sighting.reasons]
    if posture is not None:
        facts += age_facts(known, "bucket", name, posture.read_at, now)
    marked = _marked(known, name, "bucket")
    public = posture is not None and posture.public is True
    return Row(
        kind="bucket",
        id=name,
        label=clean(name),
        severity=severity,
        state=State.ACTIVE if public else State.NONE,
        facts=tuple(facts),
        reasons=tuple(reasons),
        marked=marked,
        suspect=marked or public,
    )


def _instance(known: Known, name: str, sighting: InstanceSighting | None, now: datetime | None) -> Row:
    posture = known.instances.get(name)
    facts = list(_instance_facts(posture))
    role = (posture.role if posture else None) or (sighting.role if sighting else None)
    if role:
        facts.insert(0, clean(short_arn(role)))
    if posture is not None:
        facts += age_facts(known, "instance", name, posture.read_at, now)
    severity = sighting.severity if sighting else Severity.INFO
    reasons = tuple(clean(reason.text) for reason in sighting.reasons) if sighting else ()
    marked = _marked(known, name, "instance")
    return Row(
        kind="instance",
        id=name,
        label=clean(name),
        severity=severity,
        facts=tuple(facts),
        reasons=reasons,
        marked=marked,
        suspect=marked or severity >= SUSPECT,
    )


def _instance_facts(posture: Instance | None) -> Iterable[str]:
    if posture is None:
        return ("not seen in EC2",)
    facts = [posture.state or "?"]
    if posture.imds_v1:
        facts.append("IMDSv1")
    if posture.public_address:
        facts.append("public")
    return facts


def index(views: Iterable[tuple[WatchView, Iterable[str]]]) -> dict[str, WatchView]:
    """Watches by every identity that they cover; the newest wins."""
    found: dict[str, WatchView] = {}
    for view, idents in views:
        found.update(dict.fromkeys(idents, view))
    return found
