"""The scenarios with the attacker at work, while changes show late, take effect late, and writes clash."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, keys_of

from actions.plan import Plan, Refusal
from s3ir_tui.aws.account import Account
from s3ir_tui.gameday.actor import read_log
from s3ir_tui.gameday.day import GameDay
from s3ir_tui.journal import Journal

pytestmark = pytest.mark.slow

TROUBLE: Mapping[str, Mapping[str, float]] = {
    "none": {},
    "late reads": {"read_lag": 2.0},
    "late enforcement": {"delay": 1.5},
    "clashes": {"clash": 0.4},
    "all of it": {"read_lag": 1.5, "delay": 1.0, "clash": 0.3},
}
HARMLESS = frozenset({"GetCallerIdentity"})
"""Calls that no policy can deny."""

CREDENTIALS = {"leaked-key": 4, "reverse-proxy": 2, "public-bucket": 1}
"""How many credentials the attacker holds once its opening moves are made."""


@contextmanager
def played(name: str, case: Path, settings: Mapping[str, float]) -> Iterator[tuple[GameDay, Scene]]:
    """A scenario with attacker and workload, and the console of its responder on it."""
    given = {key: value for key, value in settings.items() if key != "delay"}
    delay = settings.get("delay", 0.0)
    with (
        GameDay.start(name, pace=5, delay=delay, settings=given) as day,
        Journal.open(case, about={}, poll_seconds=0) as journal,
    ):
        until(lambda: len(day.snapshot()["attacker"]) >= CREDENTIALS[name], "the opening moves of the attacker")
        until(lambda: at_work(day), "the attacker has opened its way back and reads")
        info = day.snapshot()
        account = Account.connect(
            region=info["region"], endpoint_url=info["endpoint_url"], credentials=keys_of(info["responder"])
        )
        yield day, Scene(day.server, account, journal, tuple(info["console"]["break_glass"]))


def until(condition: Callable[[], bool], what: str, seconds: float = 40) -> None:
    waiting = threading.Event()
    for _ in range(int(seconds / 0.2)):
        if condition():
            return
        waiting.wait(0.2)
    pytest.fail(f"not within {seconds} s: {what}")


def at_work(day: GameDay) -> bool:
    lines = read_log(day.log("attacker"))
    opened = any(line["kind"] == "persist" and line["ok"] for line in lines)
    return len(lines) > 6 and (opened or day.scenario.name != "leaked-key")


def plan_of(scene: Scene, day: GameDay) -> Plan:
    name = day.scenario.name
    if name == "public-bucket":
        return scene.desk.plan("contain.block-public-access", {"bucket": (day.info["buckets"][0],)})
    if name == "leaked-key":
        return scene.desk.plan("contain.lineage", {"principal": (day.info["principals"][0],)})
    sessions = [item for item in scene.history().principals() if ":assumed-role/web-proxy-role/" in item.id]
    return scene.desk.plan("contain.lineage", {"principal": (max(sessions, key=lambda s: len(s.addresses)).id,)})


def run_current(scene: Scene, day: GameDay) -> Any:
    """Run the plan; while the attacker is at work it can be out of date when it is confirmed, and is made again."""
    for _ in range(3):
        try:
            return scene.run(plan_of(scene, day))
        except Refusal as refusal:
            if "out of date" not in str(refusal):
                raise
    pytest.fail("the plan was out of date three times")


def reached(day: GameDay, after: int) -> list[str]:
    """What succeeded of the attacker since a place in the trail."""
    info = day.snapshot()
    keys = {item.get("aws_access_key_id") for item in info["attacker"]} - {None}
    strangers = day.scenario.name == "public-bucket"
    records = day.server.control("events")[after:]
    theirs = [
        record
        for record in records
        if record["userIdentity"].get("accessKeyId") in keys - stolen_and_used(day)
        or (strangers and record["userIdentity"].get("accountId") == "anonymous")
    ]
    return [r["eventName"] for r in theirs if not r.get("errorCode") and r["eventName"] not in HARMLESS]


def stolen_and_used(day: GameDay) -> set[str | None]:
    """Keys that the workload holds as well."""
    return {item.get("aws_access_key_id") for item in day.snapshot()["workload"]}


def tries(day: GameDay) -> int:
    return sum(line["kind"] == "undo" for line in read_log(day.log("attacker")))


def undo_all(scene: Scene, ref: str) -> None:
    """Undo a plan whole: compromised keys come back in a plan of their own."""
    while scene.desk.done() and not next(item for item in scene.desk.done() if item.ref == ref).undone_by:
        scene.undo(ref)


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("name", CREDENTIALS)
def test_what_is_contained_stays_contained_and_its_undo_gives_back_what_was(
    name: str, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.moment.AHEAD", timedelta(seconds=4))
    monkeypatch.setattr("actions.contain.lineage.HOLD_SECONDS", 3.0)
    settings = TROUBLE[trouble]
    with played(name, tmp_path / "case", settings) as (day, scene):
        before = scene.state()
        result = run_current(scene, day)
        assert result.ok, result.details
        threading.Event().wait(settings.get("delay", 0.0) + settings.get("read_lag", 0.0))
        mark, tried = len(day.server.control("events")), tries(day)
        until(lambda: tries(day) >= tried + 4, "the attacker tries to undo it")
        assert reached(day, mark) == []
        found = scene.desk.in_place(result.plan_ref)
        assert found.in_place == found.changes > 0
        day.halt()

        scene.ahead = timedelta(hours=13)
        undo_all(scene, result.plan_ref)
        day.server.control("settings", {"read_lag": 0.0})
        assert scene.state() == before
