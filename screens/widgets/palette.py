"""Words, glyphs and colours of severities and states: a word first, a glyph second, a colour last."""

from __future__ import annotations

from rich.style import Style

from s3ir_tui.model import Severity, State
from s3ir_tui.states import LEGEND

PLAIN = Style()
DIM = Style(dim=True)
BOLD = Style(bold=True)
RULE = Style(dim=True)
ACCENT = Style(color="cyan")
KEY = Style(color="cyan", bold=True)
RED = Style(color="red", bold=True)
AMBER = Style(color="yellow")
GREEN = Style(color="green")
REVERSE = Style(reverse=True)
HIT = Style(reverse=True, underline=True)
ARMED = Style(bold=True, reverse=True)
ALARM = Style(color="red", bold=True, reverse=True)

_SEVERITIES = {
    Severity.INFO: DIM,
    Severity.LOW: PLAIN,
    Severity.MEDIUM: PLAIN,
    Severity.HIGH: BOLD,
    Severity.CRITICAL: RED,
}

_STATES: dict[State, Style] = {
    State.ACTIVE: RED,
    State.CONTAINING: AMBER,
    State.NO_PROOF_YET: AMBER,
    State.HOLDING: BOLD,  # no warning, and no proof yet either
    State.LEAKING: RED,
    State.STILL_IN: RED,
    State.QUIET: GREEN,
    State.RETURNED: ALARM,
    State.UNKNOWN: BOLD,
    State.NONE: PLAIN,
}


def severity_style(severity: Severity) -> Style:
    """The style of a severity word."""
    return _SEVERITIES[severity]


def state_mark(state: State) -> tuple[str, Style]:
    """`● ACTIVE` and its style; "" for no state."""
    meaning = LEGEND.get(state)
    return (f"{meaning.glyph} {state.value}" if meaning else "", _STATES[state])
