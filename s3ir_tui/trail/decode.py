"""CloudTrail data of every shape that responders have, decoded to events; what is none is counted, never fatal."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from s3ir_tui.trail.event import Event
from s3ir_tui.trail.gunzip import gunzip, is_gzip
from s3ir_tui.trail.record import NotARecord, Record, decode_typed, from_loose, is_known, to_event
from s3ir_tui.trail.salvage import FAULTS, Damage, open_layer, repaired, salvage

_MOST_LAYERS = 6
UNKNOWN_VERSION = "unknown version: taken as far as it is understood"

OTHERS: Mapping[str, str] = {
    "Insights event": "insights",
    "aggregated event": "aggregated",
    "digest file": "digests",
    UNKNOWN_VERSION: "unknown_version",
}
"""What is counted beside the events and is no fault: the reason, and the name of its counter."""

# Names under which tools put records into other JSON, most usual first: LookupEvents (`Events`, `CloudTrailEvent`),
# EventBridge (`detail`), CloudWatch Logs (`events`, `logEvents`, `message`; Insights `results`, `value`), SQS and SNS,
# Elastic (`hits`, `_source`, `event.original`), Splunk (`result`, `_raw`).
_WRAPPERS = (
    "Records",
    "CloudTrailEvent",
    "Events",
    "detail",
    "logEvents",
    "events",
    "message",
    "@message",
    "Messages",
    "Body",
    "body",
    "Message",
    "_source",
    "hits",
    "result",
    "results",
    "_raw",
    "value",
    "event",
    "original",
    "records",
    "data",
)
_STAMPED_LINE = re.compile(rb"^\d{4}-\d\d-\d\dT[\d:.]+Z\s+(?=\{)")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that gave no event, or one that is not understood for sure.

    Attributes:
        origin: File, object or source that it stood in.
        reason: What it is, or what is wrong with it.
        count: How many of it.
    """

    origin: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """What some data held."""

    events: list[Event]
    skipped: list[Skipped]


def decode(data: bytes, origin: str) -> Decoded:
    """Decode CloudTrail data: a trail file, a LookupEvents page, EventBridge, CloudWatch, NDJSON, arrays, records.

    Args:
        data: The bytes, gzipped or not.
        origin: Where they come from, for what is skipped.

    Returns:
        The events in the order in which they stand, and what was left out. Never raises.
    """
    found = _Decoding()
    problem = ""
    if is_gzip(data):
        data, problem = gunzip(data)
    found.take_all(_as_utf8(data))
    if problem:
        found.skip(problem)
    return Decoded(found.events, [Skipped(origin, reason, count) for reason, count in found.skipped.items()])


def decode_record(record: Mapping[str, Any] | bytes) -> Event:
    """Decode one record.

    Args:
        record: As JSON bytes or as a mapping.

    Raises:
        ValueError: It is no CloudTrail record.
    """
    raw = record if isinstance(record, bytes) else json.dumps(record, default=_plain, separators=(",", ":")).encode()
    try:
        return _event(raw)[1]
    except NotARecord:
        raise
    except FAULTS as fault:
        raise NotARecord(f"no JSON record: {type(fault).__name__}") from None


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    return str(value)


