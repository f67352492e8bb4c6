"""The debrief of a game day: what was true, beside what was recorded. Unknown is said, never guessed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from s3ir_tui.gameday.milestones import Milestones
from s3ir_tui.text import clean, middle, size

WIDTH = 80
NOT_RECORDED = "not recorded"
_AT_ONCE = 5.0
_DATA_OUT = frozenset({"GetObject", "SelectObjectContent"})

Line = Mapping[str, Any]
"""One line of an actor's log, or one CloudTrail record."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A credential of the attacker, without its secret; the access key of anonymous requests is ""."""

    name: str
    access_key: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the debrief is made from.

    Attributes:
        scenario: Name of the scenario.
        started: When the attack began (UNIX time).
        ended: Now.
        delay: Seconds until a change takes effect in this account.
        truth: Every CloudTrail record of the account.
        attacker: The attacker's own log.
        workload: The log of the legitimate work.
        jobs: Names of the legitimate principals.
        held: Every credential of the attacker.
        working: Names of the credentials that could still read something just now, with what.
        still_open: What is left to be misused, in words.
        times: What the console recorded.
    """

    scenario: str
    started: float
    ended: float
    delay: float
    truth: Sequence[Line]
    attacker: Sequence[Line]
    workload: Sequence[Line]
    jobs: tuple[str, ...]
    held: tuple[Holding, ...]
    working: Mapping[str, str]
    still_open: tuple[str, ...]
    times: Milestones


@dataclass(frozen=True, slots=True)
class Missed:
    """A credential that outlived the first one that was cut.

    Attributes:
        name: What the scenario calls it.
        access_key: Its access key id, "" for anonymous.
        seconds: How long it went on working after the first was cut.
        live: Whether it does so still.
    """

    name: str
    access_key: str
    seconds: float
    live: bool


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a legitimate principal fared.

    Attributes:
        name: Its name.
        calls: Calls that it made.
        denied: Calls of them that were refused.
        failed: Calls that failed otherwise.
        cut_seconds: How long it was refused, in all.
        state: `unharmed`, `recovered` or `cut`; `silent` where it made no call.
    """

    name: str
    calls: int
    denied: int
    failed: int
    cut_seconds: float
    state: Literal["unharmed", "recovered", "cut", "silent"]


@dataclass(frozen=True, slots=True)
class DataOut:
    """Objects that reached the attacker, and their bytes in all."""

    objects: int
    size: int


