"""A recorded case as a room: the same screens, fed from its log, at any moment of its time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue

from s3ir_tui.board.details import detail_of
from s3ir_tui.board.known import Known
from s3ir_tui.board.snapshot import Moment, snapshot
from s3ir_tui.journal import Journal, JournalError, Record
from s3ir_tui.report.timeline import log_lines
from s3ir_tui.room import Detail, Kind, LogLine, Point, Snapshot, Status, Update
from s3ir_tui.text import clean
from s3ir_tui.trail.analysis import Analysis


class ReviewRoom:
    """Rebuilds the war room from the log of a case, offline and without credentials.

    A point of its time line is a record, or the events that one write recorded together.

    Args:
        folder: The case folder.
        quiet: How long silence had to last to be called quiet, as in the live room.
    """

    def __init__(self, folder: Path, quiet: timedelta = timedelta(minutes=30)) -> None:
        self._folder, self._quiet = folder, quiet
        self._journal: Journal | None = None
        self._groups: list[list[Record]] = []
        self._points: tuple[Point, ...] = ()
        self._position = -1
        self._known = Known(Analysis())
        self._lock = threading.RLock()
        self._asked: SimpleQueue[int | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    # -- Room -------------------------------------------------------------------------------------

    def start(self, post: Callable[[Update], None]) -> None:
        """Load the log and show the end of the case (see `Room`)."""
        self._thread = threading.Thread(target=self._work, args=(post,), name="review", daemon=True)
        self._thread.start()

    def stop(self, why: str) -> None:
        """Stop reading (see `Room`); nothing is written to a case under review."""
        self._asked.put(None)
        if self._thread is not None:
            self._thread.join(2.0)
        if self._journal is not None:
            self._journal.close(why)

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """A recorded case is not changed."""

    def note(self, text: str) -> None:
        """A recorded case is not changed."""

    def retry(self) -> None:
        """Nothing is tried again in a recording (see `Room`)."""

    def detail(self, kind: Kind, ident: str) -> Detail:
        """What was known of a row at this point (see `Room`)."""
        with self._lock:
            return detail_of(self._known, kind, ident)

    def log(self) -> tuple[LogLine, ...]:
        """The records up to this point (see `Room`)."""
        return log_lines([record for group in self._groups[: self._position + 1] for record in group])

    # -- Timeline ---------------------------------------------------------------------------------

    @property
    def points(self) -> tuple[Point, ...]:
        """What the slider steps through, oldest first."""
        return self._points

    @property
    def position(self) -> int:
        """Index of the point that is shown."""
        return self._position

    def seek(self, position: int) -> None:
        """Show the room as it was after a point; of several asked for at once only the last is built."""
        self._asked.put(position)

    # -- the thread that knows --------------------------------------------------------------------

    def _work(self, post: Callable[[Update], None]) -> None:
        try:
            self._load()
        except (JournalError, OSError) as error:
            post(Update(self._broken(f"the case cannot be read: {error}")))
            return
        wanted: int | None = len(self._groups) - 1
        while wanted is not None:
            try:
                post(self._show(wanted))
            except Exception as error:  # noqa: BLE001 - a review that stops without a word would look like an empty case
                self._position = -1  # what is known may be half built: the next look begins anew
                post(Update(self._broken(f"this point cannot be shown: {type(error).__name__}: {error}"), reset=True))
            wanted = self._asked.get()
            while not self._asked.empty() and wanted is not None:
                wanted = self._asked.get()

    def _load(self) -> None:
        self._journal = Journal.open(self._folder, about={}, readonly=True)
        self._groups = _grouped(self._journal.records())
        self._points = tuple(_point(group) for group in self._groups)

    def _broken(self, why: str) -> Snapshot:
        return Snapshot(Status(mode="REVIEW", case=self._folder.name, alarms=(clean(why),)))

    def _show(self, position: int) -> Update:
        position = max(-1, min(position, len(self._groups) - 1))
        with self._lock:
            again = position < self._position or self._position < 0
            if again:
                self._known = Known(Analysis())
            begin = 0 if again else self._position + 1
            lines = [line for group in self._groups[begin : position + 1] for line in self._known.take_records(group)]
            self._position = position
            return Update(self._snapshot(), tuple(lines), reset=again)

    def _snapshot(self) -> Snapshot:
        journal = self._journal
        problems = journal.problems if journal is not None else ()
        if self._position < 0:
            alarms = (*problems, "the case holds no records")
            return Snapshot(Status(mode="REVIEW", case=self._folder.name, alarms=alarms))
        last = self._groups[self._position][-1]
        moment = Moment(
            now=datetime.fromisoformat(last.ts).astimezone(UTC),
            mode="REVIEW",
            recorded=True,
            case=self._folder.name,
            lag=self._known.case.lag,
            head=f"{last.ref}",
            consoles=len(self._known.case.sessions),
            alarms=problems,
            quiet=self._quiet,
        )
        return snapshot(self._known, moment)


def _grouped(records: Sequence[Record]) -> list[list[Record]]:
    return [list(group) for _, group in groupby(records, key=lambda record: (record.table, record.session, record.ts))]


def _point(group: Sequence[Record]) -> Point:
    line = log_lines(group[-1:])[0]
    text = f"{len(group)} records: {line.text}" if len(group) > 1 else line.text
    return Point(line.ref, line.at, line.kind, text)
