"""Lines of the trail gathered by who acted: what each did, when last, and how bad the worst of it was."""

from __future__ import annotations

from dataclasses import dataclass

from s3ir_tui.model import Severity
from s3ir_tui.trail.fields import Line, outcome_of

MOST = 5_000
OTHERS = "others"
"""Who stands for the principals beyond `MOST`."""


@dataclass(slots=True)
class Group:
    """What a principal did.

    Attributes:
        principal: Who.
        ok: Calls that succeeded.
        denied: Calls that were turned away.
        failed: Calls that failed otherwise.
        severity: The worst of them.
        first: Time of the earliest.
        last: Time of the latest.
    """

    principal: str
    ok: int = 0
    denied: int = 0
    failed: int = 0
    severity: Severity = Severity.INFO
    first: str = ""
    last: str = ""

    @property
    def calls(self) -> int:
        """All of them."""
        return self.ok + self.denied + self.failed


class Groups:
    """Groups of lines that may come in any order, each once.

    Attributes:
        ours: Calls of this console, which are in no group.
    """

    def __init__(self) -> None:
        self.ours = 0
        self._groups: dict[str, Group] = {}

    def add(self, line: Line) -> None:
        """Count a line; the console's own calls are counted apart, and rank nowhere."""
        if line.ours:
            self.ours += 1
            return
        event = line.event
        group = self._groups.get(event.principal)
        if group is None:
            who = event.principal if len(self._groups) < MOST else OTHERS
            group = self._groups.setdefault(who, Group(who))
        outcome = outcome_of(event.error)
        if outcome == "ok":
            group.ok += 1
        elif outcome == "denied":
            group.denied += 1
        else:
            group.failed += 1
        if line.severity > group.severity:
            group.severity = line.severity
        if event.time > group.last:
            group.last = event.time
        if not group.first or event.time < group.first:
            group.first = event.time

    def worst_first(self) -> list[Group]:
        """All groups: worst first, then those that did most."""
        return sorted(self._groups.values(), key=lambda item: (-item.severity, -item.calls, item.principal))

    def __len__(self) -> int:
        return len(self._groups)
