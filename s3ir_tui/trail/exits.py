"""Networks through which several instances call, each from its beginning on: NAT gateways, and no thief's."""

from __future__ import annotations

from datetime import datetime, timedelta

from s3ir_tui.trail.arns import instance_of, is_address, network_of

SHARED_BY = 3
"""So many instances make it the way out of a VPC."""

FROM_THE_START = timedelta(hours=1)
"""Within so long of an instance's first call its own ways out are seen; a thief comes later."""

MOST_NETWORKS = 4096
MOST_INSTANCES = 20_000
_KEPT = 8


class Exits:
    """Feed it where instances call from, in any order. Bounded.

    Attributes:
        revision: Grows when another network may have become an exit.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._began: dict[str, str] = {}
        self._uses: dict[str, dict[str, str]] = {}

    def add(self, principal: str, address: str, first: str) -> None:
        """Take in that a principal called from an address, first at a time."""
        instance = instance_of(principal)
        if not instance or not is_address(address):
            return
        began = self._began.get(instance)
        if began is None or first < began:
            if began is None and len(self._began) >= MOST_INSTANCES:
                return
            self._began[instance] = first
        network = network_of(address)
        uses = self._uses.get(network)
        if uses is None:
            if len(self._uses) >= MOST_NETWORKS:
                return
            uses = self._uses[network] = {}
        known = uses.get(instance)
        if known is None:
            if len(uses) < _KEPT:
                uses[instance] = first
                self.revision += len(uses) >= SHARED_BY
        elif first < known:
            uses[instance] = first

    def news(self, principal: str) -> int:
        """Another number whenever what is known here may tell something new of a principal."""
        return self.revision if instance_of(principal) else 0

    def has(self, network: str) -> bool:
        """Whether a network is the way out of several instances."""
        uses = self._uses.get(network, {})
        if len(uses) < SHARED_BY:
            return False
        early = (soon(self._began[instance], first) for instance, first in uses.items())
        return sum(early) >= SHARED_BY


def soon(began: str, then: str, within: timedelta = FROM_THE_START) -> bool:
    """Whether one time is not much later than another."""
    return then <= began or datetime.fromisoformat(then) - datetime.fromisoformat(began) <= within
