"""Events from files and folders of CloudTrail, file by file, in memory that does not grow with them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from s3ir_tui.plain_file import open_plain
from s3ir_tui.trail.decode import Skipped, decode
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.gunzip import is_gzip

SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".log.gz")
"""Names that a folder is searched for; a file that is named itself may be called anything."""

INTERVAL = 5.0
AT_ONCE = 2_000
"""Events after which a poll ends: the next files are read by the next one."""

CHUNK = 16 << 20
"""Bytes of a long file of lines that are decoded at once."""

WHOLE = 128 << 20
"""Files that unfold to more than this must be lines of JSON, or they are too long to be read."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


Batch = tuple[list[Event], list[Skipped]]


class FilesSource:
    """Files and folders as a source: each file is read once, and again when it has changed.

    Args:
        paths: Files and folders.

    Attributes:
        paths: As given.
        caught_up: Whether every file that was found has been read.
        skipped: What could not be read.
    """

    data_events = True

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self.name = f"files {self.paths[0]}" if self.paths else "files"
        self.skipped: list[Skipped] = []
        self.caught_up = False
        self._read: dict[Path, tuple[int, int]] = {}
        self._batches: Iterator[Batch] = iter(())

    @property
    def interval(self) -> float:
        """Seconds to wait before the next poll."""
        return INTERVAL if self.caught_up else 0.0

    def poll(self) -> list[Event]:
        """The events of files that are new or have changed: a part of them, so that memory does not grow."""
        found: list[Event] = []
        while len(found) < AT_ONCE:
            batch = next(self._batches, None)
            if batch is None:
                new = self._new()
                self.caught_up = not new
                if not new:
                    break
                self._batches = (item for file in new for item in read_file(file))
                continue
            events, skipped = batch
            found += events
            self.skipped += skipped
        return found

    def _new(self) -> list[Path]:
        """The files that are new or have changed, in the order of their names."""
        new = []
        for file in walk(self.paths):
            try:
                stat = file.stat()
            except OSError:
                continue
            state = (stat.st_mtime_ns, stat.st_size)
            if self._read.get(file) != state:
                self._read[file] = state
                new.append(file)
        return new


def iter_events(paths: Iterable[Path]) -> Iterator[Batch]:
    """Events batch by batch, in the order of the names; what cannot be read is skipped with its reason.

    Args:
        paths: Files of any name, and folders that are searched for CloudTrail's and NDJSON names.

    Yields:
        Events and what was left out: of a whole file, or of a part of a long one.
    """
    for file in walk(paths):
        yield from read_file(file)


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named, in the order of their names."""
    """Files that are named, and those of folders that CloudTrail and NDJSON name so, in the order of the names."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, files in os.walk(path):
            folders.sort()
            yield from (Path(folder, name) for name in sorted(files) if name.lower().endswith(SUFFIXES))


def read_file(file: Path) -> Iterator[Batch]:
    """The events of a file, with what was left out of it: of the whole file, or of a part of a long one."""
    for piece in pieces(file):
        if isinstance(piece, Skipped):
            yield [], [piece]
        else:
            found = decode(piece, str(file))
            yield found.events, found.skipped


def pieces(file: Path) -> Iterator[bytes | Skipped]:
    """What a file holds, each piece to be decoded by itself: the whole of it, or parts of a long file of lines."""
    try:
        with open_plain(file) as stream:
            head = stream.read(2)
            stream.seek(0)
            if is_gzip(head) and file.stat().st_size > WHOLE // 16:
                with gzip.open(stream) as unfolded:
                    yield from _stream(file, unfolded)
            elif file.stat().st_size > WHOLE:
                yield from _stream(file, stream)
            else:
                yield stream.read()
    except OSError as error:
        yield Skipped(str(file), f"cannot be read: {error.strerror or error}")
    except EOFError:
        yield Skipped(str(file), "gzip is cut off")


def _stream(file: Path, stream: _Readable) -> Iterator[bytes | Skipped]:
    """A long file: lines in chunks, or the whole of it if it is not too long for that."""
    data = stream.read(CHUNK)
    if not _are_lines(data):
        data += stream.read(WHOLE * 4 - len(data))
        if stream.read(1):
            yield Skipped(str(file), f"more than {WHOLE * 4 >> 20} MB in one JSON value: split it first")
        else:
            yield data
        return
    rest = b""
    while data:
        whole, newline, tail = (rest + data).rpartition(b"\n")
        if newline:
            yield whole
        rest = tail
        if len(rest) > WHOLE:
            yield Skipped(str(file), "a line is too long")
            return
        data = stream.read(CHUNK)
    if rest.strip():
        yield rest


def _are_lines(data: bytes) -> bool:
    first, newline, _ = data.lstrip().partition(b"\n")
    found = decode(first, "") if newline and first[:1] in b"{" and first.rstrip()[-1:] == b"}" else None
    return found is not None and bool(found.events)
