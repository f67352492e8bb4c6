"""Who is suspect and why: what a principal did as a whole, weighed. Pure, and independent of the order of events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from s3ir_tui.model import Severity
from s3ir_tui.text import clean, size
from s3ir_tui.trail.agents import Danger, agent_of
from s3ir_tui.trail.arns import instance_of, is_address, is_private, network_of
from s3ir_tui.trail.compute import programs_elsewhere
from s3ir_tui.trail.exits import FROM_THE_START, Exits, soon
from s3ir_tui.trail.profile import Evidence, Profile, Span, networks_by_delivery
from s3ir_tui.trail.sightings import Reason
from s3ir_tui.trail.signs import together
from s3ir_tui.trail.spells import HISTORY, between, goes_on, later_by

SUSPECT = Severity.HIGH
"""From this severity on a principal is a suspect."""

BURST = 100
"""Objects read within ten minutes that are no longer a few."""

MASS = 1000
"""Objects read within ten minutes that are worth a look whoever reads them."""

DELETES = 25
"""Objects deleted within ten minutes that are no longer a few."""

_SETTLED = timedelta(hours=1)
"""A place that was used alone for so long is where a credential belongs."""

_LASTING = timedelta(hours=6)
"""A network that was in use from the beginning, and for half of so long a time, is where an instance is at home."""

_KNOWN_BY = 8
"""After so many calls from one network an instance is known well enough to wonder about another."""

_NO_EXITS = Exits()

_STOLEN = frozenset(
    {
        "instance-on-macos",
        "instance-on-two-systems",
        "instance-key-moved",
        "instance-session-moved",
        "compute-elsewhere",
        "instance-two-deliveries",
    }
)
"""Reasons that say that credentials of an instance, a function or the like are at work somewhere else."""


class _Apart(Enum):
    """How different the programs are that call from several networks."""

    NOT = ""
    VERSIONS = " by different versions of a program"
    PROGRAMS = " by different programs"


def assess(profile: Profile, exits: Exits = _NO_EXITS) -> tuple[Reason, ...]:
    """The reasons to suspect a principal by its own calls, worst first.

    Args:
        profile: What it did.
        exits: Networks through which instances of the house call.
    """
    home = _at_home(profile, exits)
    found = [*_findings(profile), *_tools(profile), *_stolen(profile, home), *_places(profile, home), *_floods(profile)]
    found += _taken(profile, found)
    found += together(profile, found)
    found.sort(key=lambda reason: (-reason.severity, -reason.count))
    return tuple(found)


def _findings(profile: Profile) -> Iterator[Reason]:
    for evidence in profile.evidence.values():
        severity = evidence.finding.severity
        if severity > Severity.INFO:
            times = f" (x{evidence.count})" if evidence.count > 1 else ""
            yield _of(evidence, severity, evidence.finding.text + times)


def _of(evidence: Evidence, severity: Severity, text: str) -> Reason:
    return Reason(severity, clean(text), tuple(evidence.event_ids), evidence.count, evidence.finding.name)


def _tools(profile: Profile) -> Iterator[Reason]:
    """Programs that legitimate work does not use."""
    worth = {Danger.ATTACK: Severity.HIGH, Danger.SCANNER: Severity.MEDIUM, Danger.UNCOMMON: Severity.LOW}
    programs: dict[tuple[Danger, str], list[str]] = {}
    for text, agent in profile.known_agents():
        if agent.danger in worth:
            programs.setdefault((agent.danger, agent.program), []).append(f"agent {text}")
    for (danger, program), samples in programs.items():
        words = f"{danger.value}: {program}"
        yield _about(profile, worth[danger], words, samples, f"agent-{danger.name.lower()}")


def _about(profile: Profile, severity: Severity, text: str, samples: Iterable[str], name: str) -> Reason:
    events = tuple(dict.fromkeys(profile.sample[item] for item in samples if item in profile.sample))
    return Reason(severity, clean(text), events, max(1, len(events)), name)


# -- credentials of an instance -------------------------------------------------------------------


def _stolen(profile: Profile, home: frozenset[str]) -> Iterator[Reason]:
    """An instance's role works from the instance, with a program that knows its bucket."""
    yield from _elsewhere(profile)
    instance = instance_of(profile.id)
    if not instance:
        return
    yield from _two_deliveries(profile, instance, home)
    macs = [text for text, agent in profile.known_agents() if agent.os == "macos" and not text.startswith("Mozilla/")]
    if macs and not _is_mac(profile, home):
        text = f"credentials of {instance} used on macOS, which an instance does not run"
        yield _about(profile, Severity.HIGH, text, [f"agent {item}" for item in macs], "instance-on-macos")
    systems = {agent.os for _text, agent in profile.known_agents() if agent.os and not agent.console}
    if len(systems - {"macos"}) > 1:
        samples = [f"agent {text}" for text, agent in profile.known_agents() if agent.os]
        text = f"credentials of {instance} used on {' and '.join(sorted(systems))}"
        yield _about(profile, Severity.HIGH, text, samples, "instance-on-two-systems")
    yield from _looked_around(profile, instance)


