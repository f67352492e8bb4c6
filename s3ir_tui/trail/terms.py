"""A filter's text taken apart: terms with their field, comparison and value, quotes taken off."""

from __future__ import annotations

import re
from dataclasses import dataclass

from s3ir_tui.trail.fields import field_named

_TOKEN = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*(?:"|\\?$))+')
_HEAD = re.compile(r"([A-Za-z][\w-]*)?(>=|<=|>|<|:|=)")
_ESCAPED = re.compile(r"\\(.)")
_NO_FIELDS = frozenset({"arn", "http", "https"})
"""What stands before a colon in a text that is meant as it is."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a filter.

    Attributes:
        start: Where it begins in the text.
        word: As it was written, without the sign of negation.
        negated: Whether it is not wanted.
        field: Name of the field, lower case; "" for a word, and for `>=high`.
        op: How it is compared: `:`, `=`, `>=`, `<=`, `>`, `<`; "" for a word.
        value: The value, quotes taken off.
        quoted: Whether it stood in quotes and is meant as it is.
    """

    start: int
    word: str
    negated: bool
    field: str
    op: str
    value: str
    quoted: bool

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The values of which one must hold."""
        if self.quoted or "|" not in self.value:
            return (self.value,)
        return tuple(value for value in self.value.split("|") if value) or (self.value,)


def terms_of(text: str) -> list[Term]:
    """The terms of a filter. A quote that is not closed reaches to the end."""
    return [_term(match.start(), match[0]) for match in _TOKEN.finditer(text)]


def _term(start: int, token: str) -> Term:
    negated = len(token) > 1 and token[0] in "-!"
    word = token[1:] if negated else token
    head = _HEAD.match(word)
    name = (head[1] or "").lower() if head else ""
    is_field = head is not None and name not in _NO_FIELDS and _may_be_field(name, head[2])
    rest = word[head.end() :] if head is not None and is_field else word
    value, quoted = _unquoted(rest)
    if not is_field or head is None:
        return Term(start, word, negated, "", "", value, quoted)
    return Term(start, word, negated, name, head[2], value, quoted)


def _may_be_field(name: str, op: str) -> bool:
    """A colon asks for a field, known or not; other signs do where the name is one, as keys hold `=` too."""
    if not name:
        return op in (">=", "<=", ">", "<")
    return op == ":" or field_named(name) is not None


def _unquoted(text: str) -> tuple[str, bool]:
    if '"' not in text:
        return text, False
    parts: list[str] = []
    for part in re.findall(r'"((?:\\.|[^"\\])*)(?:"|\\?$)|([^"]+)', text):
        parts.append(_ESCAPED.sub(r"\1", part[0]) if part[0] or not part[1] else part[1])
    return "".join(parts), True
