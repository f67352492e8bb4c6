"""When a case was detected and contained, by its own records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from s3ir_tui.case import Case, Recorded
from s3ir_tui.text import clean, short_arn


@dataclass(frozen=True, slots=True)
class Milestones:
    """What the console recorded, as UNIX times; `None` is what it did not.

    Attributes:
        detected: When the responder first marked something, or began the first plan.
        detected_by: What that was, in words.
        contained: When the last step of the first containment was done.
    """

    detected: float | None = None
    detected_by: str = ""
    contained: float | None = None


def milestones(records: Iterable[Recorded]) -> Milestones:
    """Detection and containment as records of a case tell them, in time order."""
    case, detected, by = Case(), "", ""
    for record in records:
        case.apply(record)
        if detected or not record.ts:
            continue
        if record.table == "case" and record.get("kind") == "mark" and record.get("on"):
            detected, by = record.ts, f"first mark on {clean(short_arn(str(record.get('id'))))}"
        elif record.table == "actions" and record.get("kind") == "plan":
            detected, by = record.ts, f"first plan, {record.get('action')}"
    done = [item for item in case.containments.values() if item.steps and item.done and not item.undo_of]
    contained = done[0].at if done and not done[0].running else ""
    return Milestones(_unix(detected), by, _unix(contained))


def _unix(moment: str) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None
