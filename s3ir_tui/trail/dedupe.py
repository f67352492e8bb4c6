"""Which events were seen before: event ids in bounded memory."""

from __future__ import annotations

import hashlib
from array import array
from binascii import unhexlify
from bisect import bisect_left
from collections.abc import Iterable

KEPT = 20_000_000
"""Most ids that are remembered: eight bytes each. An event that comes again later than that is taken for a new one."""

ID = 16
"""Bytes of a packed id."""

_NEW = 1 << 16
_MOST_BLOCKS = 24
_OFTEN = 16


def pack(ident: str) -> bytes:
    """An event id in 16 bytes: the UUID that it is, else its hash."""
    try:
        packed = unhexlify(ident.replace("-", ""))
    except ValueError:
        packed = b""
    return packed if len(packed) == ID else hashlib.blake2b(ident.encode("utf-8", "replace"), digest_size=ID).digest()


def unpacked(packed: bytes) -> list[bytes]:
    """Packed ids that stand one after the other."""
    return [packed[at : at + ID] for at in range(0, len(packed), ID)]


class _Block:
    """Ids of events between two times: an event that comes again has the time that it had."""

    __slots__ = ("_asked", "_sorted", "first", "hashes", "last")

    def __init__(self, hashes: Iterable[int], first: str, last: str) -> None:
        self.hashes = array("q", hashes)
        self.first, self.last = first, last
        self._sorted = False
        self._asked = 0

    def holds(self, value: int, at: str) -> bool:
        """Whether the id of an event of a time is among them."""
        return self.first <= at <= self.last and self._holds(value)

    def among(self, values: set[int], first: str, last: str) -> set[int]:
        """Those of the ids of events between two times that are among them."""
        if last < self.first or self.last < first:
            return set()
        self._asked += 1
        if not self._sorted and self._asked < _OFTEN:
            return values.intersection(self.hashes)
        return {value for value in values if self._holds(value)}

    def _holds(self, value: int) -> bool:
        if not self._sorted:  # put off: most blocks are asked a few times, by the files next to theirs
            self.hashes = array("q", sorted(self.hashes))
            self._sorted = True
        place = bisect_left(self.hashes, value)
        return place < len(self.hashes) and self.hashes[place] == value


class EventIds:
    """Remembers the ids of events with their times.

    Hashes are kept, not the ids: 64 bits, keyed anew in each process. Two of a million events meet by chance once in
    forty million runs, and no one outside can make them meet.

    Args:
        kept: Most ids that are remembered.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._new: set[int] = set()
        self._first = self._last = ""
        self._blocks: list[_Block] = []
        self._latest = ""

    def __len__(self) -> int:
        return len(self._new) + sum(len(block.hashes) for block in self._blocks)

    def add(self, ident: str, at: str) -> bool:
        """Remember an id; tells whether it is new.

        Args:
            ident: `eventID`.
            at: The event's time.
        """
        value = hash(pack(ident))
        if value in self._new:
            return False
        if at <= self._latest and any(block.holds(value, at) for block in self._blocks):
            return False
        self._new.add(value)
        self._first = min(self._first or at, at)
        self._last = max(self._last, at)
        self._settle()
        return True

    def claim(self, packed: bytes, first: str, last: str) -> set[bytes] | None:
        """Remember many ids.

        Args:
            packed: Packed ids, one after the other.
            first: Time of the earliest of their events.
            last: Time of the latest.

        Returns:
            `None` where every one is new. Else those that were known before; some may come twice among the others.
        """
        ids = unpacked(packed)
        values = list(map(hash, ids))
        new = set(values)
        known = new & self._new
        for block in self._blocks:
            known |= block.among(new, first, last)
        self._new |= new - known
        self._first = min(self._first or first, first)
        self._last = max(self._last, last)
        self._settle()
        if not known and len(new) == len(values):
            return None
        return {ident for ident, value in zip(ids, values, strict=True) if value in known}

    def _settle(self) -> None:
        if len(self._new) >= _NEW:
            self._keep(self._new, self._first, self._last)
            self._new, self._first, self._last = set(), "", ""

    def _keep(self, values: set[int], first: str, last: str) -> None:
        if not values:
            return
        self._blocks.append(_Block(values, first, last))
        self._latest = max(self._latest, last)
        if len(self._blocks) > _MOST_BLOCKS:
            self._join()
        while len(self._blocks) > 1 and len(self) > self._kept:
            del self._blocks[0]

    def _join(self) -> None:
        """Make one block of the two neighbours that are the smallest together."""
        sizes = [len(block.hashes) for block in self._blocks]
        at = min(range(len(sizes) - 1), key=lambda index: sizes[index] + sizes[index + 1])
        one, other = self._blocks[at : at + 2]
        first, last = min(one.first, other.first), max(one.last, other.last)
        self._blocks[at : at + 2] = [_Block(one.hashes + other.hashes, first, last)]


class SeenIds:
    """Remembers the newest ids of one source. The older half is forgotten as a whole.

    Args:
        kept: Ids in each half.
    """

    def __init__(self, kept: int) -> None:
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
