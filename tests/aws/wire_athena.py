"""Athena on the wire, for tests: JSON 1.1 on loopback, over records that DuckDB really queries."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import botocore.session
import duckdb

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.guard import WriteGuard
from s3ir_tui.questions.table import Table
from s3ir_tui.trail.event import Event

ACCOUNT = "111122223333"
_STRINGS = ("requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails")
_TYPES = {"BIGINT": "bigint", "HUGEINT": "bigint", "INTEGER": "integer", "DOUBLE": "double", "BOOLEAN": "boolean"}
_NESTED = re.compile(r"ARRAY<([^<>]*)>|STRUCT<([^<>]*)>|MAP<([^<>]*)>")
_CREATED = re.compile(r"CREATE EXTERNAL TABLE `(\w+)`\.`(\w+)`")
_DROPPED = re.compile(r"DROP TABLE `(\w+)`\.`(\w+)`")
# What Trino has and DuckDB spells otherwise.
_MACROS = """
CREATE MACRO json_extract_scalar(j, p) AS
  CASE WHEN json_type(j, p) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(j, p) END;
CREATE MACRO regexp_like(a, b) AS regexp_matches(a, b);
CREATE MACRO element_at(l, i) AS l[i];
"""


def columns() -> dict[str, str]:
    """Names and DuckDB types of the table's columns, out of its definition for Athena."""
    text = Table().definition("s3://logs/AWSLogs/111122223333/CloudTrail", ["us-east-1"])
    text = re.sub(r"(\w+): ", r"\1 ", text[text.index("(") + 1 : text.index(")\nPARTITIONED")])
    while found := _NESTED.search(text):
        array, struct, mapped = found.groups()
        made = f"{array}[]" if array else f"STRUCT({struct})" if struct else f"MAP({mapped})"
        text = text[: found.start()] + made + text[found.end() :]
    parts, depth, part = [], 0, ""
    for char in text + ",":
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            parts.append(part.split(None, 1))
            part = ""
        else:
            part += char
    return {name: " ".join(kind.split()) for name, kind in parts}


def row(event: Event) -> dict[str, Any]:
    """A record as CloudTrail's input format and the JSON SerDe of Hive give it."""
    record = {name.lower(): value for name, value in json.loads(event.raw).items()}
    record["eventtime"] = event.time
    for name in _STRINGS:
        if record.get(name) is not None:
            record[name] = json.dumps(record[name])
    if isinstance(record.get("readonly"), bool):
        record["readonly"] = str(record["readonly"]).lower()
    record = {name: _lowered(value) for name, value in record.items() if name in columns()}
    return record | {"region": event.region, "timestamp": event.time[:10].replace("-", "/")}


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.lower(): _lowered(item) for name, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


@dataclass
class Fault:
    """What an operation answers instead, for some calls."""

    operation: str
    times: int
    code: str
    status: int = 400


@dataclass
class Execution:
    """A query that was started."""

    text: str
    params: dict[str, Any]
    scanned: int = 0
    state: str = "QUEUED"
    end: str = "SUCCEEDED"
    reason: str = ""
    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Problem(Exception):
    """An error of the service: code and message."""


