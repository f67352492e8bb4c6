"""Which events were seen before: bounded memory of event ids."""

from __future__ import annotations

KEPT = 2_000_000
"""Ids in each of the two generations: an event that comes again later than that is taken for a new one."""


class SeenIds:
    """Remembers event ids. The older half is forgotten as a whole, so that each look-up costs the same.

    Hashes are kept, not the ids: 64 bits, keyed anew in each process. Two of a million events meet by chance once in
    forty million runs, and no one outside can make them meet.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._new: set[int] = set()
        self._old: set[int] = set()

    def add(self, ident: str) -> bool:
        """Remember an id; tells whether it is new."""
        value = hash(ident)
        if value in self._new or value in self._old:
            return False
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, set()
        self._new.add(value)
        return True
