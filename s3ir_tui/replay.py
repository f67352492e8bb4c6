"""A recording of CloudTrail as a room: the war room by the recording's clock, without an account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any

from s3ir_tui.board.condition import LIVE, READING_HISTORY
from s3ir_tui.board.details import detail_of
from s3ir_tui.board.intake import take_in
from s3ir_tui.board.known import Known
from s3ir_tui.board.snapshot import Moment, snapshot
from s3ir_tui.journal import Journal, JournalError, Record
from s3ir_tui.live_record import TrailRecorder
from s3ir_tui.model import Identity
from s3ir_tui.pace import end_short_pauses, keep_pauses_short
from s3ir_tui.report.timeline import log_lines
from s3ir_tui.room import Condition, Detail, Kind, LogLine, Snapshot, SourceStatus, Update
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.sources.recording import TICK_SECONDS, Recording

_QUIET_TICKS = 4
_CHUNK = 100
_MOST_UNREAD = 20
_FIRST_SECONDS = 0.02  # fills the tail once
_DRAWN_SECONDS = 0.1  # the first rows are drawn meanwhile, and nothing works beside that
_STALE_SECONDS = 2.0  # a board is not shown for longer while events come
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReplayRoom:
    """Feeds the screens from a recording; marks and notes go into the case.

    One thread reads, knows and makes the snapshots. Every event comes at the moment at which the recording's clock
    reaches it, so that the trail is never behind.

    Args:
        recording: The recording.
        journal: The open journal of the case.
        recorder: Records there what was seen of the trail; `None` where the case is not kept.
        quiet: How long a contained actor must stay silent to be called quiet.
    """

    def __init__(
        self,
        recording: Recording,
        journal: Journal,
        recorder: TrailRecorder | None = None,
        *,
        quiet: timedelta = timedelta(minutes=30),
    ) -> None:
        self._recording, self._journal, self._quiet = recording, journal, quiet
        self._known = Known(Analysis())
        self._lock = threading.RLock()
        self._records: SimpleQueue[Sequence[Record]] = SimpleQueue()
        self._recorder = recorder
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._trouble: dict[str, str] = {}
        self._waiting = Batch([])
        self._folded = 0
        self._unread = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # -- Room -------------------------------------------------------------------------------------

    def start(self, post: Callable[[Update], None]) -> None:
        """Read the recording and play it (see `Room`)."""
        keep_pauses_short()
        self._journal.subscribe(self._records.put, replay=True)
        self._thread = threading.Thread(target=self._play, args=(post,), name="replay", daemon=True)
        self._thread.start()

    def stop(self, why: str) -> None:
        """End in order (see `Room`)."""
        if self._stop.is_set():
            return
        self._stop.set()
        end_short_pauses()
        if self._thread is not None:
            self._thread.join(5.0)
        self._writer.shutdown(wait=True)
        self._recording.close()
        self._journal.close(why)

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """Mark or unmark a row (see `Room`); shown once it is recorded."""
        self._write({"kind": "mark", "what": kind, "id": ident, "on": on})

    def note(self, text: str) -> None:
        """Record a note (see `Room`)."""
        self._write({"kind": "note", "text": text})

    def retry(self) -> None:
        """Nothing is tried again in a recording (see `Room`)."""

    def detail(self, kind: Kind, ident: str) -> Detail:
        """What is known of a row (see `Room`)."""
        with self._lock:
            return detail_of(self._known, kind, ident)

    def log(self) -> tuple[LogLine, ...]:
        """The records of the case (see `Room`)."""
        return log_lines(self._journal.records())

    # -- the thread that knows --------------------------------------------------------------------

    def _play(self, post: Callable[[Update], None]) -> None:
        ticks, due, share = 0, 0.0, _FIRST_SECONDS
        board: Snapshot | None = None
        while not self._stop.wait(self._recording.interval):
            lines = self._take_in(share)
            self._tell_unread()
            ticks = 0 if lines else ticks + 1
            if lines or self._recording.reading or ticks % _QUIET_TICKS == 1:
                begun = time.monotonic()
                if board is None or begun >= due or self._recording.ended:
                    board = self._snapshot()
                    # A board of many principals takes its time: events get nine times as much.
                    due = time.monotonic() + min(_STALE_SECONDS, 9 * (time.monotonic() - begun))
                post(Update(board, tuple(lines)))
            if lines and share == _FIRST_SECONDS:
                share = TICK_SECONDS
                self._stop.wait(_DRAWN_SECONDS)

    def _take_in(self, seconds: float) -> list[Judged]:
        lines = self._take_records()
        until = time.monotonic() + seconds
        try:
            while not self._stop.is_set() and (batch := self._waiting or self._recording.next_batch()):
                lines += self._take_events(batch.part(0, _CHUNK))
                self._waiting = batch.part(_CHUNK, len(batch))
                if time.monotonic() > until:
                    break
        except OSError as error:
            self._trouble["recording"] = f"cannot be sorted, there is no room: {error.strerror or error}"
        self._folded += sum(line.noise for line in lines)
        return lines

    def _take_records(self) -> list[Judged]:
        lines: list[Judged] = []
        while True:
            try:
                records = self._records.get_nowait()
            except Empty:
                return lines
            with self._lock:
                lines += self._known.take_records(records)

    def _take_events(self, batch: Batch) -> list[Judged]:
        new = take_in(self._known, self._lock, batch, self._recording.name)
        if self._recorder is not None and (chosen := self._recorder.choose(new)):
            self._writer.submit(self._recorder.write, chosen)
        return new

    def _snapshot(self) -> Snapshot:
        played = self._recording
        now = played.now or _EPOCH
        words = f"reading: {played.events} events" if played.reading else played.remark or f"{now:%Y-%m-%d}"
        moment = Moment(
            now=now,
            mode=_mode(played),
            case=self._journal.folder.name,
            sources=(SourceStatus(played.name, 0.0, "", played.reading or played.data_events, self._unread),),
            # Silence of a recording proves nothing: its calls ended with it.
            lag=0.0,
            condition=Condition(READING_HISTORY if played.reading else LIVE, words),
            head=self._journal.head,
            consoles=self._journal.consoles,
            alarms=self._alarms(),
            quiet=self._quiet,
            folded=self._folded,
        )
        with self._lock:
            # Nobody is signed in: where a console says who it is, this says of which account and day the recording is.
            self._known.identity = Identity(played.account, words, "", "")
            made = snapshot(self._known, moment)
        # How long the case has been open is told by the same clock as everything else.
        return replace(made, status=replace(made.status, opened=played.first))

    def _alarms(self) -> tuple[str, ...]:
        nothing = self._recording.ended and not self._recording.events
        trouble = [f"{what}: {why}" for what, why in self._trouble.items()]
        trouble += ["the recording holds no CloudTrail event"] if nothing else []
        unrecorded = self._recorder.problems if self._recorder is not None else ()
        return (*self._journal.problems, *unrecorded, *trouble)

    def _tell_unread(self) -> None:
        """Once it has been read, the log says what could not be; the status line says that there is something."""
        played = self._recording
        if played.skipped and not played.reading and not self._unread:
            reasons = [f"{item.origin}: {item.reason}" for item in played.skipped[:_MOST_UNREAD]]
            self._unread = f"{len(played.skipped)} not read"
            record = {"kind": "source", "name": played.name, "error": "", "remark": f"not read: {'; '.join(reasons)}"}
            self._write(record, "trail")

    def _write(self, doc: dict[str, Any], table: str = "case") -> None:
        def write() -> None:
            try:
                self._journal.record(table, doc)
            except JournalError as error:
                self._trouble["log"] = f"NOT RECORDED: {error}"

        if not self._stop.is_set():
            self._writer.submit(write)


def _mode(played: Recording) -> str:
    if played.ended:
        return "REPLAY ENDED"
    return f"REPLAY x{played.speed:g}" if played.speed else "REPLAY max"
