"""Feeds mutated CloudTrail to the decoder and the analysis, and reports crashes, broken promises and slow inputs.

python tests/bench/fuzz_decode.py --seconds 60 --seed 7
python tests/bench/fuzz_decode.py --replay crash-0.bin     # one input again, with its traceback

Recordings of ../shared/data and tests/data are the seeds where they are there, and records of the test builders always.
The same seed makes the same inputs; how many of them depends on the machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit")]

import trail_world as world  # noqa: E402 - found by the path above

from s3ir_tui.trail.analysis import Analysis  # noqa: E402
from s3ir_tui.trail.decode import UNKNOWN_VERSION, decode  # noqa: E402
from s3ir_tui.trail.details import Details  # noqa: E402
from s3ir_tui.trail.event import Event  # noqa: E402
from s3ir_tui.trail.gunzip import gunzip, is_gzip  # noqa: E402
from s3ir_tui.trail.raw import opened  # noqa: E402

SEEDS = (ROOT.parent / "shared" / "data", ROOT / "tests" / "data")
LONGEST_SEED = 40_000
A_FRESH_ANALYSIS = 400
"""Inputs after which the analysis begins anew, so that its memory stays small."""

SLOW = 1.0
"""Seconds for an input, and again for each of its megabytes once unfolded, that are a fault."""

KEPT_TOKEN = re.compile(rb'\b\w{0,40}sessionToken\\*" ?: ?\\*"SECRET')
Dice = random.Random
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, -(2**63), 10**40, 1e308, -0.0, 1.5, float("inf"), float("nan"), "", "x",
    "\0", "\ud800", "\u202e", "🙂" * 50, "A" * 70_000, "1.0", "2.7", "true", "null", "{", '{"Records":[', [], {},
    [None], [[]], {"": ""}, {"a": {"b": [1]}}, "2026-11-24T09:00:00Z", "9999-12-31T23:59:59Z", "1e400",
    "0001-01-01T00:00:00+14:00", "s3.amazonaws.com", "arn:aws:s3:::b/k", "anonymous", "AKIAIOSFODNN7EXAMPLE",
    "Insight", "Aggregated", "[" * 3000, '{"a":' * 2000,
)  # fmt: skip
TOKENS = (
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u", b"\\ud800", b"null", b"true", b"NaN", b"Infinity", b"-",
    b"1e999", b"9" * 5000, b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b",
    b"\x1f\x8b\x08\x00", b"/*", b'{"Records":[', b'"Records":', b'"detail":', b'"message":"', b'"CloudTrailEvent":"',
    b"]}", b'"eventName":1,', b'"eventSource":"s3.amazonaws.com",', b'"eventTime":"x",', b'"userIdentity":{},',
    b"2026-11-24T09:00:00.000Z ", b'"eventCategory":"Insight",', b'"policyDocument":"[[[[",', b'"sessionToken":"x',
    b'{"a":' * 300, b"[" * 300, b"{" * 50, b'\\"' * 50,
)  # fmt: skip


class Broken(Exception):
    """A promise of the decoder that was not kept."""


# -- seeds ---------------------------------------------------------------------------------------------------------


def recorded() -> Iterator[dict[str, Any]]:
    """Records of the recordings that are there."""
    for folder in SEEDS:
        for file in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
            text = file.read_text(encoding="utf-8")
            try:
                found = json.loads(text)
            except ValueError:
                found = [json.loads(line) for line in text.splitlines() if line.strip()]
            records = found if isinstance(found, list) else found.get("Records", [found])
            yield from (one for one in records[:25] if isinstance(one, dict) and len(json.dumps(one)) < LONGEST_SEED)


def built() -> Iterator[dict[str, Any]]:
    """Records of the test builders, and of what is no call."""
    for who in (world.user(), world.session(), world.ANONYMOUS, world.OUTSIDER, world.EC2, {}):
        yield world.record("GetObject", who, bucket="payroll", key="q3/iban.csv", out=1000.0)
        yield world.record("PutBucketPolicy", who, bucket="payroll", params={"bucketPolicy": {"Statement": [{}]}})
        credentials = {"accessKeyId": "ASIAX", "sessionToken": "SECRETSECRET", "expiration": "Nov 24, 2026, 3:00:00 PM"}
        yield world.record("AssumeRole", who, service="sts", answer={"credentials": credentials})
    yield {"eventVersion": "1.07", "eventCategory": "Insight", "insightDetails": {"state": "Start"}}
    yield {"eventId": "x", "eventCategory": "Aggregated", "timeWindow": {}, "summary": {}}
    yield {"digestStartTime": "x", "digestEndTime": "y", "logFiles": []}


# -- mutations -----------------------------------------------------------------------------------------------------


def bend(dice: Dice, record: Any, budget: int = 40) -> Any:
    """A copy of JSON with one value, name or part of it changed."""
    if budget == 0 or not isinstance(record, dict | list) or not record or dice.random() < 0.15:
        return dice.choice(ODD)
    if isinstance(record, list):
        at = dice.randrange(len(record))
        return [*record[:at], bend(dice, record[at], budget - 1), *record[at + 1 :]]
    name = dice.choice(list(record))
    deed = dice.random()
    if deed < 0.1:
        return {other: value for other, value in record.items() if other != name}
    if deed < 0.2:
        return {dice.choice([*record, "Records", "detail", "message", ""]): record[name]} | record
    if deed < 0.25:
        return record | {name: [record[name]] * dice.randrange(4)}
    if deed < 0.3:
        return record | {name: json.dumps(record[name])}
    return record | {name: bend(dice, record[name], budget - 1)}


def tear(dice: Dice, data: bytes, other: bytes) -> bytes:
    """Bytes with some damage, or crossed with other bytes."""
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at = dice.randrange(len(data) + 1)
        till = min(len(data), at + dice.choice((1, 2, 8, 64, 1000)))
        deed = dice.randrange(9)
        if deed == 0:
            data = data[:at]
        elif deed == 1:
            data = data[:at] + data[till:]
        elif deed == 2:
            data = data[:at] + data[at:till] * dice.choice((2, 3, 50)) + data[till:]
        elif deed == 3:
            data = data[:at] + dice.choice(TOKENS) + data[at:]
        elif deed == 4:
            data = data[:at] + dice.choice(TOKENS) + data[till:]
        elif deed == 5:
            data = data[:at] + bytes((dice.randrange(256),)) + data[at + 1 :]
        elif deed == 6:
            data = data[:at] + other[dice.randrange(len(other) + 1) :]
        elif deed == 7:
            data = data[at:]
        else:
            data = data[:at] + data[at:till][::-1] + data[till:]
    return data[:2_000_000]


def lines(records: Sequence[Any]) -> bytes:
    """As NDJSON."""
    return b"\n".join(json.dumps(one).encode() for one in records)


WRAPPINGS: tuple[Callable[[Sequence[Any]], bytes], ...] = (
    lambda records: json.dumps({"Records": records}).encode(),
    lambda records: json.dumps({"Records": records}, indent=1).encode(),
    lambda records: json.dumps(records).encode(),
    lambda records: json.dumps({"Events": [{"CloudTrailEvent": json.dumps(one)} for one in records]}).encode(),
    lambda records: lines([{"detail-type": "AWS API Call via CloudTrail", "detail": one} for one in records]),
    lambda records: json.dumps({"logEvents": [{"message": json.dumps(one)} for one in records]}).encode(),
    lambda records: json.dumps({"Messages": [{"Body": json.dumps({"detail": one})} for one in records]}).encode(),
    lambda records: b"\n".join(b"2026-11-24T09:00:00.000Z " + line for line in lines(records).split(b"\n")),
    lines,
    lambda records: b"".join(json.dumps(one, indent=2).encode() for one in records),
    lambda records: json.dumps({"Records": records}).encode("utf-16"),
)


def inputs(seed: int) -> Iterator[tuple[bytes, int]]:
    """Inputs without end, each with the number of records in it that must be accounted for (-1 where that is open)."""
    dice = Dice(seed)
    pool = [*recorded(), *built()]
    last = b"[]"
    while True:
        records: list[Any] = [dice.choice(pool) for _ in range(dice.choice((1, 1, 2, 3, 8)))]
        for _ in range(dice.choice((0, 1, 1, 2, 5))):
            at = dice.randrange(len(records))
            records[at] = bend(dice, records[at])
        wrap = dice.choice(WRAPPINGS)
        whole = wrap(records)
        # Whatever names a call is one record; other objects may hold none or several.
        named = all(isinstance(one, dict) and one.keys() & {"eventName", "eventSource"} for one in records)
        data, count = whole, len(records) if named and wrap in WRAPPINGS[:9] else -1
        if dice.random() < 0.6:
            data, count = tear(dice, data, last), -1
        if dice.random() < 0.2:
            data = gzip.compress(data, 1)
            if dice.random() < 0.5:
                data, count = tear(dice, data, last), -1
        last = whole
        yield data, count


# -- promises ------------------------------------------------------------------------------------------------------


def check(event: Event) -> None:
    """What readers of events rely on."""
    for name in Event.__struct_fields__:
        value = getattr(event, name)
        if not isinstance(
            value, bytes if name == "raw" else bool if name == "read_only" else int if name[:6] == "bytes_" else str
        ):
            raise Broken(f"{name} is {type(value).__name__}")
    if not event.name or not event.id or not 0 <= event.bytes_in < 2**63 or not 0 <= event.bytes_out < 2**63:
        raise Broken("name, id or bytes")
    json.dumps(opened(event.raw), allow_nan=False)
    if KEPT_TOKEN.search(event.raw):
        raise Broken("a session token is kept")
    _ = event.at


def feed(data: bytes, count: int, analysis: Analysis) -> int:
    """Decode an input and hold the decoder to its promises; how many events it gave."""
    found = decode(data, "fuzz")
    left_out = sum(item.count for item in found.skipped if item.reason != UNKNOWN_VERSION)
    if count >= 0 and len(found.events) + left_out != count:
        raise Broken(f"{count} records, {len(found.events)} events, {left_out} left out")
    if data.strip() and count < 0 and not found.events and not found.skipped and not empty(data):
        raise Broken("nothing is told of data that gave nothing")
    for event in found.events:
        check(event)
        details = Details(event)
        _ = details.params, details.answer, details.extra, details.created, details.resources
    analysis.add(found.events, "fuzz")
    return len(found.events)


def empty(data: bytes) -> bool:
    """Whether data may well hold nothing: JSON, one value or several, of wrappings around empty lists and objects."""
    data = gunzip(data)[0] if is_gzip(data) else data
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace").strip()
    while text:
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return False
        if not isinstance(value, dict | list):
            return False
        text = text[end:].strip()
    return True


@dataclass
class Run:
    """What a run came to."""

    inputs: int = 0
    bytes: int = 0
    events: int = 0
    slowest: float = 0.0
    slowest_size: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def fault(self, text: str, data: bytes, keep: Path) -> None:
        """Note a fault; the first input of each kind is kept."""
        if text not in self.faults:
            keep.mkdir(parents=True, exist_ok=True)
            file = keep / f"crash-{len(self.faults)}.bin"
            file.write_bytes(data)
            print(f"FAULT {text}\n  kept as {file}", flush=True)
        self.faults[text] += 1


def fuzz(seconds: float, seed: int, keep: Path) -> Run:
    """Feed inputs for some seconds."""
    run, analysis = Run(), Analysis()
    until = time.monotonic() + seconds
    for data, count in inputs(seed):
        begun = time.perf_counter()
        try:
            run.events += feed(data, count, analysis)
            if run.inputs % A_FRESH_ANALYSIS == 0:
                json.dumps(analysis.to_json())
                analysis = Analysis()
        except Exception as error:  # the run goes on whatever it finds
            where = traceback.extract_tb(error.__traceback__)[-1]
            run.fault(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"[:300], data, keep)
            analysis = Analysis()
        spent = time.perf_counter() - begun
        if spent > run.slowest:
            run.slowest, run.slowest_size = spent, len(data)
        if spent > SLOW and spent > SLOW * (1 + len(gunzip(data)[0] if is_gzip(data) else data) / 1e6):
            run.fault(f"slow: more than {SLOW:.0f} s", data, keep)
        run.inputs += 1
        run.bytes += len(data)
        if time.monotonic() >= until:
            return run
    return run


def main() -> int:
    """Run from the command line; 1 where something was found."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--seed", type=int, default=7)
    words.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz_decode")
    words.add_argument("--replay", type=Path)
    given = words.parse_args()
    if given.replay:
        print(f"{feed(given.replay.read_bytes(), -1, Analysis())} events")
        return 0
    run = fuzz(given.seconds, given.seed, given.keep)
    print(
        f"seed {given.seed}: {run.inputs:,} inputs, {run.bytes / 1e6:,.1f} MB in {given.seconds:.0f} s, "
        f"{run.events:,} events, {sum(run.faults.values())} faults ({len(run.faults)} kinds), "
        f"slowest {run.slowest * 1000:.0f} ms for {run.slowest_size:,} bytes, "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
