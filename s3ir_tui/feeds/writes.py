"""What was written to in the account, by our own log and by the trail, and what is looked at closely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3ir_tui.room import Row
from s3ir_tui.trail.arns import account_of
from s3ir_tui.trail.targets import Target, of_call, of_identity

if TYPE_CHECKING:
    from s3ir_tui.journal import Record


class OwnWrites:
    """Reads from the log what the plans of this case write to."""

    def __init__(self) -> None:
        self._intents: dict[str, tuple[Target, ...]] = {}

    def take(self, records: Iterable[Record]) -> list[tuple[Target, datetime]]:
        """The targets of calls that have an outcome now, with its time.

        Args:
            records: Records of the log, as they come.
        """
        found: list[tuple[Target, datetime]] = []
        for record in records:
            if record.table != "actions":
                continue
            call, kind = record.get("call"), record.get("kind")
            if kind == "intent" and isinstance(call, Mapping):
                texts = [str(call.get(name) or "") for name in ("service", "operation", "region")]
                params = call.get("params")
                if isinstance(params, Mapping):
                    self._intents[record.ref] = of_call(texts[0], texts[1], params, texts[2])
            elif kind == "outcome":
                found += list(
                    moments((target, record.ts) for target in self._intents.pop(str(record.get("intent")), ()))
                )
        return found


def moments(writes: Iterable[tuple[Target, str]]) -> Iterator[tuple[Target, datetime]]:
    """Writes with their time (`2026-11-24T09:14:07Z`) as a moment."""
    for target, text in writes:
        try:
            yield target, datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            continue


def closely(rows: Iterable[Row], account: str) -> Iterator[Target]:
    """What is marked or suspect among the rows of the board, as far as it belongs to the account.

    Args:
        rows: The rows.
        account: Account id of the console.
    """
    for row in rows:
        if not (row.marked or row.suspect):
            continue
        if row.kind == "bucket":
            yield Target("bucket", row.id)
        elif row.kind == "instance":
            yield Target("instance", row.id)
        elif account_of(row.id) == account:
            yield from of_identity(row.id)
