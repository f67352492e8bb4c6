"""`trail FOLDER` beside what a responder would use instead, on the same folder in one run: wall, CPU and memory.

python -m tests.bench.bench_million FOLDER [RUNS]     # a trail folder; EXPECTED.json in it is checked, where it is
python -m pytest -m bench -s tests/bench/bench_million.py     # 40,000 events made up

jq, json and DuckDB's read_json group the S3 calls by bucket and principal; so does a bare loop over msgspec and
isal, which is what one would write who knows how, in one process and, as `trail` does, in one on each processor.
`trail` does the whole analysis.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from isal import igzip

from tests.bench.bench_trail import STOLEN, make_folder

pytestmark = pytest.mark.bench

EVENTS = 40_000
TRAIL = "trail"
BARE = "bare msgspec"
_JQ = (
    '.Records[] | select(.eventSource == "s3.amazonaws.com") | [.requestParameters.bucketName, .userIdentity.arn, '
    ".eventName, .sourceIPAddress, .additionalEventData.bytesTransferredOut, .eventTime] | @tsv"
)
_COLUMNS = (
    "{Records: 'STRUCT(eventName VARCHAR, eventSource VARCHAR, eventTime VARCHAR, sourceIPAddress VARCHAR, "
    "errorCode VARCHAR, userIdentity STRUCT(arn VARCHAR), requestParameters STRUCT(bucketName VARCHAR), "
    "additionalEventData STRUCT(bytesTransferredOut DOUBLE))[]'}"
)
_SQL = f"""
select r.requestParameters.bucketName, r.userIdentity.arn, count(*), min(r.eventTime), max(r.eventTime),
  sum(r.additionalEventData.bytesTransferredOut), count(r.errorCode), count(distinct r.sourceIPAddress)
from (select unnest(Records) as r from read_json($files, columns = {_COLUMNS}, maximum_object_size = 134217728))
where r.eventSource = 's3.amazonaws.com' group by all
"""


class _Identity(msgspec.Struct):
    arn: str | None = None
    accessKeyId: str | None = None


class _Parameters(msgspec.Struct):
    bucketName: str | None = None
    key: str | None = None


class _Extra(msgspec.Struct):
    bytesTransferredOut: float = 0


class _Record(msgspec.Struct):
    eventName: str
    eventSource: str
    eventTime: str
    eventID: str
    userIdentity: _Identity
    awsRegion: str | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    requestParameters: _Parameters | None = None
    additionalEventData: _Extra | None = None
    errorCode: str | None = None
    readOnly: bool | None = None
    eventType: str | None = None
    eventCategory: str | None = None
    recipientAccountId: str | None = None


class _File(msgspec.Struct):
    Records: list[_Record]


def bare(files: Sequence[Path]) -> int:
    """isal, msgspec, and one look into a table for each call: count, reads, bytes, errors, first, last, addresses."""
    decode = msgspec.json.Decoder(_File, strict=False).decode
    groups: dict[tuple[str | None, str | None], list[object]] = {}
    for file in files:
        for record in decode(igzip.decompress(file.read_bytes())).Records:
            if record.eventSource != "s3.amazonaws.com":
                continue
            asked, at = record.requestParameters, record.eventTime
            named = (asked.bucketName if asked else None, record.userIdentity.arn)
            group = groups.get(named)
            if group is None:
                group = groups[named] = [0, 0, 0.0, 0, at, at, set()]
            group[0] += 1  # type: ignore[operator]
            if record.eventName == "GetObject":
                group[1] += 1  # type: ignore[operator]
                if record.additionalEventData:
                    group[2] += record.additionalEventData.bytesTransferredOut  # type: ignore[operator]
            if record.errorCode:
                group[3] += 1  # type: ignore[operator]
            if at < group[4]:  # type: ignore[operator]
                group[4] = at
            if at > group[5]:  # type: ignore[operator]
                group[5] = at
            group[6].add(record.sourceIPAddress)  # type: ignore[attr-defined]
    return len(groups)


def bare_shared(files: Sequence[Path]) -> int:
    """The bare loop in as many processes as there are processors, each with its share of the files."""
    count = os.cpu_count() or 1
    with ProcessPoolExecutor(count) as pool:
        return sum(pool.map(bare, [files[number::count] for number in range(count)]))


def python_json(files: Sequence[Path]) -> int:
    """gzip and json of the standard library."""
    groups: dict[tuple[object, object], int] = {}
    for file in files:
        for record in json.loads(gzip.decompress(file.read_bytes()))["Records"]:
            if record["eventSource"] == "s3.amazonaws.com":
                named = ((record["requestParameters"] or {}).get("bucketName"), record["userIdentity"].get("arn"))
                groups[named] = groups.get(named, 0) + 1
    return len(groups)


def duckdb_json(files: Sequence[Path]) -> int:
    """DuckDB's own JSON reader with typed columns, on all processors."""
    import duckdb

    return len(duckdb.sql(_SQL, params={"files": [str(file) for file in files]}).fetchall())


