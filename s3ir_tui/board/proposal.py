"""The `Next:` line: one step of the playbook, chosen from what stands on the board, never from chance."""

from __future__ import annotations

from collections.abc import Sequence

from s3ir_tui.board.condition import NO_NEWS_WORD, NOT_CONNECTED, READING_HISTORY, SIGNING_IN, SOURCE_LOST
from s3ir_tui.model import State
from s3ir_tui.room import Condition, Proposal, Row, WatchView
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
    condition: Condition = Condition(),
) -> Proposal | None:
    """The one next step, in the playbook's order: our own unknowns, who came back, credentials, buckets, proof, report.

    Args:
        unknown_outcomes: Calls that were begun by a console that ended before their outcome was recorded.
        principals: Rows of the principals pane, worst first.
        buckets: Rows of the buckets pane, worst first.
        watches: The running quiet watches.
        connected: Whether the account has answered; until then nothing is proposed but to get there.
        condition: What the console can see now.

    Returns:
        The step, or `None` while there is nothing to do but wait.
    """
    if unknown_outcomes:
        return Proposal(f"{unknown_outcomes} calls were begun and their outcome is unknown: check them", key="l")
    return (
        _defend(principals, watches)
        or _contain(principals, buckets)
        or _see(condition)
        or _prove(watches, connected)
        or _watch(principals)
        or _look(condition, connected)
    )


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
        inside = watch.still_in[0] if watch.state is State.STILL_IN and watch.still_in else None
        if inside is not None and not any(row.id == inside.id and row.contained for row in principals):
            text = f"contain {inside.label}: {inside.how}, {inside.ok} ok since {inside.since[11:19]}Z"
            return Proposal(text, "a", "contain.lineage", ("principal", inside.id))
    return None


def _contain(principals: Sequence[Row], buckets: Sequence[Row]) -> Proposal | None:
    """Credentials first, then what is open to everyone."""
    for row in principals:
        # Requests without credentials are stopped at the bucket that they reach.
        if _open(row) and row.id != ANONYMOUS:
            return Proposal(f"contain {row.label}: {_why(row)}", "a", "contain.lineage", (row.kind, row.id))
    for row in buckets:
        if row.suspect and row.state in _UNCONTAINED:
            action = "contain.block-public-access"
            return Proposal(f"close {row.label}: {_why(row)}", "a", action, (row.kind, row.id))
    for row in principals:
        if _open(row):
            return Proposal(f"{row.label}: {_why(row)}: see which bucket lets it in", "1", "", (row.kind, row.id))
    return None


def _prove(watches: Sequence[WatchView], connected: bool) -> Proposal | None:
    waiting = next((watch for watch in watches if watch.state in _WAITING), None)
    if waiting is not None:
        return Proposal(f"watching {waiting.label}: {waiting.words or waiting.state.value.lower()}", "w")
    blind = next((watch for watch in watches if watch.state is State.UNKNOWN), None)
    if blind is not None:
        why = "; ".join(blind.reasons[:2]) or "its calls could be missed"
        return Proposal(f"{blind.label} is contained, QUIET cannot be proven: {why}", "w")
    inside = next((watch for watch in watches if watch.state is not State.QUIET), None)
    if inside is not None:
        return Proposal(f"watching {inside.label}: {inside.words or inside.state.value}", "w")
    return Proposal("contained and quiet: write the report", "R") if watches and connected else None


def _see(condition: Condition) -> Proposal | None:
    """Without sight nothing that follows could be proven."""
    if condition.word == SOURCE_LOST:
        return Proposal(f"restore the source {condition.text}")
    if condition.word == NO_NEWS_WORD:
        return Proposal(f"{condition.way_out or 'restore the sources'}: {condition.text}")
    return None


def _watch(principals: Sequence[Row]) -> Proposal | None:
    """Who was contained before this case is watched, not contained again."""
    for row in principals:
        if row.suspect and row.before:
            text = f"watch {row.label}: contained before this case, nothing counts its calls yet"
            return Proposal(text, "a", "watch.quiet", (row.kind, row.id))
    return None


def _look(condition: Condition, connected: bool) -> Proposal | None:
    """Nothing is suspect: either all is read, or it is too early to say so."""
    if condition.word in (NOT_CONNECTED, SIGNING_IN):
        return Proposal(condition.words)
    if condition.word == READING_HISTORY:
        return Proposal(f"reading history, {condition.text}: no suspect so far", "4")
    if connected:
        return Proposal("no suspect yet: look through the trail, mark what looks wrong", "4")
    return None


def _open(row: Row) -> bool:
    """A suspect that nothing contains: who was contained before this case counts only while it is active."""
    if not row.suspect or row.contained or row.state not in _UNCONTAINED:
        return False
    return not row.before or row.state is State.ACTIVE


def _why(row: Row) -> str:
    return ", ".join(row.facts[:3]) or (row.reasons[0] if row.reasons else row.severity.word)
