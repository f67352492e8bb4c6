"""Wildcards and policy variables in the values of a policy."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias


class Wild(enum.Enum):
    """A wildcard of a pattern."""

    MANY = "*"
    ONE = "?"


Tokens: TypeAlias = tuple[str | Wild, ...]
Resolve: TypeAlias = Callable[[str], str | None]

_TOKEN = re.compile(r"\$\{([^{}]*)\}|[*?]|[^*?$]+|\$")
_VARIABLE = re.compile(r"\s*([^\s,]+)\s*(?:,\s*'([^']*)'\s*)?\Z")
_ARN_PARTS = 6


def has_variable(text: str) -> bool:
    """Whether the text holds something of the form `${...}`."""
    return "${" in text


def tokens(text: str, resolve: Resolve | None) -> Tokens | None:
    """Take a value of a policy apart into plain text and wildcards.

    What a variable stands for is plain text: a `*` in it is no wildcard.

    Args:
        text: The value as written.
        resolve: What a variable stands for in this request, or `None` if it stands for nothing or for more than one
            value; no resolver at all in documents of the old version, where variables are plain text.

    Returns:
        The tokens, or `None` if a variable without default cannot be resolved: the value then matches nothing
        (IAM User Guide, policy variables).
    """
    found: list[str | Wild] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("*", "?"):
            found.append(Wild(token))
        elif match.group(1) is not None and resolve is not None:
            value = _variable(match.group(1), resolve)
            if value is None:
                return None
            found.append(value)
        elif match.group(1) is not None:
            found.extend(Wild(piece) if piece in ("*", "?") else piece for piece in re.split(r"([*?])", token) if piece)
        else:
            found.append(token)
    return tuple(found)


def plain(parts: Tokens) -> str:
    """The text that the tokens were made from, variables replaced; for operators that know no wildcards."""
    return "".join(part.value if isinstance(part, Wild) else part for part in parts)


@lru_cache(maxsize=8192)
def glob(parts: Tokens) -> re.Pattern[str]:
    """A pattern that matches the whole text, wildcards reaching over everything."""
    return re.compile(_source(parts, ".") + r"\Z", re.DOTALL)


@lru_cache(maxsize=8192)
def arn(parts: Tokens) -> re.Pattern[str]:
    """A pattern for ARNs: each of the six parts on its own, only the last one may reach over colons.

    Source: IAM User Guide, ARN condition operators. Missing parts are wildcards, so that `*` stands for any ARN.
    """
    segments: list[list[str | Wild]] = [[]]
    for part in parts:
        if isinstance(part, Wild):
            segments[-1].append(part)
            continue
        first, *others = part.split(":", _ARN_PARTS - len(segments))
        segments[-1].append(first)
        segments.extend([other] for other in others)
    while len(segments) < _ARN_PARTS:
        segments.append([Wild.MANY])
    sources = [_source(tuple(segment), "[^:]") for segment in segments[:-1]]
    return re.compile(":".join([*sources, _source(tuple(segments[-1]), ".")]) + r"\Z", re.DOTALL)


def _source(parts: Tokens, one: str) -> str:
    pieces = [""]
    for part in parts:
        if part is Wild.MANY:
            pieces.append("")
        else:
            pieces[-1] += one if isinstance(part, Wild) else re.escape(part)
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    # Atomic groups: the leftmost place is always right for a piece between two stars, so a hostile pattern such as
    # `*a*a*a*...` costs no more than one pass over the text.
    return first + "".join(f"(?>{one}*?{piece})" for piece in middle if piece) + f"{one}*{last}"


def _variable(body: str, resolve: Resolve) -> str | None:
    if body in ("*", "?", "$"):
        return body
    match = _VARIABLE.match(body)
    if match is None:
        return None
    value = resolve(match.group(1))
    return match.group(2) if value is None else value
