"""The questions asked of the account's trail through Athena: one query each, with its cost, and a way to stop it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.questions.catalog import CATALOG
from s3ir_tui.questions.local import MOST_ROWS
from s3ir_tui.questions.question import Question, QuestionError, Value, Window, wrapped
from s3ir_tui.questions.results import USD_PER_TB, Answer, Cancelled, Cell
from s3ir_tui.questions.table import Table
from s3ir_tui.text import clean, size

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

_LONGEST_PARAMETER = 1_024
"""Characters of one execution parameter (Athena API reference, `ExecutionParameter`)."""

_A_PAGE = 1_000
"""Rows of a page of results: the most that GetQueryResults gives."""

_FIRST_PAUSE, _LONGEST_PAUSE, _SLOWER = 0.3, 5.0, 1.5
_TRIES = 6
_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint"})
_FLOATS = frozenset({"double", "float", "real", "decimal"})
_BUSY = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling", "RequestLimitExceeded"})
_NO_TABLE = re.compile(r"TABLE_NOT_FOUND|SCHEMA_NOT_FOUND|does not exist", re.IGNORECASE)
_NO_COLUMN = re.compile(r"COLUMN_NOT_FOUND|cannot be resolved", re.IGNORECASE)
_LIMIT = re.compile(r"bytes scanned limit|scan(?:ned)? (?:limit|cutoff)", re.IGNORECASE)


class AthenaError(Exception):
    """A query that gave no answer. The message says why, and what to do.

    Attributes:
        no_table: Whether the table is not there.
    """

    def __init__(self, message: str, *, no_table: bool = False) -> None:
        super().__init__(message)
        self.no_table = no_table


@dataclass(frozen=True, slots=True)
class Workgroup:
    """What a workgroup says about queries.

    Attributes:
        name: Its name.
        output: Where it puts results, or "".
        managed: Whether Athena keeps the results itself.
        enforced: Whether its settings go before ours.
        limit: Bytes that a query may scan; `None` for no limit.
        engine: Version of the engine.
    """

    name: str
    output: str = ""
    managed: bool = False
    enforced: bool = False
    limit: int | None = None
    engine: str = ""

    def words(self) -> str:
        """What a responder should know before a query starts."""
        bound = f"stops a query after {size(self.limit)}" if self.limit else "has no limit for what a query scans"
        return f"workgroup {clean(self.name)} {bound}"


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a query is.

    Attributes:
        id: Its execution id.
        state: `QUEUED`, `RUNNING`, ...
        scanned: Bytes scanned so far.
    """

    id: str
    state: str
    scanned: int = 0


