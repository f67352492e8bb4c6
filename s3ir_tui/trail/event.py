"""One CloudTrail event, reduced to what the console asks of it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from s3ir_tui.model import Severity


class Event(msgspec.Struct, frozen=True, gc=False):
    """A CloudTrail record in the console's terms. Strings are as recorded: clean them (`text.clean`) to show them.

    Attributes:
        id: `eventID`; the key of deduplication.
        time: `eventTime` as `YYYY-MM-DDTHH:MM:SSZ` (UTC), so that strings sort as times do.
        name: `eventName`, such as `GetObject`.
        service: The first label of `eventSource`, such as `s3` or `iam`.
        region: `awsRegion`.
        account: The account whose resource was touched: `recipientAccountId`.
        principal: The identity that acts: `userIdentity.arn`, else the best there is (`invokedBy`, `anonymous`,
            `TYPE:ACCOUNT`). A role session keeps its session ARN.
        kind: `userIdentity.type`, with `Anonymous` for unsigned requests (CloudTrail says `AWSAccount`).
        issuer: ARN of the role behind a session, or of the user behind GetSessionToken/GetFederationToken; else "".
        caller_account: `userIdentity.accountId`.
        access_key: `userIdentity.accessKeyId`, or "".
        address: `sourceIPAddress`.
        agent: `userAgent`.
        invoked_by: The AWS service that called for the principal, or "".
        bucket: Bucket name, or "".
        key: Object key, or "".
        error: `errorCode`, or "" for a call that succeeded.
        message: `errorMessage`.
        read_only: `readOnly`.
        bytes_in: Bytes into S3.
        bytes_out: Bytes out of S3.
        category: `eventCategory`: Management, Data, Insight, NetworkActivity, Aggregated.
        type: `eventType`: AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, ...
        request_id: `requestID`.
        raw: The record as JSON bytes, for the detail screen and for conditions that look deeper.
    """

    id: str
    time: str
    name: str
    service: str
    region: str = ""
    account: str = ""
    principal: str = ""
    kind: str = ""
    issuer: str = ""
    caller_account: str = ""
    access_key: str = ""
    address: str = ""
    agent: str = ""
    invoked_by: str = ""
    bucket: str = ""
    key: str = ""
    error: str = ""
    message: str = ""
    read_only: bool = False
    bytes_in: int = 0
    bytes_out: int = 0
    category: str = "Management"
    type: str = "AwsApiCall"
    request_id: str = ""
    raw: bytes = b""

    @property
    def at(self) -> datetime:
        """`time` as an aware datetime."""
        return datetime.strptime(self.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    @property
    def ok(self) -> bool:
        """Whether the call succeeded; attempts and successes never share a number."""
        return not self.error


class Judged(msgspec.Struct, frozen=True, gc=False):
    """An event with the console's opinion of it, as the tail shows it.

    Attributes:
        event: The event.
        severity: How much it matters.
        reasons: Why, in words, most important first; empty for `INFO`.
        noise: Whether it is service noise that the tail folds behind a counter.
        ours: Whether the console's own credentials made the call.
        source: Name of the source that brought it.
        late: How the tail marks it where it came late, `late` or `late, of 02:27`; "" where it did not.
    """

    event: Event
    severity: Severity = Severity.INFO
    reasons: tuple[str, ...] = ()
    noise: bool = False
    ours: bool = False
    source: str = ""
    late: str = ""
