"""Who is suspect and why: what a principal did as a whole, weighed. Pure, and independent of the order of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from s3ir_tui.model import Severity
from s3ir_tui.text import clean
from s3ir_tui.trail.agents import Danger, agent_of
from s3ir_tui.trail.arns import instance_of, is_address, is_private, network_of
from s3ir_tui.trail.detections import Tactic
from s3ir_tui.trail.profile import Evidence, Profile, Span
from s3ir_tui.trail.sightings import Reason

SUSPECT = Severity.HIGH
"""From this severity on a principal is a suspect."""

BURST = 100
"""Objects read within ten minutes that are no longer a few."""

DELETES = 25
"""Objects deleted within ten minutes that are no longer a few."""

_HISTORY = timedelta(hours=20)
"""What went on for so long is how a principal works, not how someone starts."""

_SETTLED = timedelta(hours=1)
"""A place that was used alone for so long is where a credential belongs."""

_MANY_SIGNS = 4
_SOME_SIGNS = 2


def assess(profile: Profile) -> tuple[Reason, ...]:
    """The reasons to suspect a principal by its own calls, worst first.

    Args:
        profile: What it did.
    """
    found = [*_findings(profile), *_tools(profile), *_stolen(profile), *_places(profile), *_floods(profile)]
    found += _signs(profile, found)
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


def _stolen(profile: Profile) -> Iterator[Reason]:
    """An instance's role works from the instance, with a program that knows its bucket."""
    instance = instance_of(profile.id)
    if not instance:
        return
    macs = [text for text, agent in profile.known_agents() if agent.os == "macos"]
    if macs:
        text = f"credentials of {instance} used on macOS, which an instance does not run"
        yield _about(profile, Severity.HIGH, text, [f"agent {item}" for item in macs], "instance-on-macos")
    systems = {agent.os for _text, agent in profile.known_agents() if agent.os and not agent.console}
    if len(systems - {"macos"}) > 1:
        samples = [f"agent {text}" for text, agent in profile.known_agents() if agent.os]
        text = f"credentials of {instance} used on {' and '.join(sorted(systems))}"
        yield _about(profile, Severity.HIGH, text, samples, "instance-on-two-systems")
    yield from _looked_around(profile, instance)


def _looked_around(profile: Profile, instance: str) -> Iterator[Reason]:
    listing = profile.seen("list-buckets")
    if listing is None:
        return
    if _long(listing.first, listing.last):
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


def _places(profile: Profile) -> Iterator[Reason]:
    """One credential in several networks at once: for an instance a thief, for people a sign at most."""
    instance = instance_of(profile.id)
    told = False
    for key, networks in profile.keys.items():
        real = {name: span for name, span in networks.items() if is_address(name)}
        public = _public(real)
        if len(real) < 2 or not (instance or (len(public) > 1 and _at_once(real[name] for name in public))):
            continue
        told = True
        text, samples, apart = _spread(profile, real)
        if not instance:
            yield _about(profile, Severity.LOW, f"{key} used from {text} at once", samples, "key-at-two-places")
            continue
        weights = (Severity.CRITICAL, Severity.HIGH) if public else (Severity.MEDIUM, Severity.LOW)
        yield _about(
            profile, weights[0 if apart else 1], f"{key} of {instance} used from {text}", samples, "instance-key-moved"
        )
    if instance and not told:
        yield from _session_places(profile, instance)


def _session_places(profile: Profile, instance: str) -> Iterator[Reason]:
    """Several keys of one instance: each time the metadata service is asked, it may give out another."""
    networks: dict[str, Span] = {}
    for address, place in profile.addresses.items():
        if is_address(address) and not is_private(address):
            span = networks.setdefault(network_of(address), Span(place.first))
            span.add(place.count, place.first, place.last)
    if len(networks) > 1 and _at_once(networks.values()):
        text, samples, apart = _spread(profile, networks)
        severity = Severity.HIGH if apart else Severity.MEDIUM
        yield _about(profile, severity, f"role of {instance} used from {text}", samples, "instance-session-moved")