METHODS = {BARE: bare, f"{BARE} shared": bare_shared, "json": python_json, "DuckDB read_json": duckdb_json}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost: seconds by the clock, seconds of processors, and the largest memory of all of it (MB)."""

    wall: float
    cpu: float
    memory: float


def cost(command: Sequence[str], *, shell: bool = False, into: Path | None = None) -> Cost:
    """Run a command, its children included."""
    with (into or Path(os.devnull)).open("wb") as out:
        before = os.times()
        begun = time.perf_counter()
        words = ["bash", "-o", "pipefail", "-c", command[0], *command] if shell else list(command)
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            most = max(most, _memory(process.pid))
            time.sleep(0.05)
        wall, after = time.perf_counter() - begun, os.times()
    assert process.returncode == 0, command
    return Cost(wall, after.children_user + after.children_system - before.children_user - before.children_system, most)


def _memory(pid: int) -> float:
    """Resident memory of a process and its children, MB; what they share counts for each."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / 1e6 + sum(_memory(int(child)) for child in children)


def measure(folder: Path, runs: int) -> dict[str, Cost]:
    """The median cost of each method, run in turn so that other load falls on all alike."""
    commands: dict[str, tuple[Sequence[str], bool]] = {
        TRAIL: ((sys.executable, "-m", "s3ir_tui", "trail", str(folder), "--output", "json"), False)
    }
    for name in METHODS:
        commands[name] = ((sys.executable, "-m", "tests.bench.bench_million", "--method", name, str(folder)), False)
    if shutil.which("jq"):
        line = f"find {folder} -name '*.json.gz' | sort | xargs zcat | jq -r '{_JQ}' | sort | uniq -c | wc -l"
        commands["jq"] = ((line,), True)
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, (command, shell) in commands.items():
            found[name].append(cost(command, shell=shell, into=_answer(folder) if name == TRAIL else None))
    return {
        name: Cost(*(statistics.median(values) for values in zip(*map(_figures, costs), strict=True)))
        for name, costs in found.items()
    }


def _figures(item: Cost) -> tuple[float, float, float]:
    return item.wall, item.cpu, item.memory


def _answer(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-answer.json")


def report(costs: dict[str, Cost]) -> str:
    """The figures as lines."""
    ours = costs[TRAIL]
    lines = [
        f"{name:20} {item.wall:7.1f} s  {item.cpu:7.1f} s CPU  {item.memory:6.0f} MB   "
        f"trail is {item.wall / ours.wall:5.2f}x as fast, {ours.cpu / item.cpu:5.2f}x its CPU"
        for name, item in costs.items()
    ]
    return "\n".join(lines)


def planted(folder: Path) -> str:
    """Whether the planted incident came out exactly, and first."""
    truth = json.loads((folder / "EXPECTED.json").read_text())
    first = json.loads(_answer(folder).read_text())["principals"][0]
    told = (first["id"], first["events"], first["reads"], first["bytes_out"], first["first"], first["last"])
    true = tuple(
        truth[name] for name in ("principal_arn", "events", "GetObject", "bytesOut_GetObject", "first", "last")
    )
    return f"planted incident first and exact: {told == true} {told}"


def test_trail_beside_other_ways(tmp_path: Path) -> None:
    folder = tmp_path / "trail"
    folder.mkdir()
    stolen = make_folder(folder, EVENTS)
    costs = measure(folder, 1)
    print("\n" + report(costs))
    first = json.loads(_answer(folder).read_text())["principals"][0]
    assert (first["id"], first["reads"]) == (STOLEN, stolen)
    assert costs[TRAIL].memory < 400


def main() -> None:
    """Measure a folder, or run one method on it."""
    if sys.argv[1] == "--method":
        METHODS[sys.argv[2]](sorted(Path(sys.argv[3]).rglob("*.json.gz")))
        return
    folder = Path(sys.argv[1]).resolve()
    print(report(measure(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
    if (folder / "EXPECTED.json").exists():
        print(planted(folder))


if __name__ == "__main__":
    main()
