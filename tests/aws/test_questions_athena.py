"""The questions asked through Athena: the same answers as from files, and what happens when the service does not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.questions.athena import Athena, AthenaError, Moment, literal
from s3ir_tui.questions.catalog import CATALOG, question
from s3ir_tui.questions.local import LocalStore
from s3ir_tui.questions.question import COLUMNS, Bound, Question, QuestionError, Window, wrapped
from s3ir_tui.questions.results import Cancelled
from s3ir_tui.questions.table import Table
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.files import iter_events
from tests.aws.wire_athena import AthenaServer, Fault, account, serving
from tests.unit import trail_world as trail

RECORDING = Path(__file__).parents[1] / "data" / "otrf-cloud-breach-s3"
BUCKET = "mordors3stack-s3bucket-llp2yingx64a"
THIEF_KEY = "ASIA5FLZVX4OPVKKVBMX"
HOSTILE = "it's \u202e' OR '1'='1"
WINDOW = Window("2020-09-01T00:00:00Z", "2026-12-31T23:59:59Z")


def odd() -> list[Event]:
    """Records of every shape of identity, place and number that the decoder knows."""
    person = {"type": "IdentityCenterUser", "accountId": "1", "onBehalfOf": {"userId": "u-1", "identityStoreArn": "a"}}
    bare = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    owned = [{"ARN": "arn:aws:s3:::payroll/q3/iban.csv", "type": "AWS::S3::Object"}]
    point = "arn:aws:s3:us-east-1:111122223333:accesspoint/p"
    made = [
        trail.read(bare),
        trail.read(bare | {"accountId": "ANONYMOUS_PRINCIPAL"}),
        trail.read(trail.OUTSIDER),
        trail.read({"accountId": trail.OUTSIDE}),
        trail.read({}),
        trail.event("GetObject", {}, bucket="payroll", eventType="AwsServiceEvent"),
        trail.event("GetObject", {"type": "Unknown"}, bucket="payroll", key="a"),
        trail.event("DescribeKey", {}, service="kms"),
        trail.event("DescribeKey", {"type": "Directory"}, service="kms"),
        trail.read(person),
        trail.read({"type": "Root", "principalId": "1", "userName": "root"}),
        trail.read(trail.EC2),
        trail.event("AssumeRole", {"invokedBy": "lambda.amazonaws.com"}, service="sts"),
        trail.read(trail.user(key="ASIABOB0000000000001")),
        trail.read(trail.session()),
        trail.read(key=HOSTILE, agent=HOSTILE, address=HOSTILE),
        trail.read(bucket="", key="", resources=owned, params={"bucketName": point}),
        trail.read(bucket="", key="", params={"bucketName": point}),
        trail.read(bucket="", key="", resources=[{"ARN": point}, *owned]),
        trail.event("ListObjects", bucket="payroll", resources=owned),
        trail.event(
            "PutObject", bucket="payroll", key="x", readOnly=None, additionalEventData={"bytesTransferredIn": 7}
        ),
        trail.event("PutObject", bucket="payroll", key="y", out=-5.0),
        trail.event("PutObject", bucket="payroll", key="z", out=1e30),
        trail.event("GetObject", bucket="payroll", key="v", out=89.0, eventCategory="Data"),
        trail.event("PutBucketPolicy", bucket="payroll", error="AccessDenied", eventCategory="Management"),
        trail.event("GetBucketAcl", bucket="payroll", readOnly=None),
        trail.event("CreateSession", bucket="payroll", service="s3express"),
        trail.event(
            "GetObject", bucket="payroll", key="k", recipientAccountId=None, requestID=None, awsRegion="eu-west-1"
        ),
        trail.read(key="k" * 900),
    ]
    return [replace_time(event, index) for index, event in enumerate(made)]


def replace_time(event: Event, minutes: int) -> Event:
    record = json.loads(event.raw)
    record["eventTime"] = trail.at(minutes * 7)
    return trail.decode_record(json.dumps(record).encode())


@pytest.fixture(scope="module")
def events() -> list[Event]:
    recorded = [event for batch, _ in iter_events([RECORDING]) for event in batch]
    return [*recorded, *odd()]


@pytest.fixture(scope="module")
def shared(events: list[Event]) -> Iterator[AthenaServer]:
    # Two trails put a record twice.
    with serving([*events, *events[:20], *events[-5:]]) as server:
        server.make_table()
        yield server


@pytest.fixture
def server(shared: AthenaServer) -> Iterator[AthenaServer]:
    """The service, without the traces of the test before."""
    shared.calls.clear()
    shared.executions.clear()
    shared.faults.clear()
    shared.endless = False
    before = dict(shared.config)
    yield shared
    shared.config = before


@pytest.fixture(scope="module")
def store(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    with LocalStore(tmp_path_factory.mktemp("q") / "events.sqlite") as made:
        made.add(events)
        yield made


def athena(server: AthenaServer, **more: Any) -> Athena:
    return Athena(account(server), Table(), first_pause=0.01, **more)


# -- the same answers ----------------------------------------------------------------------------------------------


def test_the_table_gives_the_events_that_the_decoder_makes(server: AthenaServer, events: list[Event]) -> None:
    whole = Question("all", "?", "", "", f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY id")
    text = wrapped(Table().relation(), Bound(whole.sql, ()), ("2020/01/01", "2030/01/01", "", "9999"))
    found = [dict(zip(COLUMNS, row, strict=True)) for row in server.select(text.text, text.values)]
    made = {event.id: {name: getattr(event, name) for name in COLUMNS} for event in events}
    assert len(found) == len(made)
    for row in found:
        assert row == made[row["id"]]


ASKED: list[tuple[str, dict[str, str]]] = [
    ("who-touched-key", {"key": "ring.txt"}),
    ("who-touched-key", {"key": "q3/iban.csv", "bucket": "payroll"}),
    ("who-touched-key", {"key": HOSTILE}),
    ("who-touched-key", {"key": "k" * 900}),
    ("key-history", {"bucket": "payroll"}),
    ("key-history", {"bucket": "payroll", "prefix": "q3/"}),
    ("top-readers", {}),
    ("top-readers", {"bucket": BUCKET}),
    ("bulk-reads", {"least": "2"}),
    ("credential", {"actor": THIEF_KEY}),
    ("credential", {"actor": "arn:aws:iam::111122223333:role/web"}),
    ("credential", {"actor": "' OR '1'='1"}),
    ("bucket-changes", {"bucket": "payroll"}),
    ("other-buckets", {"actor": THIEF_KEY}),
    ("other-buckets", {"actor": THIEF_KEY, "known": BUCKET}),
    ("before-during-after", {"start": "2020-09-14T01:00:00Z", "end": "2020-09-14T01:14:00Z"}),
    ("before-during-after", {"start": "2020-09-14T01:00:00Z", "end": "2020-09-14T01:14:00Z", "bucket": BUCKET,
                             "before": "2020-09-14T00:00:00Z", "after": "2020-09-14T02:00:00Z"}),
    ("addresses", {"actor": THIEF_KEY}),
    ("refused", {}),
]  # fmt: skip


def test_every_question_is_compared() -> None:
    assert {name for name, _ in ASKED} == {item.id for item in CATALOG}


@pytest.mark.parametrize(("name", "values"), ASKED, ids=[f"{n}-{i}" for i, (n, _) in enumerate(ASKED)])
def test_athena_and_files_give_the_same_answer(
    server: AthenaServer, store: LocalStore, name: str, values: dict[str, str]
) -> None:
    here = store.ask(question(name), values, WINDOW)
    there = athena(server).ask(question(name), values, WINDOW)
    assert there.columns == here.columns
    assert there.rows == here.rows
    assert there.rows or "' OR" in values.get("actor", "") or "known" in values


def test_days_outside_the_window_are_neither_scanned_nor_answered(server: AthenaServer, store: LocalStore) -> None:
    narrow = Window("2020-09-14T01:00:00Z", "2020-09-14T01:05:00Z")
    wide = athena(server).ask(question("credential"), {"actor": THIEF_KEY}, WINDOW)
    close = athena(server).ask(question("credential"), {"actor": THIEF_KEY}, narrow)
    assert close.rows == store.ask(question("credential"), {"actor": THIEF_KEY}, narrow).rows
    assert 0 < (close.scanned or 0) < (wide.scanned or 0)
    sent = list(server.executions.values())[-1].params["ExecutionParameters"][:4]
    assert sent == ["'2020/09/14'", "'2020/09/15'", "'2020-09-14T01:00:00Z'", "'2020-09-14T01:05:00Z'"]


def test_values_are_bound_and_never_stand_in_the_text(server: AthenaServer) -> None:
    athena(server).ask(question("who-touched-key"), {"key": HOSTILE}, WINDOW)
    (made,) = server.executions.values()
    assert HOSTILE not in made.text
    assert literal(HOSTILE) in made.params["ExecutionParameters"]
    assert made.text.count("?") == len(made.params["ExecutionParameters"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_any_text_is_one_literal(server: AthenaServer, text: str) -> None:
    assert server.select(f"SELECT {literal(text)}", ()) == [(text,)]


# -- limits and costs ----------------------------------------------------------------------------------------------


def test_bytes_cost_and_limit_are_told(server: AthenaServer) -> None:
    told: list[Moment] = []
    answer = athena(server, usd_per_tb=6.0).ask(question("top-readers"), {}, WINDOW, told=told.append)
    assert answer.scanned == next(iter(server.executions.values())).scanned
    assert answer.cost == pytest.approx(10**7 / 10**12 * 6.0)
    assert "estimate at $6 a TB" in answer.summary()
    assert any("stops a query after 1.0 GB" in note for note in answer.notes)
    assert [item.state for item in told] == ["RUNNING", "SUCCEEDED"]


def test_a_query_over_the_scan_limit_says_so(server: AthenaServer) -> None:
    server.config["BytesScannedCutoffPerQuery"] = 1000
    with pytest.raises(AthenaError, match=r"limit is 1\.0 kB.*shorter time"):
        athena(server).ask(question("top-readers"), {}, WINDOW)


def test_results_go_where_the_workgroup_says_or_where_we_say(server: AthenaServer) -> None:
    athena(server, results="s3://mine/").ask(question("refused"), {}, WINDOW)
    assert "ResultConfiguration" not in next(iter(server.executions.values())).params
    server.config = {}
    with pytest.raises(AthenaError, match="--results"):
        athena(server).ask(question("refused"), {}, WINDOW)
    athena(server, results="s3://mine/").ask(question("refused"), {}, WINDOW)
    assert list(server.executions.values())[-1].params["ResultConfiguration"] == {"OutputLocation": "s3://mine/"}


def test_long_results_come_in_pages_up_to_the_most(server: AthenaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3ir_tui.questions.athena._A_PAGE", 5)
    asked: tuple[Question, dict[str, str], Window] = (question("key-history"), {"bucket": "payroll"}, WINDOW)
    whole = athena(server).ask(*asked)
    assert (len(whole.rows) > 10, whole.truncated) == (True, False)
    cut = athena(server).ask(*asked, most=7)
    assert (cut.rows, cut.truncated) == (whole.rows[:7], True)


def test_what_athena_cannot_be_asked_is_refused_before_it_is(server: AthenaServer) -> None:
    own = replace(question("refused"), sql="SELECT 1 AS one FROM events")
    for asked, values, window in (
        (own, {}, WINDOW),
        (question("refused"), {}, Window("2020-01-01T00:00:00Z", "")),
        (question("who-touched-key"), {"key": "'" * 600}, WINDOW),
    ):
        with pytest.raises(QuestionError):
            athena(server).ask(asked, values, window)
    assert "StartQueryExecution" not in server.calls


# -- faults --------------------------------------------------------------------------------------------------------


def test_throttling_and_faults_of_the_service_are_waited_out(server: AthenaServer) -> None:
    server.faults += [
        Fault("StartQueryExecution", 1, "InternalServerException", 500),
        Fault("GetQueryExecution", 4, "ThrottlingException"),
        Fault("GetQueryResults", 1, "InternalServerException", 503),
    ]
    assert athena(server).ask(question("top-readers"), {}, WINDOW).rows
    assert len(server.executions) == 1


def test_an_expired_token_ends_the_question_with_its_code(server: AthenaServer) -> None:
    server.faults.append(Fault("GetQueryExecution", 9, "ExpiredTokenException"))
    with pytest.raises(AwsError) as caught:
        athena(server).ask(question("top-readers"), {}, WINDOW)
    assert caught.value.code == "ExpiredTokenException"
    assert server.calls[-1] == "StopQueryExecution"


def test_a_failed_query_and_a_missing_table_say_what_to_do(server: AthenaServer) -> None:
    other = Athena(account(server), Table(name="elsewhere"), first_pause=0.01)
    with pytest.raises(AthenaError, match="--create-table") as caught:
        other.ask(question("top-readers"), {}, WINDOW)
    assert caught.value.no_table


def test_a_question_that_is_taken_back_is_stopped_in_athena(server: AthenaServer) -> None:
    server.endless = True
    stop = threading.Event()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        athena(server).ask(question("top-readers"), {}, WINDOW, stop=stop, told=lambda _: stop.set())
    assert time.monotonic() - began < 3
    assert [item.state for item in server.executions.values()] == ["CANCELLED"]
    assert server.calls[-1] == "StopQueryExecution"


def test_ctrl_c_stops_the_query_too(server: AthenaServer) -> None:
    server.endless = True

    def interrupt(_: Moment) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        athena(server).ask(question("top-readers"), {}, WINDOW, told=interrupt)
    assert [item.state for item in server.executions.values()] == ["CANCELLED"]