class Athena:
    """Asks the account's trail.

    Args:
        account: The connection; its guard lets through the queries of the catalogue and nothing else.
        table: The table.
        workgroup: Name of the workgroup whose limits hold.
        results: Where results go (`s3://...`) where the workgroup leaves it open.
        region: Region of Athena; "" for the connection's.
        usd_per_tb: Price of a TB scanned, for the estimate.
        first_pause: Seconds until a query is first looked after.
    """

    def __init__(
        self,
        account: Account,
        table: Table,
        *,
        workgroup: str = "primary",
        results: str = "",
        region: str = "",
        usd_per_tb: float = USD_PER_TB,
        first_pause: float = _FIRST_PAUSE,
    ) -> None:
        self.table = table
        self._account, self._workgroup, self._results, self._region = account, workgroup, results, region
        self._usd_per_tb, self._first_pause = usd_per_tb, first_pause

    def workgroup(self) -> Workgroup:
        """The workgroup.

        Raises:
            AwsError: It cannot be read.
        """
        found = self._call("GetWorkGroup", {"WorkGroup": self._workgroup}).get("WorkGroup") or {}
        config = found.get("Configuration") or {}
        return Workgroup(
            self._workgroup,
            str((config.get("ResultConfiguration") or {}).get("OutputLocation") or ""),
            bool((config.get("ManagedQueryResultsConfiguration") or {}).get("Enabled")),
            bool(config.get("EnforceWorkGroupConfiguration")),
            config.get("BytesScannedCutoffPerQuery") or None,
            str((config.get("EngineVersion") or {}).get("EffectiveEngineVersion") or ""),
        )

    def ask(
        self,
        question: Question,
        parameters: Mapping[str, str],
        window: Window,
        *,
        most: int = MOST_ROWS,
        stop: threading.Event | None = None,
        told: Callable[[Moment], None] = lambda _moment: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Answer:
        """Answer a question; blocks until there is an answer.

        Args:
            question: One of the catalogue.
            parameters: Values by name.
            window: The time asked about, with both ends: it decides what is scanned and paid for.
            most: Rows that are fetched.
            stop: Set from any thread to stop the query in Athena too.
            told: Told each time that the query was looked after.
            clock: Monotonic seconds.

        Raises:
            QuestionError: A parameter or the window makes no sense.
            Cancelled: `stop` was set; the query was stopped.
            AthenaError: The query failed.
            AwsError: AWS did not answer, or refused to.
            WriteRefused: It is no question of the catalogue.
        """
        settled = question.settle(parameters)
        text, values = self.statement(question, parameters, window)
        began = clock()
        stopping = stop or threading.Event()
        group = self.workgroup()
        if stopping.is_set():
            raise Cancelled("the question was taken back")
        execution = self._start(text, values, group)
        try:
            last = self._wait(execution, stopping, told)
        except BaseException:
            # Ctrl+C and lost connections too: a query that nobody waits for would go on and be paid for.
            self._stop(execution)
            raise
        scanned = _scanned(last)
        self._judge(last, group)
        columns, rows, more = self._fetch(execution, most)
        return Answer(
            question.id,
            settled,
            window,
            f"athena {self.table}",
            columns,
            rows,
            truncated=more,
            seconds=clock() - began,
            scanned=scanned,
            usd_per_tb=self._usd_per_tb,
            notes=(question.blind, group.words(), f"query execution {execution}"),
        )

    def statement(
        self, question: Question, parameters: Mapping[str, str], window: Window
    ) -> tuple[str, tuple[str, ...]]:
        """The text that is sent, and its execution parameters.

        Raises:
            QuestionError: As `ask`.
        """
        bound = question.bind(parameters)
        if not any(question is item for item in CATALOG):
            raise QuestionError("Athena is asked the questions of the catalogue only")
        if not window.since or not window.until:
            raise QuestionError("Athena is asked about a time with both ends: what lies outside is not scanned")
        # A file lies under the day of its delivery, which may be the one after the event's.
        days = _partition(window.since), _partition(window.until, later=1)
        around = (*days, window.since, window.until)
        whole = wrapped(self.table.relation(), bound, around)
        return whole.text, tuple(literal(value) for value in whole.values)

    def _start(self, text: str, values: tuple[str, ...], group: Workgroup) -> str:
        if not (group.managed or group.output or self._results):
            raise AthenaError(
                f"workgroup {clean(group.name)} has no place for results: name one with --results s3://BUCKET/PREFIX"
            )
        params: dict[str, Any] = {
            "QueryString": text,
            "ExecutionParameters": list(values),
            "QueryExecutionContext": {"Database": self.table.database, "Catalog": self.table.catalog},
            "WorkGroup": group.name,
        }
        if self._results and not group.managed and not group.enforced:
            params["ResultConfiguration"] = {"OutputLocation": self._results}
        with self._account.guard.querying(text):
            return str(self._call("StartQueryExecution", params)["QueryExecutionId"])

    def _wait(self, execution: str, stop: threading.Event, told: Callable[[Moment], None]) -> Mapping[str, Any]:
        pause, failures = self._first_pause, 0
        while True:
            if stop.wait(pause):
                raise Cancelled("the question was taken back: its query was stopped")
            pause = min(pause * _SLOWER, _LONGEST_PAUSE)
            try:
                found = self._call("GetQueryExecution", {"QueryExecutionId": execution})["QueryExecution"]
            except AwsError as error:
                failures += 1
                if failures >= _TRIES or not _passes(error):
                    raise
                continue
            failures = 0
            state = str(found["Status"]["State"])
            told(Moment(execution, state, _scanned(found)))
            if state in _ENDED:
                return dict(found)

    def _judge(self, found: Mapping[str, Any], group: Workgroup) -> None:
        status = found["Status"]
        if status["State"] == "SUCCEEDED":
            return
        detail = (status.get("AthenaError") or {}).get("ErrorMessage") or status.get("StateChangeReason") or ""
        reason = clean(detail)[:600] or "no reason given"
        why = f"query {found['QueryExecutionId']} {str(status['State']).lower()}: {reason}"
        spent = f"{size(_scanned(found))} were scanned"
        if _LIMIT.search(str(detail)):
            limit = size(group.limit) if group.limit else "the workgroup's limit"
            raise AthenaError(
                f"{why}. Its limit is {limit}, {spent}: ask about a shorter time, or of another workgroup"
            )
        if _NO_TABLE.search(str(detail)):
            raise AthenaError(f"{why}. Name the table with --table, or make it with --create-table", no_table=True)
        if _NO_COLUMN.search(str(detail)):
            raise AthenaError(f"{why}. The table has not the columns that AWS documents: make one with --create-table")
        raise AthenaError(f"{why}; {spent}")

    def _fetch(self, execution: str, most: int) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...], bool]:
        rows: list[tuple[Cell, ...]] = []
        params: dict[str, Any] = {"QueryExecutionId": execution, "MaxResults": _A_PAGE}
        columns: tuple[str, ...] = ()
        kinds: tuple[str, ...] = ()
        while True:
            page = self._call("GetQueryResults", params)
            found = page["ResultSet"]
            data = found.get("Rows") or []
            if not columns:
                info = found["ResultSetMetadata"]["ColumnInfo"]
                columns = tuple(str(item["Name"]) for item in info)
                kinds = tuple(str(item["Type"]).partition("(")[0] for item in info)
                # The first row of the first page of a SELECT repeats the names.
                data = data[1:]
            rows += [_row(item.get("Data") or [], kinds) for item in data]
            token = page.get("NextToken")
            if len(rows) > most or not token:
                return columns, tuple(rows[:most]), len(rows) > most
            params["NextToken"] = token

    def _stop(self, execution: str) -> None:
        with suppress(AwsError), self._account.guard.stopping(execution):
            self._call("StopQueryExecution", {"QueryExecutionId": execution})

    def _call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._account.call("athena", operation, params, self._region)


