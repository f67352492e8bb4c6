"""The only way an outside string becomes display text.

User agents, object keys, tags, session names and error messages are the attacker's. Textual's widgets hand control
sequences in data straight to the terminal, and markup in data crashes the application or runs its actions, so every
outside string passes `clean` once, at the boundary where it enters, and reaches widgets only as `Text` or `Content`.
"""

from __future__ import annotations

import re
import unicodedata

# C0, DEL, C1, bidi controls and overrides, zero-width and odd-width blanks, joiners, line separators, BOM,
# lone surrogates, shorthand and musical format controls, tag characters, variation selectors and non-characters:
# everything that changes what a reader sees without being seen itself.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MOST_MARKS = 3
"""Combining marks on one letter; languages need two at most. More of them make a line as high as the screen."""

ELLIPSIS = "…"


def _visible(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(value: object) -> str:
    """Make an outside value safe to show: control, bidi and invisible characters become visible escapes.

    Args:
        value: Anything; `None` gives the empty string, other objects their `str`.

    Returns:
        One line of text. Printable text comes back unchanged (and unchanged by a second call).
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    if text.isascii() and text.isprintable():
        return text
    return _few_marks(_UNSAFE.sub(_visible, text))


def _few_marks(text: str) -> str:
    if not any(map(unicodedata.combining, text)):
        return text
    parts, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        parts.append(char if marks <= _MOST_MARKS else _escape(char))
    return "".join(parts)


def clean_block(value: object) -> str:
    """As `clean`, line by line: newlines stay, tabs become four spaces. For JSON documents and notes."""
    text = "" if value is None else str(value)
    return "\n".join(clean(line.replace("\t", "    ")) for line in text.split("\n"))


def width(text: str) -> int:
    """The number of terminal cells of a cleaned text."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def middle(text: str, cells: int) -> str:
    """Cut in the middle, never at the end that tells: `AKIA…Q2D4`.

    Args:
        text: A cleaned text.
        cells: The room there is, in terminal cells.

    Returns:
        `text` itself where it fits, else its two ends around an ellipsis; never wider than `cells`.
    """
    if width(text) <= cells:
        return text
    if cells <= 1:
        return ELLIPSIS[: max(cells, 0)]
    left = (cells - 1) // 2
    head, tail = _take(text, left), _take(text[::-1], cells - 1 - left)[::-1]
    return head + ELLIPSIS + tail


def fit(text: str, cells: int) -> str:
    """`middle`, padded on the right to exactly `cells`."""
    short = middle(text, cells)
    return short + " " * (cells - width(short))


def _take(text: str, cells: int) -> str:
    taken, used = 0, 0
    for char in text:
        used += width(char)
        if used > cells:
            break
        taken += 1
    return text[:taken]


def size(count: int | None) -> str:
    """Bytes for people: `412 B`, `1.9 GB` (decimal units, as the S3 console shows them); `?` where unknown."""
    if count is None:
        return "?"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def ago(seconds: float) -> str:
    """A duration for people: `41s`, `12m31`, `3h05`, `2d04h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def short_arn(arn: str) -> str:
    """`user/svc-export`, `role/etl/i-0a1b`, `acct 9999…7777`: what of an ARN a person reads first."""
    if re.fullmatch(r"(AWSAccount:)?\d{12}", arn):
        return f"acct {arn[-12:-8]}…{arn[-4:]}"
    if not arn.startswith("arn:"):
        return arn
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    kind, _, rest = parts[5].partition("/")
    if kind == "assumed-role":
        return f"role/{rest}"
    if kind in ("user", "role") and "/" in rest:
        return f"{kind}/{rest.rsplit('/', 1)[1]}"
    if kind == "root":
        return f"root {parts[4][:4]}…{parts[4][-4:]}"
    return parts[5]
