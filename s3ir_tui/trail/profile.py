"""What one principal was seen to do, added up: bounded, in any order of events."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3ir_tui.model import Severity
from s3ir_tui.trail.agents import Agent, agent_of
from s3ir_tui.trail.arns import network_of
from s3ir_tui.trail.detections import Finding, Tactic
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import LISTS, OBJECT_DELETES, OBJECT_READS, OBJECT_WRITES, is_denied
from s3ir_tui.trail.sightings import Reason

MOST_KEYS = 64
MOST_ADDRESSES = 64
MOST_AGENTS = 32
MOST_BUCKETS = 256
MOST_FINDINGS = 64
MOST_IDS = 20
MOST_COMBINATIONS = 1024
MOST_TOUCH_IDS = 8
MOST_SPANS = 288


class Span:
    """How often and between when something was seen."""

    __slots__ = ("count", "first", "last")

    def __init__(self, at: str) -> None:
        self.count = 0
        self.first = self.last = at

    def add(self, at: str) -> None:
        """Count one more."""
        self.count += 1
        if at < self.first:
            self.first = at
        elif at > self.last:
            self.last = at


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

    def add(self, event: Event) -> None:
        """One more event."""
        self.count += 1
        self.first = min(self.first or event.time, event.time)
        self.last = max(self.last, event.time)
        if len(self.event_ids) < MOST_IDS:
            self.event_ids.append(event.id)


class Profile:
    """One principal. `revision` grows when something was learnt that may make it suspect, not with every call."""

    __slots__ = (
        "_spans",
        "account",
        "addresses",
        "agents",
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
        self.events = self.denied = self.reads = self.lists = self.bytes_out = self.revision = 0
        # What was made of it last, and at which revision and how many calls.
        self.assessed = (-1, 0)
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
        self.capped: set[str] = set()
        # First events, to stand behind reasons that are about the principal as a whole.
        self.sample: dict[str, str] = {}
        self._spans: dict[tuple[str, str, str], tuple[Span, ...]] = {}
        self.ids: dict[str, list[str]] = {"read": [], "list": [], "delete": [], "denied": []}

    def add(self, event: Event, findings: tuple[Finding, ...]) -> None:
        """Add one event up."""
        at = event.time
        self.events += 1
        if at < self.first:
            self.first = at
        elif at > self.last:
            self.last = at
        denied = bool(event.error) and is_denied(event.error)
        if denied:
            self.denied += 1
            self._keep("denied", event)
            if event.name not in self.denied_names and len(self.denied_names) < 100:
                self.denied_names.add(event.name)
                self.revision += 1
        if not event.invoked_by:
            self._where(event, at)
        if event.bucket:
            self._bucket(event, at, denied)
        for finding in findings:
            self.note(finding, event)

    def add_ours(self, event: Event) -> None:
        """Add one of the console's own calls up: counted, and nothing is concluded from it.

        Other keys of the same principal stay under suspicion: the responder's own user may be the one that leaked.
        """
        self.events += 1
        self.denied += is_denied(event.error)
        self.first, self.last = min(self.first, event.time), max(self.last, event.time)
        if event.access_key and len(self.keys) < MOST_KEYS:
            self.keys.setdefault(event.access_key, {})

    def _where(self, event: Event, at: str) -> None:
        """Count address, program and key; which counters those are is looked up once for each combination."""
        named = (event.address, event.agent, event.access_key)
        spans = self._spans.get(named)
        if spans is None:
            spans = self._learn(event)
            if len(self._spans) < MOST_COMBINATIONS:
                self._spans[named] = spans
        for span in spans:
            span.count += 1
            if at < span.first:
                span.first = at
            elif at > span.last:
                span.last = at

    def _learn(self, event: Event) -> tuple[Span, ...]:
        place = self.addresses.get(event.address) or self._new_place(event)
        span = self.agents.get(event.agent) or self._new_agent(event)
        found: list[Span] = [place]
        if span is not None:
            found.append(span)
            if event.agent not in place.agents and len(place.agents) < MOST_AGENTS:
                place.agents.add(event.agent)
                self.revision += len(self.addresses) > 1
        if event.access_key:
            key = self._key(event)
            if key is not None:
                found.append(key)
        return tuple(found)

    def _new_agent(self, event: Event) -> Span | None:
        if len(self.agents) >= MOST_AGENTS:
            self.capped.add("agents")
            return None
        span = self.agents[event.agent] = Span(event.time)
        self.revision += 1
        self.sample[f"agent {event.agent}"] = event.id
        self.console_only = self.console_only and agent_of(event.agent).console
        return span

    def _new_place(self, event: Event) -> Place:
        place = Place(event.time)
        if len(self.addresses) >= MOST_ADDRESSES:
            self.capped.add("addresses")
        else:
            self.addresses[event.address] = place
            self.revision += 1
            self.sample[f"address {event.address}"] = event.id
        return place

    def _key(self, event: Event) -> Span | None:
        networks = self.keys.get(event.access_key)
        if networks is None:
            if len(self.keys) >= MOST_KEYS:
                self.capped.add("access_keys")
                return None
            networks = self.keys[event.access_key] = {}
        network = network_of(event.address)
        span = networks.get(network)
        if span is None and len(networks) < MOST_ADDRESSES:
            span = networks[network] = Span(event.time)
            self.revision += len(networks) > 1
        return span

    def _bucket(self, event: Event, at: str, denied: bool) -> None:
        touch = self.buckets.get(event.bucket)
        if touch is None:
            if len(self.buckets) >= MOST_BUCKETS:
                self.capped.add("buckets")
                return
            touch = self.buckets[event.bucket] = Touch(at)
        touch.add(at)
        if event.error:
            touch.denied += denied
            return
        touch.ok += 1
        if len(touch.ids) < MOST_TOUCH_IDS:
            touch.ids.append(event.id)
        if event.address not in touch.addresses and len(touch.addresses) < 16:
            touch.addresses[event.address] = None
        name = event.name
        if name in OBJECT_READS:
            touch.reads += 1
            touch.bytes_out += event.bytes_out
            self.bytes_out += event.bytes_out
            if "AWSLogs/" not in event.key:
                self.reads += 1
                self._keep("read", event)
                self._burst(self.read_spans, at)
                if self.reads == 1:
                    self.revision += 1
        elif name in OBJECT_DELETES:
            touch.deletes += 1
            self._keep("delete", event)
            self._burst(self.delete_spans, at)
        elif name in LISTS:
            touch.lists += 1
            self.lists += 1
            self._keep("list", event)
            if self.lists == 1:
                self.revision += 1
        elif name in OBJECT_WRITES:
            touch.writes += 1
        elif not event.read_only:
            touch.settings += 1

    def _keep(self, what: str, event: Event) -> None:
        kept = self.ids[what]
        if len(kept) < MOST_IDS:
            kept.append(event.id)

    def _burst(self, spans: dict[str, int], at: str) -> None:
        key = at[:15]
        count = spans.get(key, 0) + 1
        spans[key] = count
        if count in (25, 100):
            self.revision += 1
        if len(spans) > MOST_SPANS:
            del spans[min(spans)]

    def note(self, finding: Finding, event: Event) -> None:
        """Add a finding up."""
        evidence = self.evidence.get(finding.name)
        if evidence is None:
            if len(self.evidence) >= MOST_FINDINGS:
                self.capped.add("reasons")
                return
            evidence = self.evidence[finding.name] = Evidence(finding)
            self.revision += 1
        elif finding.severity > evidence.finding.severity:
            evidence.finding = finding
            self.revision += 1
        evidence.add(event)
        if evidence.count in (3, 10, 30):
            self.revision += 1

    def known_agents(self) -> list[tuple[str, Agent]]:
        """The user agents seen, taken apart."""
        return [(text, agent_of(text)) for text in self.agents]

    def seen(self, name: str) -> Evidence | None:
        """The evidence of a detection, where a call of it succeeded."""
        return self.evidence.get(name)

    def tactics(self, floor: Severity) -> set[Tactic]:
        """Tactics with a finding of at least this severity."""
        return {item.finding.tactic for item in self.evidence.values() if item.finding.severity >= floor}
