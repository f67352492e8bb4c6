"""A list of bounded length whose items keep their numbers while the oldest ones fall out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Items numbered from 0 for ever; the newest `capacity` of them are kept.

    Attributes:
        start: Number of the oldest item that is kept.
        end: Number that the next item will get.
    """

    __slots__ = ("_capacity", "_items", "end", "start")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: list[T] = []
        self.start = self.end = 0

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, number: int) -> T:
        if not self.start <= number < self.end:
            raise IndexError(number)
        return self._items[number % self._capacity]

    def extend(self, items: Iterable[T]) -> None:
        """Add items at the end; the oldest fall out where there is no more room."""
        for item in items:
            place = self.end % self._capacity
            if place == len(self._items):
                self._items.append(item)
            else:
                self._items[place] = item
            self.end += 1
        self.start = max(self.start, self.end - self._capacity)

    def clear(self) -> None:
        """Empty it; numbers begin anew."""
        self._items.clear()
        self.start = self.end = 0
