"""What the detections found: one entry for a detection, a principal and a bucket, with the events behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from s3ir_tui.model import Severity
from s3ir_tui.text import clean
from s3ir_tui.trail.detections.rule import Finding
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.sightings import PrincipalSighting, Reason

MOST = 5_000
"""Entries that are kept apart; what comes after that is counted by its detection alone."""

EVENTS = 20
"""Event ids that an entry keeps."""

OTHERS = "others"
"""Principal of the entries that gather what came after `MOST` others."""

SUSPECT = "suspect"
"""Name of the entries that gather calls which matter because of who made them."""

SAMPLES = 1_000
"""Such calls that are kept: the events behind a pattern are mostly among them."""

_BY_WHOM = "calls by someone suspect"


@dataclass(frozen=True, slots=True)
class Found:
    """What one detection found of one principal on one bucket.

    Attributes:
        name: Of the detection or pattern, or `suspect`.
        severity: The worst that it was worth.
        text: In words, safe to display.
        principal: Who: ARN or the best identity there is; `others` where there are too many.
        bucket: On which bucket, or "".
        count: How many events.
        first: Time of the first of them, or "" where it is not known.
        last: Time of the last, or "".
        events: Ids of the first twenty.
        sample: The newest of them that is known in full, or `None`.
    """

    name: str
    severity: Severity
    text: str
    principal: str
    bucket: str = ""
    count: int = 1
    first: str = ""
    last: str = ""
    events: tuple[str, ...] = ()
    sample: Judged | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is told from others by."""
        return self.name, self.principal, self.bucket


@dataclass(slots=True)
class _Entry:
    name: str
    principal: str
    bucket: str
    severity: Severity
    text: str
    sample: Judged
    first: str
    last: str
    count: int = 0
    events: list[str] = field(default_factory=list)
    frozen: Found | None = None

    def add(self, line: Judged, severity: Severity, text: str) -> None:
        event = line.event
        self.count += 1
        if len(self.events) < EVENTS:
            self.events.append(event.id)
        if severity > self.severity:
            self.severity, self.text = severity, text
        self.first = min(self.first, event.time)
        if event.time >= self.last:
            self.last, self.sample = event.time, line
        self.frozen = None

    def freeze(self) -> Found:
        if self.frozen is None:
            self.frozen = Found(
                self.name, self.severity, self.text, self.principal, self.bucket, self.count, self.first, self.last,
                tuple(self.events), self.sample,
            )  # fmt: skip
        return self.frozen


class Finds:
    """Gathers what the detections find, event by event; memory is bounded whatever comes.

    Args:
        most: How many entries are kept apart.

    Attributes:
        capped: Whether there were more.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: dict[tuple[str, str, str], _Entry] = {}
        self._shown: tuple[Found, ...] | None = ()
        self._samples: dict[str, Judged] = {}
        self._beside: tuple[tuple[Found, ...], tuple[PrincipalSighting, ...], tuple[Found, ...]] = ((), (), ())
        self.capped = False

    def add(self, line: Judged, findings: Sequence[Finding]) -> None:
        """Take in an event.

        Args:
            line: The event, judged.
            findings: What the detections found in it; `INFO` is left out. Where the event is worth more than any of
                them because of who made it, it counts in an entry of its own as well.
        """
        worst = Severity.INFO
        for finding in findings:
            worst = max(worst, finding.severity)
            if finding.severity > Severity.INFO:
                self._add(line, finding.name, finding.severity, finding.text)
        if line.severity > worst and line.reasons:
            self._add(line, SUSPECT, line.severity, _BY_WHOM)
            if len(self._samples) < SAMPLES:
                self._samples[line.event.id] = line

    def all(self) -> tuple[Found, ...]:
        """Every entry, worst first, then the oldest; the same object as before where nothing was found meanwhile."""
        if self._shown is None:
            self._shown = worst_first(entry.freeze() for entry in self._entries.values())
        return self._shown

    def beside(self, principals: tuple[PrincipalSighting, ...]) -> tuple[Found, ...]:
        """Every entry with what principals did as a whole (see `with_patterns`).

        Args:
            principals: The principals of the trail; the same tuple where nothing is new of them.
        """
        found, seen, shown = self._beside
        if found is not self.all() or seen is not principals:
            shown = with_patterns(self.all(), principals, self._samples)
            self._beside = (self.all(), principals, shown)
        return shown

    def _add(self, line: Judged, name: str, severity: Severity, text: str) -> None:
        key = (name, line.event.principal, line.event.bucket)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._most:
                self.capped = True
                key = (name, OTHERS, "")
                entry = self._entries.get(key)
            if entry is None:
                at = line.event.time
                entry = self._entries[key] = _Entry(*key, severity, clean(text), line, at, at)
        entry.add(line, severity, clean(text))
        self._shown = None


def worst_first(found: Iterable[Found]) -> tuple[Found, ...]:
    """Worst first, then by the time of the first event: what is there keeps its order when more comes."""
    return tuple(sorted(found, key=lambda item: (-item.severity, item.first or "9", item.key)))


def with_patterns(
    found: Sequence[Found], principals: Iterable[PrincipalSighting], samples: Mapping[str, Judged]
) -> tuple[Found, ...]:
    """What was found in single events, with what principals did as a whole: `listed all buckets, then read them`.

    Args:
        found: What was found in single events.
        principals: The principals of the trail; reasons of theirs that stand in `found` are not repeated.
        samples: Events that are known in full, by id.
    """
    known = {(item.principal, item.name) for item in found}
    every = {item.sample.event.id: item.sample for item in found if item.sample is not None} | dict(samples)
    patterns = [
        _pattern(seen.id, reason, every)
        for seen in principals
        for reason in seen.reasons
        if (seen.id, reason.name) not in known
    ]
    return worst_first((*found, *patterns)) if patterns else tuple(found)


def _pattern(principal: str, reason: Reason, samples: Mapping[str, Judged]) -> Found:
    """A reason as an entry: its events are known by their ids, and some of them in full."""
    known = [samples[ident] for ident in reason.events if ident in samples]
    newest = max(known, key=lambda line: line.event.time, default=None)
    name = reason.name or reason.text
    return Found(
        name, reason.severity, reason.text, principal, "", reason.count, events=reason.events[:EVENTS], sample=newest
    )
