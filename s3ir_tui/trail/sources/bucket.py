"""A trail's bucket: everything that the trail selects, as the files that CloudTrail delivers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import decode
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import SourceError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

_REMEMBERED = 200_000
_AT_ONCE = 8
_LATE = timedelta(hours=1)
"""Late files are stored under an older time: the day before is listed again until so long after midnight."""


class TrailBucketSource:
    """Lists the day's prefixes again and again and reads the files that it has not read.

    Args:
        account: The connection.
        bucket: The trail's bucket.
        prefix: The trail's key prefix, or "".
        account_id: The account whose events are read.
        regions: Regions whose prefixes are listed.
        since: How far to look back first.
        data_events: Whether the trail's selectors include S3 data events.
    """

    interval = 2.0

    def __init__(
        self,
        account: Account,
        bucket: str,
        prefix: str,
        account_id: str,
        regions: Sequence[str],
        since: datetime,
        *,
        data_events: bool,
    ) -> None:
        self.name = f"bucket {bucket}"
        self.data_events = data_events
        self._account, self._bucket = account, bucket
        begin = f"{prefix.rstrip('/')}/" if prefix else ""
        self._bases = [f"{begin}AWSLogs/{account_id}/CloudTrail/{region}/" for region in regions]
        self._from = since
        self._read: OrderedDict[str, None] = OrderedDict()
        self._first = True

    def poll(self) -> list[Event]:
        """Read the new files of today, and of the days before on the first poll."""
        now = utc_now()
        try:
            keys = [key for base in self._bases for day in self._days(now) for key in self._list(f"{base}{day}/")]
            new = [key for key in keys if key not in self._read]
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="trail-file") as pool:
                found = [event for events in pool.map(self._events, new) for event in events]
        except AwsError as error:
            raise SourceError(f"{self.name}: {error}", 15.0) from None
        self._read.update(dict.fromkeys(new))
        while len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        self._first = False
        return found

    def _days(self, now: datetime) -> list[str]:
        begin = self._from if self._first else now - _LATE
        count = (now.date() - begin.date()).days
        return [f"{now.date() - timedelta(days=back):%Y/%m/%d}" for back in range(count, -1, -1)]

    def _list(self, prefix: str) -> Iterator[str]:
        for item in self._account.pages("s3", "ListObjectsV2", {"Bucket": self._bucket, "Prefix": prefix}, "Contents"):
            key = str(item["Key"])
            if key.endswith((".json.gz", ".json")):
                yield key

    def _events(self, key: str) -> list[Event]:
        answer = self._account.call("s3", "GetObject", {"Bucket": self._bucket, "Key": key})
        return decode(answer["Body"].read(), f"s3://{self._bucket}/{key}").events
