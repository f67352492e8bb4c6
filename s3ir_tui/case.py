"""A case as its records tell it: marks, phase, containments and watches, rebuilt record by record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from s3ir_tui.model import State
from s3ir_tui.record_shapes import problem
from s3ir_tui.text import clean


class Recorded(Protocol):
    """A record of the log, as `journal.Record` is one: its fields, and where and when it was written."""

    @property
    def ref(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def ts(self) -> str: ...
    @property
    def session(self) -> str: ...
    def get(self, key: str, default: Any = None, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Containment:
    """A plan that was begun, as far as its records go.

    Attributes:
        ref: Reference of the plan record.
        action: Id of the action.
        label: Title of the plan.
        principals: Identities whose calls the watch counts.
        targets: What the plan was asked to work on.
        actor: Who ran it.
        begun: UTC time of the plan record.
        at: UTC time when its last successful step was recorded (its end, where it only watches), or "" before that.
        steps: How many writes it has.
        done: How many of them succeeded.
        last_ref: Reference of the newest record that belongs to it.
        running: Whether no end is recorded yet.
        undo_of: The plan that this one undoes, or "".
        undone_by: The plan that undid this one, or "".
    """

    ref: str
    action: str
    label: str
    principals: tuple[str, ...]
    targets: Mapping[str, tuple[str, ...]]
    actor: str
    begun: str
    at: str = ""
    steps: int = 0
    done: int = 0
    last_ref: str = ""
    running: bool = True
    undo_of: str = ""
    undone_by: str = ""

    @property
    def holds(self) -> bool:
        """Whether something of it is in force: the watch and the state words go by it. A watch alone writes nothing."""
        return bool(self.at) and not self.undo_of and not self.undone_by


@dataclass(slots=True)
class Case:
    """The state of a case. Feed it every record in time order; it never reads a clock or a file.

    Attributes:
        opened: UTC time of the first record.
        armed: The reason given when the case was armed, or `None`.
        phase: The phase of the playbook, as recorded or as it follows from what was done.
        marks: What is marked: `(kind, id)`.
        containments: Plans by their reference, in order.
        first_mark: UTC time of the first mark, or "".
        postures: The newest recorded facts by `(kind, id)`.
        verdicts: The newest recorded state word by watch or plan reference.
        reasons: Why the newest recorded state is what it is, by watch or plan reference; "" where nothing was recorded.
        quiet_at: When it is QUIET, as recorded with the newest verdict, by watch or plan reference.
        was_quiet: Watches that were QUIET once: who calls again then has returned.
        lag: How far the trail was behind at the newest verdict, in seconds, or `None` where it was not known.
        sessions: Sessions that wrote here.
        failures: Errors of trail sources by name, as last recorded.
        skipped: Records that could not be understood: their reference to the reason. They change nothing.
    """

    opened: str = ""
    armed: str | None = None
    phase: str = "triage"
    marks: set[tuple[str, str]] = field(default_factory=set)
    containments: dict[str, Containment] = field(default_factory=dict)
    first_mark: str = ""
    postures: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    quiet_at: dict[str, str] = field(default_factory=dict)
    was_quiet: set[str] = field(default_factory=set)
    lag: float | None = None
    sessions: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def apply(self, record: Recorded) -> bool:
        """Take in one record.

        Returns:
            Whether it could be understood; one that could not is counted in `skipped` and changes nothing else.
        """
        self.opened = self.opened or record.ts
        self.sessions.add(record.session)
        if why := problem(record):
            self.skip(record, why)
            return False
        handler = _HANDLERS.get((record.table, str(record.get("kind"))))
        if handler is not None:
            handler(self, record)
        return True

    def skip(self, record: Recorded, why: str) -> None:
        """Count a record that could not be understood."""
        self.skipped[record.ref] = f"{clean(record.table)} {clean(record.get('kind'))}: {clean(why)}"

    @property
    def skipped_alarm(self) -> str:
        """The alarm for records that could not be understood, or ""."""
        if not self.skipped:
            return ""
        ref, why = next(iter(self.skipped.items()))
        many = f"{len(self.skipped)} records of the log" if len(self.skipped) > 1 else "1 record of the log"
        return f"{many} not understood and skipped, the first {clean(ref)} ({why}): see the log"

    @property
    def holding(self) -> tuple[Containment, ...]:
        """Containments that are in force, oldest first; reads-only watches included."""
        return tuple(item for item in self.containments.values() if item.holds)

    @property
    def running(self) -> tuple[Containment, ...]:
        """Plans without an end record."""
        return tuple(item for item in self.containments.values() if item.running)


def _mark(case: Case, record: Recorded) -> None:
    what = (clean(record.get("what")), str(record.get("id") or ""))
    if record.get("on"):
        case.marks.add(what)
        case.first_mark = case.first_mark or record.ts
    else:
        case.marks.discard(what)


def _armed(case: Case, record: Recorded) -> None:
    case.armed = clean(record.get("reason"))


def _phase(case: Case, record: Recorded) -> None:
    case.phase = clean(record.get("phase"))


def _plan(case: Case, record: Recorded) -> None:
    plan = record.get("plan") or {}
    targets = {name: tuple(values) for name, values in dict(plan.get("targets") or {}).items()}
    steps = plan.get("steps") or ()
    case.containments[record.ref] = Containment(
        ref=record.ref,
        action=clean(record.get("action")),
        label=clean(record.get("title")),
        principals=tuple(map(str, plan.get("principals") or ())),
        targets=targets,
        actor=clean(record.get("actor")),
        begun=record.ts,
        steps=len(steps),
        last_ref=record.ref,
        undo_of=str(plan.get("undo_of") or ""),
    )
    if case.phase == "triage" and steps:
        case.phase = "contain"


def _outcome(case: Case, record: Recorded) -> None:
    ref = str(record.get("plan") or "")
    item = case.containments.get(ref)
    if item is None:
        return
    ok = bool(record.get("ok"))
    case.containments[ref] = replace(item, last_ref=record.ref, done=item.done + ok, at=record.ts if ok else item.at)


def _end(case: Case, record: Recorded) -> None:
    ref = str(record.get("plan") or "")
    item = case.containments.get(ref)
    if item is None:
        return
    at = record.ts if not item.steps else item.at
    case.containments[ref] = replace(item, last_ref=record.ref, running=False, at=at)
    undone = case.containments.get(item.undo_of)
    if undone is not None and item.done:
        case.containments[undone.ref] = replace(undone, undone_by=ref)


def _posture(case: Case, record: Recorded) -> None:
    facts = record.get("facts")
    if isinstance(facts, Mapping):
        case.postures[str(record.get("kind")), str(record.get("id"))] = facts


def _verdict(case: Case, record: Recorded) -> None:
    watch, state = str(record.get("watch")), clean(record.get("state"))
    case.verdicts[watch] = state
    case.reasons[watch] = clean(record.get("reason"))
    if state == State.QUIET.value:
        case.was_quiet.add(watch)
    numbers = record.get("numbers")
    quiet_at = numbers.get("quiet_at") if isinstance(numbers, Mapping) else ""
    case.quiet_at[watch] = clean(quiet_at)
    lag = numbers.get("lag") if isinstance(numbers, Mapping) else None
    case.lag = float(lag) if isinstance(lag, int) else case.lag


def _source(case: Case, record: Recorded) -> None:
    case.failures[clean(record.get("name"))] = clean(record.get("error"))


_HANDLERS = {
    ("case", "mark"): _mark,
    ("case", "armed"): _armed,
    ("case", "phase"): _phase,
    ("actions", "plan"): _plan,
    ("actions", "outcome"): _outcome,
    ("actions", "end"): _end,
    ("posture", "bucket"): _posture,
    ("posture", "principal"): _posture,
    ("posture", "instance"): _posture,
    ("watch", "verdict"): _verdict,
    ("trail", "source"): _source,
}
