"""The records of a case as lines of a time line, in UTC: as they were recorded, or as the things happened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from s3ir_tui.case import Recorded
from s3ir_tui.report.words import kind_of, mapping, person, principal_of, say, sequence
from s3ir_tui.room import LogLine
from s3ir_tui.text import clean, short_arn

Entry = LogLine
"""A record in one line: reference, UTC time to the second, who, kind, text, whether it needs a look."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def entries(records: Iterable[Recorded]) -> list[Entry]:
    """One line for each record, in the order given, at the time when it was recorded.

    Args:
        records: Records of a case; who a session was is known where its first record is among them.
    """
    people: dict[str, str] = {}
    lines = []
    for record in records:
        if (record.table, kind_of(record)) == ("_session", "open"):
            people[record.session] = person(mapping(record.get("about")))
        said = say(record)
        who = said.who or people.get(record.session) or record.session
        lines.append(Entry(record.ref, to_second(record.ts), who, _kind(record), said.text, said.problem))
    return lines


def log_lines(records: Iterable[Recorded]) -> tuple[LogLine, ...]:
    """`entries`, as `Room.log` gives them."""
    return tuple(entries(records))


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the time line of what happened.

    Attributes:
        at: UTC time of the (first) happening.
        until: UTC time of the last, where many alike stand in one line; else "".
        refs: Reference of the record, or first and last.
        who: Who did it.
        text: What, safe to show.
        count: How many alike.
        problem: Whether it needs a look.
    """

    at: str
    until: str
    refs: str
    who: str
    text: str
    count: int = 1
    problem: bool = False


EVENT = ("trail", "event")
"""Table and kind of a recorded CloudTrail event."""

_LEFT_OUT = frozenset({("actions", "intent"), ("_session", "close")})


def own_keys(records: Iterable[Recorded]) -> frozenset[str]:
    """Access keys that the consoles of a case signed with, whenever that was recorded."""
    found: set[str] = set()
    for record in records:
        if (record.table, kind_of(record)) == ("case", "identity"):
            found.update(str(key) for key in sequence(record.get("keys")) if key)
    return frozenset(found)


def is_own(raw: Mapping[str, Any], keys: frozenset[str]) -> bool:
    """Whether a recorded event is a call of a console of the case."""
    key = mapping(raw.get("userIdentity")).get("accessKeyId")
    return isinstance(key, str) and key in keys


def happenings(records: Sequence[Recorded]) -> list[Happening]:
    """What happened, by its own time: events by CloudTrail's, everything else by the log's.

    Calls alike (same principal, operation, bucket, address and result) between two deeds of the responders stand in
    one line. Calls of the consoles themselves are left out: their plans tell them. Postures and intents are left out:
    they say what was read and what was about to be done.
    """
    found: list[Happening] = []
    alike: dict[tuple[str, ...], int] = {}
    for at, record, line in _by_time(records):
        if (record.table, kind_of(record)) != EVENT:
            alike.clear()
            found.append(Happening(at, "", line.ref, line.who, line.text, problem=line.problem))
            continue
        key, text = _alike(mapping(record.get("raw")))
        if key in alike:
            first = found[alike[key]]
            begin = first.refs.split("..")[0]
            found[alike[key]] = replace(first, until=at, refs=f"{begin}..{line.ref}", text=text, count=first.count + 1)
        else:
            alike[key] = len(found)
            found.append(Happening(at, "", line.ref, line.who, line.text))
    return found


def _by_time(records: Sequence[Recorded]) -> list[tuple[str, Recorded, Entry]]:
    seen: set[str] = set()
    own = own_keys(records)
    timed = []
    for record, line in zip(records, entries(records), strict=True):
        at = line.at
        what = (record.table, kind_of(record))
        if record.table == "posture" or what in _LEFT_OUT:
            continue
        if what == EVENT:
            raw = mapping(record.get("raw"))
            if is_own(raw, own):
                continue
            ident = str(raw.get("eventID") or record.ref)
            if ident in seen:
                continue  # recorded by two consoles
            seen.add(ident)
            time = raw.get("eventTime")
            at = time if isinstance(time, str) and _TIME.fullmatch(time) else at
        timed.append((at, record, line))
    timed.sort(key=lambda item: item[0])
    return timed


def _alike(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    parameters = mapping(raw.get("requestParameters"))
    name, bucket = clean(raw.get("eventName")), clean(parameters.get("bucketName"))
    who, address, code = principal_of(raw), clean(raw.get("sourceIPAddress")), clean(raw.get("errorCode"))
    where = f" from {address}" if address else ""
    text = f"{name} {bucket}".rstrip() + f" by {short_arn(who)}{where}: {code or 'ok'}"
    return (name, bucket, who, address, code), text


def to_second(ts: str) -> str:
    """`2026-11-24T03:49:51Z` out of a record's time, which has microseconds."""
    return f"{ts[:19]}Z"


def _kind(record: Recorded) -> str:
    kind = clean(record.get("kind"))
    return kind if record.table != "_session" else f"console {kind}"