@dataclass(frozen=True, slots=True)
class Debrief:
    """What was true, in seconds after the attack began.

    Attributes:
        scenario: Name of the scenario.
        seconds: How long the day lasted.
        detected: When the responder first marked or planned, or `None` where nothing was recorded.
        detected_by: What that was.
        contained: When the first containment was done, or `None`.
        last_byte: When object data last reached the attacker, or `None` where none did.
        out: What left in all.
        out_after: What left after detection, or `None` where that is not known.
        missed: Credentials that outlived the first that was cut.
        cut: Whether any credential was cut at all.
        held: How many credentials the attacker had in the end.
        working: Those that work now, by name, with what they can do.
        undo_tried: How often the attacker tried to undo a containment.
        undo_denied: How often of them it was refused.
        jobs: The legitimate work.
        still_open: What is left to be misused.
    """

    scenario: str
    seconds: float
    detected: float | None
    detected_by: str
    contained: float | None
    last_byte: float | None
    out: DataOut
    out_after: DataOut | None
    missed: tuple[Missed, ...]
    cut: bool
    held: int
    working: Mapping[str, str]
    undo_tried: int
    undo_denied: int
    jobs: tuple[JobResult, ...]
    still_open: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The debrief as JSON values; times in seconds after the attack began."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def lines(self) -> tuple[str, ...]:
        """The debrief for people, no line wider than 80 cells."""
        title = f" Game day  {self.scenario}"
        over = f"over after {_clock(self.seconds)}"
        rule = "─" * WIDTH
        body = [
            *_row("detected", self._detected()),
            *_row("contained", self._contained()),
            *_row("data out", self._data_out()),
            *_row("missed", self._missed()),
            *_row("attacker", self._attacker()),
            *_row("workload", self._workload()),
            *_row("still open", self._open()),
        ]
        again = f" again: s3ir-tui gameday {self.scenario}"
        return (title + over.rjust(WIDTH - len(title)), rule, *body, rule, again)

    def _detected(self) -> str:
        return NOT_RECORDED if self.detected is None else f"{_clock(self.detected)}   {self.detected_by}"

    def _contained(self) -> str:
        when = NOT_RECORDED if self.contained is None else _clock(self.contained)
        last = "none reached the attacker" if self.last_byte is None else f"to the attacker {_clock(self.last_byte)}"
        return f"{when}   last byte {last}"

    def _data_out(self) -> str:
        after = NOT_RECORDED if self.out_after is None else _amount(self.out_after)
        return f"{_amount(self.out)}; after detection {after}"

    def _missed(self) -> str:
        if not self.held:
            return "nothing: there was nobody to find"
        if not self.cut:
            return "everything: no credential of the attacker was cut"
        if not self.missed:
            return f"nothing: no credential outlived the first one cut by more than {_AT_ONCE:.0f} s"
        return "; ".join(_missed_words(item) for item in self.missed)

    def _attacker(self) -> str:
        if not self.held:
            return "none"
        works = f"{len(self.working)} of {self.held} credentials {'works' if len(self.working) == 1 else 'work'} now"
        if self.working:
            works += " (" + "; ".join(f"{name}: {what}" for name, what in self.working.items()) + ")"
        if not self.undo_tried:
            return f"{works}; never tried to undo us"
        return f"{works}; tried to undo us {_times(self.undo_tried)}, {self.undo_denied} denied"

    def _workload(self) -> str:
        if not self.jobs:
            return "none ran"
        unharmed = sum(job.state == "unharmed" for job in self.jobs)
        calls, denied = sum(job.calls for job in self.jobs), sum(job.denied for job in self.jobs)
        told = [f"{unharmed} of {len(self.jobs)} unharmed, {calls} calls, {denied} denied"]
        told += [_job_words(job) for job in self.jobs if job.state != "unharmed"]
        return "; ".join(told)

    def _open(self) -> str:
        return "; ".join(self.still_open) or "nothing"


