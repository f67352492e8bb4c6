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
class Watch:
    """A quiet watch.

    Attributes:
        contained_at: When the actor was contained.
        quiet: How long nothing may get through.
    """

    contained_at: datetime
    quiet: timedelta = timedelta(minutes=30)

    def look(self, seen: Seen, now: datetime, lag: float | None, was: State = State.NONE) -> Verdict:
        """Judge the silence.

        Args:
            seen: What the trail shows of the actor.
            now: The time.
            lag: Seconds that the trail is behind, or `None` where nothing of the actor can be seen.
            was: The verdict before: who was quiet and calls again has returned.
        """
        since = iso(self.contained_at)
        broken = seen.last_ok > since
        start = max(self.contained_at, _moment(seen.last_ok)) if broken else self.contained_at
        proof_from = self.contained_at + timedelta(seconds=lag) if lag is not None else None
        quiet_at = max(start + self.quiet, proof_from or start)
        return Verdict(
            state=self._state(now, quiet_at, proof_from, broken, was),
            since=since,
            last_ok=seen.last_ok,
            first_denied=seen.first_denied,
            allowed=seen.allowed,
            denied=seen.denied,
            proof_from=_ceil(proof_from) if proof_from is not None else "",
            quiet_at=_ceil(quiet_at) if lag is not None else "",
        )

    def _state(self, now: datetime, quiet_at: datetime, proof_from: datetime | None, broken: bool, was: State) -> State:
        recent = broken and now < quiet_at
        if recent:  # calls that got through are proof whatever the lag
            return State.RETURNED if was in (State.QUIET, State.RETURNED) else State.LEAKING
        if proof_from is None:
            return State.UNKNOWN
        if now < proof_from:
            return State.NO_PROOF_YET
        return State.QUIET if now >= quiet_at else State.HOLDING


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
    """

    state: State
    since: str
    last_ok: str
    first_denied: str
    allowed: int
    denied: int
    proof_from: str
    quiet_at: str

    @property
    def words(self) -> str:
        """The numbers in words: `0 allowed, 960 denied since 20:16:10Z; QUIET at 20:46Z`."""
        counts = f"{self.allowed} allowed, {self.denied} denied since {_clock(self.since)}"
        if self.state in (State.LEAKING, State.RETURNED):
            return f"{counts}, last allowed {_clock(self.last_ok)}"
        if self.state is State.NO_PROOF_YET:
            return f"{counts}; proof from {_clock(self.proof_from)}"
        if self.state is State.HOLDING:
            return f"{counts}; QUIET at {_minute(self.quiet_at, self.since)}"
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
