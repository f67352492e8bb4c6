"""TinyDB on the session files of a case: the storage that appends, and the tables that only grow.

TinyDB stays what holds the records in memory and queries them. Its own insert copies and rewrites everything, so the
table below goes to the storage directly; only public names of TinyDB are used.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from s3ir_tui.journal import attachments
from s3ir_tui.journal.chain import FORMAT, RECORD_LIMIT, RESERVED, SESSION_TABLE, STORED, encode
from s3ir_tui.journal.disk import Reserve, is_full, sync_folder, write_all
from s3ir_tui.journal.errors import AppendOnlyError, JournalError, WriteFailed
from s3ir_tui.journal.ordered import Ordered
from s3ir_tui.journal.record import Record
from s3ir_tui.journal.session_file import Link, OwnFile, SessionFile, Taken, session_of

_MOST_PROBLEMS = 100


class CaseStorage(Storage):
    """The session files of a case folder; one of them, its own, grows. Not to be shared between threads.

    Args:
        folder: The case folder; made if need be.
        about: What the first record says of this session.
        readonly: Whether nothing is ever written.

    Attributes:
        ordered: The records in time order.
    """

    def __init__(self, folder: Path, *, about: Mapping[str, Any], readonly: bool = False) -> None:
        self.ordered = Ordered()
        self._folder, self._about, self._readonly = folder, about, readonly
        self._tables: dict[str, dict[str, Any]] = {}
        self._files: dict[str, SessionFile] = {}
        self._own: OwnFile | None = None
        self._told: set[str] = set()
        self._problems: list[str] = []
        self._not_recording = ""
        self._unseen: set[str] = set()  # files with records that none of ours names yet
        self._links: list[Link] = []
        self._fresh: list[Record] = []
        self._reserve = Reserve(folder)
        if not readonly and not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            sync_folder(folder.parent)
        self.refresh()
        if not readonly:
            if not self._reserve.fill():
                self._problem(
                    "no reserve is set aside: the disk is nearly full, or `reserve` in the case folder is no plain file"
                )
            with suppress(WriteFailed):  # readable all the same; `problems` says it, and each append tries again
                self._ensure_own()

    # -- what TinyDB calls ------------------------------------------------------------------------

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The tables, as TinyDB wants them."""
        return self._tables or None

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        """Refused: TinyDB would rewrite everything."""
        raise AppendOnlyError(f"the case log is append-only: {len(data)} tables were not rewritten")

    def close(self, why: str = "closed") -> None:
        """End the session with a record that says why; a second call does nothing."""
        if self._own is not None:
            with suppress(JournalError):  # a session that ends without it is told as such
                self.append(SESSION_TABLE, [{"kind": "close", "why": why}])
            self._own.close()
        self._own, self._readonly = None, True

    # -- the log ----------------------------------------------------------------------------------

    @property
    def problems(self) -> tuple[str, ...]:
        """What is damaged, and why nothing is recorded where that is so."""
        return (*([self._not_recording] if self._not_recording else []), *self._problems)

    @property
    def own(self) -> SessionFile | None:
        """The file of this session."""
        return self._own.file if self._own else None

    def heads(self) -> dict[str, tuple[int, str]]:
        """Number and hash of the last record of every session, by file: what to publish, print or sign."""
        return {name: (file.seq, file.hash) for name, file in self._files.items() if file.seq >= 0}

    def live(self) -> int:
        """How many consoles work on the case now, as far as this host can tell."""
        return (self._own is not None) + sum(file.is_live() for file in self._others())

    def take_fresh(self) -> list[Record]:
        """The records that came in since this was last asked."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def append(self, table: str, docs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add records with one write and one sync, all or nothing; they are durable when this returns.

        Returns:
            Their references.

        Raises:
            WriteFailed: None of them is in the log.
            AppendOnlyError: The case was opened read-only, or the session has ended.
        """
        if self._readonly:
            raise AppendOnlyError("the case is open for reading only")
        try:
            own = self._ensure_own()
            try:
                refs = self._append(own, table, docs)
            except WriteFailed:
                if not own.failed:
                    raise  # no room: the same file goes on when there is some
                refs = self._append(self._ensure_own(), table, docs)
        except WriteFailed as error:
            self._not_recording = f"NOT RECORDING: {error}"
            raise
        self._not_recording = ""
        return refs

    def refresh(self) -> int:
        """Take in what other consoles appended, and their new files.

        Returns:
            How many records came in.
        """
        self._find_files()
        count = self._read(self._others())
        return count + self._check_links()

    def mend(self) -> None:
        """Begin a new file where ours was touched or none could be begun; set the reserve aside again."""
        if not self._readonly:
            self._reserve.fill()
            with suppress(WriteFailed):  # `problems` says it
                self._ensure_own()

    # -- inside -----------------------------------------------------------------------------------

    def _find_files(self) -> None:
        try:
            names = sorted(os.listdir(self._folder))
        except OSError as error:
            self._problem(f"the case folder cannot be read: {error.strerror}")
            return
        for name in names:
            session = session_of(name)
            if session is not None and name not in self._files:
                twin = next((other.name for other in self._files.values() if other.id == session), "")
                if twin:
                    self._problem(f"{name} has the session id of {twin}: one of them is a copy")
                self._files[name] = SessionFile(self._folder / name, session, self._problem, twin=bool(twin))

    def _others(self) -> list[SessionFile]:
        return [file for file in self._files.values() if file is not self.own]

    def _read(self, files: Iterable[SessionFile]) -> int:
        taken: list[tuple[SessionFile, Taken]] = []
        for file in files:
            news = file.read_news()
            taken += [(file, item) for item in news]
            self._links += file.take_links()
            if news:
                self._unseen.add(file.name)
        self._accept(taken)
        return len(taken)

    def _accept(self, taken: Iterable[tuple[SessionFile, Taken]]) -> None:
        new = []
        for file, item in taken:
            self._tables.setdefault(item.entry["table"], {})[item.ref] = item.entry
            new.append(Record(item.entry, item.ref, file.id, item.order, self._folder))
        self._fresh += self.ordered.add(new)

    def _check_links(self) -> int:
        links, self._links = self._links, []
        count = 0
        if any(link.seq > self._last_of(link.file) for link in links):
            # What a session knows of another may have been written after that one was read here.
            self._find_files()
            count = self._read(self._others())
        for link in links:
            known = self._files.get(link.file)
            if known is None:
                self._problem(f"{link.file} is missing: {link.who} knows its record {link.seq}")
            elif link.seq > known.seq:
                self._problem(f"{link.file} ends at record {known.seq}: {link.who} knows its record {link.seq}")
            elif link.seq >= 0 and known.hash_of(link.seq) != link.hash:
                self._problem(f"{link.file}: {link.who} knows record {link.seq} with another hash")
        return count

    def _last_of(self, name: str) -> int:
        file = self._files.get(name)
        return file.seq if file is not None else -1

    def _ensure_own(self) -> OwnFile:
        old = self._own
        if old is not None:
            old.check()
            if not old.failed:
                return old
            self._problem(f"{old.file.name} was given up: {old.failed}")
        self._own = self._start(old.failed if old else "")
        if old is not None:
            old.close()
        return self._own

    def _start(self, why: str) -> OwnFile:
        session = secrets.token_hex(4)
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{session}.jsonl"
        parents = {name: list(head) for name, head in self.heads().items()}
        first = {"kind": "open", "format": FORMAT, "nonce": secrets.token_hex(8), "about": dict(self._about)}
        if why:
            first["why"] = why
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._failed(f"no session file can be made: {error.strerror}") from error
        own = OwnFile(SessionFile(path, session, self._problem), fd)
        own.lock()
        try:
            sync_folder(self._folder)
            self._append(own, SESSION_TABLE, [first], {"parents": parents})
        except (OSError, WriteFailed) as error:
            own.close()
            with suppress(OSError):
                path.unlink()
            raise self._failed(f"no session file can be begun: {error}") from error
        self._files[path.name] = own.file
        self._not_recording = ""
        return own

    def _append(
        self, own: OwnFile, table: str, docs: Sequence[Mapping[str, Any]], links: Mapping[str, Any] | None = None
    ) -> list[str]:
        file = own.file
        seq, prev = file.seq, file.hash
        moment = {"ts": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", "mono_ns": time.monotonic_ns()}
        links = dict(links or self._seen())
        lines = []
        for doc in docs:
            if names := RESERVED & doc.keys():
                raise ValueError(f"the log writes these fields itself: {', '.join(sorted(names))}")
            seq += 1
            chained = {**moment, **links, "prev": prev, "seq": seq, "session": file.id, "table": table}
            line, prev = self._line(doc, chained)
            lines.append(line)
            links = {}
        self._write(own, b"".join(lines))
        taken = file.take(own.fd)  # what memory holds is what is on disk
        self._links += file.take_links()
        self._accept((file, item) for item in taken)
        refs = [f"{file.id}:{number}" for number in range(seq - len(lines) + 1, seq + 1)]
        if not {item.ref for item in taken}.issuperset(refs):
            own.failed = "somebody else writes to it"
            raise WriteFailed(f"{file.name} does not hold what was written: {own.failed}")
        self._unseen.clear()
        return refs

    def _seen(self) -> dict[str, Any]:
        if not self._unseen:
            return {}
        return {"seen": {name: [self._files[name].seq, self._files[name].hash] for name in sorted(self._unseen)}}

    def _line(self, doc: Mapping[str, Any], chained: Mapping[str, Any]) -> tuple[bytes, str]:
        line, digest = encode({**doc, **chained})
        if len(line) <= RECORD_LIMIT:
            return line, digest
        kept, stored = dict(doc), {}
        for name in sorted(doc, key=lambda name: len(encode({name: doc[name]})[0]), reverse=True):
            stored[name] = self._attach(kept.pop(name))
            line, digest = encode({**kept, **chained, STORED: stored})
            if len(line) <= RECORD_LIMIT:
                break
        return line, digest

    def _attach(self, value: Any) -> dict[str, Any]:
        try:
            return attachments.put(self._folder, value)
        except OSError as error:
            if is_full(error) and self._release_reserve():
                return self._attach(value)
            raise self._failed(f"a large value cannot be kept: {error.strerror}") from error

    def _write(self, own: OwnFile, data: bytes) -> None:
        try:
            write_all(own.fd, data)
        except OSError as error:
            with suppress(OSError):  # else the check before the next record sees them, and a new file is begun
                os.ftruncate(own.fd, own.file.offset)  # our own bytes, never acknowledged
            if is_full(error) and self._release_reserve():
                self._write(own, data)
                return
            if not is_full(error):
                # The file is as large as a limit allows, or the sync failed: after a failed sync the kernel
                # may have dropped the pages. That file is never written again.
                own.failed = error.strerror or str(error)
            raise WriteFailed(f"not recorded: {error.strerror}") from error

    def _release_reserve(self) -> bool:
        released = self._reserve.release()
        if released:
            self._problem("the disk is full: the reserve is in use")
        return released

    def _failed(self, why: str) -> WriteFailed:
        self._not_recording = f"NOT RECORDING: {why}"
        return WriteFailed(why)

    def _problem(self, text: str) -> None:
        if text in self._told or len(self._problems) > _MOST_PROBLEMS:
            return
        self._told.add(text)
        full = len(self._problems) == _MOST_PROBLEMS
        self._problems.append("and more: run verify on the case" if full else text)


class CaseTable(Table):
    """A table to which records are only ever added; an insert costs the same however many there are."""

    document_id_class = str  # type: ignore[assignment]  # the hook is documented, its annotation is narrower

    def insert(self, document: Mapping[str, Any]) -> str:  # type: ignore[override]
        """Add a record; durable when it returns. Gives its reference."""
        return self.insert_multiple([document])[0]

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[str]:  # type: ignore[override]
        """Add records with one write; durable when it returns. Gives their references."""
        storage = self.storage
        if not isinstance(storage, CaseStorage):
            raise TypeError("a table of the case log needs its storage")
        refs = storage.append(self.name, list(documents))
        self.clear_cache()
        return refs

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise AppendOnlyError("the case log is append-only: add a record that corrects")

    update = update_multiple = upsert = remove = truncate = _refuse


class CaseDB(TinyDB):
    """The database of a case. Not to be shared between threads: see `Journal`."""

    table_class = CaseTable
    default_table_name = "case"

    @classmethod
    def open(cls, folder: Path, *, about: Mapping[str, Any], readonly: bool = False) -> tuple[CaseDB, CaseStorage]:
        """A database with its storage."""
        database = cls(folder, storage=CaseStorage, about=about, readonly=readonly)
        storage = database.storage
        assert isinstance(storage, CaseStorage)
        return database, storage

    def drop_tables(self) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("the case log is append-only")

    def drop_table(self, name: str) -> NoReturn:
        """Refused."""
        raise AppendOnlyError(f"the case log is append-only: {name} stays")
