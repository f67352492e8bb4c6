"""Adding up: a folder read at speed says the same as its events one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from trail_world import ACCOUNT, ANONYMOUS, BOTO, CLI, EC2, OUTSIDER, at, record, session, user

from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.call import decode_calls
from s3ir_tui.trail.bulk.sum import Sum
from s3ir_tui.trail.bulk.tally import Tally
from s3ir_tui.trail.decode import decode
from s3ir_tui.trail.detections import RULES

Fields = dict[str, Any]


def one_by_one(records: Sequence[Fields]) -> Analysis:
    made = Analysis()
    made.add(decode(json.dumps({"Records": records}).encode(), "file").events)
    return made


def added_up(*files: Sequence[Fields]) -> Analysis:
    made = Analysis()
    for records in files:
        tally = Tally()
        tally.add_calls(decode_calls(json.dumps({"Records": records}).encode()).Records, "file")
        total = msgspec.msgpack.decode(msgspec.msgpack.encode(tally.sum()), type=Sum)
        assert made.add_sum(total) == set()
    return made


def told(analysis: Analysis) -> Fields:
    """What is printed, with samples of events in one order: which twenty of many are kept depends on the way."""
    found = analysis.to_json()
    for kind in ("principals", "buckets", "instances"):
        for item in found[kind]:
            for evidence in item["evidence"]:
                evidence["events"] = sorted(evidence["events"])
            for name in ("addresses", "access_keys", "buckets", "principals"):
                if name in item:
                    item[name] = sorted(item[name])
    return found


PRINCIPALS = (user(), user("eve", "ASIAEVE0000000000001"), session(), session("etl", "job-7", "ASIAETL0000000000001"),
              ANONYMOUS, OUTSIDER, EC2)  # fmt: skip
NAMES = tuple(sorted({"GetObject", "PutObject", "ListObjects", "DeleteObject", "HeadObject", "AssumeRole", "DescribeInstances"}
                     | {name for rule in RULES for name in rule.events}))  # fmt: skip
SERVICES = ("s3", "iam", "sts", "kms", "cloudtrail", "ec2", "ssm")
PARAMETERS: tuple[Fields, ...] = (
    {},
    {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    {"x-amz-bypass-governance-retention": "true"},
    {"x-amz-acl": "public-read"},
    {"userName": "mallory", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/etl", "roleSessionName": "x"},
    {"VersioningConfiguration": {"Status": "Suspended"}},
    {"kmsKeyArn": "arn:aws:kms:us-east-1:999988887777:key/1"},
)
ANSWERS: tuple[Fields | None, ...] = (None, {"credentials": {"accessKeyId": "ASIANEW0000000000001"}})

records = st.builds(
    lambda name, service, who, minutes, bucket, key, params, answer, error, address, agent: record(
        name, who, service=service, when=at(minutes), bucket=bucket, key=key, params=params, answer=answer, error=error,
        address=address, agent=agent,
    ),  # fmt: skip
    st.sampled_from(NAMES),
    st.sampled_from(SERVICES),
    st.sampled_from(PRINCIPALS),
    st.integers(0, 3000),
    st.sampled_from(("data", "logs", "")),
    st.sampled_from(("a.csv", "id_rsa", "AWSLogs/1/x.json.gz", "HOW_TO_DECRYPT.txt", "")),
    st.sampled_from(PARAMETERS),
    st.sampled_from(ANSWERS),
    st.sampled_from(("", "AccessDenied", "NoSuchKey")),
    st.sampled_from(("10.0.0.1", "198.51.100.7", "203.0.113.9")),
    st.sampled_from((BOTO, CLI)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(records, max_size=60))
def test_adding_up_says_the_same_as_one_by_one(made: list[Fields]) -> None:
    half = len(made) // 2
    assert told(added_up(made[:half], made[half:])) == told(one_by_one(made))
