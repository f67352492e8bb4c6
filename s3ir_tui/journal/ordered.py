"""The records of a case in time order, kept so while they come in."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter

from s3ir_tui.journal.record import Record

_FEW = 16
_order = attrgetter("order")


class Ordered:
    """Records in time order, all of them and by table. Changed by one thread; any thread may take a copy."""

    def __init__(self) -> None:
        self._all: list[Record] = []
        self._tables: dict[str, list[Record]] = {}

    def copy(self, table: str | None = None) -> list[Record]:
        """The records, or those of one table."""
        return list(self._all if table is None else self._tables.get(table, ()))

    def add(self, new: list[Record]) -> list[Record]:
        """Add records in any order; gives them back in theirs."""
        new.sort(key=_order)
        self._all = _merged(self._all, new)
        for table in {record.table for record in new}:
            of_table = [record for record in new if record.table == table]
            self._tables[table] = _merged(self._tables.get(table, []), of_table)
        return new


def _merged(old: list[Record], new: list[Record]) -> list[Record]:
    if not old or not new or old[-1].order <= new[0].order:
        old += new
        return old
    if len(new) <= _FEW:
        for record in new:
            insort(old, record, key=_order)
        return old
    return sorted([*old, *new], key=_order)
