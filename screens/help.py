"""Help: every key of the screen that it was asked on, and what the words mean."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from s3ir_tui.states import LEGEND
from screens.document import DocumentScreen
from screens.keys import Key, keys_of
from screens.state import State
from screens.widgets.palette import BOLD, PLAIN, state_mark

_LEGEND = (
    ("*", "marked by a responder"),
    ("›", "the cursor"),
    ("ok / denied / failed", "how a call ended: attempts and successes are never one number"),
    ("▁▂▅▇", "calls that succeeded, one cell is 10 seconds, newest at the right; · is none"),
    ("late", "came a minute or more after newer events: it stands where it belongs by its time"),
    ("late, of 02:27", "older than all lines in memory: it stands before them"),
    ("?", "not known; never the same as none"),
    ("bucket:x -who:y", 'a filter of the tail: all must hold; * any text, a|b one of two, "as it is", >=high'),
)


class HelpScreen(DocumentScreen):
    """The keys of a screen.

    Args:
        state: What all screens look at.
        keys: The keys that make sense there now.
    """

    def __init__(self, state: State, keys: Sequence[Key]) -> None:
        super().__init__(state, "Help", help_lines(keys))


def help_lines(keys: Sequence[Key]) -> list[tuple[str, Style]]:
    """Keys and words as lines."""
    lines: list[tuple[str, Style]] = [("No key changes AWS by itself: actions show a plan first.", BOLD), ("", PLAIN)]
    lines.append(("State of a suspect", BOLD))
    for state, meaning in LEGEND.items():
        word, style = state_mark(state)
        lines.append((f"  {word:<16}  {meaning.text}", style))
    lines += [("", PLAIN), ("Signs", BOLD)]
    lines += [(f"  {sign:<20}  {words}", PLAIN) for sign, words in _LEGEND]
    lines += [("", PLAIN), ("Keys", BOLD)]
    lines += [(f"{key.label:>12}  {key.help}", PLAIN) for key in keys]
    listed = {key.label for key in keys}
    lines += [("", PLAIN), ("In lists and texts", BOLD)]
    lines += [(f"{key.label:>12}  {key.help}", PLAIN) for key in keys_of("list") if key.label not in listed]
    return lines
