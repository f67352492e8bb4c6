"""What one principal was seen to do, added up: bounded, in any order of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from s3ir_tui.trail.agents import Agent, agent_of
from s3ir_tui.trail.alike import MOST_IDS, Alike, Origin
from s3ir_tui.trail.arns import is_address, network_of
from s3ir_tui.trail.compute import Compute, compute_of, is_telling
from s3ir_tui.trail.detections import Finding
from s3ir_tui.trail.detections.keys import is_log
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import LISTS, OBJECT_DELETES, OBJECT_READS, OBJECT_WRITES, is_denied
from s3ir_tui.trail.sightings import Reason

MOST_KEYS = 64
MOST_ADDRESSES = 64
MOST_AGENTS = 32
MOST_BUCKETS = 256
MOST_FINDINGS = 64
MOST_COMBINATIONS = 1024
MOST_TOUCH_IDS = 8
MOST_PLACES = 16
MOST_ALARMING = 4
"""Networks of one key each of which is news; one that is in more of them is known to move."""
MOST_SPANS = 288

TEN_MINUTES = 15
"""Characters of a time that name its ten minutes."""

BURSTS = (25, 100)
_STEPS = (3, 10, 30)
"""Counts at which something may turn suspicious."""


class Span:
    """How often and between when something was seen."""

    __slots__ = ("count", "first", "last")

    def __init__(self, at: str) -> None:
        self.count = 0
        self.first = self.last = at

    def add(self, count: int, first: str, last: str) -> None:
        """Count more, seen between two times."""
        self.count += count
        if first < self.first:
            self.first = first
        if last > self.last:
            self.last = last


class Place(Span):
    """An address, with the programs that called from it."""

    __slots__ = ("agents",)

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.agents: set[str] = set()


class Touch(Span):
    """What a principal did with one bucket. Reads are objects whose content left, writes and deletes are objects."""

    __slots__ = ("addresses", "bytes_out", "deletes", "denied", "ids", "lists", "ok", "reads", "settings", "writes")

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.ok = self.denied = self.reads = self.writes = self.deletes = self.lists = self.settings = 0
        self.bytes_out = 0
        self.addresses: dict[str, None] = {}
        self.ids: list[str] = []


@dataclass(slots=True)
class Evidence:
    """A detection that held for a principal, with the events behind it."""

    finding: Finding
    count: int = 0
    first: str = ""
    last: str = ""
    event_ids: list[str] = field(default_factory=list)

    def add(self, some: Alike) -> None:
        """More events."""
        self.count += some.count
        self.first = min(self.first or some.first, some.first)
        self.last = max(self.last, some.last)
        keep(self.event_ids, some)


def keep(kept: list[str], some: Alike, most: int = MOST_IDS) -> None:
    """Keep the ids of the first events."""
    if len(kept) < most:
        kept += some.ids[: most - len(kept)]


def count_in(spans: dict[str, int], span: str, count: int) -> int:
    """Count in a stretch of time; spans stand in their order, and the oldest fall out. Gives the count before."""
    before = spans.get(span, 0)
    is_late = not before and bool(spans) and span < next(reversed(spans))
    spans[span] = before + count
    if is_late:
        ordered = sorted(spans.items())
        spans.clear()
        spans.update(ordered)
    while len(spans) > MOST_SPANS:
        del spans[next(iter(spans))]
    return before


class Profile:
    """One principal.

    `revision` grows when something was learnt that may make it suspect, not with every call; `alarms` when that was a
    finding, or a key in another network.
    """

    __slots__ = (
        "_spans",
        "account",
        "addresses",
        "agents",
        "alarms",
        "assessed",
        "buckets",
        "bytes_out",
        "capped",
        "console_only",
        "delete_spans",
        "denied",
        "denied_names",
        "events",
        "evidence",
        "first",
        "foreign",
        "id",
        "ids",
        "issued",
        "issuer",
        "keys",
        "kind",
        "last",
        "lists",
        "read_spans",
        "reads",
        "reasons",
        "revision",
        "sample",
    )

    def __init__(self, event: Event, ident: str) -> None:
        self.id = ident
        self.kind = event.kind
        self.issuer = event.issuer
        self.account = event.caller_account
        self.foreign = bool(event.account and event.caller_account and event.account != event.caller_account)
        self.first = self.last = event.time
        self.events = self.denied = self.reads = self.lists = self.bytes_out = 0
        self.revision = self.alarms = 0
        # What was made of it last, and at which revision, which alarms and how many calls.
        self.assessed = (-1, -1, 0)
        self.reasons: tuple[Reason, ...] = ()
        self.console_only = True
        # Access keys by network: a key at two places at once is a stolen key.
        self.keys: dict[str, dict[str, Span]] = {}
        self.addresses: dict[str, Place] = {}
        self.agents: dict[str, Span] = {}
        self.buckets: dict[str, Touch] = {}
        self.evidence: dict[str, Evidence] = {}
        self.denied_names: set[str] = set()
        # Reads and deletes per ten minutes: the key is the time without its last four digits.
        self.read_spans: dict[str, int] = {}
        self.delete_spans: dict[str, int] = {}
        # What the trail says of its credentials, by access key: the service that each was made for, its delivery.
        self.issued: dict[str, tuple[str, str]] = {}
        self.capped: set[str] = set()
        # First events, to stand behind reasons that are about the principal as a whole.
        self.sample: dict[str, str] = {}
        self._spans: dict[tuple[str, str, str], tuple[Span, ...]] = {}
        self.ids: dict[str, list[str]] = {"read": [], "list": [], "delete": [], "denied": []}

    def add(self, some: Alike, findings: tuple[Finding, ...]) -> None:
        """Add alike events up."""
        event = some.event
        self.events += some.count
        if some.first < self.first:
            self.first = some.first
        if some.last > self.last:
            self.last = some.last
        denied = bool(event.error) and is_denied(event.error)
        if denied:
            self.denied += some.count
            keep(self.ids["denied"], some)
            if event.name not in self.denied_names and len(self.denied_names) < 100:
                self.denied_names.add(event.name)
                self.revision += 1
        if event.bucket:
            self._bucket(some, denied)
        for finding in findings:
            self.note(finding, some)

    def add_ours(self, some: Alike) -> None:
        """Add the console's own calls up: counted, and nothing is concluded from them.

        Other keys of the same principal stay under suspicion: the responder's own user may be the one that leaked.
        """
        event = some.event
        self.events += some.count
        self.denied += some.count * is_denied(event.error)
        self.first, self.last = min(self.first, some.first), max(self.last, some.last)
        if event.access_key and len(self.keys) < MOST_KEYS:
            self.keys.setdefault(event.access_key, {})

    def issue(self, access_key: str, issued_to: str, delivery: str) -> None:
        """Note what the trail says of a credential."""
        before = self.issued.get(access_key)
        if before is None and len(self.issued) >= MOST_KEYS:
            return
        now = (issued_to or (before[0] if before else ""), delivery or (before[1] if before else ""))
        self.issued[access_key] = now
        if before is not None or any(now):
            self.alarms += now != before

    def forget_places(self) -> None:
        """Look the counters of addresses, programs and keys up anew."""
        self._spans.clear()

    def add_origin(self, origin: Origin) -> None:
        """Count address, program and key."""
        for span in self.spans_from(origin):
            span.add(origin.count, origin.first, origin.last)

    def spans_from(self, origin: Origin) -> tuple[Span, ...]:
        """The counters of an address, a program and a key; looked up once for each combination."""
        named = (origin.address, origin.agent, origin.access_key)
        spans = self._spans.get(named)
        if spans is None:
            spans = self._learn(origin)
            if len(self._spans) < MOST_COMBINATIONS:
                self._spans[named] = spans
        return spans

    def _learn(self, origin: Origin) -> tuple[Span, ...]:
        place = self.addresses.get(origin.address) or self._new_place(origin)
        span = self.agents.get(origin.agent) or self._new_agent(origin)
        found: list[Span] = [place]
        if span is not None:
            found.append(span)
            if origin.agent not in place.agents and len(place.agents) < MOST_AGENTS:
                place.agents.add(origin.agent)
                self.revision += len(self.addresses) > 1
        if origin.access_key:
            key = self._key(origin)
            if key is not None:
                found.append(key)
        return tuple(found)

    def _new_agent(self, origin: Origin) -> Span | None:
        if len(self.agents) >= MOST_AGENTS:
            self.capped.add("agents")
            return None
        span = self.agents[origin.agent] = Span(origin.first)
        self.revision += 1
        # What may show at once that a credential is not where it belongs does not wait for more calls.
        self.alarms += self.kind == "AssumedRole" and (len(self.agents) <= MOST_ALARMING or is_telling(origin.agent))
        self.sample[f"agent {origin.agent}"] = origin.sample
        self.console_only = self.console_only and agent_of(origin.agent).console
        return span

    def _new_place(self, origin: Origin) -> Place:
        place = Place(origin.first)
        if len(self.addresses) >= MOST_ADDRESSES:
            self.capped.add("addresses")
        else:
            self.addresses[origin.address] = place
            self.revision += 1
            self.sample[f"address {origin.address}"] = origin.sample
        return place

    def _key(self, origin: Origin) -> Span | None:
        networks = self.keys.get(origin.access_key)
        if networks is None:
            if len(self.keys) >= MOST_KEYS:
                self.capped.add("access_keys")
                return None
            networks = self.keys[origin.access_key] = {}
        network = network_of(origin.address)
        span = networks.get(network)
        if span is None and len(networks) < MOST_ADDRESSES:
            span = networks[network] = Span(origin.first)
            self.alarms += 1 < len(networks) <= MOST_ALARMING
        return span

    def _bucket(self, some: Alike, denied: bool) -> None:
        event, count = some.event, some.count
        touch = self.buckets.get(event.bucket)
        if touch is None:
            if len(self.buckets) >= MOST_BUCKETS:
                self.capped.add("buckets")
                return
            touch = self.buckets[event.bucket] = Touch(some.first)
        touch.add(count, some.first, some.last)
        if event.error:
            touch.denied += count * denied
            return
        touch.ok += count
        keep(touch.ids, some, MOST_TOUCH_IDS)
        if len(touch.addresses) < MOST_PLACES:
            touch.addresses.update(dict.fromkeys(some.addresses))
        name = event.name
        if name in OBJECT_READS:
            touch.reads += count
            touch.bytes_out += some.bytes_out
            self.bytes_out += some.bytes_out
            if not is_log(event.key):
                self.revision += self.reads == 0
                self.reads += count
                keep(self.ids["read"], some)
        elif name in OBJECT_DELETES:
            touch.deletes += count
            keep(self.ids["delete"], some)
        elif name in LISTS:
            touch.lists += count
            self.revision += self.lists == 0
            self.lists += count
            keep(self.ids["list"], some)
        elif name in OBJECT_WRITES:
            touch.writes += count
        elif not event.read_only:
            touch.settings += count

    def burst(self, event: Event) -> None:
        """Count an object that was read or deleted among those of its ten minutes."""
        spans = self.spans_of(event)
        if spans is not None:
            before = count_in(spans, event.time[:TEN_MINUTES], 1)
            self.revision += before + 1 in BURSTS

    def spans_of(self, event: Event) -> dict[str, int] | None:
        """`read_spans` or `delete_spans`, where a call counts in one of them."""
        if event.bucket and not event.error:
            if event.name in OBJECT_READS and not is_log(event.key):
                return self.read_spans
            if event.name in OBJECT_DELETES:
                return self.delete_spans
        return None

    def add_spans(self, spans: dict[str, int], more: Mapping[str, int]) -> None:
        """Count objects in their ten minutes.

        Args:
            spans: `read_spans` or `delete_spans`.
            more: How many in which ten minutes.
        """
        for key, count in more.items():
            before = spans.get(key, 0)
            spans[key] = before + count
            self.revision += any(before < step <= before + count for step in BURSTS)
        newest = sorted(spans.items())[-MOST_SPANS:]
        spans.clear()
        spans.update(newest)

    def note(self, finding: Finding, some: Alike) -> None:
        """Add a finding up."""
        evidence = self.evidence.get(finding.name)
        if evidence is None:
            if len(self.evidence) >= MOST_FINDINGS:
                self.capped.add("reasons")
                return
            evidence = self.evidence[finding.name] = Evidence(finding)
            self.alarms += 1
        elif finding.severity > evidence.finding.severity:
            evidence.finding = finding
            self.alarms += 1
        before = evidence.count
        evidence.add(some)
        self.alarms += any(before < step <= evidence.count for step in _STEPS)

    def known_agents(self) -> list[tuple[str, Agent]]:
        """The user agents seen, taken apart."""
        return [(text, agent_of(text)) for text in self.agents]

    def compute(self) -> Compute | None:
        """The place that it was issued to, where it is the role session of one."""
        if self.kind != "AssumedRole":
            return None
        return compute_of(self.id, self.issuer, self.agents, {service for service, _delivery in self.issued.values()})

    def seen(self, name: str) -> Evidence | None:
        """The evidence of a detection, where a call of it succeeded."""
        return self.evidence.get(name)


def networks_by_delivery(profile: Profile) -> dict[str, dict[str, Span]]:
    """Networks that credentials of an instance are used from, by the version of the metadata service that gave them."""
    found: dict[str, dict[str, Span]] = {}
    for key, (_service, version) in profile.issued.items():
        for network, span in profile.keys.get(key, {}).items() if version else ():
            if is_address(network):
                found.setdefault(version, {})[network] = span
    return found
