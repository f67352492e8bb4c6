"""Flags over environment over configuration file; what is not known is an error that names the nearest."""

from __future__ import annotations

import stat
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s3ir_tui.settings import (
    Settings,
    SettingsError,
    case_folder,
    cases_root,
    config_file,
    duration,
    find_case,
    make_private,
    resolve,
)

ROLE = "arn:aws:iam::111122223333:role/BreakGlass"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_flag_wins_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    config = written(tmp_path, 'profile = "file"\nregion = "file"\nrole_arn = "file"\n')
    env = {"S3IR_PROFILE": "env", "S3IR_REGION": "env"}
    found = resolve({"profile": "flag", "region": None}, env=env, config=config)
    assert (found.profile, found.region, found.role_arn) == ("flag", "env", "file")


def test_nothing_given_leaves_the_defaults() -> None:
    found = resolve({}, env={"HOME": "/home/alice"})
    assert found == Settings(cases=Path("/home/alice/.local/state/s3ir-tui/cases"))


def test_places_follow_xdg_and_ignore_relative_values() -> None:
    env = {"HOME": "/home/alice", "XDG_STATE_HOME": "/var/state", "XDG_CONFIG_HOME": "relative"}
    assert cases_root(env) == Path("/var/state/s3ir-tui/cases")
    assert config_file(env) == Path("/home/alice/.config/s3ir-tui/config.toml")


def test_configuration_is_found_in_its_place_and_by_environment(tmp_path: Path) -> None:
    place = config_file({"XDG_CONFIG_HOME": str(tmp_path)})
    make_private(place.parent)
    place.write_text('region = "eu-central-1"')
    other = written(tmp_path, 'region = "eu-north-1"')
    assert resolve({}, env={"XDG_CONFIG_HOME": str(tmp_path)}).region == "eu-central-1"
    env = {"XDG_CONFIG_HOME": str(tmp_path), "S3IR_CONFIG": str(other)}
    assert resolve({}, env=env).region == "eu-north-1"


def test_unknown_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"config\.toml: unknown key break-glas; did you mean break_glass\?"):
        resolve({}, env={}, config=written(tmp_path, 'break-glas = ["x"]'))


def test_unknown_environment_variable_is_named_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"S3IR_REGON; did you mean S3IR_REGION\?"):
        resolve({}, env={"S3IR_REGON": "eu-west-1"})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("since = 3", "since"),
        ('since = "soon"', "24h"),
        ('mouse = "maybe"', "neither true nor false"),
        ("break_glass = [1]", "not a text"),
        ('break_glass = ["alice"]', "not the ARN"),
        ("profile = [", "cannot be read"),
    ],
)
def test_value_without_sense_is_an_error_that_names_the_file(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what) as caught:
        resolve({}, env={}, config=written(tmp_path, text))
    assert "config.toml" in str(caught.value)


def test_named_configuration_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such configuration file"):
        resolve({}, env={}, config=tmp_path / "none.toml")


def test_lists_come_as_arrays_and_as_words(tmp_path: Path) -> None:
    config = written(tmp_path, f'break_glass = ["{ROLE}"]\nsources = ["lookup"]')
    assert resolve({}, env={}, config=config).break_glass == (ROLE,)
    assert resolve({}, env={"S3IR_SOURCES": "lookup, bucket"}).sources == ("lookup", "bucket")
    assert resolve({"sources": ["bucket"]}, env={"S3IR_SOURCES": "lookup"}).sources == ("bucket",)


def test_every_setting_can_be_set_by_environment() -> None:
    values = {
        "cases": "/c",
        "endpoint_url": "http://127.0.0.1:5000",
        "since": "7d",
        "quiet": "10m",
        "plan_age": "1m",
        "mouse": "on",
        "break_glass": ROLE,
        "sources": "lookup",
        "duration": "8h",
    }
    env = {f"S3IR_{field.name.upper()}": values.get(field.name, "text") for field in fields(Settings)}
    found = resolve({}, env=env)
    assert found.since == timedelta(days=7)
    assert found.quiet == timedelta(minutes=10)
    assert found.mouse is True
    assert all(getattr(found, field.name) for field in fields(Settings))


@pytest.mark.parametrize("text", ["", "0h", "-1h", "1w", "h", "1.5h", "24"])
def test_duration_refuses_what_is_none(text: str) -> None:
    with pytest.raises(SettingsError):
        duration(text)


def test_case_is_a_name_among_the_cases_or_a_folder() -> None:
    cases = Path("/cases")
    assert case_folder(Settings(case="IR-42", cases=cases)) == cases / "IR-42"
    assert case_folder(Settings(case="./IR-42", cases=cases)) == Path("IR-42")
    assert case_folder(Settings(case="/tmp/IR-42", cases=cases)) == Path("/tmp/IR-42")
    new = case_folder(Settings(cases=cases), kind="gameday", now=datetime(2026, 11, 24, 9, 14, 7, tzinfo=UTC))
    assert new == cases / "gameday-261124-091407"


@pytest.mark.parametrize("name", ["IR 42", "-x", "a\x1b[2J"])
def test_case_name_that_cannot_be_a_folder_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a case"):
        case_folder(Settings(case=name, cases=Path("/cases")))


def test_recorded_case_is_found_by_name_or_the_nearest_is_named(tmp_path: Path) -> None:
    settings = Settings(cases=tmp_path)
    (tmp_path / "IR-42").mkdir()
    assert find_case(settings, "IR-42") == tmp_path / "IR-42"
    assert find_case(settings, str(tmp_path / "IR-42")) == tmp_path / "IR-42"
    with pytest.raises(SettingsError, match=r"no case IR-43.*did you mean IR-42\?"):
        find_case(settings, "IR-43")


def test_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    folder = make_private(tmp_path / "state" / "cases" / "IR-42")
    for place in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('since = "' + "9" * 100_000 + 'h"', "is not a length of time"),
        ("since = " + "1" * 5_000, "cannot be read"),
        ("cases = " + "[" * 5_000 + "]" * 5_000, "cannot be read"),
        ('endpoint_url = "file:///etc/passwd"', "is no endpoint"),
    ],
)
def test_senseless_settings_end_in_one_short_message(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as told:
        resolve({}, env={}, config=written(tmp_path, text))
    assert len(str(told.value)) < 400
