"""Calls like others are counted and not looked at again: nothing that is said of any may change by it."""

from __future__ import annotations

import json
import random

import pytest

from s3ir_tui.model import Severity
from s3ir_tui.trail import repeats as module
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.event import Event, Judged
from tests.unit.trail_world import ANONYMOUS, BOTO, CLI, EC2, OUTSIDER, Fields, at, event, session, user

_WHO: tuple[Fields, ...] = (
    user(), user("eve", "AKIAEVE0000000000001"), session(), session("etl", "nightly", "ASIAETL0000000000001"),
    ANONYMOUS, OUTSIDER, EC2,
)  # fmt: skip
_NAMES = (
    "GetObject", "GetObject", "GetObject", "ListObjects", "PutObject", "DeleteObject", "HeadObject", "PutBucketPolicy",
    "GetBucketAcl",
)  # fmt: skip
_KEYS = ("a.csv", "b.csv", "backup/.env", "AWSLogs/111122223333/x.json.gz", "READ_ME_NOW_to_restore_files.txt")


def _day(seed: int, count: int = 1500) -> list[Event]:
    """Calls of some principals, most of them like many others, some of them odd; not all in the order of time."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        moment = number * 2.1 + (dice.random() * 40 - 20 if dice.random() < 0.05 else 0)
        made.append(
            event(
                dice.choice(_NAMES),
                dice.choices(_WHO, (9, 9, 9, 5, 1, 1, 1))[0],
                when=at(moment),
                bucket=dice.choice(("payroll", "exports", "logs")),
                key=dice.choices(_KEYS, (20, 20, 1, 1, 0.1))[0],
                address=dice.choices(("10.0.0.5", "10.0.0.6", "203.0.113.9", "198.51.100.4"), (20, 20, 1, 1))[0],
                agent=dice.choices((BOTO, CLI, "S3 Browser/11"), (20, 20, 0.2))[0],
                error="" if dice.random() < 0.9 else "AccessDenied",
            )
        )
    return made


def _said(events: list[Event], look_every: int) -> tuple[list[Judged], list[object], str]:
    analysis = Analysis()
    lines: list[Judged] = []
    views: list[object] = []
    for start in range(0, len(events), look_every):
        lines += analysis.add(events[start : start + look_every])
        views.append((analysis.principals(), analysis.buckets(), analysis.instances()))
        views.append([analysis.pulse(item.id, events[start].at, 10, 12) for item in analysis.principals()])
    return lines, views, json.dumps(analysis.to_json())


@pytest.mark.parametrize("seed", range(4))
def test_a_day_is_told_the_same_as_if_each_call_were_looked_at(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    events = _day(seed)
    lines, views, told = _said(events, 100)
    counted = Analysis()
    counted.add(events)
    assert len(counted._repeats._kinds) > 20
    monkeypatch.setattr(module, "may_repeat", lambda _event, _profile: False)
    every_line, every_view, every_told = _said(events, 100)
    assert lines == every_line
    assert views == every_view
    assert told == every_told
    assert any(line.severity > Severity.LOW for line in lines)


def test_a_call_like_others_counts_for_principal_bucket_and_pulse() -> None:
    analysis = Analysis()
    calls = [event("GetObject", user(), when=at(number / 60), bucket="payroll", key="a.csv") for number in range(300)]
    analysis.add(calls)
    (principal,), (bucket,) = analysis.principals(), analysis.buckets()
    assert (principal.events, principal.reads, bucket.reads, principal.last) == (300, 300, 300, at(299 / 60))
    allowed, denied = analysis.pulse(principal.id, calls[-1].at, 60, 6)
    assert (sum(allowed), sum(denied)) == (300, 0)
    assert analysis.last_ok(principal.id) == at(299 / 60) == analysis.last


def test_keys_of_our_own_that_become_known_later_raise_no_suspicion_from_then_on() -> None:
    analysis = Analysis()
    calls = [event("GetObject", user(), when=at(number / 60), bucket="payroll", key="a.csv") for number in range(60)]
    analysis.add(calls[:40])
    analysis.own_keys = frozenset({calls[0].access_key})
    assert all(line.ours for line in analysis.add(calls[40:]))
