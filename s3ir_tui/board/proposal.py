"""The `Next:` line: one step of the playbook, chosen from what stands on the board, never from chance."""

from __future__ import annotations

from collections.abc import Sequence

from s3ir_tui.model import State
from s3ir_tui.room import Proposal, Row, WatchView
from s3ir_tui.trail.record import ANONYMOUS

_UNCONTAINED = (State.ACTIVE, State.NONE, State.UNKNOWN)
_WAITING = (State.NO_PROOF_YET, State.HOLDING, State.LEAKING)


def propose(
    *,
    unknown_outcomes: int,
    principals: Sequence[Row],
    buckets: Sequence[Row],
    watches: Sequence[WatchView],
    connected: bool,
) -> Proposal | None:
    """The one next step, in the playbook's order: our own unknowns, who came back, credentials, buckets, proof, report.

    Args:
        unknown_outcomes: Calls that were begun by a console that ended before their outcome was recorded.
        principals: Rows of the principals pane, worst first.
        buckets: Rows of the buckets pane, worst first.
        watches: The running quiet watches.
        connected: Whether the account has answered; without it nothing is proposed.

    Returns:
        The step, or `None` while there is nothing to do but wait.
    """
    if unknown_outcomes:
        return Proposal(f"{unknown_outcomes} calls were begun and their outcome is unknown: check them", key="l")
    return _defend(principals, watches) or _contain(principals, buckets) or _prove(watches, connected)


def _defend(principals: Sequence[Row], watches: Sequence[WatchView]) -> Proposal | None:
    """What was contained and is so no longer."""
    for watch in watches:
        row = next((row for row in principals if row.label == watch.label), None)
        where = (row.kind, row.id) if row else None
        gone = watch.changes - watch.in_place - watch.unreadable
        if watch.checked and gone > 0:
            return Proposal(
                f"{watch.label}: {gone} of our {watch.changes} changes were undone by someone", "a", "", where
            )
        if watch.state is State.RETURNED:
            return Proposal(f"{watch.label} is back: contain it again", "a", "contain.lineage", where)
    return None


def _contain(principals: Sequence[Row], buckets: Sequence[Row]) -> Proposal | None:
    """Credentials first, then what is open to everyone (PLAYBOOK, Part 2)."""
    for row in principals:
        # Requests without credentials are stopped at the bucket that they reach.
        if row.suspect and row.state in _UNCONTAINED and row.id != ANONYMOUS:
            return Proposal(f"contain {row.label}: {_why(row)}", "a", "contain.lineage", (row.kind, row.id))
    for row in buckets:
        if row.suspect and row.state in _UNCONTAINED:
            action = "contain.block-public-access"
            return Proposal(f"close {row.label}: {_why(row)}", "a", action, (row.kind, row.id))
    for row in principals:
        if row.suspect and row.state in _UNCONTAINED:
            return Proposal(f"{row.label}: {_why(row)}: see which bucket lets it in", "1", "", (row.kind, row.id))
    return None


def _prove(watches: Sequence[WatchView], connected: bool) -> Proposal | None:
    waiting = next((watch for watch in watches if watch.state in _WAITING), None)
    if waiting is not None:
        return Proposal(f"watching {waiting.label}: {waiting.words or waiting.state.value.lower()}", "w")
    if watches:
        return Proposal("contained and quiet: write the report", "R")
    if connected:
        return Proposal("no suspect yet: look through the trail, mark what looks wrong", "4")
    return None


def _why(row: Row) -> str:
    return ", ".join(row.facts[:3]) or (row.reasons[0] if row.reasons else row.severity.word)