def _elsewhere(profile: Profile) -> Iterator[Reason]:
    """Credentials of a place where software runs work there, and a laptop, a desktop or a console is no such place."""
    place = profile.compute()
    if place is None:
        return
    wrong = programs_elsewhere(place, profile.agents)
    if wrong:
        text = f"credentials of {place.words} used {', '.join(dict.fromkeys(wrong.values()))}"
        yield _about(profile, SUSPECT, text, [f"agent {item}" for item in wrong], "compute-elsewhere")


def _two_deliveries(profile: Profile, instance: str, home: frozenset[str]) -> Iterator[Reason]:
    """Two credentials of one session, one from each version of the metadata service, that share no network.

    What forges a request on the instance gets credentials of version 1, while its own software asks for version 2
    (CloudTrail User Guide, `ec2RoleDelivery`). Both at work in one place are old and new software side by side.
    """
    by_version = networks_by_delivery(profile)
    if len(by_version) < 2 or not _disjoint([set(networks) for networks in by_version.values()]):
        return
    spans = {name: span for networks in by_version.values() for name, span in networks.items()}
    outside = [name for name in _public(spans) if name not in home]
    if outside:
        text, samples, _programs_apart = _spread(profile, spans)
        words = f"credentials of {instance} by metadata versions {' and '.join(sorted(by_version))} used from {text}"
        yield _about(profile, SUSPECT, words, samples, "instance-two-deliveries")


def _is_mac(profile: Profile, home: frozenset[str]) -> bool:
    """Whether the instance is an EC2 Mac: nothing else was seen on it, and it calls from within, or for days."""
    if any(agent.os not in ("macos", "") for _text, agent in profile.known_agents()):
        return False
    networks = {network_of(address) for address in profile.addresses if is_address(address)}
    inside = all(network in home or not _public([network]) for network in networks)
    return inside or (goes_on(profile.first, profile.last) and len(profile.keys) > 1)


def _looked_around(profile: Profile, instance: str) -> Iterator[Reason]:
    listing = profile.seen("list-buckets")
    if listing is None:
        return
    if goes_on(listing.first, listing.last):
        return  # it lists buckets day after day: that is its work
    if profile.reads and profile.lists:
        text = f"credentials of {instance} listed all buckets, then listed and read what they found"
        events = (*listing.event_ids[:5], *profile.ids["list"][:5], *profile.ids["read"][:10])
        yield Reason(
            Severity.HIGH, text, events, listing.count + profile.lists + profile.reads, "instance-looked-around"
        )
    else:
        yield _of(listing, Severity.MEDIUM, f"credentials of {instance} listed all buckets")


# -- places ---------------------------------------------------------------------------------------


def _places(profile: Profile, home: frozenset[str]) -> Iterator[Reason]:
    """One credential in several networks at once: for an instance a thief, for people a sign."""
    instance = instance_of(profile.id)
    moved: list[tuple[str, dict[str, Span]]] = []
    for key, networks in profile.keys.items():
        real = {name: span for name, span in networks.items() if is_address(name)}
        if len(real) < 2 or real.keys() <= home:
            continue
        if instance or (_public(real) and _at_once(real.values())):
            moved.append((key, real))
    if not moved:
        if instance:
            yield from _session_places(profile, instance, home)
        return
    spans = {name: span for _key, real in moved for name, span in real.items()}
    text, samples, apart = _spread(profile, spans)
    keys = moved[0][0] if len(moved) == 1 else f"{len(moved)} access keys"
    if not instance:
        severity = _two_places(profile, spans, apart)
        yield _about(profile, severity, f"{keys} used from {text} at once", samples, "key-at-two-places")
        return
    words = f"{keys} of {instance} used from {text}"
    yield _about(profile, _moved(profile, spans, home, apart), words, samples, "instance-key-moved")


