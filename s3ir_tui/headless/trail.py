"""trail: what CloudTrail shows, from files and folders or from the account itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import Format, print_json, print_table, say, tell
from s3ir_tui.text import clean, size
from s3ir_tui.trail.analysis import Analysis

_LONGEST_LIST = 3


def from_files(paths: Sequence[Path], form: Format) -> int:
    """Print what files and folders of CloudTrail show.

    Args:
        paths: `.json`, `.json.gz`, NDJSON, or folders of them.
        form: How to print.

    Returns:
        `Code.OK`; `Code.PROBLEM` where not one event could be read.

    Raises:
        Failure: A path is not there.
    """
    from s3ir_tui.trail.sources.files import iter_events

    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise Failure(f"no such file or folder: {', '.join(missing)}", Code.USAGE)
    analysis = Analysis()
    skipped: list[dict[str, Any]] = []
    for events, left_out in iter_events(paths):
        analysis.add(events, "files")
        skipped += [msgspec.to_builtins(item) for item in left_out]
    return show(analysis, skipped, form)


def from_account(collect: Callable[[], Analysis], form: Format) -> int:
    """Print what the account's own trail shows."""
    return show(collect(), [], form)


def show(analysis: Analysis, skipped: Sequence[Mapping[str, Any]], form: Format) -> int:
    """Print an analysis, with what could not be read."""
    result = {**analysis.to_json(), "skipped": list(skipped)}
    if form is Format.JSON:
        print_json(result)
    else:
        _print(result)
    for item in skipped:
        tell(clean("not read: " + ", ".join(f"{name} {value}" for name, value in item.items())))
    return Code.PROBLEM if skipped and not result["events"] else Code.OK


def _print(result: Mapping[str, Any]) -> None:
    say(
        f"{result['events']} events, {result['distinct']} distinct, {result['duplicates']} seen twice, "
        f"{result['first'] or '?'} to {result['last'] or '?'}"
    )
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
    say("What could be seen")
    for line in result["visibility"]:
        say("  " + clean(_words(line)))


def _few(values: Sequence[str]) -> str:
    shown = "; ".join(str(value) for value in values[:_LONGEST_LIST])
    return f"{shown}; {len(values) - _LONGEST_LIST} more" if len(values) > _LONGEST_LIST else shown


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(item)}" for name, item in value.items() if item not in ("", None, [], ()))
    if isinstance(value, list | tuple):
        return "; ".join(_words(item) for item in value)
    return str(value)