class AthenaServer:
    """The service, with one workgroup; the table is there once it is made.

    Attributes:
        url: Its endpoint.
        calls: Operations in the order of the calls.
        executions: What was started, by id.
        faults: What goes wrong.
        config: `Configuration` of the workgroup.
        endless: Whether queries run until they are stopped.
        output: Where the trail of `DescribeTrails` lies.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self.calls: list[str] = []
        self.executions: dict[str, Execution] = {}
        self.faults: list[Fault] = []
        self.endless = False
        self.config: dict[str, Any] = {
            "ResultConfiguration": {"OutputLocation": "s3://results/athena/"},
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": 10**9,
        }
        self._lock = threading.Lock()
        self._db = duckdb.connect()
        self._db.execute(_MACROS)
        self._load(events)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._http.shutdown()
        self._http.server_close()
        self._db.close()

    def make_table(self, database: str = "default", name: str = "s3ir_cloudtrail") -> None:
        """Make the table, as its definition does."""
        self._db.execute(f'CREATE SCHEMA IF NOT EXISTS "{database}"')
        self._db.execute(f'CREATE VIEW "{database}"."{name}" AS SELECT * FROM main.raw')

    def has_table(self, database: str = "default", name: str = "s3ir_cloudtrail") -> bool:
        """Whether the table is there."""
        found = self._db.execute(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", [database, name]
        )
        return found.fetchone() is not None

    def select(self, text: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
        """Run a text, for a test to compare with."""
        return self._db.execute(text, list(values)).fetchall()

    def _load(self, events: Iterable[Event]) -> None:
        kinds = columns() | {"region": "VARCHAR", "timestamp": "VARCHAR"}
        with TemporaryDirectory() as folder:
            file = Path(folder, "records.json")
            file.write_text("\n".join(json.dumps(row(event)) for event in events))
            spec = ", ".join(f"{name!r}: {kind!r}" for name, kind in kinds.items())
            self._db.execute(
                f"CREATE TABLE raw AS SELECT * FROM read_json('{file}', format='nd', columns={{{spec}}}, "
                "maximum_object_size=16777216)"
            )

    # -- operations ----------------------------------------------------------------------------

    def answer(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """What an operation answers."""
        with self._lock:
            self.calls.append(operation)
            handler = getattr(self, f"_{operation}", None)
            if handler is None:
                raise Problem("InvalidRequestException", f"no operation {operation}")
            return dict(handler(params))

    def _GetWorkGroup(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if params["WorkGroup"] != "primary":
            raise Problem("InvalidRequestException", "WorkGroup is not found.")
        return {"WorkGroup": {"Name": "primary", "State": "ENABLED", "Configuration": self.config}}

    def _GetTableMetadata(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if not self.has_table(params["DatabaseName"], params["TableName"]):
            raise Problem("MetadataException", f"EntityNotFoundException: Table {params['TableName']} not found.")
        return {"TableMetadata": {"Name": params["TableName"], "TableType": "EXTERNAL_TABLE"}}

    def _DescribeTrails(self, _: Mapping[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/all"
        return {"trailList": [{"Name": "all", "S3BucketName": "logs", "S3KeyPrefix": "ct", "TrailARN": arn}]}

    def _StartQueryExecution(self, params: dict[str, Any]) -> dict[str, Any]:
        made = Execution(params["QueryString"], params)
        try:
            self._run(made)
        except duckdb.CatalogException as error:
            made.end, made.reason = "FAILED", f"TABLE_NOT_FOUND: line 1:1: {error}"
        except duckdb.Error as error:
            made.end, made.reason = "FAILED", f"SYNTAX_ERROR: line 1:1: {error}"
        cutoff = self.config.get("BytesScannedCutoffPerQuery")
        if cutoff and made.scanned > cutoff:
            made.end, made.reason = "CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded"
        ident = str(uuid.uuid4())
        self.executions[ident] = made
        return {"QueryExecutionId": ident}

    def _run(self, made: Execution) -> None:
        created, dropped = _CREATED.match(made.text), _DROPPED.match(made.text)
        if created:
            self.make_table(*created.groups())
            return
        if dropped:
            self._db.execute('DROP VIEW "{}"."{}"'.format(*dropped.groups()))
            return
        # Athena reads each execution parameter as an expression.
        given = made.params.get("ExecutionParameters") or []
        values = [self._db.execute(f"SELECT ({text})").fetchone()[0] for text in given]  # type: ignore[index]
        found = self._db.execute(made.text, values)
        made.names = [item[0] for item in found.description or ()]
        made.kinds = [_TYPES.get(str(item[1]), "varchar") for item in found.description or ()]
        made.rows = found.fetchall()
        scanned = self._db.execute(
            'SELECT coalesce(sum(length(raw::VARCHAR)), 0) FROM raw WHERE "timestamp" BETWEEN ? AND ?', values[:2]
        ).fetchone()
        made.scanned = int(scanned[0]) if scanned else 0

    def _GetQueryExecution(self, params: Mapping[str, Any]) -> dict[str, Any]:
        made = self.executions[params["QueryExecutionId"]]
        if made.state == "RUNNING" and not self.endless:
            made.state = made.end
        elif made.state == "QUEUED":
            made.state = "RUNNING"
        status: dict[str, Any] = {"State": made.state}
        if made.reason and made.state == made.end:
            status |= {"StateChangeReason": made.reason, "AthenaError": {"ErrorMessage": made.reason}}
        return {
            "QueryExecution": {
                "QueryExecutionId": params["QueryExecutionId"],
                "Query": made.text,
                "Status": status,
                "Statistics": {"DataScannedInBytes": made.scanned},
            }
        }

    def _StopQueryExecution(self, params: Mapping[str, Any]) -> dict[str, Any]:
        made = self.executions[params["QueryExecutionId"]]
        made.state = made.end = "CANCELLED"
        return {}

    def _GetQueryResults(self, params: Mapping[str, Any]) -> dict[str, Any]:
        made = self.executions[params["QueryExecutionId"]]
        if made.state != "SUCCEEDED":
            raise Problem(
                "InvalidRequestException", f"Query did not finish successfully. Final query state: {made.state}"
            )
        lines = [made.names, *made.rows]
        first, most = int(params.get("NextToken", 0)), int(params.get("MaxResults", 1000))
        shown = lines[first : first + most]
        info = [{"Name": name, "Label": name, "Type": kind} for name, kind in zip(made.names, made.kinds, strict=True)]
        page: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [_datum(cell) for cell in line]} for line in shown],
                "ResultSetMetadata": {"ColumnInfo": info},
            }
        }
        return page | ({"NextToken": str(first + most)} if first + most < len(lines) else {})

    # -- the wire ------------------------------------------------------------------------------

    def _fault(self, operation: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.operation == operation and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                if not operation:
                    self._send(*_sts(body), kind="text/xml")
                    return
                fault = service._fault(operation)
                if fault is not None:
                    self._send(fault.status, json.dumps({"__type": fault.code, "message": "as the test wants"}))
                    return
                try:
                    answer = service.answer(operation, json.loads(body or b"{}"))
                except Problem as problem:
                    self._send(400, json.dumps({"__type": problem.args[0], "message": problem.args[1]}))
                    return
                self._send(200, json.dumps(answer))

            def _send(self, status: int, text: str, kind: str = "application/x-amz-json-1.1") -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _datum(cell: Any) -> dict[str, str]:
    if cell is None:
        return {}
    return {"VarCharValue": str(cell).lower() if isinstance(cell, bool) else str(cell)}


def _sts(body: bytes) -> tuple[int, str]:
    if b"GetCallerIdentity" not in body:
        error = "<Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>"
        return 403, f"<Response><Errors>{error}</Errors></Response>"
    return 200, (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:iam::{ACCOUNT}:user/responder</Arn><UserId>AIDARESPONDER</UserId><Account>{ACCOUNT}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def account(server: AthenaServer) -> Account:
    """A guarded connection to the service."""
    session = botocore.session.Session()
    session.set_credentials("AKIARESPONDER0000000", "secret", None)
    guard = WriteGuard()
    guard.install(session)
    return Account(session, guard, region="us-east-1", endpoint_url=server.url)


@contextmanager
def serving(events: Iterable[Event]) -> Iterator[AthenaServer]:
    """The service for as long as a test lasts."""
    server = AthenaServer(events)
    try:
        yield server
    finally:
        server.close()
