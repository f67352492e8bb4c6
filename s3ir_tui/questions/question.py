"""A question to the history of calls, as data: its SQL text and the parameters that are bound to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from s3ir_tui.text import clean
from s3ir_tui.trail.event import Event

COLUMNS: tuple[str, ...] = tuple(name for name in Event.__struct_fields__ if name != "raw")
"""The columns of the relation `events`: what an `Event` has, but for the record itself."""

NUMBERS = frozenset({"bytes_in", "bytes_out"})
FLAGS = frozenset({"read_only"})

Kind = Literal["bucket", "key", "actor", "time", "count"]
"""What a parameter is: an actor is an access key id, or the ARN of a user, role or role session."""

Value = str | int

_NAMED = re.compile(r":([a-z_]+)")
_MOST = 10**15
_LONGEST = 2_048


class QuestionError(ValueError):
    """A question that cannot be asked so. The message says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What must be known to ask a question.

    Attributes:
        name: Its name in the SQL text.
        kind: What it is.
        title: What it means, for the form.
        default: What it is where it is not given; `None` where it must be given. "" stands for any.
    """

    name: str
    kind: Kind
    title: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The time asked about, both ends included; "" leaves an end open.

    Attributes:
        since: First moment, `YYYY-MM-DDTHH:MM:SSZ`.
        until: Last moment.
    """

    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """A SQL text with `?` where values go, and the values in that order."""

    text: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        id: Its name on the command line and in the record.
        title: The question in a few words.
        answers: What its rows say.
        blind: What they cannot say.
        sql: A `SELECT` over `events`, read once, with `:name` for each parameter. It is the same text for every engine,
            so it keeps to what SQLite and Trino share.
        parameters: What must be known.
    """

    id: str
    title: str
    answers: str
    blind: str
    sql: str
    parameters: tuple[Parameter, ...] = field(default=())

    def settle(self, given: Mapping[str, str]) -> dict[str, Value]:
        """The value of every parameter.

        Args:
            given: Values by name.

        Raises:
            QuestionError: One is missing, is not of its kind, or is not asked for.
        """
        known = {item.name: item for item in self.parameters}
        for name in given:
            if name not in known:
                takes = ", ".join(known) or "nothing"
                raise QuestionError(f"{self.id} takes no {clean(name)}: it takes {takes}")
        return {name: _value(self.id, item, given.get(name, "")) for name, item in known.items()}

    def bind(self, given: Mapping[str, str]) -> Bound:
        """The text with `?` for each value, and the values.

        Times and counts stand in the text itself: they are checked to be nothing else, and Athena takes a `?` in the
        `WHERE` clause only (Athena User Guide, parameterized queries).

        Raises:
            QuestionError: As `settle`.
        """
        values = self.settle(given)
        plain = {
            item.name: f"'{values[item.name]}'" if item.kind == "time" else str(values[item.name])
            for item in self.parameters
            if item.kind in ("time", "count")
        }
        text = _NAMED.sub(lambda match: plain.get(match[1], "?"), self.sql)
        return Bound(text, tuple(values[name] for name in _NAMED.findall(self.sql) if name not in plain))


def wrapped(relation: str, bound: Bound, around: tuple[Value, ...] = ()) -> Bound:
    """A question's text over the relation that an engine has for `events`.

    Args:
        relation: A `SELECT` that gives the columns of `events`.
        bound: The question.
        around: Values of the `?` in `relation`.
    """
    return Bound(f"WITH events AS (\n{relation}\n)\n{bound.text}", (*around, *bound.values))


def moment(text: str) -> str:
    """A time as events have it.

    Args:
        text: ISO 8601; UTC where it names no zone, midnight where it names no time.

    Raises:
        QuestionError: It is no time.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise QuestionError(f"{clean(text)!r} is no time: write 2026-03-06T03:17:00Z") from None
    return f"{found.year:04}-{found:%m-%dT%H:%M:%SZ}"


def _value(question: str, parameter: Parameter, given: str) -> Value:
    text = given if parameter.kind == "key" else given.strip()
    if text == "":
        if parameter.default is None:
            raise QuestionError(f"{question} needs {parameter.name}: {parameter.title}")
        text = parameter.default
    if len(text) > _LONGEST:
        raise QuestionError(f"{parameter.name} is longer than {_LONGEST} characters")
    if not text.isascii() and text != text.encode("utf-8", "replace").decode():
        raise QuestionError(f"{parameter.name} is no text: it holds half a character")
    if parameter.kind == "time":
        return moment(text)
    if parameter.kind == "count":
        if not (text.isascii() and text.isdigit()) or int(text) > _MOST:
            raise QuestionError(f"{parameter.name} must be a whole number, not {clean(text)!r}")
        return int(text)
    return text
