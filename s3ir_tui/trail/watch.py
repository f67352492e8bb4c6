"""The quiet watch, decided: whether a contained actor is silent, and from when on silence is proof. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from s3ir_tui.model import State, iso
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.lineage import Family

_SHORT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the trail shows of the actor. Times are UTC, `YYYY-MM-DDTHH:MM:SSZ`, or "".

    Attributes:
        last_ok: Its last call that got through, ever.
        allowed: Its calls that got through after containment.
        denied: Its calls that were turned away after containment.
        first_denied: The first of those.
    """

    last_ok: str = ""
    allowed: int = 0
    denied: int = 0
    first_denied: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """How far silence proves anything.

    Attributes:
        to: Up to when every call of the actor would have been seen; `None` where that is not known.
        delay: How late a call may come.
        missing: What keeps silence from proving anything at all, in words; empty where it does.
    """

    to: datetime | None
    delay: timedelta = timedelta()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """A quiet watch.

    Attributes:
        contained_at: When the actor was contained.
        quiet: How long nothing may get through.
    """

    contained_at: datetime
    quiet: timedelta = timedelta(minutes=30)

    def look(self, seen: Seen, now: datetime, proof: Proof, *, was_quiet: bool = False, family_ok: str = "") -> Verdict:
        """Judge the silence.

        Args:
            seen: What the trail shows of the actor.
            now: The time.
            proof: Up to when every call of it would have been seen.
            was_quiet: Whether it was QUIET before: who calls again then has returned.
            family_ok: The last call that was allowed to what descends from it or was granted access by it, or "".
        """
        since = iso(self.contained_at)
        last = max(seen.last_ok, family_ok)
        start = max(self.contained_at, _moment(last)) if last > since else self.contained_at
        state = self._state(seen, now, proof, start, was_quiet=was_quiet)
        able = not proof.missing and proof.to is not None
        return Verdict(
            state=state,
            since=since,
            last_ok=seen.last_ok,
            first_denied=seen.first_denied,
            allowed=seen.allowed,
            denied=seen.denied,
            proof_from=_ceil(self.contained_at + proof.delay) if able else "",
            quiet_at=_ceil(start + self.quiet + proof.delay) if able else "",
            reasons=proof.missing if state is State.UNKNOWN else (),
        )

    def _state(self, seen: Seen, now: datetime, proof: Proof, start: datetime, *, was_quiet: bool) -> State:
        # A call that was allowed tells more than any silence, whatever has not been read.
        if self._lately(seen.last_ok, now, proof):
            return State.RETURNED if was_quiet else State.LEAKING
        if start > self.contained_at and self._lately(iso(start), now, proof):
            return State.STILL_IN
        if proof.missing:
            return State.UNKNOWN
        if proof.to is None or proof.to < self.contained_at:
            return State.NO_PROOF_YET
        return State.QUIET if proof.to >= start + self.quiet else State.HOLDING

    def _lately(self, moment: str, now: datetime, proof: Proof) -> bool:
        """Whether a call after containment is so new that the silence since is shorter than was asked."""
        if moment <= iso(self.contained_at):
            return False
        end = _moment(moment) + self.quiet
        return now < end or (not proof.missing and proof.to is not None and proof.to < end)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a watch with its numbers, as the watch screen and the log show them.

    Attributes:
        state: The state word.
        since: Time of containment.
        last_ok: The actor's last call that got through, or "".
        first_denied: Its first call turned away after containment, or "".
        allowed: Calls that got through after containment.
        denied: Calls turned away after containment.
        proof_from: From when on silence is proof, or "" where nothing can be seen.
        quiet_at: When it is quiet if nothing more gets through, or "".
        reasons: Why it is UNKNOWN, else nothing.
    """

    state: State
    since: str
    last_ok: str
    first_denied: str
    allowed: int
    denied: int
    proof_from: str
    quiet_at: str
    reasons: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The numbers in words: `0 allowed, 960 denied since 20:16:10Z; QUIET at 20:46Z`."""
        counts = f"{self.allowed} allowed, {self.denied} denied since {_clock(self.since)}"
        if self.state in (State.LEAKING, State.RETURNED):
            return f"{counts}, last allowed {_clock(self.last_ok)}"
        if self.state is State.NO_PROOF_YET and self.proof_from:
            return f"{counts}; proof from {_clock(self.proof_from)}"
        if self.state is State.HOLDING and self.quiet_at:
            return f"{counts}; QUIET at {_minute(self.quiet_at, self.since)}"
        if self.state is State.UNKNOWN and self.reasons:
            more = f" (+{len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
            return f"{self.reasons[0]}{more}; {counts}"
        return counts


def seen_of(analysis: Analysis, who: Family | Collection[str], contained_at: datetime) -> Seen:
    """What an analysis shows of an actor since its containment."""
    since = iso(contained_at)
    return Seen(
        last_ok=analysis.last_ok(who),
        allowed=analysis.allowed_after(who, since),
        denied=analysis.denied_after(who, since),
        first_denied=analysis.first_denied_after(who, since),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _clock(moment: str) -> str:
    return f"{moment[11:19]}Z"


def _minute(moment: str, since: str) -> str:
    """A time to the minute, never too early; to the second where it is only minutes after another."""
    at = _moment(moment)
    if at - _moment(since) < _SHORT:
        return _clock(moment)
    return f"{at + timedelta(seconds=59):%H:%M}Z"


def _ceil(moment: datetime) -> str:
    """Whole seconds, never too early."""
    return iso(moment.astimezone(UTC) + timedelta(microseconds=999_999))
