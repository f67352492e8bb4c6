"""The scenarios of a game day, by name."""

from __future__ import annotations

from collections.abc import Mapping

from s3ir_tui.gameday.scenario import Scenario
from s3ir_tui.gameday.scenarios import leaked_key, public_bucket, quiet_day, reverse_proxy

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (leaked_key.SCENARIO, reverse_proxy.SCENARIO, public_bucket.SCENARIO, quiet_day.SCENARIO)
}
