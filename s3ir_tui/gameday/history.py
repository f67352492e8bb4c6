"""Back-dated CloudTrail records: legitimate work that was going on long before the incident."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from s3ir_tui.gameday.scenario import Job
from s3ir_tui.model import iso

DAYS = 21
CALLS_A_DAY = 4


def past_work(
    jobs: Sequence[Job], *, account: str, region: str, until: datetime, keys: Sequence[str]
) -> list[dict[str, Any]]:
    """What the jobs did in the last weeks, as CloudTrail would have recorded it.

    Args:
        jobs: The legitimate principals.
        account: The account's id.
        region: Its region.
        until: The newest record is some hours older than this (UTC).
        keys: Object keys to choose from where a job's own prefix holds none.

    Returns:
        Records in order of time; the same for the same arguments.
    """
    records = [record for number, job in enumerate(jobs) for record in _past(job, number, account, region, until, keys)]
    return sorted(records, key=lambda record: str(record["eventTime"]))


def _past(
    job: Job, number: int, account: str, region: str, until: datetime, keys: Sequence[str]
) -> Iterator[dict[str, Any]]:
    dice = random.Random(f"{job.name}-{number}")  # noqa: S311 - reproducible, not secret
    readable = [key for key in keys if key.startswith(job.prefix)] or [f"{job.prefix}index.csv"]
    for day in range(DAYS, 0, -1):
        midnight = (until - timedelta(days=day)).replace(hour=0, minute=0, second=0)
        identity = _identity(job, account, midnight, dice)
        for call in range(CALLS_A_DAY):
            when = midnight + timedelta(hours=2 + number, minutes=dice.randrange(59), seconds=call)
            if job.writes and call % 2:
                name, key, sent, received = "PutObject", f"{job.writes}part-{day:04d}-{call}", dice.randrange(60_000), 0
            else:
                name, key, sent, received = "GetObject", dice.choice(readable), 0, dice.randrange(4_000, 60_000)
            address = dice.choice(job.credential.addresses or ("10.0.0.9",))
            yield _record(
                job,
                identity,
                name,
                key,
                when,
                account=account,
                region=region,
                address=address,
                bytes_in=sent,
                bytes_out=received,
                identifier=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            )


def _identity(job: Job, account: str, since: datetime, dice: random.Random) -> dict[str, Any]:
    arn = job.credential.principal
    name = arn.rsplit("/", 1)[-1]
    if ":role/" not in arn:
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{name.upper():A<16.16}",
            "arn": arn,
            "accountId": account,
            "accessKeyId": job.credential.access_key_id,
            "userName": name,
        }
    session = job.credential.instance or job.name
    role_id = f"AROA{name.upper().replace('-', ''):A<16.16}"
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": "ASIA" + "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": arn,
                "accountId": account,
                "userName": name,
            },
            "attributes": {"creationDate": iso(since), "mfaAuthenticated": "false"},
        },
    }


def _record(
    job: Job,
    identity: dict[str, Any],
    name: str,
    key: str,
    when: datetime,
    *,
    account: str,
    region: str,
    address: str,
    bytes_in: int,
    bytes_out: int,
    identifier: str,
) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": iso(when),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": address,
        "userAgent": f"[{job.user_agent}]",
        "requestParameters": {"bucketName": job.bucket, "key": key, "Host": f"{job.bucket}.s3.{region}.amazonaws.com"},
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "AuthenticationMethod": "AuthHeader",
            "bytesTransferredIn": float(bytes_in),
            "bytesTransferredOut": float(bytes_out),
        },
        "requestID": identifier[:16].replace("-", "").upper(),
        "eventID": identifier,
        "readOnly": name == "GetObject",
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{job.bucket}/{key}"},
            {"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{job.bucket}"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": account,
        "eventCategory": "Data",
    }
