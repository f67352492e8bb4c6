"""A day of the workload alone, in the embedded account: nobody is accused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from s3ir_tui.gameday.day import GameDay
from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Judged


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """What CloudTrail recorded of a day on which nobody attacks, the weeks before it included."""
    with GameDay.start("quiet-day", pace=40) as day:
        assert len(day.pids) == 1  # the workload alone
        end = time.monotonic() + 25
        while len(day.server.control("events")) < 520:
            assert time.monotonic() < end, "the workload does not work"
            time.sleep(0.3)
        told = day.debrief()
        found = day.server.control("events")
    assert (told.held, told.undo_tried, told.out.objects) == (0, 0, 0)
    assert {job.state for job in told.jobs} == {"unharmed"}
    assert "nothing: there was nobody to find" in "\n".join(told.lines())
    return found


def test_nothing_is_above_medium(records: list[dict[str, Any]]) -> None:
    analysis, judged = Analysis(), list[Judged]()
    for item in records:
        judged += analysis.add([decode_record(json.dumps(item).encode())])
    assert len(judged) >= 520
    assert [line.reasons for line in judged if line.severity > Severity.MEDIUM] == []
    for seen in (*analysis.principals(), *analysis.buckets(), *analysis.instances()):
        assert seen.severity <= Severity.MEDIUM, seen
    names = {item.id.rsplit("/", 1)[-1] for item in analysis.principals()}
    assert "order-desk" in names


def test_no_one_attacks_and_several_addresses_are_used(records: list[dict[str, Any]]) -> None:
    agents = {item["userAgent"] for item in records}
    assert not any("kali" in agent or "S3 Browser" in agent for agent in agents)
    assert {"52.29.10.4", "3.121.77.9"} <= {item["sourceIPAddress"] for item in records}
