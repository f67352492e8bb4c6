"""Regions in which this identity may not look, or that the account has not enabled: one remark for all of them."""

from __future__ import annotations

import threading

from s3ir_tui.aws.errors import AwsError

RETRY_SECONDS = 3600.0
"""A service control policy or an opt-in does not change by the minute: such Regions are asked again so often."""

_NOT_ENABLED = frozenset(
    {
        "AuthFailure",
        "InvalidClientTokenId",
        "OptInRequired",
        "SubscriptionRequiredException",
        "UnrecognizedClientException",
    }
)
"""What AWS says in a Region that the account did not opt into (AWS Account Management, "Regions"; no credentials are
known there). The same identity works in the home Region."""


class DeniedRegions:
    """Notes Regions; the first source of the account tells them.

    Args:
        teller: Name of the source that tells them.
        never: Regions that are never folded away: where these fail, that is an error.
    """

    def __init__(self, teller: str, never: tuple[str, ...] = ()) -> None:
        self._teller, self._never = teller, frozenset(never)
        self._lock = threading.Lock()
        self._why: dict[str, str] = {}

    def take(self, region: str, error: AwsError) -> bool:
        """Note a Region whose first look failed; tells whether it is left out for good reason, not in trouble."""
        if region in self._never or not (error.denied or error.code in _NOT_ENABLED):
            return False
        scp = "service control policy" in error.message
        why = "denied by a service control policy" if scp else "denied" if error.denied else "not enabled"
        with self._lock:
            self._why[region] = why
        return True

    def works(self, region: str) -> None:
        """A Region answered after all."""
        with self._lock:
            self._why.pop(region, None)

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions, sorted."""
        with self._lock:
            return tuple(sorted(self._why))

    def said_by(self, name: str) -> str:
        """The remark, for the source that tells it; "" for the others."""
        with self._lock:
            if name != self._teller or not self._why:
                return ""
            reasons: dict[str, list[str]] = {}
            for region, why in sorted(self._why.items()):
                reasons.setdefault(why, []).append(region)
        told = "; ".join(f"{why}: {', '.join(regions)}" for why, regions in sorted(reasons.items()))
        return f"Regions not looked in, asked again every hour: {told}"
