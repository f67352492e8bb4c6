"""The case log as the rest of the console uses it: from any thread, redacted, durable when a call returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from tinydb.queries import QueryLike

from s3ir_tui.journal import redact
from s3ir_tui.journal.about import surroundings
from s3ir_tui.journal.chain import SESSION_TABLE
from s3ir_tui.journal.confined import Confined, Stopped
from s3ir_tui.journal.disk import remove_empty_case
from s3ir_tui.journal.errors import JournalError, WriteFailed
from s3ir_tui.journal.record import Record
from s3ir_tui.journal.store import CaseDB
from s3ir_tui.model import Json

Subscriber = Callable[[Sequence[Record]], None]
T = TypeVar("T")

POLL_SECONDS = 1.0
"""How often the folder is looked at for news of other consoles and for damage to our own file."""

_BATCH = 500
"""Records written at once at most, so that an intent never waits long behind a burst of events."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What any thread may ask of the log without waiting."""

    head: str = ""
    session: str = ""
    consoles: int = 0
    problems: tuple[str, ...] = ()
    heads: Mapping[str, tuple[int, str]] = field(default_factory=dict)


class Journal:
    """An open case. Every access to the database is made on one thread of its own; any thread may call.

    Use `open`. Works as a context manager that closes it.
    """

    def __init__(self, folder: Path, about: Mapping[str, Json], readonly: bool, poll_seconds: float) -> None:
        self.folder = folder
        self._shown = _Shown()
        self._subscribers: list[Subscriber] = []
        self._complaints: tuple[str, ...] = ()
        self._open = False
        self._confined = Confined("journal", self._poll, poll_seconds)
        try:
            self._confined.call(lambda: self._begin(about, readonly))
        except OSError as error:
            self._confined.stop(lambda: None)
            raise JournalError(f"the case folder {folder} cannot be used: {error.strerror}") from error

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        about: Mapping[str, Json],
        readonly: bool = False,
        poll_seconds: float = POLL_SECONDS,
    ) -> Journal:
        """Open a case, made if need be, and begin a session of its log. Damage is listed in `problems`.

        Args:
            folder: The case folder.
            about: What to record of this session beside host, process, terminal, versions and clocks: actor, account.
            readonly: Whether to read only; nothing is written then, and no folder made.
            poll_seconds: How often to look for news of other consoles; 0 leaves that to `refresh`.

        Raises:
            JournalError: There is no such folder and none can be made.
        """
        if readonly:
            if not folder.is_dir():
                raise JournalError(f"there is no case folder {folder}")
            return cls(folder, {}, True, poll_seconds)
        return cls(folder, redact.document({**surroundings(), **about}), False, poll_seconds)

    # -- writing ----------------------------------------------------------------------------------

    def record(self, table: str, doc: Mapping[str, Any]) -> str:
        """Record something; it is redacted, and durable when this returns.

        Args:
            table: `case`, `trail`, `posture`, `actions` or `watch`.
            doc: JSON values under names that the log does not use itself.

        Returns:
            Its reference, such as `46d868cb:17`.

        Raises:
            WriteFailed: It is not in the log.
            AppendOnlyError: The case is open for reading only, or closed.
        """
        return self.record_many(table, [doc])[0]

    def record_many(self, table: str, docs: Iterable[Mapping[str, Any]]) -> list[str]:
        """As `record`, for many: with one write for up to 500 of them.

        Raises:
            WriteFailed: At least the last of them are not in the log.
        """
        if not table.isidentifier() or table == SESSION_TABLE:
            raise ValueError(f"{table!r} is no name of a table")
        clean = [redact.document(doc) for doc in docs]
        refs: list[str] = []
        for start in range(0, len(clean), _BATCH):
            batch = clean[start : start + _BATCH]
            refs += self._on_thread(lambda batch=batch: self._insert(table, batch))  # type: ignore[misc]
        return refs

    def refresh(self) -> int:
        """Take in what other consoles recorded; subscribers are told. Gives the number of records that came in."""
        return self._on_thread(self._refresh)

    def close(self, why: str = "closed") -> None:
        """End the session with a record that says why. The records stay readable; a second call does nothing."""
        self._confined.stop(lambda: self._close(redact.text(why)))

    def leave_no_empty_case(self) -> bool:
        """Remove the folder of a closed case in which nothing was recorded but that a console came and went.

        Returns:
            Whether it was removed. It stays where anything else lies in it, of this console or of another one.
        """
        records = self.records()
        if self._open or len(self.heads) > 1 or any(record.table != SESSION_TABLE for record in records):
            return False
        return remove_empty_case(self.folder, set(self.heads))

    # -- reading ----------------------------------------------------------------------------------

    def records(self, table: str | None = None) -> list[Record]:
        """The records known now in time order, of one table or all; never waits."""
        return self._storage.ordered.copy(table)

    def search(self, table: str, query: QueryLike) -> list[Record]:
        """The records of a table that a TinyDB query matches, in time order.

        A search through many thousand records takes the interpreter for some hundredths of a second: on a responder's
        demand only.
        """
        refs = self._on_thread(lambda: {str(doc.doc_id) for doc in self._db.table(table).search(query)})
        return [record for record in self.records(table) if record.ref in refs]

    def subscribe(self, callback: Subscriber, *, replay: bool = False) -> None:
        """Have a function called with new records, on the journal's thread, after they are durable.

        Args:
            callback: Must return soon: everything that is recorded waits for it.
            replay: Whether it is first called with all records there are, with none missed or told twice.
        """

        def begin() -> None:
            if replay:
                callback(self.records())
            self._subscribers.append(callback)

        self._on_thread(begin)

    @property
    def head(self) -> str:
        """The last record of this session and the start of its hash, to be published: `46d868cb:17 58bde580`."""
        return self._shown.head

    @property
    def heads(self) -> Mapping[str, tuple[int, str]]:
        """Number and hash of the last record of every session, by file."""
        return self._shown.heads

    @property
    def session(self) -> str:
        """Id of this session; a new one where its file had to be given up; "" where nothing is recorded."""
        return self._shown.session

    @property
    def consoles(self) -> int:
        """How many consoles work on the case, this one included, as far as this host can tell."""
        return self._shown.consoles

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the log, most urgent first; empty where all is well."""
        return self._shown.problems

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    # -- on the thread ----------------------------------------------------------------------------

    def _on_thread(self, work: Callable[[], T]) -> T:
        try:
            return self._confined.call(work)
        except Stopped:
            raise WriteFailed("the case log is closed") from None

    def _begin(self, about: Mapping[str, Json], readonly: bool) -> None:
        self._db, self._storage = CaseDB.open(self.folder, about=about, readonly=readonly)
        self._open = True
        self._publish()

    def _insert(self, table: str, docs: list[dict[str, Any]]) -> list[str]:
        try:
            return self._db.table(table).insert_multiple(docs)  # type: ignore[return-value]
        finally:
            self._publish()

    def _refresh(self) -> int:
        count = self._storage.refresh()
        if count:
            for name in self._db.tables():
                self._db.table(name).clear_cache()
        self._publish()
        return count

    def _poll(self) -> None:
        if not self._open:
            return
        self._storage.mend()
        self._refresh()
        self._shown = _Shown(
            self._shown.head, self._shown.session, self._storage.live(), self._shown.problems, self._shown.heads
        )

    def _close(self, why: str) -> None:
        self._open = False
        self._storage.close(why)
        self._publish()
        self._db.close()

    def _publish(self) -> None:
        own = self._storage.own
        self._shown = _Shown(
            head=f"{own.id}:{own.seq} {own.hash[:8]}" if own else self._shown.head,
            session=own.id if own else self._shown.session,
            consoles=self._shown.consoles or self._storage.live(),
            problems=(*self._storage.problems, *self._complaints),
            heads=self._storage.heads(),
        )
        fresh = self._storage.take_fresh()
        for callback in self._subscribers if fresh else ():
            self._tell(callback, fresh)

    def _tell(self, callback: Subscriber, fresh: Sequence[Record]) -> None:
        try:
            callback(fresh)
        except Exception as error:  # noqa: BLE001 - what is recorded is recorded, whatever a listener does
            complaint = f"news of the log were not taken in: {type(error).__name__}: {error}"
            if complaint not in self._complaints:
                self._complaints = (*self._complaints, redact.text(complaint))[-3:]
