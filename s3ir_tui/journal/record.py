"""A record of the case log as its readers see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s3ir_tui.journal import attachments
from s3ir_tui.journal.chain import STORED, Frozen

_NOTHING: Mapping[str, Any] = {}


class Record(Mapping[str, Any]):
    """A record: its fields as a mapping, read-only all the way down.

    Values that were too large for a line are read from their files when they are asked for; where a file is missing or
    altered, the field holds what the record says of it: `{"bytes": ..., "sha256": ...}`.

    Attributes:
        ref: Reference to cite it by: `46d868cb:17`.
        table: Its table.
        session: Id of the console session that wrote it; from the name of the file, which a forged line cannot choose.
        order: Key of the time order: its `ts`, unless the clock of its session was set back meanwhile.
    """

    __slots__ = ("_case", "_entry", "order", "ref", "session", "table")

    def __init__(self, entry: Frozen, ref: str, session: str, order: str, case: Path) -> None:
        self._entry, self._case = entry, case
        self.ref, self.session, self.order = ref, session, order
        self.table: str = entry["table"]

    @property
    def ts(self) -> str:
        """When it was written, UTC: `2026-11-24T03:49:51.789341Z`."""
        ts: str = self._entry["ts"]
        return ts

    @property
    def seq(self) -> int:
        """Its number in its session, from 0."""
        seq: int = self._entry["seq"]
        return seq

    def __getitem__(self, key: str) -> Any:
        if key in self._entry and key != STORED:
            return self._entry[key]
        said = self._stored[key]
        try:
            return attachments.get(self._case, said)
        except ValueError:
            return said

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of a field, or the default where there is none."""
        entry = self._entry
        if key in entry and key != STORED:
            return entry[key]
        return self[key] if key in self._stored else default

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._entry if key != STORED)
        yield from (key for key in self._stored if key not in self._entry)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<Record {self.ref} {self.table} {self._entry.get('kind', '')!r}>"

    @property
    def _stored(self) -> Mapping[str, Any]:
        stored = self._entry.get(STORED)
        return stored if isinstance(stored, Mapping) else _NOTHING