def _public(networks: Iterable[str]) -> list[str]:
    return [name for name in networks if not is_private(name.partition("/")[0])]


def _spread(profile: Profile, networks: dict[str, Span]) -> tuple[str, list[str], bool]:
    """Words for some networks, samples of their events, and whether different programs call from them."""
    apart = _programs_apart(profile, networks)
    text = f"{len(networks)} networks ({', '.join(sorted(networks)[:3])}{', …' if len(networks) > 3 else ''})"
    return text + (" by different programs" if apart else ""), _samples_in(profile, networks), apart


def _samples_in(profile: Profile, networks: Iterable[str]) -> list[str]:
    wanted = set(networks)
    return [f"address {address}" for address in profile.addresses if network_of(address) in wanted][:20]


def _at_once(spans: Iterable[Span]) -> bool:
    """Whether two of the spans overlap."""
    ordered = sorted((span.first, span.last) for span in spans)
    return any(later[0] <= earlier[1] for earlier, later in pairwise(ordered))


def _programs_apart(profile: Profile, networks: Iterable[str]) -> bool:
    """Whether two of the networks have no program in common."""
    programs: list[set[str]] = []
    for network in networks:
        agents = {
            agent_of(text).program
            for address, place in profile.addresses.items()
            if network_of(address) == network
            for text in place.agents
        }
        programs.append(agents)
    return any(not one & other for at, one in enumerate(programs) for other in programs[at + 1 :])


def strange_addresses(profile: Profile) -> frozenset[str]:
    """Addresses of a principal that are not where it belongs; empty where that cannot be told.

    A place belongs that was in use alone for an hour before any other; places of attack tools, and of an instance's
    credentials on another system, do not.
    """
    odd = {
        address
        for address, place in profile.addresses.items()
        if any(agent_of(text).danger is Danger.ATTACK for text in place.agents)
        or (instance_of(profile.id) and any(agent_of(text).os == "macos" for text in place.agents))
    }
    networks: dict[str, str] = {}
    for address, place in profile.addresses.items():
        if is_address(address):
            network = network_of(address)
            networks[network] = min(networks.get(network, place.first), place.first)
    ordered = sorted(networks, key=lambda name: networks[name])
    if instance_of(profile.id) and len(ordered) > 1:
        home = ordered[0]
        if _later_than(networks[home], networks[ordered[1]], _SETTLED):
            odd |= {address for address in profile.addresses if is_address(address) and network_of(address) != home}
    return frozenset(odd) if len(odd) < len(profile.addresses) else frozenset()


# -- floods ---------------------------------------------------------------------------------------


def _floods(profile: Profile) -> Iterator[Reason]:
    burst = _unusual(profile.read_spans, BURST)
    if burst:
        text = f"{burst} objects read within ten minutes, more than before"
        yield Reason(Severity.LOW, text, tuple(profile.ids["read"]), burst, "bulk-read")
    gone = _unusual(profile.delete_spans, DELETES)
    if gone:
        text = f"{gone} objects deleted within ten minutes, more than before"
        yield Reason(Severity.HIGH, text, tuple(profile.ids["delete"]), gone, "bulk-delete")
    if profile.denied >= 10 and profile.denied * 2 > profile.events:
        names = ", ".join(sorted(profile.denied_names)[:3])
        text = f"turned away {profile.denied} times ({names})"
        yield Reason(Severity.MEDIUM, clean(text), tuple(profile.ids["denied"]), profile.denied, "turned-away")
    secrets = profile.seen("secrets-read")
    if secrets is not None and secrets.count >= 10 and not _long(secrets.first, secrets.last):
        yield _of(secrets, Severity.HIGH, f"{secrets.count} secrets read in a row")


