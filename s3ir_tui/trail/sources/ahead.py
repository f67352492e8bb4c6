"""Files and folders decoded ahead by a process of its own, batch by batch in their order."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec

from s3ir_tui.trail import frames
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.sources.files import read_file, walk

LONG = 2 << 20
"""Bytes of files from which on a process of its own pays."""

AT_ONCE = 1_000
"""Events of a batch, at most: some milliseconds of work for whoever takes them in."""

END = b""
"""The frame after the last."""

_time = attrgetter("time")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


def batches(paths: Iterable[Path], first: int = 0, after: int = 0) -> Iterator[Batch]:
    """Events batch by batch, those of a file by time; what cannot be read is skipped with its reason.

    Args:
        paths: Files of any name, and folders that are searched for CloudTrail's and NDJSON names.
        first: The file to begin with, counted from 0.
        after: How many batches of that file to leave out.
    """
    for index, file in enumerate(walk(paths)):
        if index >= first:
            for number, batch in enumerate(_of_file(file, index)):
                if index > first or number >= after:
                    yield batch


def _of_file(file: Path, index: int) -> Iterator[Batch]:
    for events, skipped in read_file(file):
        events.sort(key=_time)
        yield Batch(events[:AT_ONCE], skipped=skipped, file=index)
        for start in range(AT_ONCE, len(events), AT_ONCE):
            yield Batch(events[start : start + AT_ONCE], file=index)


class Ahead:
    """The batches of some files. Where they are long, another process decodes them, one batch ahead and no more.

    It ends with `close`, and when this process does, however that ends. If it dies before, what it did not bring is
    read here.

    Args:
        paths: Files of any name, and folders.

    Attributes:
        ended: Whether every batch has been given.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.ended = False
        self._paths = paths
        self._here = batches(paths)
        self._file = self._given = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        if _are_long(paths):
            with contextlib.suppress(OSError):  # no process to be had: they are read here
                self._start()

    def next(self, seconds: float) -> Batch | None:
        """The next batch, or `None` where none comes in time, or there is none any more (`ended`).

        Args:
            seconds: How long to wait for one.
        """
        if self.ended:
            return None
        batch = next(self._here, None) if self._socket is None else self._receive(self._socket, seconds)
        if batch is not None:
            self._given = self._given + 1 if batch.file == self._file else 1
            self._file = batch.file
        elif self._socket is None:
            self.ended = True
        return batch

    def close(self) -> None:
        """Bring nothing more; the other process is gone then."""
        self.ended = True
        self._stop()

    def _start(self) -> None:
        self._process, self._socket = frames.start("s3ir_tui.trail.sources.reader")
        frames.send(self._socket, _encode([str(path) for path in self._paths]))

    def _receive(self, ours: socket.socket, seconds: float) -> Batch | None:
        if not select.select([ours], [], [], max(0.0, seconds))[0]:
            return None
        frame = frames.receive(ours)
        if frame:
            return _decode(frame)
        self._stop()
        # Where it died, of memory perhaps, this process goes on after the last batch that came.
        self._here = iter(()) if frame is not None or self.ended else batches(self._paths, self._file, self._given)
        return next(self._here, None)

    def _stop(self) -> None:
        process, ours = self._process, self._socket
        self._process = self._socket = None
        if process is not None:
            process.kill()
            process.wait()
        if ours is not None:
            ours.close()


def _are_long(paths: Sequence[Path]) -> bool:
    size = 0
    for file in walk(paths):
        with contextlib.suppress(OSError):
            size += file.stat().st_size
        if size >= LONG:
            return True
    return False
