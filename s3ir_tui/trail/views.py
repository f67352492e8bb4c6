"""Profiles turned into sightings: suspicion handed down the lineage, to buckets and to instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from s3ir_tui.model import Severity
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.arns import account_of, instance_of, role_of_session
from s3ir_tui.trail.bucket_profile import BucketProfile
from s3ir_tui.trail.lineage import Lineage
from s3ir_tui.trail.profile import Profile, Touch
from s3ir_tui.trail.sightings import BucketSighting, InstanceSighting, PrincipalSighting, Reason, Visibility
from s3ir_tui.trail.suspicion import SUSPECT, strange_addresses

_MOST_HANDED_DOWN = 20
_LISTED_BUCKETS = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that is shown of the trail at one moment."""

    principals: tuple[PrincipalSighting, ...]
    buckets: tuple[BucketSighting, ...]
    instances: tuple[InstanceSighting, ...]


Reasons = dict[str, tuple[Reason, ...]]


def show(
    profiles: Mapping[str, Profile],
    own: Mapping[str, tuple[Reason, ...]],
    buckets: Mapping[str, BucketProfile],
    lineage: Lineage,
) -> Shown:
    """Make the sightings.

    Args:
        profiles: What each principal did.
        own: The reasons to suspect each by its own calls.
        buckets: What happened to each bucket.
        lineage: Who made which credential, and who let in whom.
    """
    reasons = _handed_down(profiles, own, lineage)
    principals = [_principal(profile, reasons[ident]) for ident, profile in profiles.items()]
    listed = [item for item in principals if item.kind != "AWSService" or item.severity >= Severity.MEDIUM]
    listed.sort(key=lambda item: (-item.severity, -item.bytes_out, -item.events, item.id))
    return Shown(tuple(listed), _buckets(profiles, reasons, buckets), _instances(listed, lineage))


def _worst(reasons: tuple[Reason, ...]) -> Severity:
    return max((reason.severity for reason in reasons), default=Severity.INFO)


def _handed_down(profiles: Mapping[str, Profile], own: Mapping[str, tuple[Reason, ...]], lineage: Lineage) -> Reasons:
    """The reasons of each principal, with those that it has from whoever made its credential or let it in."""
    reasons: Reasons = dict(own)
    for _generation in range(_MOST_HANDED_DOWN):
        suspects = {ident for ident, found in reasons.items() if _worst(found) >= SUSPECT}
        new = {
            ident: reason
            for ident, reason in _heirs(profiles, suspects, lineage)
            if ident in reasons and not any(item.name == reason.name for item in reasons[ident])
        }
        if not new:
            break
        for ident, reason in new.items():
            reasons[ident] = tuple(sorted((*reasons[ident], reason), key=lambda item: -item.severity))
    return reasons


def _heirs(profiles: Mapping[str, Profile], suspects: set[str], lineage: Lineage) -> Iterator[tuple[str, Reason]]:
    for ident, profile in profiles.items():
        for key in profile.keys:
            parent = lineage.parent_of(key)
            if parent is not None and parent.principal in suspects and parent.principal != ident:
                made = lineage.credential(key)
                text = f"its credential {key} was made by suspect {short_arn(parent.principal)}"
                events = (made.event_id,) if made is not None else ()
                yield ident, Reason(SUSPECT, clean(text), events, 1, "made-by-suspect")
                break
    accounts = {
        account_of(ident): ident for ident, item in profiles.items() if item.foreign or item.kind == "AWSAccount"
    }
    for by, door in lineage.openers():
        maker = lineage.credential(by)
        who = maker.principal if maker is not None else by
        ident = accounts.get(door.ident, "") if door.kind == "account" else door.ident
        if who in suspects and ident and ident != who and ident in profiles:
            text = f"granted access by suspect {short_arn(who)} at {door.at[11:19]}Z"
            yield ident, Reason(SUSPECT, clean(text), (door.event_id,), 1, "let-in-by-suspect")


def _principal(profile: Profile, reasons: tuple[Reason, ...]) -> PrincipalSighting:
    return PrincipalSighting(
        id=profile.id,
        kind=profile.kind,
        access_keys=tuple(profile.keys),
        events=profile.events,
        denied=profile.denied,
        buckets=tuple(profile.buckets),
        addresses=tuple(address for address in profile.addresses if address),
        first=profile.first,
        last=profile.last,
        severity=_worst(reasons),
        reasons=reasons,
        instance=instance_of(profile.id),
        bytes_out=profile.bytes_out,
        reads=profile.reads,
        capped=tuple(sorted(profile.capped)),
    )


