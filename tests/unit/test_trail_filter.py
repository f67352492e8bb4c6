"""The filter language: what it finds, what it says where it does not understand, and what may be written next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3ir_tui.model import Severity
from s3ir_tui.text import clean
from s3ir_tui.trail.complete import complete, term_of
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.fields import FIELDS
from s3ir_tui.trail.filter import FilterError, haystack, parse
from s3ir_tui.trail.moments import moment

NOW = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
USER = "arn:aws:iam::111122223333:user/finance/svc-export"
SESSION = "arn:aws:sts::111122223333:assumed-role/etl-role/i-0a1b2c3d4e5f60718"


def line(**fields: object) -> Judged:
    """A line: a read of a salary list by svc-export, unless told otherwise."""
    judged = {name: fields.pop(name) for name in ("severity", "reasons", "noise", "ours", "source") if name in fields}
    usual: dict[str, object] = {
        "id": "e1", "time": "2026-03-02T14:03:20Z", "name": "GetObject", "service": "s3", "region": "eu-central-1",
        "account": "111122223333", "principal": USER, "kind": "IAMUser", "access_key": "AKIAEXAMPLEXNL3F6J",
        "address": "203.0.113.7", "agent": "[aws-cli/2.17 Python/3.11]", "bucket": "payroll-2026",
        "key": "q3/Salaries.csv", "read_only": True, "bytes_out": 2_000_000, "category": "Data", "request_id": "R1",
        "raw": b'{"additionalEventData":{"CipherSuite":"ECDHE"}}',
    }  # fmt: skip
    return Judged(Event(**(usual | fields)), **judged)  # type: ignore[arg-type]


LINE = line(severity=Severity.HIGH, reasons=("read payroll-2026 for the first time",), source="bucket trail-logs")
SESSION_LINE = line(principal=SESSION, issuer="arn:aws:iam::111122223333:role/service/etl-role", kind="AssumedRole",
                    error="AccessDenied", message="not authorized to perform: s3:GetObject")  # fmt: skip


def finds(text: str, wanted: Judged = LINE) -> bool:
    test = parse(text, NOW).test
    return test is None or test(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "salaries", "SALARIES", "q3/sal", '"first time"', "salaries 203.0.113.7", "high", "ok", "sal*csv",
        "bucket:payroll-2026", "bucket:PAYROLL*", "bucket:*2026", "bucket:p*2*6", "bucket:*", "BUCKET=payroll-2026",
        "key:salaries", "key:q3/*", "key:*.csv", "object:salaries.csv", "principal:svc-export",
        "principal:user/svc-export", f"principal:{USER}", "who:svc-*", "address:203.0.113.7", "ip:203.0.113.*",
        "agent:aws-cli", 'agent:"python/3"', "name:getobject", "event:Get*", "name:PutObject|GetObject", "service:s3",
        "region:eu-central-1", "account:111122223333", "access_key:AKIAEXAMPLEXNL3F6J", "credential:AKIA*",
        "outcome:ok", 'error:""', "-error:*", "severity:high", "sev:high|critical", ">=high", ">=medium", "<=high",
        "severity>low", "severity<critical", "category:data", "source:bucket*", 'source:"bucket trail-logs"',
        "time:14:03", "time>=14:03", "time<=14:03", "time<14:04", "time>14:02", "time>=-15m", "time:2026-03-02",
        ">=2026-03-02T14:03:20", "-bucket:exports", "!exports", "-key:q4/*", "bytes_out>1mb", "out<=2000kb",
        "reason:first", "readonly:yes", "noise:no", "ours:no", "identity:IAMUser", "record:ecdhe", "id:e1",
    ],
)  # fmt: skip
def test_finds(text: str) -> None:
    assert finds(text)


@pytest.mark.parametrize(
    "text",
    [
        "iban", "salaries iban", "-salaries", "!ok", "bucket:payroll", "bucket:payroll-202", "principal:svc",
        "principal:export", "address:203.0.113", "name:Get", "outcome:denied", "error:*", ">=critical", "severity:crit",
        "<high", "time:14:02", "time>14:03", "time<14:03", "time>=-5m", "-bucket:*", "name:PutObject|CopyObject",
        "bytes_out>1gb", "ours:yes", 'bucket:"payroll*"', 'key:""', "readonly:no", "record:absent",
    ],
)  # fmt: skip
def test_does_not_find(text: str) -> None:
    assert not finds(text)


@pytest.mark.parametrize(
    "text",
    ["principal:etl-role", "principal:role/etl-role", "principal:etl-role/i-0a1b2c3d4e5f60718", f"principal:{SESSION}",
     "principal:arn:aws:iam::111122223333:role/service/etl-role", "instance:i-0a1b2c3d4e5f60718", "outcome:denied",
     "error:accessdenied", "error:Access*", "message:authorized", "issuer:*etl-role", "denied"],
)  # fmt: skip
def test_a_session_is_found_by_role_session_instance_and_error(text: str) -> None:
    assert finds(text, SESSION_LINE)
    assert not finds(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("buket:payroll", "did you mean bucket:payroll?"),
        ("s3:GetObject", 'in quotes: "s3:GetObject"'),
        ("bucket:", "tab completes it"),
        ("time>=soon", "14:03"),
        ("time>=25:99", "not on the clock"),
        (">=hgih", ">=high or >=14:03"),
        (">", ">high, >14:03"),
        ("severity:urgent", "info, low, medium, high or critical"),
        ("outcome:perhaps", "ok, denied or failed"),
        ("bucket>=a", "bucket has no order"),
        ("bytes_out>big", "1mb"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, NOW)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text", ["arn:aws:iam::1", "https://a.b", "2001:db8::1", "14:03", "a=b", "-", "!", "=", '">"', '"', '"a']
)
def test_what_looks_like_a_field_and_is_none_is_a_text(text: str) -> None:
    parse(text, NOW)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_is_answered(text: str) -> None:
    try:
        found = parse(text, NOW)
    except FilterError as error:
        found = parse(f'"{error}"')
    if found.test is not None:
        found.test(LINE)
        found.test(line(severity=Severity.INFO, principal="", bucket="", raw=b""))


@given(st.text(min_size=1, max_size=30), st.sampled_from(["bucket", "key", "principal", "address", "agent", "error"]))
def test_the_term_of_a_value_finds_it_and_can_be_shown(value: str, name: str) -> None:
    text = term_of(name, value)
    assert clean(text) == text
    assert finds(text, line(**{name: value}))


@pytest.mark.parametrize("field", [field for field in FIELDS if field.kind != "time"], ids=lambda field: field.name)
def test_every_field_finds_the_value_that_it_has(field) -> None:  # type: ignore[no-untyped-def]
    wanted = line(severity=Severity.HIGH, reasons=("why",), principal=SESSION, issuer=USER, message="m", error="E1",
                  invoked_by="athena", source="s", bytes_in=5, caller_account="1", type="AwsApiCall")  # fmt: skip
    value = field.get(wanted)
    value = value.decode() if isinstance(value, bytes) else str(value)
    assert value
    assert finds(term_of(field.name, value), wanted)


def test_a_bare_word_does_not_look_into_the_record() -> None:
    assert "ecdhe" not in haystack(LINE)
    assert parse("record:x").record
    assert not parse("x").record


def test_marks_are_what_is_wanted_and_needles_what_must_be_there() -> None:
    found = parse("iban -bonus bucket:Pay* principal:svc-export >=high outcome:denied name:a|b")
    assert found.marks == ("iban", "pay", "svc-export", "a", "b")
    assert found.needles == (b"iban", b"pay")
    assert parse("denied crit ï").needles == ()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("14:03", "2026-03-02T14:03:00Z", "2026-03-02T14:03:59Z"),
        ("14:03:20", "2026-03-02T14:03:20Z", "2026-03-02T14:03:20Z"),
        ("23:50", "2026-03-01T23:50:00Z", "2026-03-01T23:50:59Z"),
        ("2026-03-02 14:03", "2026-03-02T14:03:00Z", "2026-03-02T14:03:59Z"),
        ("2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z"),
        ("-15m", "2026-03-02T13:55:00Z", "2026-03-02T13:55:00Z"),
        ("-2d", "2026-02-28T14:10:00Z", "2026-02-28T14:10:00Z"),
        ("now", "2026-03-02T14:10:00Z", "2026-03-02T14:10:00Z"),
        ("9:05Z", "2026-03-02T09:05:00Z", "2026-03-02T09:05:59Z"),
    ],
)
def test_times_as_people_write_them(text: str, first: str, last: str) -> None:
    assert moment(text, NOW) == (first, last)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "24:00", "-99999999d", "-999999d", "Z", "14"])
def test_what_is_no_time_is_answered(text: str) -> None:
    with pytest.raises(ValueError, match="14:03"):
        moment(text, NOW)


LATELY = [line(bucket="exports"), LINE, line(bucket="pay roll", principal=SESSION), LINE]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("bu", ["bucket:"]),
        ("-bu", ["-bucket:"]),
        ("iban by", ["bytes_out:", "bytes_in:"]),
        ("ip", ["address:"]),
        ("bucket:", ["bucket:payroll-2026", "bucket:exports", 'bucket:"pay roll"']),
        ("bucket:ex", ["bucket:exports"]),
        ("bucket:roll", ["bucket:payroll-2026", 'bucket:"pay roll"']),
        ("-principal:e", ["-principal:etl-role/i-0a1b2c3d4e5f60718", "-principal:svc-export"]),
        ("bucket:exports|pay", ["bucket:exports|payroll-2026", 'bucket:exports|"pay roll"']),
        ("outcome:", ["outcome:ok", "outcome:denied", "outcome:failed"]),
        ("severity>=h", ["severity>=high"]),
        (">=c", [">=critical"]),
        ("nosuch:", []),
    ],
)
def test_completion_offers_fields_then_values_seen_lately(text: str, options: list[str]) -> None:
    assert [option.text for option in complete(text, len(text), LATELY).options] == options


def test_completion_takes_an_option_where_the_cursor_is() -> None:
    text = "bu >=high"
    made, cursor = complete(text, 2, LATELY).taken(text, 0)
    assert (made, cursor) == ("bucket: >=high", 7)
    made, cursor = complete(made, cursor, LATELY).taken(made, 1)
    assert (made, cursor) == ("bucket:exports >=high", 14)
    assert complete("iban ", 5, LATELY).options[0].text == "bucket:"
    assert parse(made).test is not None


def test_completion_never_offers_what_cannot_be_shown() -> None:
    offered = complete("bucket:", 7, [line(bucket="a\x1b[2Jb")]).options
    assert [option.text for option in offered] == ["bucket:a*[2Jb"]
    assert finds(offered[0].text, line(bucket="a\x1b[2Jb"))


def test_completion_looks_at_the_newest_lines_only() -> None:
    taken = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal taken
        while True:
            taken += 1
            yield LINE

    assert complete("bucket:", 7, endless()).options
    assert taken < 6_000
