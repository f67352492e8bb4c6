"""How fast a folder of CloudTrail is read, beside Python's json and a bare msgspec loop over the same files in one run.

python -m pytest -m bench -s tests/bench/bench_trail.py
python tests/bench/bench_trail.py [FOLDER | EVENTS]     # a folder of .json.gz files, or how many events to make up
"""

from __future__ import annotations

import gzip
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from isal import igzip

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.decode import decode
from s3ir_tui.trail.record import Record

pytestmark = pytest.mark.bench

EVENTS = 60_000
A_FILE = 1_000
RUNS = 5
ENOUGH = 60_000
"""Events a second and core that decoding must reach on a machine that others use too."""

ACCOUNT = "111122223333"
START = datetime(2026, 3, 2, tzinfo=UTC)
STOLEN = THIEF = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-frontend/i-0badc0ffee0000001"
JAVA = "[aws-sdk-java/2.31.7 ua/2.1 os/Linux#6.1.119 lang/java#21.0.6 md/OpenJDK_64-Bit_Server_VM m/F,G]"
BOTO = "[Boto3/1.37.11 md/Botocore#1.37.11 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11.11]"
MAC = "[aws-cli/2.22.0 md/awscrt#0.22.0 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.6 md/command#s3.sync]"


def s3_record(dice: random.Random, when: datetime, name: str, role: str, instance: str, **more: Any) -> dict[str, Any]:
    """About 1.8 kB: an object-level call of an instance's role."""
    bucket, key = (
        more.get("bucket", f"corp-{sum(map(ord, role)) % 12}"),
        more.get("key", f"part-{dice.getrandbits(30)}"),
    )
    issuer = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    host = f"{bucket}.s3.us-east-1.amazonaws.com"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{role.upper():X<17.17}:{instance}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{instance}",
            "accountId": ACCOUNT,
            "accessKeyId": more.get("access_key", f"ASIA{sum(map(ord, instance)):016d}"),
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": issuer, "accountId": ACCOUNT, "userName": role},
                "attributes": {"creationDate": "2026-03-02T00:00:00Z", "mfaAuthenticated": "false"},
                "ec2RoleDelivery": "2.0",
            },
        },
        "eventTime": f"{when:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": more.get("address", f"10.{sum(map(ord, instance)) % 250}.0.{dice.randrange(2)}"),
        "userAgent": more.get("agent", dice.choice((JAVA, BOTO))),
        "requestParameters": {"bucketName": bucket, "Host": host} | ({} if name == "ListObjects" else {"key": key}),
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "AuthenticationMethod": "AuthHeader",
            "bytesTransferredIn": 0,
            "bytesTransferredOut": more.get("out", dice.randrange(1_000_000)),
            "x-amz-id-2": f"{dice.getrandbits(440):0110x}",
        },
        "requestID": f"{dice.getrandbits(64):016X}",
        "eventID": f"{dice.getrandbits(128):032x}",
        "readOnly": name != "PutObject",
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        },
    }


def make_folder(folder: Path, events: int) -> int:
    """A week of 200 instances at work, with a theft in its middle; gives the number of stolen reads."""
    dice = random.Random(7)
    instances = [(f"svc-{n % 60:03d}", f"i-{dice.getrandbits(68):017x}") for n in range(200)]
    stolen, count = max(50, events // 200), 0
    for file in range(-(-events // A_FILE)):
        records = []
        for _ in range(min(A_FILE, events - file * A_FILE)):
            when = START + timedelta(seconds=7 * 86400 * (file + dice.random()) * A_FILE / events)
            name = dice.choices(("GetObject", "PutObject", "HeadObject", "ListObjects"), (62, 22, 10, 6))[0]
            records.append(s3_record(dice, when, name, *dice.choice(instances)))
        if file == events // A_FILE // 2:
            for number in range(stolen):
                when = START + timedelta(days=3, hours=12, seconds=number)
                name = "ListObjects" if number < 5 else "GetObject"
                more = {"bucket": "corp-hr", "key": f"payroll/{number}.csv", "address": "198.51.100.77", "agent": MAC}
                records.append(
                    s3_record(dice, when, name, "web-frontend", "i-0badc0ffee0000001", out=10_000 + number, **more)
                )
                count += name == "GetObject"
        path = folder / f"{ACCOUNT}_CloudTrail_us-east-1_{file:06d}.json.gz"
        path.write_bytes(gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode()))
    return count


class _File(msgspec.Struct):
    Records: list[Record]


_decode_file = msgspec.json.Decoder(_File).decode


def python_json(files: Sequence[Path]) -> int:
    """gzip and json of the standard library, nothing made of it."""
    return sum(len(json.loads(gzip.decompress(path.read_bytes()))["Records"]) for path in files)


def bare(files: Sequence[Path]) -> int:
    """isal and msgspec into the same typed records, nothing made of them."""
    return sum(len(_decode_file(igzip.decompress(path.read_bytes())).Records) for path in files)


def decoded(files: Sequence[Path]) -> int:
    """Our decoder: every shape, every fault, events with their record."""
    return sum(len(decode(path.read_bytes(), path.name).events) for path in files)


def analysed(files: Sequence[Path]) -> int:
    """Decoding and the whole analysis."""
    analysis = Analysis()
    for path in files:
        analysis.add(decode(path.read_bytes(), path.name).events)
    analysis.to_json()
    return analysis.distinct


METHODS: dict[str, Callable[[Sequence[Path]], int]] = {
    "json": python_json,
    "bare msgspec": bare,
    "decode": decoded,
    "decode and analyse": analysed,
}


def measure(files: Sequence[Path], runs: int) -> dict[str, float]:
    """Events a second of one core by method: medians of runs taken in turn, so that load falls on all alike."""
    rates: dict[str, list[float]] = {name: [] for name in METHODS}
    for _ in range(runs):
        for name, method in METHODS.items():
            start = time.process_time()
            count = method(files)
            rates[name].append(count / (time.process_time() - start))
    return {name: statistics.median(values) for name, values in rates.items()}


def report(files: Sequence[Path], rates: dict[str, float]) -> str:
    """The numbers, as lines."""
    size = sum(path.stat().st_size for path in files)
    lines = [f"{len(files)} files, {size / 1e6:.1f} MB gz"]
    for name, rate in rates.items():
        lines.append(
            f"  {name:20} {rate:10,.0f} events/s a core  {rates['bare msgspec'] / rate:5.2f}x the bare loop's time"
        )
    lines.append(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return "\n".join(lines)


def test_decoding_is_fast_and_the_theft_is_found(tmp_path: Path) -> None:
    stolen = make_folder(tmp_path, EVENTS)
    files = sorted(tmp_path.glob("*.json.gz"))
    rates = measure(files, RUNS)
    print("\n" + report(files, rates))
    assert rates["decode"] > ENOUGH
    assert rates["decode"] > rates["json"]
    analysis = Analysis()
    for path in files:
        analysis.add(decode(path.read_bytes(), path.name).events)
    first, *others = analysis.principals()
    assert (first.id, first.reads, first.bytes_out) == (
        THIEF,
        stolen,
        sum(10_000 + number for number in range(5, stolen + 5)),
    )
    assert first.severity >= Severity.HIGH
    assert all(item.severity <= Severity.MEDIUM for item in others)


def main() -> None:
    """Measure a folder, or one made up."""
    given = sys.argv[1] if len(sys.argv) > 1 else str(EVENTS)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made if given.isdigit() else given)
        if given.isdigit():
            make_folder(folder, int(given))
        files = sorted(folder.rglob("*.json.gz"))
        print(report(files, measure(files, RUNS)))


if __name__ == "__main__":
    main()
