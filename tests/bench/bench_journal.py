"""What a durable record costs however long the case is, beside TinyDB's own storage in the same run.

python -m pytest -m bench -s tests/bench/bench_journal.py     or     python tests/bench/bench_journal.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from s3ir_tui.journal import Journal, redact

pytestmark = pytest.mark.bench

INSERTS = 200
OURS = (100, 10_000, 100_000)
STOCK = (100, 1_000, 10_000)
STOCK_INSERTS = {100: 200, 1_000: 100, 10_000: 15}  # a tenth of a second each at the end
EVENTS_A_SECOND = 50

FLATNESS = 1.5
"""How much slower a record may be at 100,000 records than at 100."""


def call_record(number: int) -> dict[str, Any]:
    """About 860 bytes of JSON: an AWS call with parameters and result."""
    return {
        "kind": "outcome",
        "intent": f"46d868cb:{number}",
        "plan": "46d868cb:3",
        "step": number % 7,
        "ok": True,
        "state": "done",
        "http": 200,
        "request_id": f"{number:016X}",
        "aws_date": "Tue, 24 Nov 2026 09:14:07 GMT",
        "error": None,
        "call": {
            "service": "s3",
            "operation": "PutBucketPolicy",
            "region": "eu-central-1",
            "params": {
                "Bucket": f"payroll-{number % 13}",
                "Policy": '{"Version":"2012-10-17","Statement":[{"Sid":"S3IRDeny","Effect":"Deny","Principal":"*",'
                '"Action":"s3:*","Resource":["arn:aws:s3:::payroll-2026","arn:aws:s3:::payroll-2026/*"],"Condition":'
                '{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/svc-export"}}}]}',
            },
        },
        "after": {"Status": "Enabled", "Rules": [{"ID": "one", "Prefix": "exports/"}, {"ID": "two", "Prefix": "q3/"}]},
    }


def event_record(number: int) -> dict[str, Any]:
    """A CloudTrail data event as the trail recorder hands it over."""
    return {
        "kind": "event",
        "source": "bucket trail-logs",
        "raw": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLEEXAMPLEEX:i-0a1b2c3d4e5f60718",
                "arn": "arn:aws:sts::111122223333:assumed-role/etl/i-0a1b2c3d4e5f60718",
                "accountId": "111122223333",
                "accessKeyId": "ASIAEXAMPLEEXAMPLE22",
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/etl", "userName": "etl"},
                    "attributes": {"creationDate": "2026-11-24T08:00:00Z", "mfaAuthenticated": "false"},
                    "ec2RoleDelivery": "2.0",
                },
            },
            "eventTime": "2026-11-24T09:14:07Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "awsRegion": "eu-central-1",
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "[aws-cli/2.15.30 Python/3.11.8 Linux/6.1.0 exe/x86_64.debian.12 prompt/off]",
            "requestParameters": {
                "bucketName": "payroll-2026",
                "Host": "payroll-2026.s3.eu-central-1.amazonaws.com",
                "key": f"q3/part-{number:08d}.csv",
            },
            "responseElements": None,
            "additionalEventData": {
                "SignatureVersion": "SigV4",
                "CipherSuite": "TLS_AES_128_GCM_SHA256",
                "bytesTransferredIn": 0,
                "bytesTransferredOut": 52311,
                "AuthenticationMethod": "AuthHeader",
                "x-amz-id-2": "3nRmVv0n5b1h1Yq3mKc1oQ2p4rXk8m0d2Zr1YH5hVQ0b4yJ0cE5z3k2m1n0p9o8i7u6y5t4r3e2w1q0=",
            },
            "requestID": "EXAMPLE0REQUEST0",
            "eventID": f"00000000-0000-4000-8000-{number:012d}",
            "readOnly": True,
            "resources": [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::payroll-2026"}],
            "eventType": "AwsApiCall",
            "managementEvent": False,
            "recipientAccountId": "111122223333",
            "eventCategory": "Data",
        },
    }


def timed(insert: Callable[[dict[str, Any]], object], count: int) -> list[float]:
    """Microseconds of each of `count` inserts."""
    taken = []
    for number in range(count):
        record = call_record(number)
        begun = time.perf_counter()
        insert(record)
        taken.append((time.perf_counter() - begun) * 1e6)
    return taken


def measure_ours(folder: Path) -> dict[int, float]:
    """Median of a durable insert at each size."""
    medians = {}
    with Journal.open(folder, about={"actor": "bench"}) as journal:
        for size in OURS:
            missing = size - len(journal.records("actions"))
            journal.record_many("actions", [call_record(number) for number in range(missing)])
            taken = timed(lambda record: journal.record("actions", record), INSERTS)
            medians[size] = statistics.median(taken)
            print(
                f"journal    {size:>7} records  {medians[size]:>9.0f} us  p95 {sorted(taken)[-INSERTS // 20]:>7.0f} us"
            )
    return medians


def measure_stock(file: Path) -> dict[int, float]:
    """Median of an insert of TinyDB's JSONStorage, which does not wait for the disk, at each size."""
    medians = {}
    with TinyDB(file) as database:
        table = database.table("actions")
        for size in STOCK:
            table.insert_multiple([call_record(number) for number in range(size - len(table))])
            medians[size] = statistics.median(timed(table.insert, STOCK_INSERTS[size]))
            print(f"TinyDB     {size:>7} records  {medians[size]:>9.0f} us")
    return medians


def measure_opening(folder: Path) -> float:
    """Seconds to open and verify a case of 100,000 records."""
    begun = time.perf_counter()
    with Journal.open(folder, about={}, readonly=True) as journal:
        taken = time.perf_counter() - begun
        assert not journal.problems
    return taken


def measure_trail(folder: Path) -> float:
    """Share of one core that 50 events a second take, written in batches four times a second."""
    batch = EVENTS_A_SECOND // 4
    with Journal.open(folder, about={"actor": "bench"}) as journal:
        begun = time.process_time()
        for number in range(40):
            journal.record_many("trail", [event_record(number * batch + offset) for offset in range(batch)])
        return (time.process_time() - begun) / (40 * batch) * EVENTS_A_SECOND


def test_durable_insert_is_flat(tmp_path: Path) -> None:
    ours = measure_ours(tmp_path / "case")
    stock = measure_stock(tmp_path / "stock.json")
    flat, ratio = ours[100_000] / ours[100], stock[10_000] / ours[10_000]
    print(f"100,000 records to 100: {flat:.2f} times; TinyDB's own to ours at 10,000: {ratio:.0f} times")
    print(f"open and verify 100,000 records: {measure_opening(tmp_path / 'case'):.2f} s")
    assert flat < FLATNESS
    assert ratio > 10


def test_recording_the_trail_is_cheap(tmp_path: Path) -> None:
    share = measure_trail(tmp_path / "case")
    event = event_record(1)
    begun = time.perf_counter()
    for _ in range(500):
        redact.document(event)
    print(
        f"{EVENTS_A_SECOND} events a second: {share:.1%} of one core; redacting one event: "
        f"{(time.perf_counter() - begun) / 500 * 1e6:.0f} us"
    )
    assert share < 0.05


if __name__ == "__main__":
    for test in (test_durable_insert_is_flat, test_recording_the_trail_is_cheap):
        with tempfile.TemporaryDirectory() as place:
            test(Path(place))
    sys.exit(0)
