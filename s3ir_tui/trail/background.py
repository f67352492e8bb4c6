"""What stands behind single calls: ways out of VPCs, exposure windows, decryptions, and what is new to a bucket."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from s3ir_tui.trail.alike import Alike, Origin
from s3ir_tui.trail.exits import Exits
from s3ir_tui.trail.exposures import Exposures
from s3ir_tui.trail.kms import KmsReads
from s3ir_tui.trail.novelty import Novelty
from s3ir_tui.trail.sightings import BucketSighting, Reason, Visibility

_LISTED = 200


class Background:
    """Fed by the analysis, event by event; pure and bounded.

    Attributes:
        exits: Networks that several instances call through.
        exposures: When buckets stood open.
        kms: What KMS tells of reads.
        novelty: What is new to a bucket.
    """

    def __init__(self) -> None:
        self.exits = Exits()
        self.exposures = Exposures()
        self.kms = KmsReads()
        self.novelty = Novelty()

    def add(self, some: Alike, *, ours: bool) -> None:
        """Take in events.

        Args:
            some: The events.
            ours: Whether the console's own credentials made them: what they set counts, that they came does not.
        """
        self.exposures.add(some)
        self.kms.add(some)
        if not ours:
            self.novelty.add(some)

    def add_origin(self, origin: Origin, issuer: str) -> None:
        """Take in where a principal called from.

        Args:
            origin: Its calls from there.
            issuer: ARN of the role behind its session, or "".
        """
        self.exits.add(origin.principal, origin.address, origin.first)
        self.novelty.add_origin(origin, issuer)

    def onto(self, buckets: tuple[BucketSighting, ...]) -> tuple[BucketSighting, ...]:
        """The buckets, worst first, with the reasons that come from here beside those that they have."""
        more: dict[str, tuple[Reason, ...]] = dict(self.novelty.reasons())
        for name, reasons in self.exposures.reasons().items():
            more[name] = reasons + more.get(name, ())
        made = [_with(item, more[item.name]) if item.name in more else item for item in buckets]
        return tuple(sorted(made, key=lambda item: (-item.severity, -item.bytes_out, -item.events, item.name)))

    def visibility(self, logged: Collection[str]) -> Iterator[Visibility]:
        """What KMS shows of buckets whose own data events were not seen.

        Args:
            logged: Buckets whose data events were.
        """
        told = sorted((name, text) for name, text in self.kms.visibility().items() if name not in logged)
        for name, text in told[:_LISTED]:
            yield Visibility(name, False, "", "", text)

    def capped(self) -> set[str]:
        """What grew too long to be kept whole."""
        parts = {
            "exposure windows": self.exposures.capped,
            "decryptions": self.kms.capped,
            "ways of principals": self.novelty.capped,
        }
        return {name for name, capped in parts.items() if capped}

    def to_json(self) -> dict[str, Any]:
        """As `trail --output json` prints it."""
        return {
            "exposures": [item.to_json() for item in self.exposures.windows()],
            "kms_reads": [item.to_json() for item in self.kms.reads()],
        }


def _with(bucket: BucketSighting, more: tuple[Reason, ...]) -> BucketSighting:
    reasons = tuple(sorted((*bucket.reasons, *more), key=lambda reason: (-reason.severity, -reason.count)))
    return replace(bucket, reasons=reasons, severity=max(reason.severity for reason in reasons))
