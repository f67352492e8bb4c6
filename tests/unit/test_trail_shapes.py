"""Records of every version, kind and oddity, in every wrapping: taken or counted, and no neighbour lost."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trail_world import OUTSIDER, at, record, session

from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.output import Format
from s3ir_tui.headless.trail import from_files
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.decode import OTHERS, UNKNOWN_VERSION, Decoded, Skipped, decode
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.raw import opened
from s3ir_tui.trail.record import is_known, version

GOOD = [record("GetObject", session(), bucket="payroll", key=f"q3/{n}.csv", out=1000.0) for n in range(2)]
INSIGHT = {"eventVersion": "1.07", "eventTime": at(), "eventCategory": "Insight", "insightDetails": {"state": "Start"}}
AGGREGATED = {
    "eventVersion": "1.0",
    "accountId": "111122223333",
    "eventId": "e1",
    "eventCategory": "Aggregated",
    "eventType": "AwsAggregatedEvent",
    "timeWindow": {"windowStart": at(), "windowEnd": at(5)},
    "summary": {"primaryDimension": {"dimension": "resourceARN", "statistics": []}},
}
DIGEST = {"awsAccountId": "1", "digestStartTime": at(), "digestEndTime": at(60), "logFiles": [], "digestS3Bucket": "b"}
NETWORK = record(
    "GetObject",
    OUTSIDER,
    bucket="payroll",
    error="VpceAccessDenied",
    eventVersion="1.11",
    eventCategory="NetworkActivity",
    eventType="AwsVpceEvent",
    vpcEndpointId="vpce-1",
    vpcEndpointAccountId="111122223333",
)


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def counts(found: Decoded) -> dict[str, int]:
    return {item.reason: item.count for item in found.skipped}


def lost(found: Decoded) -> int:
    """How many records gave no event."""
    return sum(item.count for item in found.skipped if item.reason != UNKNOWN_VERSION)


WRAPPINGS: dict[str, Callable[[list[Any]], bytes]] = {
    "bare array": dump,
    "trail file": lambda records: dump({"Records": records}),
    "trail file, gzipped": lambda records: gzip.compress(dump({"Records": records}), 1),
    "LookupEvents page": lambda records: dump(
        {"Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(one)} for one in records], "NextToken": "t"}
    ),
    "EventBridge envelopes": lambda records: dump(
        [{"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": one} for one in records]
    ),
    "CloudWatch subscription": lambda records: dump(
        {"messageType": "DATA_MESSAGE", "owner": "1", "logEvents": [{"message": json.dumps(one)} for one in records]}
    ),
    "CloudWatch FilterLogEvents": lambda records: dump(
        {"events": [{"timestamp": 1, "message": json.dumps(one)} for one in records]}
    ),
    "CloudWatch export": lambda records: b"\n".join(b"2026-11-24T09:00:00.000Z " + dump(one) for one in records),
    "NDJSON": lambda records: b"\n".join(map(dump, records)),
    "SQS messages": lambda records: dump({"Messages": [{"Body": json.dumps({"detail": one})} for one in records]}),
}


def logstash(one: dict[str, Any]) -> dict[str, Any]:
    """A record as Logstash and Filebeat keep it: the time under another name, tags beside."""
    return {name: value for name, value in one.items() if name != "eventTime"} | {
        "@timestamp": one["eventTime"].replace("Z", ".000Z"),
        "@version": "1",
        "tags": ["_aws"],
    }


# -- versions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minor", range(12))
def test_every_version_up_to_1_11_is_taken(minor: int) -> None:
    for text in (f"1.{minor:02}", f"1.{minor}"):
        found = decode(dump([record("GetObject", bucket="b", eventVersion=text)]), "f")
        assert len(found.events) == 1
        assert not found.skipped


def test_versions_are_compared_as_whole_numbers() -> None:
    assert [version(text) for text in ("1.9", "1.10", "1.08", "2", "1.0")] == [(1, 9), (1, 10), (1, 8), (2, 0), (1, 0)]
    assert (version("1.10") or ()) > (version("1.9") or ())
    for text in ("", "1.", "x", "1.2.3", "-1.0", "१.०", "1.99999"):
        assert version(text) is None


@pytest.mark.parametrize("given_version", ["1.12", "1.99", None, 1, 1.08])
def test_later_minor_versions_and_none_are_as_good_as_known_ones(given_version: Any) -> None:
    assert is_known(given_version)
    found = decode(dump([record("GetObject", eventVersion=given_version)]), "f")
    assert (len(found.events), found.skipped) == (1, [])


@pytest.mark.parametrize("given_version", ["2.0", "0.9", "10.1", "next", "", 2, {"a": 1}, [], True])
def test_unknown_versions_are_taken_and_counted(given_version: Any) -> None:
    found = decode(dump({"Records": [GOOD[0] | {"eventVersion": given_version}, GOOD[1]]}), "f")
    assert [event.id for event in found.events] == [one["eventID"] for one in GOOD]
    assert found.skipped == [Skipped("f", UNKNOWN_VERSION)]


def test_one_folder_may_mix_versions() -> None:
    records = [record("GetObject", eventVersion=text) for text in ("1.02", "1.05", "1.11", "3.0")]
    found = decode(dump({"Records": records}), "f")
    assert (len(found.events), counts(found)) == (4, {UNKNOWN_VERSION: 1})


# -- what is no call -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_insights_and_aggregated_events_are_counted_as_what_they_are_in_every_wrapping(wrapping: str) -> None:
    found = decode(WRAPPINGS[wrapping]([INSIGHT, GOOD[0], AGGREGATED, AGGREGATED]), "f")
    assert [event.id for event in found.events] == [GOOD[0]["eventID"]]
    assert counts(found) == {"Insights event": 1, "aggregated event": 2}
    assert set(counts(found)) <= set(OTHERS)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(dump({"Records": [GOOD[0], NETWORK, INSIGHT, AGGREGATED]})))
    (tmp_path / "b.json").write_bytes(dump(DIGEST))
    (tmp_path / "c.json").write_bytes(dump([GOOD[1] | {"eventVersion": "2.0"}, 5]))
    return tmp_path


def test_they_stand_beside_the_events_in_json_and_not_among_the_faults(
    mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert from_files([mixed], Format.JSON) == Code.OK
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["events"] == 3
    assert found["others"] == {
        "insights": 1,
        "aggregated": 1,
        "digests": 1,
        "unknown_version": 1,
        "network_activity": 1,
    }
    assert [Path(item["origin"]).name for item in found["skipped"]] == ["c.json"]
    assert err.count("not read:") == 1


def test_they_stand_beside_the_events_in_the_table(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert from_files([mixed], Format.TABLE) == Code.OK
    out = capsys.readouterr().out
    for words in ("1 Insights events", "1 aggregated events", "1 digest files", "1 of network activity"):
        assert words in out


def test_a_folder_of_digests_alone_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.json").write_bytes(dump(DIGEST))
    assert from_files([tmp_path], Format.JSON) == Code.OK
    assert json.loads(capsys.readouterr().out)["others"]["digests"] == 1


def test_network_activity_is_an_event_and_its_denial_counts_as_one() -> None:
    (event,) = decode(dump([NETWORK]), "f").events
    assert (event.category, event.type, event.error, event.bucket) == (
        "NetworkActivity",
        "AwsVpceEvent",
        "VpceAccessDenied",
        "payroll",
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"params": {"response-content-type": "text/csv"}},
        {"eventType": "AwsVpceEvent", "eventCategory": "NetworkActivity"},
        {"eventType": None},
        {"name": "SelectObjectContent"},
        {"out": -5.0},
        {"out": 1e300},
    ],
)
def test_bytes_are_the_same_from_a_folder_as_one_by_one(
    more: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_record = {"name": "GetObject", "bucket": "payroll", "key": "q3/a.csv", "out": 1000.0} | more
    one = record(given_record.pop("name"), session(), **given_record)
    (tmp_path / "a.json").write_bytes(dump({"Records": [one]}))
    assert from_files([tmp_path], Format.JSON) == Code.OK
    (bucket,) = json.loads(capsys.readouterr().out)["buckets"]
    alone = Analysis()
    alone.add(decode(dump([one]), "f").events)
    assert bucket["bytes_out"] == alone.to_json()["buckets"][0]["bytes_out"] == (0 if "out" in more else 1000)


# -- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_data_cut_off_anywhere_keeps_what_is_whole_and_says_so(wrapping: str) -> None:
    records = [record("GetObject", bucket="b", key=str(n)) for n in range(4)]
    data = WRAPPINGS[wrapping](records)
    ids = [one["eventID"] for one in records]
    for cut in range(1, len(data), 29):
        found = decode(data[:cut], "f")
        assert [event.id for event in found.events] == ids[: len(found.events)]
        if len(found.events) < 4 and not (wrapping in ("NDJSON", "CloudWatch export") and data[cut : cut + 1] == b"\n"):
            assert found.skipped


def test_cut_off_subscriptions_keep_the_messages_before_the_cut() -> None:
    data = WRAPPINGS["CloudWatch subscription"]([*GOOD, GOOD[0]])
    assert len(decode(data[:-200], "f").events) == 2


@pytest.mark.parametrize(
    "text",
    [
        b"[",
        b"[[[[",
        b"{",
        b"{{{",
        b"{\n{\n{",
        b'{"Records":[',
        b'{"Records":[]',
        b'{"Records":[[[',
        b'{"Records":["',
        b'{"Records":[}',
        b"[}",
        b"[1,2",
        b"[,]",
        b'{"detail":{"eventName":"X","a"Events":[{}]}',
    ],
)
def test_no_damage_goes_without_a_word(text: bytes) -> None:
    assert sum(counts(decode(text, "f")).values()) >= 1


def test_rubbish_behind_gzip_is_told_and_padding_is_not() -> None:
    data = gzip.compress(dump(GOOD))
    assert counts(decode(data + b"rubbish", "f")) == {"something that is no gzip stands behind the gzip data": 1}
    assert not decode(data + b"\0" * 512, "f").skipped
    assert len(decode(data + b"rubbish", "f").events) == 2


def test_rubbish_between_records_is_counted() -> None:
    text = b'{"Records":[' + dump(GOOD[0]) + b",rubbish," + dump(GOOD[1]) + b"]}"
    found = decode(text, "f")
    assert len(found.events) == 2
    assert counts(found) == {"broken JSON": 1}


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ('"key": "7"', '"k"ey": "7"'),
        ('"key": "7"', '"key": "7'),
        ('"key": "7"', '{"key": "7"'),
        ('"key": "7"}', '"key": "7"'),
    ],
)
def test_damage_in_one_record_of_a_long_line_costs_that_record_only(here: str, there: str) -> None:
    records = [{"eventVersion": "1.11"} | record("GetObject", bucket="b", key=str(n)) for n in range(300)]
    text = json.dumps({"Records": records})
    assert text.count(here) == 1
    found = decode(text.replace(here, there).encode(), "f")
    assert [event.key for event in found.events] == [str(n) for n in range(300) if n != 7]
    assert counts(found) == {"broken JSON": 1}


@pytest.mark.parametrize(
    "piece", ['"\\"', '{"', '{"a":', '{"eventVersion":', '{"eventVersion":"', "{", '"', "[", '{"a":"\\', "{},", '\\"']
)
def test_no_damage_takes_the_time_of_its_square(piece: str) -> None:
    data = ('{"Records":[' + json.dumps(GOOD[0]) + "," + piece * (600_000 // len(piece))).encode()
    begun = time.perf_counter()
    found = decode(data, "f")
    assert time.perf_counter() - begun < 20
    assert [event.id for event in found.events] == [GOOD[0]["eventID"]]
    assert found.skipped


def test_bytes_that_are_no_utf_8_do_not_stay_in_the_record() -> None:
    text = dump(GOOD[0] | {"eventVersion": "1.11", "note": "caf\u00e9"}).replace(b"caf\\u00e9", b"caf\xe9")
    found = decode(b'{"Records":[' + text + b"," + dump(GOOD[1]) + b"]}", "f")
    assert len(found.events) == 2
    assert json.loads(found.events[0].raw)["note"] == "caf\ufffd"


@pytest.mark.parametrize("service", ["sts", "sso", "s3"])
@pytest.mark.parametrize("inside", [False, True])
def test_session_tokens_are_masked_wherever_they_stand(service: str, inside: bool) -> None:
    answer: Any = {"credentials": {"accessKeyId": "ASIA1", "sessionToken": 'SECRET"SEC\\RET', "expiration": "x"}}
    if inside:
        answer = json.dumps({"credentials": {"sessionToken": "SECRET", "accessKeyId": "ASIA1"}})
    for wrapping in ("bare array", "LookupEvents page", "NDJSON"):
        odd = record("AssumeRole", service=service, params={"x": 1}) | {"responseElements": answer}
        (event,) = decode(WRAPPINGS[wrapping]([odd]), "f").events
        assert b"SEC" not in event.raw
        assert "ASIA1" in json.dumps(json.loads(event.raw)["responseElements"])


def test_fields_whose_names_end_like_the_token_are_masked_too() -> None:
    odd = record(
        "AssumeRole", service="sts", params={"awsSessionToken": "SECRET", "x": json.dumps({"mySessionToken": "SECRET"})}
    )
    (event,) = decode(dump([odd]), "f").events
    assert b"SECRET" not in event.raw
    assert json.loads(event.raw)["requestParameters"]["awsSessionToken"] == "***"


def test_masking_tokens_takes_no_time_however_many_backslashes_there_are() -> None:
    odd = record(
        "AssumeRole",
        service="sts",
        params={"sessionToken": "SECRET", "x": "\\" * 200_000 + '"sessionToken', "y": "essionToken" * 20_000},
    )
    begun = time.perf_counter()
    (event,) = decode(dump([odd]), "f").events
    assert time.perf_counter() - begun < 10
    assert b"SECRET" not in event.raw


def test_what_only_lenient_tools_call_json_is_taken_in_every_wrapping() -> None:
    for wrapping, wrap in WRAPPINGS.items():
        found = decode(wrap([GOOD[0] | {"requestParameters": {"x": float("nan"), "key": "\ud800"}}, GOOD[1]]), "f")
        assert len(found.events) == 2, wrapping
        assert json.loads(found.events[0].raw)["requestParameters"]["x"] is None


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("where", ["beside the records", "in a field", "in the parameters", "around", "in a string"])
def test_nesting_of_a_hundred_thousand_costs_one_record_and_no_time(opening: str, where: str) -> None:
    closing = "]" if opening == "[" else "}"
    deep = opening * 100_000 + "1" + closing * 100_000
    odd = json.dumps(record("PutBucketPolicy", bucket="b", key="k"))
    if where == "in a field":
        odd = odd[:-1] + f',"x":{deep}}}'
    elif where == "in the parameters":
        odd = odd.replace('"requestParameters": {', f'"requestParameters": {{"x":{deep},')
    elif where == "in a string":
        odd = json.dumps({"CloudTrailEvent": deep})
    else:
        odd = deep
    data = odd if where == "around" else f'{{"Records":[{odd},{json.dumps(GOOD[0])}]}}'
    begun = time.perf_counter()
    found = decode(data.encode(), "f")
    assert time.perf_counter() - begun < 20
    assert [event.id for event in found.events] == ([] if where == "around" else [GOOD[0]["eventID"]])
    assert lost(found) == 1


@pytest.mark.parametrize("levels", [90, 150, 400, 900])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_records_that_their_readers_could_not_open_are_refused(levels: int, opening: str, closing: str) -> None:
    odd = json.dumps(GOOD[0])[:-1] + ',"x":' + opening * levels + "1" + closing * levels + "}"
    found = decode(f"[{odd},{json.dumps(GOOD[1])}]".encode(), "f")
    refused = levels > 100 and len(odd) > 2048
    assert len(found.events) == (1 if refused else 2)
    assert counts(found) == ({"nested too deeply": 1} if refused else {})
    for event in found.events:
        assert opened(event.raw)


@pytest.mark.parametrize("levels", [200, 500, 800, 900, 960])
def test_what_is_taken_of_short_records_can_be_opened(levels: int) -> None:
    least = (
        '{"eventName":"CreateRole","eventSource":"iam.a","eventTime":"2026-11-24T09:00:00Z","requestParameters":{"x":'
    )
    found = decode(f"[{least}{'[' * levels}{']' * levels}}}}}]".encode(), "f")
    assert len(found.events) + lost(found) == 1
    for event in found.events:
        assert opened(event.raw)
        Analysis().add([event])


@pytest.mark.parametrize("number", ["1e999", "1" * 5000])
def test_many_brackets_beside_an_odd_number_are_no_depth(number: str) -> None:
    odd = json.dumps(GOOD[0])[:-1] + f',"x":[{number}{",{}" * 900}]}}'
    (event,) = decode(f"[{odd}]".encode(), "f").events
    assert opened(event.raw)["x"][0] == number


def test_a_reader_that_is_deep_in_calls_itself_gives_up_in_order() -> None:
    least = '{"eventName":"X","eventSource":"a","eventTime":"2026-11-24T09:00:00Z","x":'
    (event,) = decode(f"[{least}{'[' * 500}{']' * 500}}}]".encode(), "f").events

    def from_below(calls: int) -> dict[str, Any]:
        return opened(event.raw) if calls == 0 else from_below(calls - 1)

    assert "x" in from_below(0)
    assert set(from_below(600)) == {"nestedTooDeeply"}


@pytest.mark.parametrize(
    "document", ["[" * 9000, '{"a":' * 3000, "[" * 3000 + "]" * 3000, "9" * 5000, '{"Statement":1e999}']
)
@pytest.mark.parametrize(
    "name", ["CreateRole", "PutRolePolicy", "CreatePolicyVersion", "PutBucketPolicy", "PutKeyPolicy"]
)
def test_documents_that_were_sent_to_break_their_readers_break_none(name: str, document: str) -> None:
    # A denied call is recorded with its parameters: anybody with a key can write these.
    params = dict.fromkeys(("policyDocument", "assumeRolePolicyDocument", "bucketPolicy", "policy"), document)
    for service in ("iam", "s3", "kms"):
        odd = record(name, service=service, bucket="b", params=params | {"roleName": "r"}, error="AccessDenied")
        Analysis().add(decode(dump([odd, odd | {"errorCode": None, "eventID": "x"}]), "f").events)


@pytest.mark.parametrize(
    ("number", "kept"), [("1e999", "1e999"), ("-1e999", "-1e999"), ("1" * 5000, "1" * 5000), ("7", 7)]
)
def test_records_are_opened_to_values_that_can_be_written_again(number: str, kept: Any) -> None:
    text = json.dumps(GOOD[0])[:-1] + f',"x":{number}}}'
    (event,) = decode(text.encode(), "f").events
    assert opened(event.raw)["x"] == kept
    assert json.loads(json.dumps(opened(event.raw), allow_nan=False))["x"] == kept


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("seconds", ["3600", "999999", "\u00b2", 10**9, -1, 1e300, None])
def test_times_at_the_ends_of_the_calendar_and_odd_durations_end_no_analysis(when: str, seconds: Any) -> None:
    who = session()
    who["sessionContext"]["attributes"]["creationDate"] = when
    answer = {"credentials": {"accessKeyId": "ASIANEW0000000000001", "expiration": when}}
    odd = record("AssumeRole", who, service="sts", params={"durationSeconds": seconds}, answer=answer)
    records = [
        odd,
        odd | {"eventTime": when, "eventID": "x"},
        odd | {"responseElements": None, "eventID": "y"},
        GOOD[0],
    ]
    found = decode(dump(records), "f")
    assert len(found.events) + lost(found) == 4
    analysis = Analysis()
    analysis.add(found.events)
    assert json.dumps(analysis.to_json())


def test_lists_in_lists_do_not_go_deeper_than_the_decoder_follows() -> None:
    for levels in (3, 20, 300):
        found = decode(b"[" * levels + dump(GOOD[0]) + b"]" * levels, "f")
        assert len(found.events) + lost(found) == 1


def test_events_of_256_kb_are_taken_whole() -> None:
    records = [
        record("PutBucketPolicy", bucket="b", params={"policy": "ä" * 128 * 1024, "n": list(range(1000))})
        for _ in range(20)
    ]
    found = decode(gzip.compress(dump({"Records": records}), 1), "f")
    assert len(found.events) == 20
    assert all(len(event.raw) > 256 * 1024 for event in found.events)


# -- wrong types ---------------------------------------------------------------------------------------------------

ODD = [None, True, False, 0, -1, 10**30, 1.5, "", "x", "\ud800", [], [None], [[1]], {}, {"a": {"b": 1}}, ["x", 5, {}]]
PATHS = [
    ("eventName",),
    ("eventSource",),
    ("eventVersion",),
    ("eventTime",),
    ("@timestamp",),
    ("eventID",),
    ("userIdentity",),
    ("userIdentity", "type"),
    ("userIdentity", "arn"),
    ("userIdentity", "accountId"),
    ("userIdentity", "principalId"),
    ("userIdentity", "accessKeyId"),
    ("userIdentity", "userName"),
    ("userIdentity", "invokedBy"),
    ("userIdentity", "onBehalfOf"),
    ("userIdentity", "onBehalfOf", "userId"),
    ("userIdentity", "sessionContext"),
    ("userIdentity", "sessionContext", "attributes"),
    ("userIdentity", "sessionContext", "sessionIssuer"),
    ("userIdentity", "sessionContext", "sessionIssuer", "arn"),
    ("userIdentity", "sessionContext", "sessionIssuer", "type"),
    ("awsRegion",),
    ("recipientAccountId",),
    ("sourceIPAddress",),
    ("userAgent",),
    ("requestParameters",),
    ("requestParameters", "bucketName"),
    ("requestParameters", "key"),
    ("responseElements",),
    ("resources",),
    ("additionalEventData",),
    ("additionalEventData", "bytesTransferredIn"),
    ("additionalEventData", "bytesTransferredOut"),
    ("errorCode",),
    ("errorMessage",),
    ("readOnly",),
    ("managementEvent",),
    ("eventCategory",),
    ("eventType",),
    ("requestID",),
]
NEEDED = {"eventName", "eventSource", "eventTime"}


def put(one: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy of a record with a value somewhere in it."""
    changed = dict(one)
    if len(path) == 1:
        changed[path[0]] = value
    else:
        inner = one.get(path[0])
        changed[path[0]] = put(inner if isinstance(inner, dict) else {}, path[1:], value)
    return changed


