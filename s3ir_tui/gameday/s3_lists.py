"""ListBuckets and ListDirectoryBuckets: the buckets of the caller's account, page by page."""

from __future__ import annotations

import base64
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.store import canonical_id, s3
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

_MOST_BUCKETS = 10_000
_NO_DIRECTORY_BUCKETS = (
    b'<ListAllMyDirectoryBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Buckets/></ListAllMyDirectoryBucketsResult>"
)


def list_directory_buckets(_call: Call, _who: Who) -> Answer:
    """Answer ListDirectoryBuckets: this account has none."""
    return Answer(200, [("Content-Type", "application/xml")], _NO_DIRECTORY_BUCKETS)


def list_buckets(call: Call, who: Who) -> Answer:
    """Answer ListBuckets; the Region of a bucket is shown when any parameter is given (S3 API, ListBuckets)."""
    prefix, region = str(call.params.get("Prefix") or ""), call.params.get("BucketRegion")
    most = min(int(call.params.get("MaxBuckets") or _MOST_BUCKETS), _MOST_BUCKETS)
    after = _read_token(call.params.get("ContinuationToken"))
    found = [
        bucket
        for name, bucket in sorted(s3(who.account).buckets.items())
        if name.startswith(prefix) and name > after and (not region or bucket.region_name == region)
    ]
    page = found[:most]
    paged = call.params.get("MaxBuckets") is not None
    result: dict[str, Any] = {
        "Owner": {"ID": canonical_id(who.account)},
        "Buckets": [
            {"Name": bucket.name, "CreationDate": bucket.creation_date, "BucketArn": bucket.arn}
            | ({"BucketRegion": bucket.region_name} if paged or prefix or region else {})
            for bucket in page
        ],
    }
    if prefix:
        result["Prefix"] = prefix
    if len(page) < len(found):
        result["ContinuationToken"] = base64.urlsafe_b64encode(page[-1].name.encode()).decode()
    return result_answer(call, result)


def _read_token(token: object) -> str:
    if not token:
        return ""
    try:
        return base64.b64decode(str(token), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise Refused("InvalidArgument", "The continuation token provided is incorrect", 400) from None
