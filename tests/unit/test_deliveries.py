"""Gaps in the delivery of a trail's files: said where a steady Region stops, never of one that was not steady."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from s3ir_tui.trail.sources.delivery import Deliveries

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def key(region: str, at: datetime) -> str:
    folder = f"AWSLogs/111122223333/CloudTrail/{region}/{at:%Y/%m/%d}"
    return f"{folder}/111122223333_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_AbCdEfGhIjKlMnOp.json.gz"


def deliveries(**regions: Iterable[int]) -> Deliveries:
    """Files of each Region, so many minutes ago."""
    made = Deliveries()
    for region, ages in regions.items():
        for age in ages:
            made.add(key(region.replace("_", "-"), NOW - timedelta(minutes=age)))
    return made


def test_steady_delivery_has_no_gap() -> None:
    assert deliveries(eu_west_1=range(2, 600, 5), us_east_1=range(4, 600, 9)).gaps(NOW) == ""


def test_a_region_that_stops_while_others_go_on_is_said_with_the_time() -> None:
    found = deliveries(eu_west_1=range(75, 600, 5), us_east_1=range(4, 600, 5)).gaps(NOW)
    assert found == "no file from eu-west-1 since 2026-11-24 10:45Z, while others come (newest 2026-11-24 11:56Z)"


def test_a_trail_that_stops_altogether_is_said_without_others() -> None:
    assert deliveries(eu_west_1=range(75, 600, 5)).gaps(NOW) == "no file from eu-west-1 since 2026-11-24 10:45Z"


def test_a_hole_that_has_ended_is_said_with_both_ends() -> None:
    found = deliveries(eu_west_1=[*range(2, 100, 5), *range(222, 600, 5)]).gaps(NOW)
    assert found == "no file from eu-west-1 from 2026-11-24 08:18Z to 2026-11-24 10:23Z"


def test_a_region_with_few_or_irregular_files_says_nothing_by_its_silence() -> None:
    assert deliveries(sa_east_1=[300, 200], us_east_1=range(4, 600, 5)).gaps(NOW) == ""
    assert deliveries(sa_east_1=range(300, 2000, 90), us_east_1=range(4, 2000, 5)).gaps(NOW) == ""


def test_pauses_that_are_usual_for_a_region_are_no_gap() -> None:
    assert deliveries(eu_west_1=range(40, 900, 14)).gaps(NOW) == ""


def test_a_late_file_under_an_older_name_closes_the_hole() -> None:
    made = deliveries(eu_west_1=[*range(2, 100, 5), *range(152, 600, 5)])
    assert made.gaps(NOW)
    for age in range(102, 150, 5):
        made.add(key("eu-west-1", NOW - timedelta(minutes=age)))
    assert made.gaps(NOW) == ""


def test_many_gaps_are_counted_and_odd_names_ignored() -> None:
    made = deliveries(**{f"eu_west_{n}": range(75 + n, 600, 5) for n in range(4)}, us_east_1=range(4, 600, 5))
    made.add("AWSLogs/someone/put/this.json.gz")
    made.add("a_CloudTrail_b_notatime_x.json.gz")
    found = made.gaps(NOW)
    assert found.startswith("no file from eu-west-3 since")
    assert found.endswith("; 2 more")
