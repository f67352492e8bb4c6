"""Words, glyphs and colours of severities and states: a word first, a glyph second, a colour last."""

from __future__ import annotations

from rich.style import Style

from s3ir_tui.model import Severity, State

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

_STATES: dict[State, tuple[str, Style]] = {
    State.ACTIVE: ("●", RED),
    State.CONTAINING: ("◌", AMBER),
    State.NO_PROOF_YET: ("◔", AMBER),
    State.NOT_QUIET_YET: ("◑", AMBER),
    State.QUIET: ("○", GREEN),
    State.RETURNED: ("▲", ALARM),
    State.UNKNOWN: ("?", BOLD),
    State.NONE: (" ", PLAIN),
}

STATE_HELP: tuple[tuple[State, str], ...] = (
    (State.ACTIVE, "one of its calls succeeded within the lag of the trail"),
    (State.CONTAINING, "a plan against it runs"),
    (State.NO_PROOF_YET, "contained; the trail is still behind, so silence proves nothing"),
    (State.NOT_QUIET_YET, "not silent for as long as asked: see last success"),
    (State.QUIET, "nothing of it has succeeded for the time asked"),
    (State.RETURNED, "it was quiet and is back"),
    (State.UNKNOWN, "we cannot see: no data events, or a source is lost"),
)


def severity_style(severity: Severity) -> Style:
    """The style of a severity word."""
    return _SEVERITIES[severity]


def state_mark(state: State) -> tuple[str, Style]:
    """`● ACTIVE` and its style; "" for no state."""
    glyph, style = _STATES[state]
    return (f"{glyph} {state.value}" if state.value else "", style)
