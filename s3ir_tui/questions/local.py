"""The history of local files in an SQLite file, to be asked.

Chosen by measurement (`tests/bench/bench_questions.py`, 300,000 events, one core): SQLite takes 12.1 s of CPU to load,
180 MB of memory, 174 MB of disk, 0.95 s for the slowest question; DuckDB fed from our decoder 13.5 s, 304 MB, 44 MB,
0.73 s; its read_json 32.7 s, 309 MB, 19 MB, 0.41 s. As fast, in less memory, and in every Python: no 66 MB to install.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from types import TracebackType

from s3ir_tui.questions.question import COLUMNS, FLAGS, NUMBERS, Question, Window, wrapped
from s3ir_tui.questions.results import Answer, Cancelled
from s3ir_tui.settings import make_private
from s3ir_tui.trail.event import Event

MOST_ROWS = 10_000
"""Rows of an answer that are kept."""

_OURS = 0x53334952
_VERSION = 1
_CACHE_KB = 48 << 10
_STEPS = 20_000
"""Steps of SQLite between two looks at whether the question was taken back: about a millisecond."""

_VALUES = attrgetter(*COLUMNS)
_FIELDS = ", ".join(f"{name} {'INTEGER' if name in NUMBERS | FLAGS else 'TEXT'} NOT NULL" for name in COLUMNS)
_SCHEMA = f"""
CREATE TABLE stored ({_FIELDS});
CREATE UNIQUE INDEX by_id ON stored (id);
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL);
PRAGMA application_id = {_OURS};
PRAGMA user_version = {_VERSION};
"""
_INSERT = f"INSERT OR IGNORE INTO stored VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - question marks only
_RELATION = f"SELECT {', '.join(COLUMNS)} FROM stored WHERE time BETWEEN ? AND ?"  # noqa: S608 - our own columns
_LAST = "9999-12-31T23:59:59Z"


class StoreError(Exception):
    """The store cannot be used. The message says why, and what to do."""


class LocalStore:
    """Events in a private file, each once, and the questions to them. Any thread may use it; one does at a time.

    Args:
        path: The file (0600); it is made where it is missing, and is built up over several runs.
        nameless: Whether the file is to lose its name at once: it is gone when the store, or the program, ends.

    Raises:
        StoreError: It is no such file, or cannot be opened.
    """

    def __init__(self, path: Path, *, nameless: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._db = _open(path)
            if nameless:
                self._db.execute("PRAGMA journal_mode = MEMORY")
                self._db.execute("PRAGMA temp_store = MEMORY")
                path.unlink()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: cannot be used as a store of events ({error}); name another file") from None

    def __enter__(self) -> LocalStore:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            with suppress(sqlite3.Error):
                self._db.execute("PRAGMA journal_mode = DELETE")  # its empty journal goes too
            self._db.close()

    def add(self, events: Iterable[Event], files: Iterable[Path] = ()) -> int:
        """Take events in; those that are there already are left out.

        Args:
            events: The events.
            files: Files that are whole with these events, to be remembered as they are now.

        Returns:
            How many were new.

        Raises:
            StoreError: The file cannot be written.
        """
        rows = [_VALUES(event) for event in events]
        try:
            return self._insert(rows, files)
        except UnicodeEncodeError:
            # Half a surrogate pair, which JSON can spell and UTF-8 cannot.
            return self._insert([tuple(map(_encodable, row)) for row in rows], files)

    def has_file(self, file: Path) -> bool:
        """Whether a file was taken in, as it is now."""
        with self._lock:
            row = self._db.execute("SELECT size, changed FROM files WHERE path = ?", (_name(file),)).fetchone()
        return row is not None and row == _state(file)

    def ask(
        self,
        question: Question,
        parameters: Mapping[str, str],
        window: Window = Window(),
        *,
        most: int = MOST_ROWS,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Answer:
        """Answer a question.

        Args:
            question: One of the catalogue, or one's own.
            parameters: Values by name.
            window: The time asked about.
            most: Rows that are kept.
            stop: Set from any thread to take the question back.
            clock: Monotonic seconds.

        Raises:
            QuestionError: A parameter is missing or makes no sense.
            Cancelled: `stop` was set.
            StoreError: The file cannot be read.
        """
        settled = question.settle(parameters)
        bound = wrapped(_RELATION, question.bind(parameters), (window.since, window.until or _LAST))
        began = clock()
        with self._lock, self._reading(stop):
            cursor = self._db.execute(bound.text, bound.values)
            columns = tuple(item[0] for item in cursor.description)
            rows = cursor.fetchmany(most + 1)
            cursor.close()
            notes = _notes(self._db, window)
        return Answer(
            question.id,
            settled,
            window,
            "local files",
            columns,
            tuple(tuple(row) for row in rows[:most]),
            truncated=len(rows) > most,
            seconds=clock() - began,
            notes=(*notes, question.blind),
        )

    def count(self) -> int:
        """How many events there are."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM stored").fetchone()[0])

    def _insert(self, rows: list[tuple[object, ...]], files: Iterable[Path]) -> int:
        states = [(_name(file), *state) for file in files if (state := _state(file)) is not None]
        with self._lock:
            try:
                before = self._db.total_changes
                self._db.execute("BEGIN")
                self._db.executemany(_INSERT, rows)
                new = self._db.total_changes - before
                self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", states)
                self._db.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise StoreError(f"{self.path}: cannot be written ({error})") from None
                raise
        return new

    @contextmanager
    def _reading(self, stop: threading.Event | None) -> Iterator[None]:
        try:
            # A question of one's own must not write either.
            self._db.execute("PRAGMA query_only = ON")
            if stop is not None:
                self._db.set_progress_handler(stop.is_set, _STEPS)
            yield
        except sqlite3.Error as error:
            if stop is not None and stop.is_set():
                raise Cancelled("the question was taken back") from None
            raise StoreError(f"{self.path}: cannot be asked ({error})") from None
        finally:
            self._db.set_progress_handler(None, _STEPS)
            self._db.execute("PRAGMA query_only = OFF")


def _open(path: Path) -> sqlite3.Connection:
    make_private(path.parent)
    # The file must never be readable by others, not even for a moment, and never stand behind a link.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        # The store can be built anew at any time: it must survive a killed process, not a power cut.
        db.execute("PRAGMA synchronous = OFF")
        if db.execute("PRAGMA schema_version").fetchone()[0] == 0:
            db.execute("PRAGMA page_size = 8192")
            db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        elif (db.execute("PRAGMA application_id").fetchone()[0], db.execute("PRAGMA user_version").fetchone()[0]) != (
            _OURS,
            _VERSION,
        ):
            raise sqlite3.DatabaseError("another program or version made it")
        db.execute("PRAGMA journal_mode = TRUNCATE")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _notes(db: sqlite3.Connection, window: Window) -> tuple[str, ...]:
    """Whether reads of objects can be in the answer at all."""
    seen = db.execute(
        "SELECT 1 FROM stored WHERE category = 'Data' AND service = 's3' AND time BETWEEN ? AND ? LIMIT 1",
        (window.since, window.until or _LAST),
    ).fetchone()
    return () if seen else ("There are no S3 data events in what was asked: reads of objects were not logged.",)


def _name(file: Path) -> str:
    return os.fspath(file.absolute())


def _state(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _encodable(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