def _unusual(spans: dict[str, int], floor: int) -> int:
    """The largest count of ten minutes, if it is at least `floor` and no day before had the like; else 0."""
    if not spans:
        return 0
    busiest = max(spans, key=lambda key: (spans[key], key))
    count = spans[busiest]
    if count < floor:
        return 0
    before = _ten_minutes(busiest) - _HISTORY
    usual = max((other for key, other in spans.items() if _ten_minutes(key) <= before), default=0)
    return 0 if usual * 3 >= count else count


# -- many weak signs ------------------------------------------------------------------------------


def _signs(profile: Profile, found: list[Reason]) -> Iterator[Reason]:
    """Each of these alone is everyday; several together are how someone with a found key begins."""
    signs: dict[str, tuple[str, ...]] = {}
    words = {
        "who-am-i": "asked who it is",
        "list-buckets": "listed all buckets",
        "bucket-settings": "looked at how buckets are protected",
        "iam-listed": "looked through users and roles",
        "trail-looked-at": "looked at what is logged",
        "secret-read": "read what looks like secrets",
    }
    for name, text in words.items():
        evidence = profile.evidence.get(name) or profile.evidence.get(f"{name}-tried")
        if evidence is not None and not _long(evidence.first, evidence.last):
            signs[text] = tuple(evidence.event_ids[:3])
    for reason in found:
        if reason.name in ("bulk-read", "agent-uncommon", "agent-scanner", "key-at-two-places", "turned-away"):
            signs[reason.text] = reason.events[:3]
    if len(profile.denied_names) >= 3:
        signs[f"turned away from {len(profile.denied_names)} different operations"] = tuple(profile.ids["denied"][:3])
    signs.update(_new_ways(profile))
    tactics = _tactics(profile)
    for tactic in tactics:
        signs[f"signs of {tactic.value}"] = tuple(
            item.event_ids[0] for item in profile.evidence.values() if item.finding.tactic is tactic
        )[:3]
    if profile.console_only and not tactics:
        return
    does_harm = bool(profile.reads or tactics)
    events = tuple(dict.fromkeys(item for ids in signs.values() for item in ids))[:20]
    if len(signs) >= _MANY_SIGNS and does_harm:
        yield Reason(Severity.HIGH, clean("together: " + ", ".join(signs)), events, len(signs), "many-signs")
    elif len(signs) > _SOME_SIGNS:
        yield Reason(Severity.MEDIUM, clean("together: " + ", ".join(signs)), events, len(signs), "some-signs")


def _tactics(profile: Profile) -> list[Tactic]:
    """Tactics with a finding of weight, in the order of the enumeration; looking around is counted above."""
    weighty = profile.tactics(Severity.MEDIUM)
    return [tactic for tactic in Tactic if tactic in weighty and tactic is not Tactic.RECON]


def _new_ways(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Addresses and programs that appeared long after the principal did."""
    ways: dict[str, tuple[str, ...]] = {}
    if instance_of(profile.id):
        return ways
    for address, place in profile.addresses.items():
        if is_address(address) and _long(profile.first, place.first) and not _same_network(profile, address):
            ways["came from a new network"] = (profile.sample.get(f"address {address}", ""),)
    for text, span in profile.agents.items():
        if _long(profile.first, span.first) and not _same_program(profile, text):
            ways["used a new program"] = (profile.sample.get(f"agent {text}", ""),)
    return ways


def _same_network(profile: Profile, address: str) -> bool:
    first = profile.addresses[address].first
    network = network_of(address)
    return any(network_of(other) == network and place.first < first for other, place in profile.addresses.items())


def _same_program(profile: Profile, text: str) -> bool:
    first = profile.agents[text].first
    program = agent_of(text).program
    return any(agent_of(other).program == program and span.first < first for other, span in profile.agents.items())


def _long(first: str, last: str) -> bool:
    return _later_than(first, last, _HISTORY)


def _later_than(first: str, last: str, by: timedelta) -> bool:
    return last > first and datetime.fromisoformat(last) - datetime.fromisoformat(first) >= by


def _ten_minutes(key: str) -> datetime:
    return datetime.fromisoformat(key + "0:00+00:00")
