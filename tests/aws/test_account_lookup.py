"""LookupEvents: one allowance for all callers of an account, delivery that is late, and later still for some."""

from __future__ import annotations

import time
from typing import Any

import pytest
from account_world import World, allow, refusal
from botocore.exceptions import ClientError


def _ask(client: Any) -> str:
    return refusal(client.lookup_events, MaxResults=1)


def test_all_callers_of_an_account_share_one_allowance(world: World) -> None:
    keys = [world.user(name, allow("cloudtrail:*")) for name in ("bob", "carol", "dave")]
    clients = [world.client("cloudtrail", key) for key in keys]
    codes = [_ask(client) for client in clients * 2]
    assert codes[:2] == ["", ""]
    assert codes.count("ThrottlingException") >= 3
    elsewhere = world.client("cloudtrail", keys[0], region="eu-west-1")
    assert _ask(elsewhere) == ""


def test_a_throttled_call_says_that_the_rate_was_exceeded(world: World) -> None:
    client = world.client("cloudtrail", world.user("bob", allow("cloudtrail:*")))
    while not _ask(client):
        pass
    with pytest.raises(ClientError, match="Rate exceeded"):
        client.lookup_events(MaxResults=1)


def test_the_allowance_fills_up_again(world: World) -> None:
    client = world.client("cloudtrail", world.user("bob", allow("cloudtrail:*")))
    while not _ask(client):
        pass
    time.sleep(0.7)
    assert [_ask(client), _ask(client)] == ["", "ThrottlingException"]


def test_the_rate_can_be_set(world: World) -> None:
    world.server.control("settings", {"lookup_rate": 1000})
    client = world.client("cloudtrail", world.user("bob", allow("cloudtrail:*")))
    assert {_ask(client) for _ in range(10)} == {""}


def test_a_share_of_the_events_comes_late(world: World) -> None:
    world.server.control("settings", {"lookup_rate": 1000, "late_share": 0.5, "late_seconds": 600})
    key = world.user("bob", allow("*"))
    ec2, trail = world.client("ec2", key), world.client("cloudtrail", key)
    for _ in range(40):
        ec2.describe_regions()
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "DescribeRegions"}]
    shown = len(trail.lookup_events(LookupAttributes=wanted)["Events"])
    assert 5 <= shown <= 35
    assert len(world.events("DescribeRegions")) == 40


def test_what_is_late_is_shown_in_the_order_of_event_time_once_it_comes(world: World) -> None:
    world.server.control("settings", {"lookup_rate": 1000, "late_share": 0.5, "late_seconds": 2})
    key = world.user("bob", allow("*"))
    ec2, trail = world.client("ec2", key), world.client("cloudtrail", key)
    for _ in range(20):
        ec2.describe_regions()
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "DescribeRegions"}]
    deadline = time.monotonic() + 10
    while len(found := trail.lookup_events(LookupAttributes=wanted)["Events"]) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    times = [event["EventTime"] for event in found]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-south-2"])
def test_events_are_found_in_the_region_of_the_call_and_those_of_iam_in_virginia(world: World, region: str) -> None:
    world.server.control("settings", {"lookup_rate": 1000})
    key = world.user("bob", allow("*"))
    world.client("ec2", key, region=region).describe_regions()
    world.client("iam", key, region=region).list_users()

    def names(place: str) -> set[str]:
        return {e["EventName"] for e in world.client("cloudtrail", key, region=place).lookup_events()["Events"]}

    assert "DescribeRegions" in names(region)
    assert "ListUsers" in names("us-east-1")
    assert region == "us-east-1" or "ListUsers" not in names(region)
