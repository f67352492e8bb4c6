"""The records of the watches: state and reason when they change, so that a review shows the same words."""

from __future__ import annotations

import math
import re
from typing import Any

from s3ir_tui.case import Case
from s3ir_tui.room import Snapshot

_DURATIONS = re.compile(r"\b\d+(s|m\d\d|h\d\d|d\d\dh)\b|\b\d+ of \d+ h\b")


class Verdicts:
    """What was said of each watch last."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, str]] = {}

    def news(self, made: Snapshot, case: Case) -> list[dict[str, Any]]:
        """The records of what changed, for the table `watch`."""
        records = []
        for view in made.watches:
            reason = "; ".join(view.reasons)
            # Minutes in a reason go on by themselves: they are not worth a record.
            said = (view.state.value, _DURATIONS.sub("", reason))
            before = (case.verdicts.get(view.id, ""), _DURATIONS.sub("", case.reasons.get(view.id, "")))
            if self._said.get(view.id, before) == said:
                continue
            self._said[view.id] = said
            numbers = {
                "last_ok": view.last_ok,
                "first_denied": view.first_denied,
                "quiet_at": view.quiet_at,
                "lag": None if made.status.lag is None else math.ceil(made.status.lag),
            }
            record = {"kind": "verdict", "watch": view.id, "label": view.label, "state": view.state.value}
            records.append({**record, "reason": reason, "numbers": numbers})
        return records
