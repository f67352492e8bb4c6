"""All that is known in a case, live or recorded: its records, the analysed trail and the posture of the account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from s3ir_tui.case import Case, Recorded
from s3ir_tui.model import Bucket, Identity, Instance, Principal, iso
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.coverage import CHANGES, Coverage
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.found import Finds
from s3ir_tui.trail.histogram import Histogram, outcome_of
from s3ir_tui.trail.own_calls import own_sessions
from s3ir_tui.trail.targets import Target, TargetKind, of_event

Posture = Bucket | Principal | Instance
_POSTURES: Mapping[str, type[Posture]] = {"bucket": Bucket, "principal": Principal, "instance": Instance}
_Item = TypeVar("_Item")


@dataclass(slots=True)
class Known:
    """The facts behind the board. Confined to one thread; the same records give the same facts, live or in review.

    Attributes:
        analysis: What the trail says.
        case: What the responders did.
        identity: Who the console is, once the account has answered.
        buckets: Posture by bucket name.
        principals: Posture by ARN.
        instances: Posture by instance id.
        logged: What was logged of a bucket's objects, in sentences, by bucket name.
        coverage: The same, as it was decided, by bucket name.
        logged_at: When this was last read (UTC), or "".
        trail_changed: Time of the newest call that changed what a trail logs, or "".
        calls: Calls over time, without those of AWS services and of this console.
        finds: What the detections found.
        written: Time of the last write that the trail shows to something of the account, by what it changed.
        fresh_writes: Those that `take_writes` has not given away.
    """

    analysis: Analysis
    case: Case = field(default_factory=Case)
    identity: Identity | None = None
    buckets: dict[str, Bucket] = field(default_factory=dict)
    principals: dict[str, Principal] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    logged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    coverage: dict[str, tuple[Coverage, ...]] = field(default_factory=dict)
    logged_at: str = ""
    trail_changed: str = ""
    calls: Histogram = field(default_factory=Histogram)
    finds: Finds = field(default_factory=Finds)
    written: dict[Target, str] = field(default_factory=dict)
    fresh_writes: dict[Target, str] = field(default_factory=dict)

    def take_records(self, records: Iterable[Recorded]) -> list[Judged]:
        """Take in journal records in time order.

        Returns:
            The events among them that were not known before, judged.
        """
        new: list[Judged] = []
        for record in records:
            try:
                new += self._take_record(record)
            except Exception as error:  # noqa: BLE001 - one record must not take those behind it along
                self.case.skip(record, f"{type(error).__name__}: {error}")
        return new

    def take_events(self, events: Iterable[Event], source: str) -> list[Judged]:
        """Take in events of a trail source; gives back the new ones, judged."""
        return self.take_batch(Batch(list(events)), source)

    def take_batch(self, batch: Batch, source: str) -> list[Judged]:
        """Take in events of which something may be known already (see `take_events`)."""
        new = self.analysis.add_batch(batch, source, self.finds.add)
        for line in new:
            if not line.noise and not line.ours:
                self.calls.add(line.event.time, outcome_of(line.event))
            if not line.event.read_only:
                self._take_write(line.event)
            if line.event.name in CHANGES and not line.event.error:
                self.trail_changed = max(self.trail_changed, line.event.time)
        return new

    def _take_write(self, event: Event) -> None:
        for target in of_event(event):
            bare = Target(target.kind, target.name)
            self.written[bare] = max(event.time, self.written.get(bare, ""))
            self.fresh_writes[target] = max(event.time, self.fresh_writes.get(target, ""))

    def take_writes(self) -> Iterable[tuple[Target, str]]:
        """What was written to since this was asked last, and when."""
        found, self.fresh_writes = self.fresh_writes, {}
        return found.items()

    def out_of_date(self, kind: TargetKind, name: str, read_at: datetime | None) -> str:
        """Time of a write that is newer than what was read, or ""."""
        written = self.written.get(Target(kind, name), "")
        return written if written and read_at is not None and written > iso(read_at) else ""

    def take_posture(self, item: Posture) -> bool:
        """Take in the posture of a bucket, principal or instance.

        Returns:
            Whether it is news: that it was read again and is as before is none.
        """
        if isinstance(item, Bucket):
            return _put(self.buckets, item.name, item)
        if isinstance(item, Principal):
            return _put(self.principals, item.arn, item)
        return _put(self.instances, item.id, item)

    def take_logged(self, facts: Mapping[str, Any]) -> bool:
        """Take in what was logged of a bucket, as `Reading.facts` gives it; tells whether it is news."""
        text = facts.get("text")
        lines = tuple(map(str, text)) if isinstance(text, list | tuple) else ()
        bucket = str(facts.get("bucket"))
        try:
            self.coverage[bucket] = msgspec.convert(facts.get("coverage") or (), tuple[Coverage, ...], strict=False)
        except msgspec.ValidationError:
            self.coverage.pop(bucket, None)  # of another version: what is logged is not known then
        return _put(self.logged, bucket, lines)

    def _take_record(self, record: Recorded) -> list[Judged]:
        if not self.case.apply(record):
            return []
        kind = record.get("kind")
        if record.table == "trail" and kind == "event":
            return self._take_recorded(record)
        if record.table == "case" and kind == "identity":
            self._take_identity(record)
        elif record.table == "posture":
            self._take_facts(record)
        return []

    def _take_recorded(self, record: Recorded) -> list[Judged]:
        try:
            event = decode_record(record.get("raw") or {})
        except ValueError as error:
            self.case.skip(record, str(error))
            return []
        return self.take_events([event], str(record.get("source") or ""))

    def _take_identity(self, record: Recorded) -> None:
        """Who a console of the case was: its calls are ours, also in review and on the other consoles."""
        fields = [str(record.get(name) or "") for name in ("account", "arn", "user_id", "region")]
        self.identity = self.identity or Identity(*fields)
        keys = record.get("keys")
        if isinstance(keys, list | tuple):
            self.analysis.own_keys = frozenset((*self.analysis.own_keys, *map(str, keys)))
        self.analysis.own_principals |= own_sessions(fields[1])

    def _take_facts(self, record: Recorded) -> None:
        kind, facts = record.get("kind"), record.get("facts") or {}
        if kind == "logged":
            self.take_logged(facts)
        elif kind in _POSTURES:
            try:
                self.take_posture(msgspec.convert(facts, _POSTURES[kind], strict=False))
            except msgspec.ValidationError as error:
                self.case.skip(record, str(error))


def identity_record(identity: Identity, keys: Iterable[str]) -> dict[str, Any]:
    """The journal record of who a console is, as `Known.take_records` reads it. Key ids are evidence, not secrets."""
    return {"kind": "identity", **msgspec.to_builtins(identity), "keys": list(keys)}


def posture_record(item: Posture) -> dict[str, Any]:
    """The journal record of a posture, as `Known.take_records` reads it."""
    kind = type(item).__name__.lower()
    ident = item.arn if isinstance(item, Principal) else item.id if isinstance(item, Instance) else item.name
    return {"kind": kind, "id": ident, "facts": msgspec.to_builtins(item)}


def logged_record(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The journal record of what was logged of a bucket, as `Known.take_records` reads it."""
    return {"kind": "logged", "id": facts["bucket"], "facts": facts}


def _put(known: dict[str, _Item], key: str, item: _Item) -> bool:
    before = known.get(key)
    known[key] = item
    return before is None or _without_times(before) != _without_times(item)


def _without_times(item: object) -> object:
    """A posture without when it was read, so that it can be compared."""
    if isinstance(item, Bucket):
        return replace(item, read_at=None, settings_at=None)
    if isinstance(item, Principal):
        return replace(item, read_at=None, credentials_at=None)
    return replace(item, read_at=None) if isinstance(item, Instance) else item
