"""One file of a case: the records of one console session, read as far as they go."""

from __future__ import annotations

import fcntl
import gc
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from s3ir_tui.journal.chain import SESSION_TABLE, ZERO, Frozen, parse, split

_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-([0-9a-f]{8})\.jsonl")
_CHUNK = 4 << 20
_LONGEST_LINE = 1 << 20


def session_of(name: str) -> str | None:
    """The session id in the name of a session file, or `None` where it is not the name of one."""
    match = _NAME.fullmatch(name)
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Taken:
    """A record as it was read.

    Attributes:
        ref: Its reference.
        entry: Its fields.
        order: The latest time in its file so far: keeps the order of the file where a clock was set back.
    """

    ref: str
    entry: Frozen
    order: str


@dataclass(frozen=True, slots=True)
class Link:
    """What one session says of another: that its record `seq` has that hash."""

    who: str
    file: str
    seq: int
    hash: str


class SessionFile:
    """Reads a session file, again and again while it grows.

    Args:
        path: Where it is.
        session: The session id, from the file's name.
        problem: Called with each damage.
        twin: Whether another file has the same id: its references then name the file as well.

    Attributes:
        path: Where it is.
        id: The session id, from the file's name.
        offset: How far it was read, in bytes; always the end of a line.
        seq: Highest number of its records, -1 before the first.
        hash: Hash of that record.
        closed: Whether its last record closes the session.
    """

    def __init__(self, path: Path, session: str, problem: Callable[[str], None], *, twin: bool = False) -> None:
        self.path, self.id, self._twin = path, session, twin
        self.offset, self.seq, self.hash, self.closed = 0, -1, ZERO, False
        self._links: list[Link] = []
        self._problem = problem
        self._hashes = bytearray()  # 32 bytes a record while no record is missing
        self._strays: dict[int, str] = {}  # the others
        self._order = ""
        self._identity: tuple[int, int] | None = None
        self._may_live = True

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def hash_of(self, seq: int) -> str | None:
        """The hash of a record, `None` where there is none of that number."""
        if 0 <= seq < len(self._hashes) // 32:
            return self._hashes[seq * 32 : seq * 32 + 32].hex()
        return self._strays.get(seq)

    def take_links(self) -> list[Link]:
        """What it says of other sessions, since this was last asked."""
        links, self._links = self._links, []
        return links

    # -- reading ----------------------------------------------------------------------------------

    def read_news(self) -> list[Taken]:
        """Take in what was appended since; damage is told as a problem and never raised."""
        try:
            with _opened(self.path) as fd:
                self._notice(os.fstat(fd))
                return self.take(fd)
        except FileNotFoundError:
            self._problem(f"{self.name} was removed after it was read")
        except OSError as error:
            self._problem(f"{self.name}: {error.strerror}")
        return []

    def take(self, fd: int) -> list[Taken]:
        """As `read_news`, from an open file."""
        taken: list[Taken] = []
        size = os.fstat(fd).st_size
        with _no_collector():
            while self.offset < size:
                data = os.pread(fd, min(_CHUNK, size - self.offset), self.offset)
                cut = data.rfind(b"\n")
                if cut >= 0:
                    taken += self._lines(data[:cut].split(b"\n"))
                elif len(data) <= _LONGEST_LINE or not self._skip_line(fd, size):
                    if split(data[:-1]) is not None:
                        self._problem(f"{self.name} byte {self.offset}: a whole record whose line end was changed")
                    break  # a line that is not finished
        return taken

    def is_live(self) -> bool:
        """Whether its console still runs on this host: it holds a lock until it ends, however it ends."""
        if self.closed or not self._may_live:
            return False
        try:
            with _opened(self.path) as fd:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass
        # A dead console never comes back to its file; one without a record may be about to take its lock.
        self._may_live = self.seq < 0
        return False

    def _notice(self, state: os.stat_result) -> None:
        identity = (state.st_dev, state.st_ino)
        if self._identity not in (None, identity):
            self._problem(f"{self.name} was replaced after it was read")
        if state.st_size < self.offset:
            self._problem(f"{self.name} was cut: it has {state.st_size} bytes, {self.offset} were read")
        self._identity = identity

    def _lines(self, lines: Sequence[bytes]) -> list[Taken]:
        parts = [split(line) for line in lines]
        entries = iter(parse([part[0] for part in parts if part]))
        taken = []
        for line, part in zip(lines, parts, strict=True):
            entry = next(entries) if part else None
            if part and entry is not None:
                taken.append(self._record(entry, part[1]))
            else:
                self._problem(f"{self.name} byte {self.offset}: {len(line)} bytes that are no record")
            self.offset += len(line) + 1
        return taken

    def _record(self, entry: Frozen, digest: str) -> Taken:
        seq: int = entry["seq"]
        where = f"{self.name} byte {self.offset}: record {seq}"
        if seq != self.seq + 1 or entry["prev"] != self.hash:
            self._problem(f"{where} does not follow record {self.seq}")
        if entry.get("session") != self.id:
            self._problem(f"{where} says it is of another session")
        ref = f"{self.id}:{seq}"
        if seq <= self.seq:
            ref += f"@{self.offset}"  # does not take the place of the first of that number
        else:
            if seq == len(self._hashes) // 32:
                self._hashes += bytes.fromhex(digest)
            else:
                self._strays[seq] = digest
            self.seq, self.hash = seq, digest
        if self._twin:
            ref += f"@{self.name}"
        self.closed = entry["table"] == SESSION_TABLE and entry.get("kind") == "close"
        self._order = max(self._order, entry["ts"])
        self._links += _links(entry, ref)
        return Taken(ref, entry, self._order)

    def _skip_line(self, fd: int, size: int) -> bool:
        # No record is that long: look for its end without keeping it.
        at = self.offset
        while at < size:
            data = os.pread(fd, min(_CHUNK, size - at), at)
            cut = data.find(b"\n")
            if cut >= 0:
                end = at + cut + 1
                self._problem(f"{self.name} byte {self.offset}: {end - 1 - self.offset} bytes that are no record")
                self.offset = end
                return True
            at += len(data) or size
        return False


