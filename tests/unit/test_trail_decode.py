"""Every shape of CloudTrail data gives the same events; what is none is counted with its reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trail_world import ANONYMOUS, EC2, OUTSIDER, at, record, session, user

from s3ir_tui.trail.decode import Decoded, decode, decode_record
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.gunzip import gunzip

RECORDS = [record("GetObject", bucket="payroll", key=f"q3/{n}.csv", out=float(n)) for n in range(3)]


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def reasons(found: Decoded) -> dict[str, int]:
    return {item.reason: item.count for item in found.skipped}


LOOKUP = {"Events": [{"EventId": "x", "EventName": "GetObject", "CloudTrailEvent": json.dumps(r)} for r in RECORDS]}
SHAPES = {
    "trail file": dump({"Records": RECORDS}),
    "trail file, gzipped": gzip.compress(dump({"Records": RECORDS})),
    "trail file, pretty-printed": json.dumps({"Records": RECORDS}, indent=2).encode(),
    "two gzip members": gzip.compress(dump(RECORDS[0]) + b"\n")
    + gzip.compress(dump(RECORDS[1]) + b"\n" + dump(RECORDS[2])),
    "LookupEvents page": dump(LOOKUP),
    "EventBridge envelopes": b"\n".join(
        dump({"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": r}) for r in RECORDS
    ),
    "NDJSON": b"\n".join(map(dump, RECORDS)) + b"\n\n",
    "NDJSON with CRLF": b"\r\n".join(map(dump, RECORDS)),
    "bare array": dump(RECORDS),
    "objects one after the other": "\n".join(json.dumps(r, indent=2) for r in RECORDS).encode(),
    "CloudWatch subscription": dump(
        {"messageType": "DATA_MESSAGE", "logEvents": [{"message": json.dumps(r)} for r in RECORDS]}
    ),
    "CloudWatch FilterLogEvents": dump({"events": [{"timestamp": 1, "message": json.dumps(r)} for r in RECORDS]}),
    "CloudWatch export": b"\n".join(b"2026-11-24T09:00:00.000Z " + dump(r) for r in RECORDS),
    "CloudWatch Insights": dump({"results": [[{"field": "@message", "value": json.dumps(r)}] for r in RECORDS]}),
    "SQS messages": dump({"Messages": [{"Body": json.dumps({"detail": r})} for r in RECORDS]}),
    "Elastic hits": dump({"hits": {"hits": [{"_source": r} for r in RECORDS]}}),
    "UTF-8 with BOM": b"\xef\xbb\xbf" + dump({"Records": RECORDS}),
    "UTF-16": json.dumps({"Records": RECORDS}).encode("utf-16"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_events(shape: str) -> None:
    found = decode(SHAPES[shape], "file")
    assert [(e.id, e.key, e.bytes_out) for e in found.events] == [
        (r["eventID"], r["requestParameters"]["key"], int(r["additionalEventData"]["bytesTransferredOut"]))
        for r in RECORDS
    ]
    assert not found.skipped


def test_a_single_pretty_printed_record_is_one_event() -> None:
    assert len(decode(json.dumps(RECORDS[0], indent=4).encode(), "file").events) == 1


def test_logstash_shaped_records_have_their_time_elsewhere() -> None:
    odd = dict(RECORDS[0])
    del odd["eventTime"]
    odd["@timestamp"] = "2020-09-14T01:02:34.000Z"
    (event,) = decode(dump(odd), "file").events
    assert event.time == "2020-09-14T01:02:34Z"


@pytest.mark.parametrize(
    ("given_time", "time"),
    [
        ("2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z"),
        ("2026-11-24T09:00:00.123Z", "2026-11-24T09:00:00Z"),
        ("2026-11-24T10:00:00+01:00", "2026-11-24T09:00:00Z"),
        ("2026-11-24 09:00:00", "2026-11-24T09:00:00Z"),
        ("0999-01-01T00:00:00+00:00", "0999-01-01T00:00:00Z"),
    ],
)
def test_times_are_written_alike_so_that_they_sort(given_time: str, time: str) -> None:
    event = decode_record(dump(record("GetObject", eventTime=given_time)))
    assert event.time == time
    assert event.at.year > 0


@pytest.mark.parametrize(
    "bad", ["", "yesterday", "2020-W38-1T01:00:04Z", "2026-02-31T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_record_without_a_usable_time_is_skipped_or_normalised(bad: str) -> None:
    found = decode(dump([record("GetObject", eventTime=bad), RECORDS[0]]), "file")
    assert found.events[-1].id == RECORDS[0]["eventID"]
    for event in found.events:
        assert event.at is not None


def test_what_cloudtrail_writes_beside_records_of_calls_is_counted_as_what_it_is() -> None:
    digest = {"awsAccountId": "1", "digestStartTime": "x", "digestEndTime": "y", "logFiles": []}
    insight = {
        "eventVersion": "1.07",
        "eventTime": at(),
        "eventCategory": "Insight",
        "insightDetails": {"state": "Start"},
    }
    aggregated = {"eventVersion": "1.0", "eventId": "x", "eventCategory": "Aggregated", "timeWindow": {}, "summary": {}}
    assert reasons(decode(dump(digest), "f")) == {"digest file": 1}
    found = decode(dump({"Records": [insight, RECORDS[0], aggregated, aggregated]}), "f")
    assert len(found.events) == 1
    assert reasons(found) == {"Insights event": 1, "aggregated event": 2}


def test_network_activity_events_are_events_of_their_category() -> None:
    odd = record(
        "GetObject", OUTSIDER, eventCategory="NetworkActivity", eventType="AwsVpceEvent", error="VpceAccessDenied"
    )
    assert decode_record(dump(odd)).category == "NetworkActivity"


def test_a_cut_off_gzip_gives_the_records_before_the_cut() -> None:
    whole = gzip.compress(dump({"Records": [record("GetObject", bucket="b", key=str(n)) for n in range(400)]}))
    found = decode(whole[: len(whole) // 2], "f")
    assert 50 < len(found.events) < 400
    assert "gzip is cut off" in reasons(found)
    assert any(reason.startswith("broken JSON after") for reason in reasons(found))


def test_a_damaged_gzip_gives_what_stands_before_the_damage() -> None:
    data = bytearray(gzip.compress(dump({"Records": [record("GetObject", key=str(n)) for n in range(2000)]})))
    data[len(data) * 2 // 3] ^= 0xFF
    found = decode(bytes(data), "f")
    assert len(found.events) > 100
    assert any("gzip" in reason for reason in reasons(found))


def test_gzip_bombs_are_cut() -> None:
    data, problem = gunzip(gzip.compress(b"a" * 100_000), limit=1000)
    assert (len(data), problem) == (1000, "unfolds to more than 1000 bytes")


def test_one_bad_record_among_good_ones_costs_only_itself() -> None:
    text = b'{"Records":[' + dump(RECORDS[0]) + b',{"eventName":"X"},42,null,"text",' + dump(RECORDS[1]) + b"]}"
    found = decode(text, "f")
    assert [e.id for e in found.events] == [RECORDS[0]["eventID"], RECORDS[1]["eventID"]]
    assert sum(reasons(found).values()) == 4


def test_one_broken_line_among_good_ones_costs_only_itself() -> None:
    found = decode(dump(RECORDS[0]) + b"\n{broken\n" + dump(RECORDS[1]), "f")
    assert len(found.events) == 2
    assert reasons(found) == {"broken JSON": 1}


@pytest.mark.parametrize(
    "field",
    [
        {"userIdentity": "root"},
        {"userIdentity": {"type": 5, "arn": ["x"], "sessionContext": 3}},
        {"requestParameters": "too large"},
        {"requestParameters": {"bucketName": {"a": 1}, "key": {"id": {"S": "1"}}}},
        {"resources": {"ARN": 5}},
        {"resources": [None, 5, {"ARN": 7}]},
        {"additionalEventData": {"bytesTransferredOut": "many"}},
        {"additionalEventData": {"bytesTransferredOut": -1}},
        {"readOnly": "true"},
        {"sourceIPAddress": 16909060},
        {"errorCode": 403},
        {"recipientAccountId": 111122223333},
    ],
)
def test_fields_of_a_wrong_type_do_not_cost_the_record(field: dict[str, Any]) -> None:
    odd = record("GetObject", bucket="payroll", key="k") | field
    found = decode(dump({"Records": [odd]}), "f")
    assert [e.id for e in found.events] == [odd["eventID"]]
    assert not found.skipped


def test_a_wrong_type_where_the_call_is_named_is_skipped_with_its_reason() -> None:
    assert reasons(decode(dump([record("GetObject") | {"eventName": ["GetObject"]}]), "f")) == {
        "wrong type of eventName": 1
    }


def test_records_without_an_id_get_one_that_repeats() -> None:
    odd = {k: v for k, v in RECORDS[0].items() if k != "eventID"}
    first, second = decode(dump([odd, odd]), "f").events
    assert first.id == second.id
    assert first.id.startswith("sha256-")


def test_deep_nesting_is_skipped_not_fatal() -> None:
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    text = b'{"eventName":"X","eventSource":"s3.amazonaws.com","eventTime":"2026-11-24T09:00:00Z","x":' + deep + b"}"
    found = decode(b'{"Records":[' + text + b"," + dump(RECORDS[0]) + b"]}", "f")
    assert found.events[-1].id == RECORDS[0]["eventID"]
    assert sum(reasons(found).values()) == 1


def test_lone_surrogates_in_names_are_kept_readable() -> None:
    text = dump(record("GetObject", bucket="b", key="k")).replace(b'"key": "k"', b'"key": "a\\ud800b"')
    (event,) = decode(text, "f").events
    event.key.encode()
    json.loads(event.raw)


def test_session_tokens_do_not_stay_in_the_raw_record() -> None:
    answer = {"credentials": {"accessKeyId": "ASIA1", "sessionToken": "SECRETSECRET"}}
    event = decode_record(dump(record("AssumeRole", service="sts", answer=answer)))
    assert b"SECRET" not in event.raw
    assert json.loads(event.raw)["responseElements"]["credentials"]["accessKeyId"] == "ASIA1"


@pytest.mark.parametrize(
    ("who", "principal", "kind", "issuer"),
    [
        (user("bob"), "arn:aws:iam::111122223333:user/bob", "IAMUser", ""),
        (
            user("bob", "ASIABOB0000000000001"),
            "arn:aws:iam::111122223333:user/bob",
            "IAMUser",
            "arn:aws:iam::111122223333:user/bob",
        ),
        (
            session("web", "i-0aaaaaaaaaaaaaaa1"),
            "arn:aws:sts::111122223333:assumed-role/web/i-0aaaaaaaaaaaaaaa1",
            "AssumedRole",
            "arn:aws:iam::111122223333:role/web",
        ),
        (ANONYMOUS, "anonymous", "Anonymous", ""),
        ({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}, "anonymous", "Anonymous", ""),
        ({}, "anonymous", "Anonymous", ""),
        (OUTSIDER, "AWSAccount:999988887777", "AWSAccount", ""),
        (EC2, "ec2.amazonaws.com", "AWSService", ""),
        ({"accountId": "111122223333", "invokedBy": "x.amazonaws.com"}, "x.amazonaws.com", "AWSService", ""),
        ({"type": "WebIdentityUser", "userName": "repo:x"}, "WebIdentityUser:repo:x", "WebIdentityUser", ""),
        (
            {"type": "IdentityCenterUser", "accountId": "1", "onBehalfOf": {"userId": "u1"}},
            "IdentityCenterUser:u1",
            "IdentityCenterUser",
            "",
        ),
    ],
)
def test_the_best_identity_there_is_is_taken(who: dict[str, Any], principal: str, kind: str, issuer: str) -> None:
    event = decode_record(dump(record("GetObject", who)))
    assert (event.principal, event.kind, event.issuer) == (principal, kind, issuer)


def test_the_bucket_is_found_in_the_resources_where_the_parameters_name_an_access_point() -> None:
    odd = record(
        "GetObject",
        bucket="arn:aws:s3:us-east-1:111122223333:accesspoint/ap",
        resources=[{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payroll/a/b.csv"}],
    )
    event = decode_record(dump(odd))
    assert (event.bucket, event.key) == ("payroll", "a/b.csv")


def test_old_records_without_a_category_are_told_apart_by_their_names() -> None:
    assert decode_record(dump(record("GetObject"))).category == "Data"
    assert decode_record(dump(record("ListBuckets"))).category == "Management"


def test_what_is_no_record_raises_a_value_error() -> None:
    for bad in (b"", b"[]", b"{}", b"\xff", b'{"eventName": "X"}', {"a": 1}):
        with pytest.raises(ValueError):
            decode_record(bad)


def test_read_only_mappings_are_decoded_too() -> None:
    from types import MappingProxyType

    frozen = MappingProxyType(RECORDS[0] | {"userIdentity": MappingProxyType(RECORDS[0]["userIdentity"]), "x": (1, 2)})
    assert decode_record(frozen).id == RECORDS[0]["eventID"]


@pytest.mark.parametrize("data", [b"", b"   ", b"hello", b"\x1f\x8b", b"\x1f\x8b\x08", b"PK\x03\x04"])
def test_what_is_no_cloudtrail_is_told(data: bytes) -> None:
    found = decode(data, "f")
    assert not found.events
    assert found.skipped
    assert found.skipped[0].origin == "f"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "eventName",
    "eventSource",
    "eventTime",
    "eventID",
    "userIdentity",
    "requestParameters",
    "resources",
    "additionalEventData",
    "readOnly",
    "errorCode",
    "eventCategory",
    "@timestamp",
    "Records",
    "detail",
    "message",
]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    decode(data, "f")
    decode(b"\x1f\x8b\x08\x00" + data, "f")
    decode(b'{"Records":[' + data, "f")


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(FIELDS), json_values | st.just("s3.amazonaws.com") | st.just("2026-11-24T09:00:00Z")
    )
)
def test_arbitrary_values_in_the_known_fields_never_raise(fields: dict[str, Any]) -> None:
    text = json.dumps(fields).encode()
    for data in (text, b'{"Records":[' + text + b"]}", b'{"detail":' + text + b"}", text + b"\n" + text):
        for event in decode(data, "f").events:
            assert isinstance(event, Event)
            assert event.at is not None
            json.loads(event.raw)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FIELDS), json_values)
def test_any_one_odd_field_costs_at_most_its_own_record(field: str, value: Any) -> None:
    text = json.dumps({"Records": [RECORDS[0] | {field: value}, RECORDS[1]]}).encode()
    assert RECORDS[1]["eventID"] in {event.id for event in decode(text, "f").events}


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0), st.sampled_from(sorted(SHAPES)))
def test_any_shape_cut_off_anywhere_never_raises(cut: int, shape: str) -> None:
    data = SHAPES[shape]
    decode(data[: cut % len(data)], "f")


def test_the_stratus_recordings_decode_whole() -> None:
    folder = Path(__file__).parent.parent / "data" / "stratus"
    for file in folder.glob("*.json"):
        found = decode(file.read_bytes(), file.name)
        assert found.events
        assert not found.skipped