def _two_places(profile: Profile, spans: Iterable[str], apart: _Apart) -> Severity:
    """What it is worth that a key that is no instance's is in several networks.

    Software in a VPC goes out by several ways with one program; from within by one program and from outside by
    another, it is not the software any more.
    """
    if apart is not _Apart.PROGRAMS:
        return Severity.LOW
    public = set(_public(spans))
    within, without = (_programs(profile, names) for names in (set(spans) - public, public))
    is_software = profile.kind == "AssumedRole" and "/AWSReservedSSO_" not in profile.id
    return Severity.HIGH if is_software and within and without and not within & without else Severity.MEDIUM


def _moved(profile: Profile, spans: dict[str, Span], home: frozenset[str], apart: _Apart) -> Severity:
    """What it is worth that a key of an instance is in several networks; little while the instance is hardly known."""
    public = bool(_public(spans))
    settled = bool(home) and between(profile.first, profile.last) >= _LASTING
    if not settled and max(span.count for span in _networks(profile).values()) < _KNOWN_BY:
        return Severity.MEDIUM if public else Severity.LOW
    if apart is _Apart.PROGRAMS:
        return Severity.CRITICAL if public else Severity.MEDIUM
    if not public:
        return Severity.LOW
    return Severity.HIGH if settled or apart is _Apart.VERSIONS else Severity.MEDIUM


def _at_home(profile: Profile, exits: Exits) -> frozenset[str]:
    """Networks that are an instance's own ways out: shared with other instances, or in use all the time."""
    if not instance_of(profile.id):
        return frozenset()
    whole = between(profile.first, profile.last)
    early = max(FROM_THE_START, whole / 10)
    return frozenset(
        name
        for name, span in _networks(profile).items()
        if exits.has(name)
        or (
            whole >= _LASTING and soon(profile.first, span.first, early) and between(span.first, span.last) * 2 >= whole
        )
    )


def _networks(profile: Profile) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for address, place in profile.addresses.items():
        if is_address(address):
            span = found.setdefault(network_of(address), Span(place.first))
            span.add(place.count, place.first, place.last)
    return found


def _session_places(profile: Profile, instance: str, home: frozenset[str]) -> Iterator[Reason]:
    """Several keys of one instance: each time the metadata service is asked, it may give out another."""
    networks = _networks(profile)
    public = {name: networks[name] for name in _public(networks)}
    if len(public) > 1 and not public.keys() <= home and _at_once(public.values()):
        text, samples, apart = _spread(profile, public)
        severity = Severity.HIGH if apart is _Apart.PROGRAMS or home else Severity.MEDIUM
        yield _about(profile, severity, f"role of {instance} used from {text}", samples, "instance-session-moved")


def _public(networks: Iterable[str]) -> list[str]:
    return [name for name in networks if not is_private(name.partition("/")[0])]


def _spread(profile: Profile, networks: dict[str, Span]) -> tuple[str, list[str], _Apart]:
    """Words for some networks, samples of their events, and how different the programs are that call from them."""
    apart = _apart(profile, networks)
    text = f"{len(networks)} networks ({', '.join(sorted(networks)[:3])}{', …' if len(networks) > 3 else ''})"
    return text + apart.value, _samples_in(profile, networks), apart


def _samples_in(profile: Profile, networks: Iterable[str]) -> list[str]:
    wanted = set(networks)
    return [f"address {address}" for address in profile.addresses if network_of(address) in wanted][:20]


def _at_once(spans: Iterable[Span]) -> bool:
    """Whether two of the spans overlap."""
    ordered = sorted((span.first, span.last) for span in spans)
    return any(later[0] <= earlier[1] for earlier, later in pairwise(ordered))


def _apart(profile: Profile, networks: Iterable[str]) -> _Apart:
    """Whether two of the networks have no program, or no version of a program, in common."""
    if _disjoint([_programs(profile, {network}) for network in networks]):
        return _Apart.PROGRAMS
    versions = [_agents(profile, {network}) for network in networks]
    return _Apart.VERSIONS if _disjoint(versions) else _Apart.NOT


def _agents(profile: Profile, networks: Collection[str]) -> set[str]:
    places = (place for address, place in profile.addresses.items() if network_of(address) in networks)
    return {text for place in places for text in place.agents}


def _programs(profile: Profile, networks: Collection[str]) -> set[str]:
    return {agent_of(text).program for text in _agents(profile, networks)}


def _disjoint(sets: list[set[str]]) -> bool:
    return any(not one & other for at, one in enumerate(sets) for other in sets[at + 1 :])


