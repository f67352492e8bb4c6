"""What a question was answered: columns and rows, how complete they are and what they cost, and their exports."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

from s3ir_tui.questions.question import Value, Window
from s3ir_tui.text import clean, size

USD_PER_TB = 5.0
"""What Athena charges for each TB that a query scans, by its public price in most Regions; yours may differ."""

_TB = 10**12
_LEAST_BYTES = 10 * 10**6
"""Athena charges at least 10 MB a query (its pricing page)."""

# A spreadsheet runs a cell as a formula by its first character; some skip spaces, and full-width signs count too
# (OWASP, CSV injection).
_FORMULA = re.compile(r"[\s'\"]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]")


class Cancelled(Exception):
    """The question was taken back before it was answered."""


Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question.

    Attributes:
        question: Its id.
        parameters: What it was asked with.
        window: The time that was asked about.
        engine: Who answered: `local files`, `athena PLACE`.
        columns: Names of the columns.
        rows: Cells, as recorded: clean them to show them.
        truncated: Whether there were more rows than these.
        seconds: How long it took.
        scanned: Bytes that were scanned for it and are charged for; `None` where nothing is.
        usd_per_tb: The price that the estimate is made with.
        notes: What the reader must know of it.
    """

    question: str
    parameters: dict[str, Value]
    window: Window
    engine: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool = False
    seconds: float = 0.0
    scanned: int | None = None
    usd_per_tb: float = USD_PER_TB
    notes: tuple[str, ...] = ()

    @property
    def cost(self) -> float | None:
        """What it cost, in USD: an estimate from the bytes scanned; `None` where nothing is charged."""
        return None if self.scanned is None else estimate(self.scanned, self.usd_per_tb)

    @property
    def count(self) -> str:
        """`1 row`, `12 rows`, `10000 rows (there are more)`."""
        words = "1 row" if len(self.rows) == 1 else f"{len(self.rows)} rows"
        return f"{words} (there are more)" if self.truncated else words

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON values, strings whole."""
        return {
            "question": self.question,
            "parameters": self.parameters,
            "since": self.window.since,
            "until": self.window.until,
            "engine": self.engine,
            "columns": list(self.columns),
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "truncated": self.truncated,
            "seconds": round(self.seconds, 3),
            "scanned_bytes": self.scanned,
            "estimated_cost_usd": self.cost,
            "notes": list(self.notes),
        }

    def to_csv(self) -> str:
        """The rows as CSV that a spreadsheet shows and does not run."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([csv_cell(cell) for cell in row] for row in self.rows)
        return buffer.getvalue()

    def summary(self) -> str:
        """One line: how many rows, from where, at what cost."""
        words = f"{self.count}, {self.engine}, {self.seconds:.1f} s"
        if self.scanned is not None and self.cost is not None:
            words += f", {size(self.scanned)} scanned, about ${self.cost:.4f} (estimate at ${self.usd_per_tb:g} a TB)"
        return words


def estimate(scanned: int, usd_per_tb: float = USD_PER_TB) -> float:
    """What a query costs, in USD.

    Args:
        scanned: Bytes that it scanned.
        usd_per_tb: Price of a TB.
    """
    return max(scanned, _LEAST_BYTES) / _TB * usd_per_tb if scanned else 0.0


def csv_cell(value: Cell) -> str:
    """A cell that is a text to every spreadsheet: control characters visible, no formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    text = clean(value)
    return f"'{text}" if _FORMULA.match(text) else text