class _Decoding:
    """One run of the decoder over one piece of data."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.skipped: Counter[str] = Counter()

    def skip(self, reason: str, count: int = 1) -> None:
        self.skipped[reason] += count

    def take_all(self, data: bytes) -> None:
        """Take in whole data: one JSON value, or lines of it, or values one after the other."""
        data = data.strip()
        if not data:
            self.skip("empty")
            return
        if _STAMPED_LINE.match(data):
            self._take_each(data)
            return
        if data[:1] not in b"{[":
            self.skip("not JSON")
            return
        if data[:1] == b"{" and b"\n" in data and self._take_lines(data):
            return
        try:
            outer = open_layer(data)
        except FAULTS:
            if not self._take_lines(data, strict=False):
                self._take_rest(data)
            return
        self.takeopen_layer(outer, data, 0)

    def takeopen_layer(self, outer: Mapping[str, msgspec.Raw] | Sequence[msgspec.Raw], raw: bytes, layer: int) -> None:
        """Take in a JSON object or array, opened one layer."""
        if isinstance(outer, Sequence):
            if layer > _MOST_LAYERS:
                self.skip("nested too deeply")
                return
            for item in outer:
                self.take(bytes(item), layer + 1)
            return
        if "eventName" in outer or "eventSource" in outer:
            self._take_record(raw)
            return
        what = _known_other(outer)
        if what:
            self.skip(what)
        elif layer >= _MOST_LAYERS or not self._unwrap(outer, layer):
            self.skip("no CloudTrail record")

    def take(self, raw: bytes, layer: int = 0) -> None:
        """Take in one JSON value: a record, or something that wraps records."""
        try:
            record = decode_typed(raw)
            if record.eventName and record.eventSource:
                self._keep(record.eventVersion, to_event(record, raw))
                return
        except NotARecord as why:
            self.skip(str(why))
            return
        except FAULTS:
            pass  # a wrong type, or no record at all: looked at more closely below
        self._open(raw, layer)

    def _open(self, raw: bytes, layer: int) -> None:
        """Take in what one JSON value holds, also where it is JSON only to lenient tools."""
        try:
            try:
                outer = open_layer(raw)
            except FAULTS:
                raw = repaired(raw)
                outer = open_layer(raw)
        except NotARecord as why:
            self.skip(str(why))
        except FAULTS:
            self.skip("broken JSON")
        else:
            self.takeopen_layer(outer, raw, layer)

    def _keep(self, version: object, event: Event) -> None:
        self.events.append(event)
        if not is_known(version):
            self.skip(UNKNOWN_VERSION)

    def _take_record(self, raw: bytes) -> None:
        try:
            self._keep(*_event(raw))
        except NotARecord as why:
            self.skip(str(why))
        except FAULTS:
            self.skip("broken JSON")

    def _unwrap(self, outer: Mapping[str, msgspec.Raw], layer: int) -> bool:
        """Take in what stands under the names that tools wrap records in; tells whether there was any."""
        for name in _WRAPPERS:
            inner = bytes(outer[name]).strip() if name in outer else b""
            if inner[:1] == b'"':
                inner = _inner_json(inner)
            if inner[:1] in (b"{", b"["):
                self._open(inner, layer + 1)
                return True
        return False

    def _take_lines(self, data: bytes, *, strict: bool = True) -> bool:
        """Take in lines of JSON; tells whether they are that.

        Args:
            data: The data.
            strict: Whether the first line must be a whole JSON value (pretty-printed JSON is not).
        """
        first, _, _ = data.partition(b"\n")
        if strict and not _is_object(_without_stamp(first)):
            return False
        if not strict:
            lines = [_without_stamp(line) for line in data.split(b"\n", 50)[:50] if line.strip()]
            if sum(map(_is_object, lines)) * 2 <= len(lines):
                return False
        self._take_each(data)
        return True

    def _take_each(self, data: bytes) -> None:
        """Take in lines, each a JSON value of its own."""
        for line in map(_without_stamp, data.split(b"\n")):
            if line[:1] in (b"{", b"["):
                self.take(line)
            elif line:
                self.skip("not JSON")

    def _take_rest(self, data: bytes) -> None:
        """Take what is whole of broken data: records around the damage, values one after the other."""
        before = len(self.events)
        for part in salvage(data):
            if part is Damage.BETWEEN:
                self.skip("broken JSON")
            elif part is Damage.END:
                kept = len(self.events) - before
                self.skip(f"broken JSON after {kept} records" if kept else "broken JSON")
            else:
                self.take(part)


def _event(raw: bytes) -> tuple[object, Event]:
    """Version and event of one record, however odd.

    Raises:
        NotARecord: It is none.
        ValueError: It is no JSON.
    """
    try:
        record: Record = decode_typed(raw)
        return record.eventVersion, to_event(record, raw)
    except NotARecord:
        raise
    except FAULTS:
        raw = repaired(raw)
    fields = json.loads(raw)
    if not isinstance(fields, dict):
        raise NotARecord("no CloudTrail record")
    return fields.get("eventVersion"), from_loose(fields, raw)


def _inner_json(quoted: bytes) -> bytes:
    try:
        return msgspec.json.decode(quoted, type=str).strip().encode()
    except FAULTS:
        return b""


def _is_object(line: bytes) -> bool:
    line = line.strip()
    if line[:1] != b"{" or line[-1:] != b"}":
        return False
    try:
        open_layer(line)
    except FAULTS:
        return False
    return True


def _without_stamp(line: bytes) -> bytes:
    """A line of a CloudWatch export task begins with its time."""
    line = line.strip()
    return _STAMPED_LINE.sub(b"", line) if line[:1].isdigit() else line


def _known_other(outer: Mapping[str, object]) -> str:
    """What CloudTrail writes beside records of calls."""
    if "digestStartTime" in outer or "digestEndTime" in outer:
        return "digest file"
    if "insightDetails" in outer:
        return "Insights event"
    if "timeWindow" in outer and "summary" in outer:
        return "aggregated event"
    return ""


def _as_utf8(data: bytes) -> bytes:
    if data[:3] == b"\xef\xbb\xbf":
        return data[3:]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # PowerShell writes UTF-16
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data
