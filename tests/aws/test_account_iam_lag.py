"""IAM shows changes late, and writes that clash are refused, when the account is told so."""

from __future__ import annotations

import time
from typing import Any

import pytest
from account_world import World, allow, document, refusal

from s3ir_tui.gameday.account_settings import SettingError, read_settings
from s3ir_tui.gameday.process import AccountServer


@pytest.fixture
def iam(world: World) -> Any:
    """IAM as an administrator uses it."""
    return world.client("iam", world.user("admin", allow("*")))


def _names(iam: Any) -> set[str]:
    return {user["UserName"] for user in iam.list_users()["Users"]}


def _wait_until_shown(iam: Any, name: str, *, seconds: float) -> float:
    began = time.monotonic()
    while name not in _names(iam):
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


def test_reads_show_a_change_only_after_the_lag(world: World, iam: Any) -> None:
    world.user("bob")
    world.server.control("settings", {"read_lag": 1.5})
    iam.put_user_policy(UserName="bob", PolicyName="deny", PolicyDocument=document(allow("s3:*")))
    iam.create_user(UserName="carol")
    assert iam.list_user_policies(UserName="bob")["PolicyNames"] == []
    assert refusal(iam.get_user_policy, UserName="bob", PolicyName="deny") == "NoSuchEntity"
    assert refusal(iam.get_user, UserName="carol") == "NoSuchEntity"
    assert 1 < _wait_until_shown(iam, "carol", seconds=10) < 5
    assert iam.list_user_policies(UserName="bob")["PolicyNames"] == ["deny"]


def test_each_of_several_changes_shows_in_its_turn(world: World, iam: Any) -> None:
    world.server.control("settings", {"read_lag": 1.0})
    iam.create_user(UserName="first")
    time.sleep(0.6)
    iam.create_user(UserName="second")
    _wait_until_shown(iam, "first", seconds=10)
    assert "second" not in _names(iam)
    _wait_until_shown(iam, "second", seconds=10)


def test_enforcement_does_not_wait_for_reads(world: World, iam: Any) -> None:
    world.bucket("books", a=b"1")
    key = world.user("bob", allow("s3:*"))
    world.server.control("settings", {"read_lag": 30})
    iam.delete_user_policy(UserName="bob", PolicyName="own")
    assert iam.list_user_policies(UserName="bob")["PolicyNames"] == ["own"]
    assert refusal(world.client("s3", key).get_object, Bucket="books", Key="a") == "AccessDenied"


def test_writes_see_the_state_that_was_written(world: World, iam: Any) -> None:
    world.server.control("settings", {"read_lag": 30})
    iam.create_user(UserName="bob")
    assert refusal(iam.create_user, UserName="bob") == "EntityAlreadyExists"
    assert refusal(iam.put_user_policy, UserName="bob", PolicyName="p", PolicyDocument=document(allow("s3:*"))) == ""


def test_a_second_write_to_one_identity_clashes_within_the_window(world: World, iam: Any) -> None:
    world.user("bob")
    world.user("carol")
    put, text = iam.put_user_policy, document(allow("s3:*"))
    world.server.control("settings", {"clash": 0.5})
    assert refusal(put, UserName="bob", PolicyName="one", PolicyDocument=text) == ""
    assert refusal(put, UserName="bob", PolicyName="two", PolicyDocument=text) == "ConcurrentModification"
    assert refusal(put, UserName="carol", PolicyName="one", PolicyDocument=text) == ""
    time.sleep(0.6)
    assert refusal(put, UserName="bob", PolicyName="two", PolicyDocument=text) == ""
    world.server.control("settings", {"clash": 0})
    assert refusal(put, UserName="bob", PolicyName="three", PolicyDocument=text) == ""


def test_settings_can_be_given_at_the_start() -> None:
    with AccountServer.start(read_lag=2.5, late_share=0.25) as server:
        settings = server.control("settings")
        assert (settings["read_lag"], settings["late_share"], settings["clash"]) == (2.5, 0.25, 0.0)


def test_settings_of_a_command_line_are_read() -> None:
    assert read_settings(["read-lag=3", "late_share=0.5"]) == {"read_lag": 3.0, "late_share": 0.5}


@pytest.mark.parametrize("text", ["read-lag", "read-lag=slow", "speed=3", "late-share=2", "delay=-1", "lag=nan"])
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(SettingError):
        read_settings([text])
