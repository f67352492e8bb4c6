"""The live account as a room: trail, posture and journal become one snapshot, tick by tick."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.board.condition import condition_of
from s3ir_tui.board.details import detail_of
from s3ir_tui.board.intake import take_in
from s3ir_tui.board.known import Known, identity_record, logged_record, posture_record
from s3ir_tui.board.lag import Arrivals
from s3ir_tui.board.proof import EXPECTED
from s3ir_tui.board.reach import Reach, lag_of, reach_of
from s3ir_tui.board.snapshot import Moment, snapshot
from s3ir_tui.board.verdicts import Verdicts
from s3ir_tui.feeds import (
    ChangesChecked,
    EventsCame,
    Feeds,
    Inbox,
    LoggedRead,
    PostureFailed,
    PostureRead,
    SourceChanged,
)
from s3ir_tui.feeds.writes import OwnWrites, closely, moments
from s3ir_tui.journal import Journal, JournalError
from s3ir_tui.live_record import TrailRecorder, every
from s3ir_tui.model import Severity, iso, utc_now
from s3ir_tui.pace import end_short_pauses, keep_pauses_short
from s3ir_tui.report.timeline import log_lines
from s3ir_tui.room import Condition, Detail, Kind, LogLine, Snapshot, SourceStatus, Update
from s3ir_tui.text import clean
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.discover import discover
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.own_calls import own_sessions
from s3ir_tui.trail.sources.covers import covers
from s3ir_tui.trail.sources.shared import Share, shared

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account
    from s3ir_tui.journal import Record
    from s3ir_tui.trail.sources.base import Source

TICK_SECONDS = 0.25
_QUIET_TICKS = 4  # a snapshot a second is painted although nothing came: clocks and state words move on
_RETRY_SECONDS = 10.0
_BOARD = "the board cannot be made"
_CONNECTING = "connecting"


class LiveRoom:
    """Feeds the screens from a live account; the journal keeps what it saw.

    One thread owns all that is known and makes the snapshots; the feeds of `Feeds` bring facts to its inbox. The
    journal tells it of marks, plans and outcomes as of any other console's: what is shown is what is recorded.

    Args:
        connect: Signs in; called on a background thread, again after a failure.
        journal: The open journal of the case.
        sources: Finds the trail sources of an account for the time since a moment.
        in_place: How many changes of a plan (by its reference) are in place, of how many, and how many of them cannot
            be read; blocks on AWS.
        unknown: Looks again at calls whose outcome is unknown, and tells how many are still; blocks on AWS.
        armed: Whether this console may write. What other consoles of the case recorded does not count.
        back: How far the trail is looked back at on connecting.
        quiet: How long a contained actor must stay silent to be called quiet.
        expected: How late CloudTrail brings a call at most, as a rule; an embedded account is faster.
        clock: Gives the time, aware, UTC.
    """

    def __init__(
        self,
        connect: Callable[[], Account],
        journal: Journal,
        *,
        sources: Callable[[Account, datetime], Sequence[Source]] = discover,
        in_place: Callable[[str], tuple[int, int, int]] = lambda _ref: (0, 0, 0),
        unknown: Callable[[], int] = lambda: 0,
        armed: Callable[[], bool] = lambda: False,
        back: timedelta = timedelta(hours=24),
        quiet: timedelta = timedelta(minutes=30),
        expected: timedelta = EXPECTED,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._connect, self._journal, self._clock = connect, journal, clock
        self._find_sources, self._in_place, self._unknown = sources, in_place, unknown
        self._armed = armed
        self._back, self._quiet, self._expected = back, quiet, expected
        self._known = Known(Analysis())
        self._lock = threading.RLock()
        self._arrivals = Arrivals()
        self._inbox: Inbox = SimpleQueue()
        self._records: SimpleQueue[Sequence[Record]] = SimpleQueue()
        self._feeds = Feeds(self._inbox, consoles=lambda: journal.consoles)
        self._own_writes = OwnWrites()
        self._recorder = TrailRecorder(journal)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._sources: dict[str, SourceStatus] = {}
        self._checked: dict[str, ChangesChecked] = {}
        self._outcomes_unknown = 0
        self._failures: dict[str, str] = {"account": _CONNECTING}
        self._account: Account | None = None
        self._own_keys: tuple[str, ...] = ()
        self._verdicts = Verdicts()
        self._again = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._folded = 0
        self._shown = Snapshot()

    # -- Room -------------------------------------------------------------------------------------

    def start(self, post: Callable[[Update], None]) -> None:
        """Begin to work in the background (see `Room`)."""
        keep_pauses_short()
        self._journal.subscribe(self._records.put, replay=True)
        for name, work in (("room", lambda: self._ticks(post)), ("connect", self._sign_in)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, why: str) -> None:
        """End in order (see `Room`): no more facts, the queued records written, the log closed."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._again.set()
        end_short_pauses()
        self._feeds.stop()
        for thread in self._threads:
            thread.join(2.0)
        self._writer.shutdown(wait=True)
        self._journal.close(why)

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """Mark or unmark a row (see `Room`); shown once it is recorded."""
        self._write("case", [{"kind": "mark", "what": kind, "id": ident, "on": on}])

    def note(self, text: str) -> None:
        """Record a note (see `Room`)."""
        self._write("case", [{"kind": "note", "text": text}])

    def detail(self, kind: Kind, ident: str) -> Detail:
        """What is known of a row (see `Room`)."""
        with self._lock:
            return detail_of(self._known, kind, ident, self._clock())

    def log(self) -> tuple[LogLine, ...]:
        """The records of the case (see `Room`)."""
        return log_lines(self._journal.records())

    # -- for actions ------------------------------------------------------------------------------

    def account(self) -> Account:
        """The account, once it has answered.

        Raises:
            AwsError: Not yet; the message says what it waits for.
        """
        if self._account is None:
            raise AwsError("NotConnected", f"not signed in yet: {self._failures.get('account', _CONNECTING)}")
        return self._account

    def retry(self) -> None:
        """Try to sign in, or to find the trail sources, now and not in ten seconds."""
        self._again.set()

    def history(self) -> Analysis:
        """The analysed trail, for plans that ask who a credential is and what else uses a role."""
        return self._known.analysis

    # -- the thread that knows --------------------------------------------------------------------

    def _ticks(self, post: Callable[[Update], None]) -> None:
        quiet = 0
        while not self._stop.wait(TICK_SECONDS):
            try:
                lines, news = self._take_in()
                quiet = 0 if news else quiet + 1
                if news or quiet >= _QUIET_TICKS:
                    quiet = 0
                    self._shown = self._snapshot()
                    post(Update(self._shown, tuple(lines)))
                self._failures.pop(_BOARD, None)
            except Exception as error:  # noqa: BLE001 - a board that ends without a word would look like silence
                self._failures[_BOARD] = f"{type(error).__name__}: {error}; what is shown may be old"
                post(Update(self._stale()))

    def _stale(self) -> Snapshot:
        """The last board, with the time and the alarms of now."""
        alarms = (*self._shown.status.alarms, clean(f"{_BOARD}: {self._failures[_BOARD]}"))
        status = replace(self._shown.status, now=iso(self._clock()), alarms=tuple(dict.fromkeys(alarms)))
        return replace(self._shown, status=status)

    def _take_in(self) -> tuple[list[Judged], bool]:
        lines: list[Judged] = []
        news = False
        while (records := _next(self._records)) is not None:
            with self._lock:
                lines += self._known.take_records(records)
            self._feeds.written(self._own_writes.take(records))
            news = True
        while (fact := _next(self._inbox)) is not None:
            news = True
            if isinstance(fact, EventsCame):
                lines += self._take_events(fact)
            elif isinstance(fact, SourceChanged):
                self._source_changed(fact.status)
            elif isinstance(fact, PostureRead):
                with self._lock:
                    is_news = self._known.take_posture(fact.item)
                if is_news:
                    self._write("posture", [posture_record(fact.item)])
            elif isinstance(fact, LoggedRead):
                with self._lock:
                    is_news = self._known.take_logged(fact.facts)
                    self._known.logged_at = iso(self._clock())
                if is_news:
                    self._write("posture", [logged_record(fact.facts)])
            elif isinstance(fact, PostureFailed):
                self._failed(fact.what, fact.error)
            elif isinstance(fact, ChangesChecked):
                self._checked[fact.ref] = fact
            else:
                self._outcomes_unknown = fact.count
        with self._lock:
            writes = self._known.take_writes()
        self._feeds.written(moments(writes))
        self._folded += sum(line.noise for line in lines)
        self._note_own_keys()
        return lines, news

    def _note_own_keys(self) -> None:
        """Credentials are refreshed while the console runs: what is signed with the new ones is ours as well."""
        account = self._account
        if account is None or (keys := account.own_keys) == self._own_keys:
            return
        self._own_keys = keys
        with self._lock:
            self._known.analysis.own_keys = frozenset((*self._known.analysis.own_keys, *keys))
        self._write("case", [identity_record(account.identity, keys)])

    def _take_events(self, came: EventsCame) -> list[Judged]:
        new = take_in(self._known, self._lock, Batch(list(came.events)), came.source)
        before = self._sources.get(came.source)
        whole = before.complete_to if before is not None else None
        self._arrivals.take(came.source, came.events, (line.event for line in new), self._clock(), whole)
        if came.recorded is not None and came.events:
            self._writer.submit(self._record_all, every(came.events, new, came.source), came)
        elif chosen := self._recorder.choose([line for line in new if not came.by or line.severity > Severity.INFO]):
            self._writer.submit(self._recorder.write, chosen)
        return new

    def _record_all(self, lines: Sequence[Judged], came: EventsCame) -> None:
        """Record all that a source brought; it may give it up only after that."""
        if self._recorder.write(lines) and came.recorded is not None:
            came.recorded(came.events)

    def _source_changed(self, status: SourceStatus) -> None:
        before = self._sources.get(status.name)
        self._sources[status.name] = status
        if ((before.error, before.remark) if before else ("", "")) != (status.error, status.remark):
            record = {"kind": "source", "name": status.name, "error": status.error, "remark": status.remark}
            self._write("trail", [record])

    def _failed(self, what: str, error: str) -> None:
        if error:
            self._failures[what] = error
        else:
            self._failures.pop(what, None)

    def _snapshot(self) -> Snapshot:
        now = self._clock()
        reach = tuple(reach_of(item, self._arrivals, now, self._back) for item in self._sources.values())
        lags = {item.name: lag_of(item, now) for item in reach}
        sources = tuple(replace(item, lag=lags[item.name]) for item in self._sources.values())
        alarms = (*self._journal.problems, *self._recorder.problems, *(f"{w}: {e}" for w, e in self._failures.items()))
        moment = Moment(
            now=now,
            mode="ARMED" if self._armed() else "READ-ONLY",
            case=self._journal.folder.name,
            sources=sources,
            reach=reach,
            lag=max((item.late for item in reach if item.late is not None), default=None),
            expected=self._expected,
            condition=self._condition(reach, now),
            answered=self._arrivals.answered(),
            head=self._journal.head,
            consoles=self._journal.consoles,
            alarms=alarms,
            quiet=self._quiet,
            checked={
                ref: (item.in_place, item.changes, item.at, item.unreadable) for ref, item in self._checked.items()
            },
            folded=self._folded,
            unknown_outcomes=self._outcomes_unknown,
        )
        with self._lock:
            made = snapshot(self._known, moment)
        for record in self._verdicts.news(made, self._known.case):
            self._write("watch", [record])
        rows = (*made.buckets, *made.principals, *made.instances)
        self._feeds.look_closely(closely(rows, made.status.account))
        return made

    def _condition(self, reach: Sequence[Reach], now: datetime) -> Condition:
        """What can be seen now, by how signing in went and by the sources."""
        signed_in = self._account is not None
        error = self._failures.get("trail" if signed_in else "account", "")
        return condition_of(
            reach,
            now,
            signed_in=signed_in,
            error="" if error == _CONNECTING else clean(error),
            answered=self._arrivals.answered(),
        )

    # -- other threads ----------------------------------------------------------------------------

    def _sign_in(self) -> None:
        while not self._stop.is_set():
            try:
                account = self._connect()
            except AwsError as error:
                self._failures["account"] = str(error)
                self._wait_for_retry()
                continue
            self._failures.pop("account", None)
            self._connected(account)
            return

    def _wait_for_retry(self) -> None:
        self._again.wait(_RETRY_SECONDS)
        self._again.clear()

    def _connected(self, account: Account) -> None:
        with self._lock:
            self._known.identity = account.identity
            self._known.analysis.own_keys = frozenset((*self._known.analysis.own_keys, *account.own_keys))
            self._known.analysis.own_principals |= own_sessions(account.identity.arn)
        self._own_keys = account.own_keys
        self._account = account
        self._write("case", [identity_record(account.identity, self._own_keys)])
        self._feeds.read_posture(account)
        self._feeds.check_changes(self._holding, self._in_place, self._unknown)
        self._follow_trail(account)
        self._feeds.read_logged(account, self._clock() - self._back)

    def _follow_trail(self, account: Account) -> None:
        while not self._stop.is_set():
            try:
                sources = self._find_sources(account, self._clock() - self._back)
            except AwsError as error:
                self._failures["trail"] = str(error)
                self._wait_for_retry()
                continue
            self._failures.pop("trail", None)
            share = Share(self._journal, account.identity.account, self._clock() - self._back)
            for source in shared(sources, share):
                # What has not answered yet has shown nothing: it counts from the beginning.
                reach, data = covers(source), source.data_events
                waits = SourceStatus(source.name, data_events=data, caught_up=False, covers=reach)
                self._inbox.put(SourceChanged(waits))
                self._feeds.follow(source)
            return

    def _holding(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(item.ref for item in self._known.case.holding if item.steps)

    def _write(self, table: str, docs: list[dict[str, Any]]) -> None:
        def write() -> None:
            try:
                self._journal.record_many(table, docs)
            except JournalError as error:
                self._failures["log"] = f"NOT RECORDED: {error}"

        if not self._stop.is_set():
            self._writer.submit(write)


def _next(queue: SimpleQueue[Any]) -> Any:
    try:
        return queue.get_nowait()
    except Empty:
        return None
