"""What the write guard lets through to Athena: questions that only read, and the end of what it started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from s3ir_tui.aws.guard import WriteGuard, WriteRefused
from s3ir_tui.aws.statements import only_reads
from s3ir_tui.questions.catalog import CATALOG
from s3ir_tui.questions.question import wrapped
from s3ir_tui.questions.table import Table, TableError

SELECT = "SELECT 1"


class Wire:
    """A guarded client of Athena whose network is a list."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        session = botocore.session.Session()
        session.set_credentials("AKIAEXAMPLEEXAMPLE00", "secret", None)
        self.guard = WriteGuard()
        self.guard.install(session)
        session.register("before-send", self._answer)
        self.client = session.create_client("athena", region_name="us-east-1")

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.sent.append(json.loads(request.body))
        body = json.dumps({"QueryExecutionId": "id-1"}).encode()
        return AWSResponse(request.url, 200, {}, Body(body))


class Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._data


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE x",
        "INSERT INTO x SELECT 1",
        "UNLOAD (SELECT 1) TO 's3://b/'",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1; DROP TABLE x",
        "WITH a AS (SELECT 1) DELETE FROM x",
        "USING EXTERNAL FUNCTION f(a INT) RETURNS INT LAMBDA 'l' SELECT f(1)",
        "SELECT * FROM TABLE(system.query('x'))",
        "SELECT 1 -- x",
        "SELECT /* x */ 1",
        "SELECT 'open",
        "EXECUTE x",
        'SELECT * FROM "lambda:f".db.t',
        'SELECT * FROM (SELECT 1) a JOIN "connector"."db"."t" ON true',
        "SELECT * FROM connector.db.t",
        "",
    ],
)
def test_a_text_that_does_more_than_read_is_never_sent(wire: Wire, text: str) -> None:
    with pytest.raises(WriteRefused), wire.guard.querying(text):
        wire.client.start_query_execution(QueryString=text)
    assert wire.sent == []


@pytest.mark.parametrize("asked", CATALOG, ids=lambda item: item.id)
def test_every_question_only_reads(asked: Any) -> None:
    filled = {item.name: {"time": "2026-03-06", "count": "1"}.get(item.kind, "x") for item in asked.parameters}
    assert only_reads(wrapped(Table().relation(), asked.bind(filled)).text)


def test_words_in_quotes_write_nothing() -> None:
    assert only_reads('SELECT e.a FROM "AwsDataCatalog"."db"."events" e JOIN db.other o ON e.a = o.a')
    assert only_reads("SELECT 'FROM \"lambda:f\".db.t' FROM db.t")
    assert only_reads("SELECT 'it''s DROP TABLE; --' FROM \"db\".\"delete\"")


def test_a_query_is_started_once_with_the_text_that_was_looked_at(wire: Wire) -> None:
    with pytest.raises(WriteRefused):
        wire.client.start_query_execution(QueryString=SELECT)
    with wire.guard.querying(SELECT), pytest.raises(WriteRefused):
        wire.client.start_query_execution(QueryString="DROP TABLE x")
    with wire.guard.querying(SELECT):
        wire.client.start_query_execution(QueryString=SELECT)
        with pytest.raises(WriteRefused):
            wire.client.start_query_execution(QueryString=SELECT)
    assert [item["QueryString"] for item in wire.sent] == [SELECT]


def test_only_a_query_of_this_console_is_stopped(wire: Wire) -> None:
    with pytest.raises(WriteRefused), wire.guard.stopping("id-1"):
        wire.client.stop_query_execution(QueryExecutionId="id-1")
    with wire.guard.querying(SELECT):
        wire.client.start_query_execution(QueryString=SELECT)
    with wire.guard.stopping("id-1"), pytest.raises(WriteRefused):
        wire.client.stop_query_execution(QueryExecutionId="id-2")
    with wire.guard.stopping("id-1"):
        wire.client.stop_query_execution(QueryExecutionId="id-1")
    assert wire.sent[1:] == [{"QueryExecutionId": "id-1"}]


def test_a_query_under_way_opens_nothing_else(wire: Wire) -> None:
    with wire.guard.querying(SELECT):
        with pytest.raises(WriteRefused):
            wire.client.delete_data_catalog(Name="x")
        with pytest.raises(WriteRefused), wire.guard.querying(SELECT):
            pytest.fail("nested")
    assert wire.sent == []


@pytest.mark.parametrize("name", ['x"; DROP', "X", "", "a.b", "a" * 200])
def test_a_name_that_is_none_makes_no_table(name: str) -> None:
    with pytest.raises(TableError):
        Table(name=name)
    with pytest.raises(TableError):
        Table(database=name)


def test_the_definition_names_place_and_regions_and_takes_no_others() -> None:
    text = Table("sec", "trail").definition("s3://logs/AWSLogs/111122223333/CloudTrail", ["eu-west-1", "us-east-1"])
    assert "CREATE EXTERNAL TABLE `sec`.`trail`" in text
    assert "'s3://logs/AWSLogs/111122223333/CloudTrail/${region}/${timestamp}'" in text
    assert "'projection.region.values'='eu-west-1,us-east-1'" in text
    for location, regions in (("s3://b'/x", ["us-east-1"]), ("s3://logs/x", ["us-east-1','y"]), ("/etc", [])):
        with pytest.raises(TableError):
            Table().definition(location, regions)


@pytest.mark.parametrize("asked", CATALOG, ids=lambda item: item.id)
def test_placeholders_stand_in_where_clauses_only_since_athena_takes_them_nowhere_else(asked: Any) -> None:
    filled = {item.name: {"time": "2026-03-06", "count": "1"}.get(item.kind, "x") for item in asked.parameters}
    text = wrapped(Table().relation(), asked.bind(filled)).text
    clauses = re.split(r"\b(SELECT|FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT)\b", text)
    outside = [clause for word, clause in zip(clauses[1::2], clauses[2::2], strict=True) if word != "WHERE"]
    assert not [clause for clause in outside if "?" in clause]