def debrief(evidence: Evidence) -> Debrief:
    """Work out what was true.

    Args:
        evidence: Records, logs, probes and what the console recorded.
    """
    times, started = evidence.times, evidence.started
    reads = [record for record in evidence.truth if _took_data(record, evidence.held)]
    moments = [_moment(record) for record in reads]
    detected = times.detected
    cuts = _cuts(evidence)
    undo = [line for line in evidence.attacker if line["kind"] == "undo"]
    return Debrief(
        scenario=evidence.scenario,
        seconds=evidence.ended - started,
        detected=None if detected is None else max(0.0, detected - started),
        detected_by=times.detected_by,
        contained=None if times.contained is None else max(0.0, times.contained - started),
        last_byte=max(0.0, max(moments) - started) if moments else None,
        out=_sum(reads),
        out_after=None
        if detected is None
        else _sum(record for record, at in zip(reads, moments, strict=True) if at >= detected),
        missed=_outlived(cuts, evidence),
        cut=any(cut.at is not None or cut.name not in evidence.working for cut in cuts),
        held=len(evidence.held),
        working=dict(evidence.working),
        undo_tried=len(undo),
        undo_denied=sum(bool(line["refused"]) for line in undo),
        jobs=tuple(_job(name, evidence.workload) for name in evidence.jobs),
        still_open=evidence.still_open,
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """When a credential that had worked was last refused for good (`at`), or that it never was."""

    name: str
    last_ok: float
    at: float | None


def _cuts(evidence: Evidence) -> tuple[_Cut, ...]:
    found = []
    for holding in evidence.held:
        # What a token can be minted with is not what it can reach: GetSessionToken needs no permission.
        lines = [
            line
            for line in evidence.attacker
            if line["who"] == holding.name and line["kind"] != "mint" and line["operation"] != "GetCallerIdentity"
        ]
        worked = [float(line["at"]) for line in lines if line["ok"]]
        if worked:
            refused = [float(line["at"]) for line in lines if line["refused"] and line["at"] > worked[-1]]
            found.append(_Cut(holding.name, worked[-1], min(refused, default=None)))
    return tuple(found)


def _outlived(cuts: Iterable[_Cut], evidence: Evidence) -> tuple[Missed, ...]:
    known = tuple(cuts)
    first = min((cut.at for cut in known if cut.at is not None), default=None)
    if first is None:
        return ()
    keys = {holding.name: holding.access_key for holding in evidence.held}
    missed = [
        Missed(
            name=cut.name,
            access_key=keys[cut.name],
            seconds=(evidence.ended if cut.name in evidence.working else cut.last_ok) - first,
            live=cut.name in evidence.working,
        )
        for cut in known
        if cut.name in evidence.working or cut.last_ok - first > _AT_ONCE + evidence.delay
    ]
    return tuple(sorted(missed, key=lambda item: -item.seconds))


def _job(name: str, log: Sequence[Line]) -> JobResult:
    lines = [line for line in log if line["who"] == name]
    denied = [line for line in lines if line["refused"]]
    cut, since = 0.0, None
    for line in lines:
        if line["refused"] and since is None:
            since = float(line["at"])
        elif line["ok"] and since is not None:
            cut, since = cut + float(line["at"]) - since, None
    if since is not None:
        cut += float(lines[-1]["at"]) - since
    state: Literal["unharmed", "recovered", "cut", "silent"] = "unharmed"
    if not lines:
        state = "silent"
    elif denied:
        state = "cut" if since is not None else "recovered"
    failed = sum(not line["ok"] and not line["refused"] for line in lines)
    return JobResult(name, len(lines), len(denied), failed, cut, state)


def _took_data(record: Line, held: Iterable[Holding]) -> bool:
    """Whether the record is a successful read of object data by the attacker.

    By key and address: whoever tries an attacker's credential to see whether it still works is not the attacker.
    """
    if record.get("eventName") not in _DATA_OUT or record.get("errorCode"):
        return False
    key, address = (record.get("userIdentity") or {}).get("accessKeyId", ""), record.get("sourceIPAddress", "")
    return any(key == holding.access_key and address in holding.addresses for holding in held)


def _sum(records: Iterable[Line]) -> DataOut:
    objects, total = set(), 0
    for record in records:
        parameters = record.get("requestParameters") or {}
        objects.add((parameters.get("bucketName"), parameters.get("key")))
        total += int((record.get("additionalEventData") or {}).get("bytesTransferredOut") or 0)
    return DataOut(len(objects), total)


def _moment(record: Line) -> float:
    return datetime.strptime(str(record["eventTime"]), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def _row(label: str, text: str) -> list[str]:
    wrapped = textwrap.wrap(clean(text), WIDTH - 12, break_on_hyphens=False) or [""]
    return [f" {label if number == 0 else '':<10} {line}" for number, line in enumerate(wrapped)]


def _clock(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole // 60:02d}m{whole % 60:02d}s"


def _amount(out: DataOut) -> str:
    return f"{out.objects} {'object' if out.objects == 1 else 'objects'}, {size(out.size)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _missed_words(item: Missed) -> str:
    what = middle(item.access_key, 9) if item.access_key else item.name
    if item.access_key:
        what += f" ({item.name})"
    if item.live:
        return f"{what} is still live, {item.seconds:.0f} s after the first was cut"
    return f"{what} stayed live for {item.seconds:.0f} s after the first was cut"


def _job_words(job: JobResult) -> str:
    if job.state == "silent":
        return f"{job.name} made no call"
    went_on = "works again" if job.state == "recovered" else "is still cut"
    return f"{job.name} was cut for {job.cut_seconds:.0f} s ({job.denied} denied), {went_on}"
