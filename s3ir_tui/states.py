"""The legend of the state words: each with its glyph and what it means; used by help, screens and report."""

from __future__ import annotations

from dataclasses import dataclass

from s3ir_tui.model import State


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a state word says.

    Attributes:
        glyph: One cell that goes before the word, so that states can be told apart without colour.
        text: What it means, in a sentence without a full stop.
    """

    glyph: str
    text: str


LEGEND: dict[State, Meaning] = {
    State.ACTIVE: Meaning("●", "not contained, and one of its calls succeeded within the delay of the trail"),
    State.CONTAINING: Meaning("◌", "a plan against it is running"),
    State.NO_PROOF_YET: Meaning("◔", "contained; the trail is still behind, so silence proves nothing yet"),
    State.HOLDING: Meaning("◑", "contained: no call was allowed since; it is QUIET if this lasts as long as was asked"),
    State.LEAKING: Meaning("◆", "contained, but calls were allowed afterwards: the containment has a gap"),
    State.STILL_IN: Meaning("■", "contained, but something that it created or granted access to is still active"),
    State.QUIET: Meaning(
        "○", "nothing was allowed for as long as was asked, and every source that could show it was read"
    ),
    State.RETURNED: Meaning("▲", "it was QUIET, and calls were allowed again"),
    State.UNKNOWN: Meaning("?", "its calls could have been missed: the reason stands beside the word"),
}

_OLDER_WORDS = {"NOT QUIET YET": State.HOLDING}
"""Words in cases of older versions. That one said HOLDING and LEAKING alike: the newest numbers tell which."""


def state_of(word: str | None) -> State:
    """The state that a recorded word stands for; `State.NONE` for one that is not known."""
    if word in _OLDER_WORDS:
        return _OLDER_WORDS[word]
    return next((state for state in State if state.value == word), State.NONE)


def explained(word: str) -> str:
    """What a recorded word means, for a reader of the report; "" for one that is not known."""
    if word in _OLDER_WORDS:
        return "word of an older version: HOLDING where nothing was allowed after containment, else LEAKING"
    found = LEGEND.get(state_of(word))
    return found.text if found else ""
