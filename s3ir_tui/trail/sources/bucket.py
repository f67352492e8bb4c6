"""A trail's bucket: everything that the trail selects, as the files that CloudTrail delivers."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from s3ir_tui.aws.errors import AwsError, from_exception
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import Decoded, Skipped, decode
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import BUSY, Calls, SourceError, trouble
from s3ir_tui.trail.sources.covers import Covers, Lateness
from s3ir_tui.trail.sources.delivery import Deliveries

INTERVAL = 2.0
FILES_AT_ONCE = 64
SECONDS_A_POLL = 5.0
"""A poll begins no further files after so long: what is newest is to be shown soon."""

LATE = timedelta(hours=1)
"""Files are delivered late at times, under their older name: so far back is listed each time."""

WHOLE_EVERY = timedelta(minutes=10)
"""How often the days are listed from their beginning."""

SOONEST = timedelta(seconds=5)
LATEST = timedelta(seconds=60)
"""A Region's prefix is listed again so soon after a file came, and more and more seldom, up to the latter, while none
does: CloudTrail delivers "about every 5 minutes" (CloudTrail User Guide)."""

REGIONS_EVERY = timedelta(seconds=30)
"""How often Regions are looked for that the bucket did not have before."""

GAPS_EVERY = timedelta(seconds=30)
"""How often gaps in the delivery are looked for."""

_AT_ONCE = 8
_REMEMBERED = 200_000
_TRIES = 3
_MOST_SKIPPED = 1000


class TrailBucketSource:
    """Lists the prefixes of each day again and again, and reads the files that it has not read, newest first.

    Args:
        account: The connection.
        bucket: The trail's bucket.
        prefix: The trail's key prefix, or "".
        account_id: The account whose events are read.
        regions: Regions to read, or empty for those that the bucket has.
        since: How far to look back.
        data_events: Whether the trail's selectors include S3 data events.
        remark: What is wrong with the trail, as whoever found it knows.
        files: Files that are read together.
        seconds: How long a poll goes on reading files.
        clock: The time, UTC.
        monotonic: Seconds.
    """

    def __init__(
        self,
        account: Calls,
        bucket: str,
        prefix: str,
        account_id: str,
        regions: Sequence[str],
        since: datetime,
        *,
        data_events: bool = True,
        remark: str = "",
        files: int = FILES_AT_ONCE,
        seconds: float = SECONDS_A_POLL,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"bucket {bucket}"
        self.data_events = data_events
        self.skipped: list[Skipped] = []
        self._account, self._bucket, self._id = account, bucket, account_id
        self._root = f"{prefix.strip('/')}/AWSLogs/" if prefix.strip("/") else "AWSLogs/"
        self._regions = tuple(regions)
        self._since, self._files, self._seconds = since, files, seconds
        self._clock, self._monotonic = clock, monotonic
        self._read: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, int] = {}
        self._bases: tuple[str, ...] = ()
        self._bases_at = since
        self._whole_at: datetime | None = None
        self._deliveries = Deliveries()
        self._gaps, self._gaps_at = "", since
        self._wrong = remark
        self._listed: dict[str, datetime] = {}
        self._pause: dict[str, timedelta] = {}
        self._listed_at: datetime | None = None
        self._lateness = Lateness()

    @property
    def covers(self) -> Covers:
        """What the files hold: of the Regions that are read, whatever the trail selects."""
        return Covers(self._regions, data=self.data_events)

    @property
    def complete_to(self) -> datetime | None:
        """When the last listing began of which every file has been read."""
        return self._listed_at

    @property
    def late(self) -> float | None:
        """How long after their times events came, in seconds."""
        return self._lateness.seconds

    @property
    def remark(self) -> str:
        """What is wrong with the trail; and where files are missing, by the times in the names of those that came."""
        none = ""
        if self._whole_at is not None and not self._bases:
            none = f"no log files of account {self._id} are under {self._root}"
        said = "; ".join(filter(None, (self._wrong, none, self._gaps)))
        return f"{self.name}: {said}" if said else ""

    @property
    def caught_up(self) -> bool:
        """Whether every file that was listed has been read."""
        return self._whole_at is not None and not self._waiting

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll."""
        return INTERVAL if self.caught_up else BUSY

    def poll(self) -> list[Event]:
        """List what is new and read a part of what waits, newest first.

        Raises:
            SourceError: The bucket cannot be listed, or not one file of it can be read.
        """
        first, begun = self._whole_at is None, self._clock()
        try:
            self._list(begun)
        except AwsError as error:
            raise trouble(self.name, error) from None
        until = self._monotonic() + self._seconds
        events, sound = self._read_some()
        # Files that failed are not tried again at once.
        while sound and self._waiting and self._monotonic() < until:
            more, sound = self._read_some()
            events += more
        if not self._waiting and self._whole_at is not None:
            self._listed_at = min((self._listed[base] for base in self._bases), default=begun)
        self.data_events = self.data_events or any(e.category == "Data" and e.service == "s3" for e in events)
        for event in () if first or self._listed_at is None else events:
            self._lateness.take(event.at, begun)
        return events

    def _read_some(self) -> tuple[list[Event], bool]:
        """Read the newest files that wait; tells whether every one could be read.

        Raises:
            SourceError: Not one of them can be read.
        """
        keys = sorted(self._waiting, key=_name, reverse=True)[: self._files]
        if not keys:
            return [], True
        with ThreadPoolExecutor(min(_AT_ONCE, len(keys)), thread_name_prefix="trail-file") as pool:
            answers = list(pool.map(self._get, keys))
        events: list[Event] = []
        problem: AwsError | None = None
        for key, answer in zip(keys, answers, strict=True):
            if isinstance(answer, AwsError):
                problem = answer
                self._failed(key, answer)
            else:
                self._done(key)
                events += answer.events
                self._skip(answer.skipped)
        if problem is not None and all(isinstance(answer, AwsError) for answer in answers):
            raise SourceError(f"{self.name}: no log file can be read: {_key_trouble(problem)}{problem}", 15.0)
        return events, problem is None

    def newest_file(self) -> tuple[str, datetime] | None:
        """Key of the newest file of today or yesterday, and when it was there; `None` where there is none.

        Raises:
            AwsError: The bucket cannot be listed.
        """
        now = self._clock()
        bases = tuple(self._find_bases())
        for begin, whole in ((now - LATE, False), (now, True), (now - timedelta(days=1), True)):
            day = f"{begin:%Y/%m/%d}/"
            items = [item for base in bases for item in self._items(base, day, None if whole else begin)]
            files = [item for item in items if _is_log(str(item["Key"]))]
            if files:
                last = max(files, key=lambda item: _name(str(item["Key"])))
                return str(last["Key"]), last["LastModified"]
        return None

    def read_file(self, key: str) -> Decoded:
        """Read one file.

        Raises:
            AwsError: It cannot be read.
        """
        answer = self._get(key)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    # -- listing ----------------------------------------------------------------------------------

    def _list(self, now: datetime) -> None:
        whole = self._whole_at is None or now - self._whole_at >= WHOLE_EVERY
        if not self._bases or now >= self._bases_at + REGIONS_EVERY:
            self._take_bases(now)
        first = self._whole_at is None
        begin = self._since if first else now - (timedelta(days=1) if whole else LATE)
        for base in self._bases:
            if not whole and base in self._listed and now < self._listed[base] + self._pause[base]:
                continue
            before = len(self._waiting)
            for day in range((now.date() - begin.date()).days + 1):
                date = begin.date() + timedelta(days=day)
                self._list_day(base, f"{date:%Y/%m/%d}/", begin if not whole else None)
            came = len(self._waiting) > before
            self._listed[base] = now
            self._pause[base] = SOONEST if came else min(LATEST, self._pause.get(base, SOONEST) * 2)
        if whole:
            self._whole_at = now
        if now >= self._gaps_at:
            self._gaps, self._gaps_at = self._deliveries.gaps(now), now + GAPS_EVERY

    def _take_bases(self, now: datetime) -> None:
        """Look for Regions: a trail that was just made has none yet, and a new one may be the attacker's."""
        self._bases, self._bases_at = tuple(self._find_bases()), now

    def _list_day(self, base: str, day: str, after: datetime | None) -> None:
        for item in self._items(base, day, after):
            key = str(item["Key"])
            if _is_log(key) and key not in self._read and key not in self._waiting:
                self._waiting[key] = 0
                self._deliveries.add(key)

    def _items(self, base: str, day: str, after: datetime | None) -> Iterator[Mapping[str, Any]]:
        """What stands under a Region's prefix of a day, from a time on."""
        prefix = f"{base}{day}"
        params = {"Bucket": self._bucket, "Prefix": prefix}
        if after is not None and f"{after:%Y/%m/%d}/" == day:
            # Names carry the time: acct_CloudTrail_region_YYYYMMDDTHHmmZ_unique.json.gz
            region = base.rstrip("/").rsplit("/", 1)[-1]
            params["StartAfter"] = f"{prefix}{self._id}_CloudTrail_{region}_{after:%Y%m%dT%H%M}"
        yield from self._account.pages("s3", "ListObjectsV2", params, "Contents")

    def _find_bases(self) -> Iterator[str]:
        """Prefixes of the account's Regions: of its own trail, or of its organization's."""
        roots = [f"{self._root}{self._id}/CloudTrail/"]
        roots += [f"{item}{self._id}/CloudTrail/" for item in self._folders(self._root) if "/o-" in f"/{item}"]
        for root in roots:
            if self._regions:
                yield from (f"{root}{region}/" for region in self._regions)
            else:
                yield from self._folders(root)

    def _folders(self, prefix: str) -> Iterator[str]:
        params = {"Bucket": self._bucket, "Prefix": prefix, "Delimiter": "/"}
        for item in self._account.pages("s3", "ListObjectsV2", params, "CommonPrefixes"):
            yield str(item["Prefix"])

    # -- files ------------------------------------------------------------------------------------

    def _get(self, key: str) -> Decoded | AwsError:
        from botocore.exceptions import BotoCoreError

        try:
            answer = self._account.call("s3", "GetObject", {"Bucket": self._bucket, "Key": key})
            data = answer["Body"].read()
        except AwsError as error:
            return error
        except (BotoCoreError, OSError) as error:
            return from_exception("s3:GetObject", error, on=f"{self._bucket}/{key}")
        return decode(data, f"s3://{self._bucket}/{key}")

    def _failed(self, key: str, error: AwsError) -> None:
        self._waiting[key] += 1
        if self._waiting[key] >= _TRIES and (error.denied or error.code == "NoSuchKey" or _key_trouble(error)):
            self._done(key)
            self._skip([Skipped(f"s3://{self._bucket}/{key}", f"{_key_trouble(error)}{error}")])

    def _done(self, key: str) -> None:
        self._waiting.pop(key, None)
        self._read[key] = None
        while len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)

    def _skip(self, skipped: Sequence[Skipped]) -> None:
        room = _MOST_SKIPPED - len(self.skipped)
        self.skipped += skipped[: max(room, 0)]


def _is_log(key: str) -> bool:
    return key.endswith((".json.gz", ".json"))


def _name(key: str) -> str:
    """The time in the name of a file: `YYYYMMDDTHHmmZ_unique`."""
    return key.rsplit("/", 1)[-1].split("_", 3)[-1]


def _key_trouble(error: AwsError) -> str:
    """Where the trouble is the KMS key of the files and not the bucket, that it is."""
    if error.code.startswith("KMS.") or (error.denied and "kms:" in error.message):
        return "the files are there, the KMS key that they are encrypted with cannot be used: "
    return ""
