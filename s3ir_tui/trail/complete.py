"""What may be written next in a filter: the names of fields, then values that were seen lately."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from s3ir_tui.text import clean
from s3ir_tui.trail.fields import FIELDS, Field, Line, actor, field_named
from s3ir_tui.trail.terms import terms_of

LATELY = 5_000
"""Newest lines whose values are offered."""

_OFFERED = 20
_LONGEST = 120
_TIMES = ("-15m", "-1h", "-6h", "-1d")
_SIZES = ("100kb", "1mb", "100mb", "1gb")
_PLAIN = re.compile(r'[^\s"|*\\]+')


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be written.

    Attributes:
        text: What the term would be.
        help: What it is, or how often it was seen.
    """

    text: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand in place of a part of a text.

    Attributes:
        start: Where the part begins.
        end: Where it ends.
        options: What may stand there, most likely first.
    """

    start: int
    end: int
    options: tuple[Option, ...] = ()

    def taken(self, text: str, index: int) -> tuple[str, int]:
        """The text with an option in it, and where the cursor then stands."""
        option = self.options[index].text
        open_end = option[-1:] in ":=<>"
        after = text[self.end :]
        space = "" if open_end or after.startswith(" ") else " "
        made = text[: self.start] + option + space
        return made + after, len(made)


def complete(text: str, cursor: int, lately: Iterable[Line]) -> Completion:
    """What may be written at the cursor.

    Args:
        text: The filter as far as it is written.
        cursor: Where the cursor stands in it.
        lately: Lines whose values are offered, newest first; at most `LATELY` are looked at, and only for a value.
    """
    terms = terms_of(text[:cursor])
    last = terms[-1] if terms else None
    sign = text[last.start] if last is not None and last.negated else ""
    if last is None or last.start + len(sign) + len(last.word) < cursor:
        return Completion(cursor, cursor, _names("", ""))
    if not last.op:
        return Completion(last.start, cursor, () if last.quoted else _names(sign, last.word.lower()))
    field = field_named(last.field or "severity")
    if field is None:
        return Completion(last.start, cursor)
    head, bar, begun = last.value.rpartition("|") if not last.quoted else ("", "", last.value)
    before = f"{sign}{last.field}{last.op}{head}{bar}"
    found = _values(field, begun.lower(), lately)
    return Completion(last.start, cursor, tuple(Option(before + value, words) for value, words in found))


def term_of(name: str, value: str) -> str:
    """The term that asks for exactly a value, whatever stands in it: quoted, and with `*` for what cannot be shown."""
    field = field_named(name)
    return f"{name}{'=' if field is not None and field.kind == 'part' else ':'}{_written(value)}"


def _written(value: str) -> str:
    if _PLAIN.fullmatch(value) and clean(value) == value:
        return value
    if clean(value) == value:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return re.sub(r"\*+", "*", "".join("*" if _unwritable(char) else char for char in value))


def _unwritable(char: str) -> bool:
    return clean(char) != char or char.isspace() or char in '"|'


def _names(sign: str, begun: str) -> tuple[Option, ...]:
    found = [field for field in FIELDS if field.name.startswith(begun)]
    found += [field for field in FIELDS if field not in found and any(name.startswith(begun) for name in field.also)]
    return tuple(Option(f"{sign}{field.name}:", field.help) for field in found)


def _values(field: Field, begun: str, lately: Iterable[Line]) -> Sequence[tuple[str, str]]:
    fixed = {"time": _TIMES, "number": _SIZES, "record": ()}.get(field.kind, field.choices)
    if fixed or field.kind == "record":
        return [(value, "") for value in fixed if value.startswith(begun)]
    seen: Counter[str] = Counter()
    get = field.get if field.kind != "who" else lambda line: actor(line.event.principal)
    for number, line in enumerate(lately):
        if number >= LATELY:
            break
        value = get(line)
        if value:
            seen[value] += 1
    fitting = [(value, count) for value, count in seen.items() if begun in value.lower() and len(value) <= _LONGEST]
    fitting.sort(key=lambda item: (not item[0].lower().startswith(begun), -item[1], item[0]))
    return [(_written(value), f"{count}x") for value, count in fitting[:_OFFERED]]