def check(event: Event) -> None:
    """What every reader of an event relies on."""
    for name in Event.__struct_fields__:
        assert isinstance(getattr(event, name), bool | int if name.startswith(("read_", "bytes_")) else str | bytes)
    assert event.at is not None
    assert event.name
    assert event.service is not None
    assert 0 <= event.bytes_in < 2**63
    assert 0 <= event.bytes_out < 2**63
    assert isinstance(json.loads(event.raw), dict)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_any_type_in_any_field_costs_at_most_that_record(path: tuple[str, ...]) -> None:
    for value in ODD:
        odd = put(GOOD[0], path, value)
        for wrapping in ("trail file", "LookupEvents page", "NDJSON"):
            found = decode(WRAPPINGS[wrapping]([odd, GOOD[1]]), "f")
            assert found.events[-1].id == GOOD[1]["eventID"]
            assert len(found.events) + lost(found) == 2
            if path[0] not in NEEDED:
                assert len(found.events) == 2
            for event in found.events:
                check(event)
            Analysis().add(found.events)


# -- properties ----------------------------------------------------------------------------------------------------

texts = st.text(max_size=12) | st.sampled_from(["s3.amazonaws.com", "sts.amazonaws.com", "GetObject", "\ud800", at()])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
odd_records = st.lists(st.tuples(st.sampled_from(PATHS), values), min_size=1, max_size=6).map(
    lambda changes: _changed(changes)
)


