"""What was seen of one bucket, added up: bounded, in any order of events."""

from __future__ import annotations

from collections.abc import Mapping

from s3ir_tui.model import Severity
from s3ir_tui.trail.alike import Alike
from s3ir_tui.trail.detections import Finding
from s3ir_tui.trail.names import OBJECT_DELETES, OBJECT_READS, OBJECT_WRITES
from s3ir_tui.trail.profile import MOST_FINDINGS, Evidence

MOST_PRINCIPALS = 256


class BucketProfile:
    """One bucket."""

    __slots__ = (
        "bytes_out",
        "capped",
        "data_first",
        "data_last",
        "events",
        "evidence",
        "name",
        "principals",
        "reads",
        "writes",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.events = self.reads = self.writes = self.bytes_out = 0
        self.data_first = self.data_last = ""
        self.principals: dict[str, None] = {}
        self.evidence: dict[str, Evidence] = {}
        self.capped: set[str] = set()

    def add(self, some: Alike, findings: tuple[Finding, ...]) -> None:
        """Add alike events up."""
        event = some.event
        self.events += some.count
        if event.category == "Data":
            if not self.data_first or some.first < self.data_first:
                self.data_first = some.first
            if some.last > self.data_last:
                self.data_last = some.last
        if event.principal not in self.principals:
            if len(self.principals) < MOST_PRINCIPALS:
                self.principals[event.principal] = None
            else:
                self.capped.add("principals")
        for finding in findings:
            if finding.severity > Severity.LOW:
                self._finding(finding, some)
        if event.error:
            return
        name = event.name
        if name in OBJECT_READS:
            self.reads += some.count
            self.bytes_out += some.bytes_out
        elif name in OBJECT_WRITES or name in OBJECT_DELETES:
            self.writes += some.count

    def take_back(self, evidence: Mapping[str, Evidence]) -> None:
        """Forget findings all of whose events are among those of a principal, which turns out to be ourselves."""
        for name, mine in list(self.evidence.items()):
            theirs = evidence.get(name)
            if theirs is not None and theirs.count >= mine.count and set(mine.event_ids) <= set(theirs.event_ids):
                del self.evidence[name]

    def _finding(self, finding: Finding, some: Alike) -> None:
        evidence = self.evidence.get(finding.name)
        if evidence is None:
            if len(self.evidence) >= MOST_FINDINGS:
                self.capped.add("reasons")
                return
            evidence = self.evidence[finding.name] = Evidence(finding)
        evidence.add(some)
