"""What headless commands print: JSON for programs, tables for people; neither can be used to attack a terminal."""

from __future__ import annotations

import contextlib
import enum
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from s3ir_tui.text import clean, fit, middle, width

_GAP = "  "
_NARROWEST = 8
_WIDEST = 120
"""Cells to which a column is padded in a file or pipe: one long object key must not pad every other line."""


class Format(enum.StrEnum):
    """How a command prints."""

    TABLE = "table"
    JSON = "json"


def print_json(value: Any) -> None:
    """Print a value as JSON. Strings are whole, as recorded, and escaped to printable ASCII."""
    say(json.dumps(value, indent=2, ensure_ascii=True, default=str).replace("\x7f", "\\u007f"))


def say(line: str = "") -> None:
    """Print one line of the result."""
    sys.stdout.write(line + "\n")


def tell(line: str) -> None:
    """Print one line about the work, beside the result. A terminal that went away does not stop the work."""
    with contextlib.suppress(OSError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, columns: int | None = None) -> list[str]:
    """The lines of a table, columns under their headers.

    Args:
        headers: One word a column.
        rows: Cells; outside strings are cleaned here.
        columns: Room in terminal cells, in which the widest columns are cut in the middle; no limit where it is `None`.

    Returns:
        The header line and one line a row; nothing where there are no rows.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return []
    widths = [max(width(row[index]) for row in [headers, *cells]) for index in range(len(headers))]
    if columns is None:
        return [_unpadded(row, [min(room, _WIDEST) for room in widths]) for row in [headers, *cells]]
    widths = _narrowed(widths, columns - len(_GAP) * (len(headers) - 1))
    lines = []
    for row in [headers, *cells]:
        head = [fit(cell, room) for cell, room in zip(row[:-1], widths[:-1], strict=True)]
        lines.append(_GAP.join([*head, middle(row[-1], widths[-1])]).rstrip())
    return lines


def print_table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table under its title; a terminal's width is kept, a file or pipe gets whole cells."""
    lines = table(headers, rows, columns=shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    say(title)
    for line in lines or ["none"]:
        say(f"  {line}" if not lines else line)
    say()


def _unpadded(row: Sequence[str], widths: Sequence[int]) -> str:
    """A line of whole cells; one that is wider than its column pushes the others on."""
    padded = [cell + " " * (room - width(cell)) for cell, room in zip(row[:-1], widths[:-1], strict=True)]
    return _GAP.join([*padded, row[-1]]).rstrip()


def _narrowed(widths: list[int], room: int) -> list[int]:
    narrowed = list(widths)
    while sum(narrowed) > room and max(narrowed) > _NARROWEST:
        narrowed[narrowed.index(max(narrowed))] -= 1
    return narrowed