def _links(entry: Frozen, who: str) -> Iterator[Link]:
    for said in (entry.get("parents"), entry.get("seen")):
        if not isinstance(said, Mapping):
            continue
        for file, head in said.items():
            if isinstance(head, list) and len(head) == 2 and type(head[0]) is int and isinstance(head[1], str):
                yield Link(who, file, head[0], head[1])


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A folder may hold a link to anywhere, or a pipe that would be waited for.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "is not a regular file")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _no_collector() -> Iterator[None]:
    # A case of a hundred thousand records is a million small objects: the collector would double the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(slots=True)
class OwnFile:
    """The file of this session: the only one that it writes.

    Attributes:
        file: Its reader.
        fd: It, open for appending.
        failed: Why it must not be written any more, or "".
    """

    file: SessionFile
    fd: int
    failed: str = ""

    def check(self) -> None:
        """Look whether it is still the file that was written."""
        ours = os.fstat(self.fd)
        try:
            there = os.stat(self.file.path, follow_symlinks=False)
        except OSError:
            self.failed = self.failed or "it was removed while it was open"
            return
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            self.failed = self.failed or "it was replaced while it was open"
        elif ours.st_size != self.file.offset:
            self.failed = self.failed or f"it has {ours.st_size} bytes, {self.file.offset} were written"

    def lock(self) -> None:
        """Take the lock that says that this console lives. Nobody waits for it, and some file systems have none."""
        for _ in range(5):
            with suppress(OSError):
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.002)  # another console may be asking just now

    def close(self) -> None:
        """Close the file, which also ends the lock."""
        os.close(self.fd)
