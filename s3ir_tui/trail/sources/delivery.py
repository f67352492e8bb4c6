"""Whether the files of a trail come as they came before: what their names tell of gaps in the delivery."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from s3ir_tui.text import clean

STEADY = timedelta(minutes=15)
"""A Region is steady if nine of ten of its files followed the one before within this time; CloudTrail delivers "about
every 5 minutes" (CloudTrail User Guide) where there are events. Where there are none there is no file: of a Region that
is not steady, silence says nothing."""

FEWEST = 12
"""Fewer files than these make no Region steady."""

MISSING = timedelta(minutes=30)
"""A steady Region without a file for so long, and for three times its longest usual pause, has a gap."""

_KEPT = 5000
_SHOWN = 2


class Deliveries:
    """The times of delivery of each Region, in minutes, newest `_KEPT` kept.

    The rule says only what is there to see: "no file from REGION since TIME". That may be lost delivery, a trail that
    was stopped or made smaller, or a workload that ended.
    """

    def __init__(self) -> None:
        self._times: dict[str, list[datetime]] = defaultdict(list)

    def add(self, key: str) -> None:
        """Take in the name of a file: `acct_CloudTrail_region_YYYYMMDDTHHmmZ_unique.json.gz`."""
        parts = key.rsplit("/", 1)[-1].split("_")
        if len(parts) < 4:
            return
        try:
            at = datetime.strptime(parts[-2], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        except ValueError:
            return
        times = self._times[parts[-3]]
        place = bisect_left(times, at)
        if times[place : place + 1] != [at]:
            times.insert(place, at)
            del times[:-_KEPT]

    def gaps(self, now: datetime) -> str:
        """What is missing, in words; "" where nothing is, or where it cannot be told.

        Args:
            now: The time.
        """
        open_ones: list[tuple[datetime, str]] = []
        holes: list[tuple[datetime, datetime, str]] = []
        steady = {region: pause for region in self._times if (pause := self._usual_pause(region)) is not None}
        for region, pause in steady.items():
            times = self._times[region]
            longest = max(MISSING, 3 * pause)
            if now - times[-1] > longest:
                open_ones.append((times[-1], region))
            holes += [(begin, end, region) for begin, end in pairwise(times) if end - begin > longest]
        told = [self._since(at, region) for at, region in sorted(open_ones)]
        told += [
            f"no file from {clean(region)} from {_at(begin)} to {_at(end)}"
            for begin, end, region in sorted(holes)[::-1]
        ]
        more = f"; {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        return "; ".join(told[:_SHOWN]) + more

    def _usual_pause(self, region: str) -> timedelta | None:
        """The longest pause of nine in ten of a Region's files, if that makes it steady."""
        times = self._times[region]
        if len(times) < FEWEST:
            return None
        pauses = sorted(later - earlier for earlier, later in pairwise(times))
        usual = pauses[len(pauses) * 9 // 10]
        return usual if usual <= STEADY else None

    def _since(self, at: datetime, region: str) -> str:
        newest = max(times[-1] for times in self._times.values())
        others = f", while others come (newest {_at(newest)})" if newest > at + MISSING else ""
        return f"no file from {clean(region)} since {_at(at)}{others}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