def _buckets(
    profiles: Mapping[str, Profile], reasons: Reasons, buckets: Mapping[str, BucketProfile]
) -> tuple[BucketSighting, ...]:
    touched: dict[str, list[Reason]] = {}
    for ident, found in reasons.items():
        if _worst(found) >= SUSPECT:
            strange = strange_addresses(profiles[ident])
            for name, touch in profiles[ident].buckets.items():
                reason = _touched(ident, touch, strange)
                if reason is not None:
                    touched.setdefault(name, []).append(reason)
    made = [_bucket(bucket, touched.get(name, [])) for name, bucket in buckets.items()]
    return tuple(sorted(made, key=lambda item: (-item.severity, -item.bytes_out, -item.events, item.name)))


def _touched(ident: str, touch: Touch, strange: frozenset[str]) -> Reason | None:
    """What a suspect's calls mean for a bucket. From where a credential belongs they are its owner's work."""
    who, ids = clean(short_arn(ident)), tuple(touch.ids)
    if strange and touch.ok and not strange & set(touch.addresses):
        return None
    if touch.reads:
        times = "object" if touch.reads == 1 else "objects"
        return Reason(
            Severity.HIGH, f"{touch.reads} {times} read by suspect {who}", ids, touch.reads, "read-by-suspect"
        )
    if touch.writes or touch.deletes:
        count = touch.writes + touch.deletes
        return Reason(Severity.HIGH, f"{count} objects changed by suspect {who}", ids, count, "changed-by-suspect")
    if touch.lists or touch.settings:
        return Reason(Severity.MEDIUM, f"listed or set by suspect {who}", ids, touch.ok, "listed-by-suspect")
    if touch.denied:
        return Reason(Severity.LOW, f"suspect {who} was denied", ids, touch.denied, "tried-by-suspect")
    return None


def _bucket(bucket: BucketProfile, touched: list[Reason]) -> BucketSighting:
    own = [
        Reason(
            item.finding.severity,
            item.finding.text + (f" (x{item.count})" if item.count > 1 else ""),
            tuple(item.event_ids),
            item.count,
            item.finding.name,
        )
        for item in bucket.evidence.values()
    ]
    reasons = tuple(sorted((*own, *touched), key=lambda reason: (-reason.severity, -reason.count)))
    return BucketSighting(
        name=bucket.name,
        events=bucket.events,
        reads=bucket.reads,
        writes=bucket.writes,
        bytes_out=bucket.bytes_out,
        principals=tuple(bucket.principals),
        severity=_worst(reasons),
        reasons=reasons,
        capped=tuple(sorted(bucket.capped)),
    )


def _instances(principals: list[PrincipalSighting], lineage: Lineage) -> tuple[InstanceSighting, ...]:
    made = []
    for item in principals:
        if item.instance:
            keys = dict.fromkeys([*item.access_keys, *lineage.keys_of(item.id)])
            known = next((lineage.credential(key) for key in keys if lineage.credential(key)), None)
            role = known.owner_arn if known is not None else role_of_session(item.id)
            made.append(InstanceSighting(item.instance, role, tuple(keys), item.severity, item.reasons))
    return tuple(sorted(made, key=lambda item: (-item.severity, item.id)))


def visibility(
    buckets: Mapping[str, BucketProfile], gaps: Mapping[str, str], capped: set[str], service_calls: int
) -> tuple[Visibility, ...]:
    """What could be seen.

    Args:
        buckets: What happened to each bucket.
        gaps: Sources that could not be read, with the reason.
        capped: What grew too long to be kept whole.
        service_calls: Calls of AWS services, which are not listed among the principals.
    """
    made = [Visibility("", False, "", "", clean(f"{name} could not be read: {why}")) for name, why in gaps.items()]
    made += [Visibility("", False, "", "", f"too many {name}: not all are listed") for name in sorted(capped)]
    if service_calls:
        made.append(Visibility("", False, "", "", f"{service_calls} calls of AWS services are counted, not listed"))
    if not any(bucket.data_first for bucket in buckets.values()):
        made.append(
            Visibility(
                "",
                False,
                "",
                "",
                "no data events at all: reads of objects were not logged; their absence proves nothing",
            )
        )
    for bucket in sorted(buckets.values(), key=lambda item: item.name)[:_LISTED_BUCKETS]:
        seen = bool(bucket.data_first)
        text = (
            f"data events seen from {bucket.data_first} to {bucket.data_last}; outside, not logged or not done"
            if seen
            else "no data events seen: reads of its objects were not logged, or there were none"
        )
        made.append(Visibility(bucket.name, seen, bucket.data_first, bucket.data_last, text))
    return tuple(made)