def strange_addresses(profile: Profile) -> frozenset[str]:
    """Addresses of a principal that are not where it belongs; empty where that cannot be told.

    A place belongs that was in use alone for an hour before any other; places of attack tools, and of an instance's
    credentials on another system, do not.
    """
    place_of_it = profile.compute()
    elsewhere = programs_elsewhere(place_of_it, profile.agents) if place_of_it is not None else {}
    odd = {
        address
        for address, place in profile.addresses.items()
        if any(agent_of(text).danger is Danger.ATTACK for text in place.agents)
        or any(text in elsewhere for text in place.agents)
        or (instance_of(profile.id) and any(agent_of(text).os == "macos" for text in place.agents))
    }
    home = _at_home(profile, _NO_EXITS)
    if home:
        odd |= {address for address in profile.addresses if is_address(address) and network_of(address) not in home}
    networks = {name: span.first for name, span in _networks(profile).items()}
    ordered = sorted(networks, key=lambda name: networks[name])
    if not home and instance_of(profile.id) and len(ordered) > 1:
        first = ordered[0]
        if later_by(networks[first], networks[ordered[1]], _SETTLED):
            odd |= {address for address in profile.addresses if is_address(address) and network_of(address) != first}
    return frozenset(odd) if len(odd) < len(profile.addresses) else frozenset()


# -- floods ---------------------------------------------------------------------------------------


def _taken(profile: Profile, found: Sequence[Reason]) -> Iterator[Reason]:
    """Objects read with a credential that is not where it belongs: data was taken, and nothing is worse here.

    Which of the reads were the thief's is not known here: those of the instance itself may be among them.
    """
    if profile.reads and any(reason.name in _STOLEN and reason.severity >= SUSPECT for reason in found):
        place = profile.compute()
        text = (
            f"objects read with credentials of {place.words if place else profile.id} that were used elsewhere:"
            f" {profile.reads} in all ({size(profile.bytes_out)})"
        )
        yield Reason(Severity.CRITICAL, text, tuple(profile.ids["read"]), profile.reads, "data-taken")


def _floods(profile: Profile) -> Iterator[Reason]:
    burst = _unusual(profile.read_spans, BURST)
    if burst:
        text = f"{burst} objects read within ten minutes, more than before"
        severity = Severity.LOW if burst < MASS else Severity.MEDIUM
        yield Reason(severity, text, tuple(profile.ids["read"]), burst, "bulk-read")
    gone = _unusual(profile.delete_spans, DELETES)
    if gone:
        text = f"{gone} objects deleted within ten minutes, more than before"
        severity = Severity.MEDIUM if _is_job(profile) else Severity.HIGH
        yield Reason(severity, text, tuple(profile.ids["delete"]), gone, "bulk-delete")
    if profile.denied >= 10 and profile.denied * 2 > profile.events:
        names = ", ".join(sorted(profile.denied_names)[:3])
        text = f"turned away {profile.denied} times ({names})"
        yield Reason(Severity.MEDIUM, clean(text), tuple(profile.ids["denied"]), profile.denied, "turned-away")
    secrets = profile.seen("secrets-read")
    if secrets is not None and secrets.count >= 10 and not goes_on(secrets.first, secrets.last):
        yield _of(secrets, Severity.HIGH, f"{secrets.count} secrets read in a row")
    listed, parameters = profile.seen("parameters-listed"), profile.seen("parameters-read")
    if listed is not None and parameters is not None and not goes_on(listed.first, listed.last):
        yield _of(parameters, Severity.MEDIUM, "looked through the parameter store, then decrypted what it found")


def _is_job(profile: Profile) -> bool:
    """Whether it is a role's session that did nothing but to list and clear objects, as jobs do."""
    if profile.kind != "AssumedRole" or profile.reads or profile.seen("versions-listed") is not None:
        return False
    others = (item for name, item in profile.evidence.items() if name not in ("delete-objects", "list-buckets"))
    return all(item.finding.severity < Severity.MEDIUM for item in others)


def _unusual(spans: dict[str, int], floor: int) -> int:
    """The largest count of ten minutes, if it is at least `floor` and no other day had the like; else 0."""
    if not spans:
        return 0
    count, busiest = max(zip(spans.values(), spans, strict=True))
    if count < floor:
        return 0
    at = _ten_minutes(busiest)
    usual = max((other for key, other in spans.items() if abs(at - _ten_minutes(key)) >= HISTORY), default=0)
    return 0 if usual * 3 >= count else count


def _ten_minutes(key: str) -> datetime:
    return datetime.fromisoformat(key + "0:00+00:00")
