"""Outside strings in Markdown: shown as they are, never read as markup, HTML or links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from s3ir_tui.text import clean

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|~!&$@:^])")
_WEB = re.compile(r"(?i)\bwww\.")
_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")
_TICKS = re.compile(r"`+")


def prose(value: object) -> str:
    """A text for people, in one line: every character of Markdown's in it is escaped."""
    text = _MARKUP.sub(r"\\\1", clean(value))
    text = _WEB.sub(lambda match: f"{match[0][:-1]}\\.", text)
    start = _START.match(text)
    if start is None:
        return text
    mark, rest = start[2], text[start.end() :]
    return f"{start[1]}\\{mark}{rest}" if not mark[0].isdigit() else f"{start[1]}{mark}\\{rest}"


def code(value: object) -> str:
    """A name or a value as a code span, in tables too; nothing in it is read as markup."""
    text = clean(value)
    if not text.strip():
        return ""
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    # The one character that a table reads before the code span is read.
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; cells are escaped already. No lines where there are no rows."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    if not body:
        return []
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body]
