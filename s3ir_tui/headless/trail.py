"""trail: what CloudTrail shows, from files and folders or from the account itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import Format, print_json, print_table, say, tell
from s3ir_tui.text import clean, size
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.folders import read_folders
from s3ir_tui.trail.decode import OTHERS, Skipped

_LONGEST_LIST = 3
_WORDS = {
    "insights": "Insights events",
    "aggregated": "aggregated events",
    "digests": "digest files",
    "unknown_version": "of an unknown version, taken as far as they are understood",
    "network_activity": "of network activity, counted among the events",
}


def from_files(paths: Sequence[Path], form: Format) -> int:
    """Print what files and folders of CloudTrail show.

    Args:
        paths: `.json`, `.json.gz`, NDJSON, or folders of them.
        form: How to print.

    Returns:
        As `show`.

    Raises:
        Failure: A path is not there.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise Failure(f"no such file or folder: {', '.join(missing)}", Code.USAGE)
    analysis = Analysis()
    skipped: list[Skipped] = []
    for step in read_folders(paths, analysis):
        skipped += step.skipped
    return show(analysis, skipped, form, {"network_activity": analysis.network_activity})


def show(
    analysis: Analysis, skipped: Sequence[Skipped], form: Format, counted: Mapping[str, int] = MappingProxyType({})
) -> int:
    """Print an analysis, with what could not be read.

    Args:
        analysis: The analysis.
        skipped: What gave no event, or one that is not understood for sure.
        form: How to print.
        counted: More kinds of records, and how many there are.

    Returns:
        `Code.OK`; `Code.PROBLEM` where something could not be read and nothing else was there.
    """
    skipped, others = apart(skipped)
    others |= counted
    result = analysis.to_json() | {"skipped": [msgspec.to_builtins(item) for item in skipped], "others": others}
    if form is Format.JSON:
        print_json(result)
    else:
        _print(result)
    tell_missing(skipped)
    return Code.PROBLEM if skipped and not analysis.events else Code.OK


def apart(skipped: Sequence[Skipped]) -> tuple[list[Skipped], dict[str, int]]:
    """What could not be read, and how many there are of each kind of what is no call and no fault either."""
    others = dict.fromkeys(OTHERS.values(), 0)
    faults: list[Skipped] = []
    for item in skipped:
        if item.reason in OTHERS:
            others[OTHERS[item.reason]] += item.count
        else:
            faults.append(item)
    return faults, others


def tell_missing(skipped: Sequence[Skipped]) -> None:
    """Tell what could not be read, beside the result."""
    for item in skipped:
        tell(clean(f"not read: {item.origin}: {item.reason}{f' ({item.count} times)' if item.count > 1 else ''}"))


def _print(result: Mapping[str, Any]) -> None:
    say(
        f"{result['events']} events, {result['distinct']} distinct, {result['duplicates']} seen twice, "
        f"{result['first'] or '?'} to {result['last'] or '?'}"
    )
    beside = [f"{count} {_WORDS.get(kind, kind)}" for kind, count in result["others"].items() if count]
    if beside:
        say(f"beside them: {', '.join(beside)}")
    say()
    print_table(
        "Principals",
        ("severity", "principal", "kind", "events", "denied", "last", "keys", "buckets", "why"),
        [
            (
                item["severity"],
                item["id"],
                item["kind"],
                item["events"],
                item["denied"],
                item["last"],
                _few(item["access_keys"]),
                _few(item["buckets"]),
                _few(item["reasons"]),
            )
            for item in result["principals"]
        ],
    )
    print_table(
        "Buckets",
        ("severity", "bucket", "reads", "writes", "out", "principals", "why"),
        [
            (
                item["severity"],
                item["name"],
                item["reads"],
                item["writes"],
                size(item["bytes_out"]),
                len(item["principals"]),
                _few(item["reasons"]),
            )
            for item in result["buckets"]
        ],
    )
    print_table(
        "Instances",
        ("severity", "instance", "role", "keys", "why"),
        [
            (item["severity"], item["id"], item["role"], _few(item["access_keys"]), _few(item["reasons"]))
            for item in result["instances"]
        ],
    )
    for title, name in (("Exposure windows", "exposures"), ("Probable reads, by KMS decryptions", "kms_reads")):
        if result[name]:
            print_table(title, ("bucket", "what"), [(item["bucket"], item["text"]) for item in result[name]])
    print_table(
        "Object reads and writes (S3 data events) in what was read",
        ("bucket", "logged", "from", "to"),
        [
            (item["bucket"], "yes" if item["data_events"] else "no: reads are not known", item["first"], item["last"])
            for item in result["visibility"]
        ],
    )


def _few(values: Sequence[str]) -> str:
    shown = "; ".join(str(value) for value in values[:_LONGEST_LIST])
    return f"{shown}; {len(values) - _LONGEST_LIST} more" if len(values) > _LONGEST_LIST else shown
