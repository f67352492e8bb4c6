"""What is searched in the tail, and where it is: looked for in slices, the newest match first."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from s3ir_tui.trail.fields import Line
from s3ir_tui.trail.filter import EVERYTHING, Filter, FilterError, parse
from s3ir_tui.trail.sieve import Lines, Sieve, Test

Towards = Literal["older", "newer"]


class Search:
    """A search in the lines that a tail shows.

    Args:
        lines: The lines.
        passes: Whether the tail shows a line.

    Attributes:
        filter: What is searched.
    """

    def __init__(self, lines: Lines, passes: Test) -> None:
        self._passes = passes
        self._hits = Sieve(lines)
        self.filter: Filter = EVERYTHING

    @property
    def active(self) -> bool:
        """Whether anything is searched."""
        return self.filter.test is not None

    @property
    def done(self) -> bool:
        """Whether every line was looked at, or none has to be."""
        return not self.active or self._hits.done

    def ask(self, text: str, now: datetime) -> None:
        """Search what a filter finds; lines that hold the text as it is, where it is no filter."""
        try:
            self.filter = parse(text, now) if text else EVERYTHING
        except FilterError:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            literal = parse(f'"{quoted}"')
            self.filter = Filter(text, literal.test, literal.marks, literal.needles)

    def begin(self, beneath: Filter) -> None:
        """Begin anew at the newest line.

        Args:
            beneath: The filter of the tail.
        """
        needles = (*beneath.needles, *self.filter.needles)
        self._hits.begin(self._is_shown_hit, needles, records=self.filter.record or beneath.record)

    def take(self) -> None:
        """Look at the lines that came."""
        if self.active:
            self._hits.take()

    def step(self, seconds: float) -> None:
        """Look at older lines for so long."""
        if self.active:
            self._hits.step(seconds)

    def is_hit(self, line: Line | None) -> bool:
        """Whether a line is searched for."""
        return line is not None and self.filter.test is not None and self.filter.test(line)

    def _is_shown_hit(self, line: Line) -> bool:
        return self.is_hit(line) and self._passes(line)

    def __len__(self) -> int:
        return len(self._hits)

    def oldest(self) -> int:
        """Number of the oldest match found so far."""
        return self._hits[0]

    def next(self, here: int | None, towards: Towards) -> int | None:
        """Number of the next match from a line, `None` where none was found so far."""
        index = self._index(here)
        if towards == "older":
            index -= 1
        elif self._is_at(index, here):
            index += 1
        return self._hits[index] if 0 <= index < len(self._hits) else None

    def place(self, here: int | None) -> str:
        """`3 of 17`: the place of a line among the matches, counted from the newest, and how far the search is."""
        count, part = len(self._hits), part_of(self._hits)
        if not count:
            return "no match" if self.done else f"searching{part}"
        index = self._index(here)
        return f"{count - index:,} of {count:,}{part}" if self._is_at(index, here) else f"{count:,}{part}"

    def _index(self, here: int | None) -> int:
        return self._hits.index_of(-1 if here is None else here)

    def _is_at(self, index: int, here: int | None) -> bool:
        return index < len(self._hits) and self._hits[index] == here


def part_of(sieve: Sieve) -> str:
    """`, 40 % searched`, "" once it is through."""
    return "" if sieve.done else f", {int(sieve.searched * 100)} % searched"