def literal(value: Value) -> str:
    """A value as an execution parameter: Athena reads each as a SQL expression, so a text stands in quotes.

    Raises:
        QuestionError: It is longer than Athena takes.
    """
    text = str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
    if len(text) > _LONGEST_PARAMETER:
        raise QuestionError(f"a value is longer than the {_LONGEST_PARAMETER} characters that Athena takes")
    return text


def _partition(moment: str, later: int = 0) -> str:
    try:
        day = date.fromisoformat(moment[:10]) + timedelta(days=later)
    except OverflowError:
        day = date.max
    return day.isoformat().replace("-", "/")


def _scanned(found: Mapping[str, Any]) -> int:
    return int((found.get("Statistics") or {}).get("DataScannedInBytes") or 0)


def _passes(error: AwsError) -> bool:
    """Whether an error is likely to be over soon."""
    return error.code in _BUSY or error.status >= 500 or error.status == 0


def _row(data: list[Mapping[str, Any]], kinds: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(_cell(item.get("VarCharValue"), kind) for item, kind in zip(data, kinds, strict=True))


def _cell(text: str | None, kind: str) -> Cell:
    if text is None:
        return None
    if kind in _INTEGERS:
        return int(text)
    if kind in _FLOATS:
        return float(text)
    return text == "true" if kind == "boolean" else text
