"""The difference between two states, as lines with a sign in front."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any, Literal

from rich.style import Style

from screens.widgets.palette import BOLD, DIM, PLAIN

Sign = Literal["+", "-", " ", "~"]
CONTEXT = 2


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: `+` comes, `-` goes, blank stays, `~` stands for what is left out.

    Attributes:
        sign: What happens to it.
        text: The line, as it is: clean it to show it.
    """

    sign: Sign
    text: str

    @property
    def style(self) -> Style:
        """Sign first: it reads without colour."""
        return {"+": BOLD, "-": Style(color="red"), " ": PLAIN, "~": DIM}[self.sign]


def pretty(state: Any) -> list[str]:
    """A state as lines of JSON, keys in order: AWS gives documents back in an order of its own.

    Text that is JSON itself is laid out too.
    """
    if isinstance(state, str):
        try:
            parsed = json.loads(state)
        except ValueError:
            return state.splitlines() or [""]
        if isinstance(parsed, dict | list):
            state = parsed
    return json.dumps(state, indent=2, sort_keys=True, ensure_ascii=False, default=str).splitlines()


def diff(before: Any, after: Any, context: int | None = CONTEXT) -> list[DiffLine]:
    """What changes from one state to another.

    Args:
        before: The state as read; `None` is "there is none".
        after: The state that is wanted.
        context: Unchanged lines kept around each change; all of them where it is `None`.
    """
    old = ["(none)"] if before is None else pretty(before)
    new = ["(none)"] if after is None else pretty(after)
    lines: list[DiffLine] = []
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            lines += _kept(old[a:b], context, first=a == 0, last=b == len(old))
            continue
        lines += [DiffLine("-", text) for text in old[a:b]]
        lines += [DiffLine("+", text) for text in new[c:d]]
    return lines


def _kept(lines: list[str], context: int | None, *, first: bool, last: bool) -> list[DiffLine]:
    before, after = (0 if first else context or 0), (0 if last else context or 0)
    if context is None or len(lines) <= before + after + 1:
        return [DiffLine(" ", text) for text in lines]
    head, tail = lines[:before], lines[len(lines) - after :]
    left_out = DiffLine("~", f"{len(lines) - before - after} lines stay as they are")
    return [*(DiffLine(" ", text) for text in head), left_out, *(DiffLine(" ", text) for text in tail)]
