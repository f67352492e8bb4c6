"""Events from files and folders of CloudTrail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from s3ir_tui.trail.decode import Skipped, decode
from s3ir_tui.trail.event import Event

_NAMES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".log.gz", ".gz")


def iter_events(paths: Iterable[Path]) -> Iterator[tuple[list[Event], list[Skipped]]]:
    """Events file by file, in the order of the names; what cannot be read is skipped with its reason.

    Args:
        paths: Files of any name, and folders that are searched for `.json`, `.json.gz` and NDJSON.
    """
    for path in paths:
        for file in _files(path):
            try:
                data = file.read_bytes()
            except OSError as error:
                yield [], [Skipped(str(file), error.strerror or "cannot be read")]
                continue
            found = decode(data, str(file))
            yield found.events, found.skipped


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(item for item in path.rglob("*") if item.is_file() and item.name.endswith(_NAMES))
    else:
        yield path
