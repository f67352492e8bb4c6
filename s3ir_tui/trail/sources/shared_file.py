"""What the leading console of a case read, packed in a file beside the log, for the consoles that follow.

It lies in the case folder, which is handed on: secrets are taken out of it as they are out of the log.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections import defaultdict, deque
from collections.abc import Collection
from pathlib import Path

import msgspec

from s3ir_tui.journal import redact
from s3ir_tui.trail.sources.lease import opened

_HEAD = struct.Struct("!4sII")
_MAGIC = b"s3ir"
_LONGEST = 64 << 20
_CHUNK = 8 << 20
_SUFFIX = ".records"


class Window(msgspec.Struct, frozen=True):
    """What is left to be read of history: ISO times, and whether only writes are."""

    start: str
    end: str
    writes: bool


class Part(msgspec.Struct, frozen=True):
    """One poll of the leader.

    Attributes:
        source: Name of the source.
        records: The records that it brought, as JSON texts.
        error: What went wrong, or "".
        remark: What the source said.
        dormant: Whether it is left out.
        complete_to: Up to when it is complete, ISO, or "".
        late: How late events come, in seconds, or `None`.
        backlog: What is left to be read.
    """

    source: str
    records: tuple[str, ...] = ()
    error: str = ""
    remark: str = ""
    dormant: bool = False
    complete_to: str = ""
    late: float | None = None
    backlog: tuple[Window, ...] = ()


class Writer:
    """Appends what this console reads in one term. Safe to use from several threads.

    Args:
        folder: Where the files are.
        term: The term.
    """

    def __init__(self, folder: Path, term: int) -> None:
        self.path = folder / f"{term:06d}{_SUFFIX}"
        self._lock = threading.Lock()

    def add(self, part: Part) -> None:
        """Append.

        Raises:
            OSError: It cannot be written whole.
        """
        shared = msgspec.structs.replace(part, records=tuple(map(_redacted, part.records)))
        packed = zlib.compress(msgspec.json.encode(shared), 1)
        data = _HEAD.pack(_MAGIC, len(packed), zlib.crc32(packed)) + packed
        with self._lock, opened(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
            while data:
                data = data[os.write(file, data) :]


def _redacted(record: str) -> str:
    try:
        return msgspec.json.encode(redact.value(msgspec.json.decode(record))).decode()
    except (msgspec.MsgspecError, RecursionError):
        return redact.text(record)


class Reader:
    """Reads what others wrote, as it grows, and hands it out by source. Safe to use from several threads.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._at: dict[str, int] = {}
        self._parts: dict[str, deque[Part]] = defaultdict(deque)
        self.damaged = False

    def take(self, source: str, without: Collection[int]) -> list[Part]:
        """What came for a source since it last asked.

        Args:
            source: Its name.
            without: Terms that are not read: this console's own.
        """
        with self._lock:
            for name in sorted(names(self._folder)):
                if int(name.removesuffix(_SUFFIX)) not in without:
                    self._read(name)
            found = list(self._parts[source])
            self._parts[source].clear()
            return found

    def _read(self, name: str) -> None:
        at = self._at.get(name, 0)
        if at < 0:
            return
        try:
            with opened(self._folder / name) as file:
                self._read_on(name, file, at)
        except FileNotFoundError:
            return
        except (OSError, ValueError, zlib.error, msgspec.MsgspecError):
            self._at[name], self.damaged = -1, True

    def _read_on(self, name: str, file: int, at: int) -> None:
        size = os.fstat(file).st_size
        while size - at >= _HEAD.size:
            magic, length, crc = _HEAD.unpack(os.pread(file, _HEAD.size, at))
            if magic != _MAGIC or length > _LONGEST:
                raise ValueError("damaged")
            if size - at < _HEAD.size + length:
                return  # it is still being written
            part = _part(os.pread(file, length, at + _HEAD.size), crc)
            self._parts[part.source].append(part)
            at += _HEAD.size + length
            self._at[name] = at


def names(folder: Path) -> list[str]:
    """The files there are."""
    try:
        return [name for name in os.listdir(folder) if name.endswith(_SUFFIX) and name[: -len(_SUFFIX)].isdigit()]
    except FileNotFoundError:
        return []


def _part(packed: bytes, crc: int) -> Part:
    if zlib.crc32(packed) != crc:
        raise ValueError("damaged")
    opener = zlib.decompressobj()
    data = opener.decompress(packed, _LONGEST * 4)
    if opener.unconsumed_tail:
        raise ValueError("too long")
    return msgspec.json.decode(data, type=Part)
