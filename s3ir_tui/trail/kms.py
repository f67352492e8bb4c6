"""KMS as a shadow log: who had which objects decrypted, where their reads were not logged themselves.

S3 asks KMS in the caller's name for each object under SSE-KMS, and names the object (with a bucket key: the bucket) in
the encryption context. Those are management events: they are there where S3 data events are off. A decryption is not a
read: KMS is asked before the object leaves, copies within S3 need it too, and a bucket key is cached for some time.
Source: KMS Developer Guide, "Encryption context"; S3 User Guide, "Reducing the cost of SSE-KMS with bucket keys".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.alike import MOST_IDS, Alike

MOST_PAIRS = 20_000
MOST_OBJECTS = 50

READS = frozenset({"Decrypt"})
WRITES = frozenset({"GenerateDataKey"})
SHADOWS = READS | WRITES
"""Calls that tell of objects."""

_CONTEXT = re.compile(rb'"aws:s3:arn"\s*:\s*"arn:aws[a-z-]*:s3:::((?:[^"\\]|\\.)+)"')


def shadowed(parameters: bytes) -> tuple[str, str]:
    """The bucket and key, or the bucket and "", that the JSON of a KMS call names; empty where it names none."""
    found = _CONTEXT.search(parameters)
    if found is None:
        return "", ""
    try:
        path = json.loads(b'"' + found[1] + b'"')
    except ValueError:
        return "", ""
    bucket, _, key = path.partition("/")
    return bucket, key


@dataclass(frozen=True, slots=True)
class ProbableReads:
    """What KMS tells of one principal and one bucket.

    Attributes:
        principal: Who.
        bucket: Of which bucket.
        decrypted: How often something was decrypted for it.
        encrypted: How often a key for writing was made for it.
        refused: How often KMS turned it away.
        first: Time of the first of these calls.
        last: Time of the last.
        objects: Objects by name, the first fifty; empty where the bucket has a bucket key.
        events: Ids of the first twenty.
    """

    principal: str
    bucket: str
    decrypted: int
    encrypted: int
    refused: int
    first: str
    last: str
    objects: tuple[str, ...]
    events: tuple[str, ...]

    @property
    def text(self) -> str:
        """In words, safe to display."""
        what = f" (such as {self.objects[0]})" if self.objects else ", by the key of the whole bucket"
        return clean(
            f"{self.decrypted} times decrypted for {short_arn(self.principal)}{what}, so probably read,"
            f" {self.first} to {self.last}"
        )

    def to_json(self) -> dict[str, Any]:
        """As `trail --output json` prints it."""
        made = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return made | {"objects": list(self.objects), "events": list(self.events), "text": self.text}


class _Pair:
    __slots__ = ("decrypted", "encrypted", "first", "ids", "last", "objects", "refused")

    def __init__(self, at: str) -> None:
        self.decrypted = self.encrypted = self.refused = 0
        self.first = self.last = at
        self.objects: dict[str, None] = {}
        self.ids: list[str] = []


class KmsReads:
    """Feed it events in any order. Bounded; `capped` says that it was cut."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self.capped = False

    def add(self, some: Alike) -> None:
        """Take in events; others than those of KMS cost next to nothing."""
        event = some.event
        if event.service != "kms" or event.name not in SHADOWS:
            return
        bucket, key = shadowed(event.raw)
        if not bucket:
            return
        named = (event.principal, bucket)
        pair = self._pairs.get(named)
        if pair is None:
            if len(self._pairs) >= MOST_PAIRS:
                self.capped = True
                return
            pair = self._pairs[named] = _Pair(some.first)
        pair.first, pair.last = min(pair.first, some.first), max(pair.last, some.last)
        if event.error:
            pair.refused += some.count
        elif event.name in READS:
            pair.decrypted += some.count
        else:
            pair.encrypted += some.count
        if key and len(pair.objects) < MOST_OBJECTS:
            pair.objects[key] = None
        pair.ids += some.ids[: MOST_IDS - len(pair.ids)]

    def reads(self, bucket: str = "") -> tuple[ProbableReads, ...]:
        """What was probably read, most first.

        Args:
            bucket: Of this bucket only, or "" for all.
        """
        made = [
            ProbableReads(
                principal=principal,
                bucket=name,
                decrypted=pair.decrypted,
                encrypted=pair.encrypted,
                refused=pair.refused,
                first=pair.first,
                last=pair.last,
                objects=tuple(pair.objects),
                events=tuple(pair.ids),
            )
            for (principal, name), pair in self._pairs.items()
            if not bucket or name == bucket
        ]
        return tuple(sorted(made, key=lambda item: (-item.decrypted, item.bucket, item.principal)))

    def visibility(self) -> dict[str, str]:
        """For each bucket, what KMS tells of it, for where its data events are off."""
        found: dict[str, list[ProbableReads]] = {}
        for item in self.reads():
            if item.decrypted:
                found.setdefault(item.bucket, []).append(item)
        return {name: _summary(items) for name, items in found.items()}


def _summary(items: list[ProbableReads]) -> str:
    times = sum(item.decrypted for item in items)
    who = f"{len(items)} principals" if len(items) > 1 else short_arn(items[0].principal)
    first, last = min(item.first for item in items), max(item.last for item in items)
    likely = "likely read (inferred from KMS Decrypt, not logged as GetObject)"
    return clean(f"KMS decrypted {times} times for {who} from {first} to {last}: {likely}")
