"""Many weak signs: each alone is everyday, several together are how someone with a found key begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from s3ir_tui.model import Severity
from s3ir_tui.text import clean
from s3ir_tui.trail.agents import agent_of
from s3ir_tui.trail.arns import instance_of, is_address, network_of
from s3ir_tui.trail.detections import Tactic
from s3ir_tui.trail.profile import Profile, Span
from s3ir_tui.trail.sightings import Reason
from s3ir_tui.trail.spells import goes_on

_MANY = 4
_SOME = 2

_LOOKS = {
    "who-am-i": "asked who it is",
    "list-buckets": "listed all buckets",
    "bucket-settings": "looked at how buckets are protected",
    "iam-listed": "looked through users and roles",
    "trail-looked-at": "looked at what is logged",
    "parameters-listed": "looked through the parameter store",
    "secret-read": "read what looks like secrets",
}
_SEARCHES = ("list-buckets", "iam-listed", "parameters-listed")
"""What one does who does not know the place. Tools that keep an account as described ask only for what they keep."""
_ODD = ("bulk-read", "agent-uncommon", "agent-scanner", "key-at-two-places", "turned-away")
_PROVEN = ":assumed-role/AWSReservedSSO_"

_MANY_BUCKETS = 3

Signs = dict[str, tuple[str, ...]]


def together(profile: Profile, found: Sequence[Reason]) -> Iterator[Reason]:
    """What the weak signs of a principal come to.

    Args:
        profile: What it did.
        found: The reasons that there are already.
    """
    looks = _looks(profile)
    odd = _oddities(profile, found)
    tactics = _tactics(profile)
    if profile.console_only and not tactics:
        return
    signs = {_LOOKS[name]: events for name, events in looks.items()} | odd | tactics
    events = tuple(dict.fromkeys(item for ids in signs.values() for item in ids))[:20]
    does_harm = bool(profile.reads) or _did(profile)
    searches = bool(odd) or any(name in looks for name in _SEARCHES)
    if len(signs) >= _MANY and does_harm and searches and not _proven(profile):
        yield Reason(Severity.HIGH, clean("together: " + ", ".join(signs)), events, len(signs), "many-signs")
    elif len(signs) > _SOME:
        yield Reason(Severity.MEDIUM, clean("together: " + ", ".join(signs)), events, len(signs), "some-signs")


def _looks(profile: Profile) -> Signs:
    """Detections by which someone looks around, by name; what goes on for days is how a principal works."""
    found: Signs = {}
    for name in _LOOKS:
        evidence = profile.evidence.get(name) or profile.evidence.get(f"{name}-tried")
        if evidence is not None and not goes_on(evidence.first, evidence.last):
            found[name] = tuple(evidence.event_ids[:3])
    return found


def _oddities(profile: Profile, found: Sequence[Reason]) -> Signs:
    """What does not fit the principal: one of each kind."""
    signs: Signs = {}
    for name in _ODD:
        reason = next((item for item in found if item.name == name), None)
        if reason is not None:
            signs[reason.text] = reason.events[:3]
    listed = [touch for touch in profile.buckets.values() if touch.lists and not goes_on(touch.first, touch.last)]
    if len(listed) >= _MANY_BUCKETS:
        signs[f"listed the objects of {len(listed)} buckets"] = tuple(profile.ids["list"][:3])
    if len(profile.denied_names) >= 3:
        signs[f"turned away from {len(profile.denied_names)} different operations"] = tuple(profile.ids["denied"][:3])
    return signs | _new_ways(profile, moved=any(item.name == "key-at-two-places" for item in found))


def _tactics(profile: Profile) -> Signs:
    """Tactics with a finding of weight that is not among the looks, in the order of the enumeration."""
    weighty: dict[Tactic, list[str]] = {}
    for name, item in profile.evidence.items():
        if item.finding.severity >= Severity.MEDIUM and name.removesuffix("-tried") not in _LOOKS:
            weighty.setdefault(item.finding.tactic, []).extend(item.event_ids[:1])
    return {
        f"signs of {tactic.value}": tuple(weighty[tactic][:3])
        for tactic in Tactic
        if tactic in weighty and tactic is not Tactic.RECON
    }


def _did(profile: Profile) -> bool:
    """Whether anything of weight was not only tried."""
    return any(
        item.finding.severity >= Severity.MEDIUM and not name.endswith("-tried") and name not in _LOOKS
        for name, item in profile.evidence.items()
        if item.finding.tactic is not Tactic.RECON
    )


def _proven(profile: Profile) -> bool:
    """Whether it is a person who proved itself at sign-in: weak signs are then what people do, strong ones still tell.

    An IAM user's own key needs no MFA, so a user who also has one of those at work has proved nothing.
    """
    if _PROVEN in profile.id:
        return True
    return profile.seen("signed-in") is not None and not any(key.startswith("AKIA") for key in profile.keys)


def _new_ways(profile: Profile, *, moved: bool) -> Signs:
    """A network and a program that appeared long after the principal did; a move counts once."""
    ways: Signs = {}
    if instance_of(profile.id) or not goes_on(profile.first, profile.last):
        return ways
    if not moved:
        begun = _begun((network_of(address), place) for address, place in profile.addresses.items())
        for address, place in profile.addresses.items():
            is_first = place.first == begun[network_of(address)]
            if is_first and is_address(address) and goes_on(profile.first, place.first):
                ways["came from a new network"] = (profile.sample.get(f"address {address}", ""),)
    begun = _begun((agent_of(text).program, span) for text, span in profile.agents.items())
    for text, span in profile.agents.items():
        if span.first == begun[agent_of(text).program] and goes_on(profile.first, span.first):
            ways["used a new program"] = (profile.sample.get(f"agent {text}", ""),)
    return ways


def _begun(named: Iterable[tuple[str, Span]]) -> dict[str, str]:
    """When each was seen first."""
    begun: dict[str, str] = {}
    for name, span in named:
        if name not in begun or span.first < begun[name]:
            begun[name] = span.first
    return begun