def _changed(changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    changed = GOOD[0]
    for path, value in changes:
        changed = put(changed, path, value)
    return changed


@settings(max_examples=250, deadline=None)
@given(odd_records)
def test_any_value_in_any_field_is_taken_or_counted_and_never_raises(odd: dict[str, Any]) -> None:
    found = decode(dump({"Records": [odd]}), "f")
    assert len(found.events) + lost(found) == 1
    for event in found.events:
        check(event)


@settings(max_examples=60, deadline=None)
@given(st.lists(odd_records, max_size=4), st.sampled_from(sorted(WRAPPINGS)), st.booleans())
def test_good_neighbours_survive_and_no_record_is_lost_or_made_up(
    odd: list[dict[str, Any]], wrapping: str, shaped: bool
) -> None:
    first, last = (logstash(one) if shaped else one for one in GOOD)
    found = decode(WRAPPINGS[wrapping]([first, *odd, last]), "f")
    assert len(found.events) + lost(found) == len(odd) + 2
    assert found.events[0].id == GOOD[0]["eventID"]
    assert found.events[-1].id == GOOD[1]["eventID"]


@settings(max_examples=60, deadline=None)
@given(st.lists(odd_records, min_size=1, max_size=3), st.sampled_from(sorted(WRAPPINGS)))
def test_what_is_wrapped_decodes_as_what_is_bare(odd: list[dict[str, Any]], wrapping: str) -> None:
    bare, wrapped = decode(dump(odd), "f"), decode(WRAPPINGS[wrapping](odd), "f")
    assert [facts(event) for event in wrapped.events] == [facts(event) for event in bare.events]
    assert counts(wrapped) == counts(bare)


def facts(event: Event) -> tuple[Any, ...]:
    """An event without its JSON, whose spacing differs."""
    return tuple(
        getattr(event, name)
        for name in Event.__struct_fields__
        if name != "raw" and not (name == "id" and event.id.startswith("sha256-"))
    )


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(texts, values, max_size=4), st.sampled_from(sorted(WRAPPINGS)))
def test_what_is_no_record_is_counted_once_and_disturbs_nothing(other: dict[str, Any], wrapping: str) -> None:
    found = decode(WRAPPINGS[wrapping]([GOOD[0], other, GOOD[1]]), "f")
    ids = [event.id for event in found.events]
    assert ids[0] == GOOD[0]["eventID"]
    assert ids[-1] == GOOD[1]["eventID"]
    assert lost(found) == 1
