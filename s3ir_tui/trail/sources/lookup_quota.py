"""How often this process may ask LookupEvents: one budget per account and Region, shared by all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.sources.base import Calls, throttled

PACE = 0.6
"""Seconds between requests. AWS allows two a second per account and Region, for all callers together, and raises the
limit for nobody (CloudTrail API, LookupEvents: "limited to two per second, per account, per Region")."""

_SLOWEST = 8.0
_TRIES = 4


class Quota:
    """The budget of one account in one Region. Whoever asks waits for the next free moment, in order of asking.

    When AWS refuses all the same, others ask too: the pace is then slowed down at once and recovers little by little.

    Args:
        monotonic: Seconds.
        sleep: Waits.
    """

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._lock = threading.Lock()
        self._free_at = float("-inf")
        self._pace = PACE
        self.asked = 0
        self.refused = 0

    def ask(self, account: Calls, params: Mapping[str, Any], region: str) -> dict[str, Any]:
        """Make one LookupEvents call when it may be made; again, later and later, where AWS refuses it for its rate.

        Args:
            account: The connection.
            params: Parameters of LookupEvents.
            region: The Region.

        Raises:
            AwsError: It failed, or is still refused after some tries.
        """
        for trial in range(_TRIES):
            self._wait()
            try:
                answer = account.call("cloudtrail", "LookupEvents", params, region)
            except AwsError as error:
                if not throttled(error):
                    raise
                self._slow_down()
                if trial == _TRIES - 1:
                    raise
            else:
                with self._lock:
                    self._pace = max(PACE, self._pace * 0.95)
                return answer
        raise AssertionError("unreachable")

    def _wait(self) -> None:
        with self._lock:
            now = self._monotonic()
            mine = max(now, self._free_at)
            self._free_at = mine + self._pace
            self.asked += 1
        if mine > now:
            self._sleep(mine - now)

    def _slow_down(self) -> None:
        with self._lock:
            self.refused += 1
            self._pace = min(_SLOWEST, self._pace * 2)
            self._free_at = max(self._free_at, self._monotonic() + self._pace)


_quotas: dict[tuple[str, str], Quota] = {}
_making = threading.Lock()


def quota_of(account: str, region: str) -> Quota:
    """The budget of this process for an account (its id) in a Region."""
    with _making:
        return _quotas.setdefault((account, region), Quota())
