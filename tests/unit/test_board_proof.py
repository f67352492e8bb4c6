"""QUIET is said only where a call of the actor would have been seen; else what is missing is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trail_world import START, at

from s3ir_tui.board.proof import Actor, proof
from s3ir_tui.board.reach import Reach
from s3ir_tui.model import State, iso
from s3ir_tui.trail.coverage import Coverage
from s3ir_tui.trail.selectors import Logged
from s3ir_tui.trail.watch import Proof, Seen, Watch

QUIET = timedelta(minutes=30)
ACTOR = Actor({"payroll": "us-east-1"})
NOW = START + timedelta(minutes=40)
ALL, PART, NONE, UNKNOWN = Logged.ALL, Logged.PART, Logged.NONE, Logged.UNKNOWN


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def lookup(region: str = "us-east-1", **more: Any) -> Reach:
    return replace(Reach(f"lookup {region}", NOW, 120.0, NOW, regions=(region,)), **more)


def bucket(**more: Any) -> Reach:
    return replace(Reach("bucket logs", NOW, 300.0, NOW - timedelta(minutes=1), data=True), **more)


def logged(reads: Logged = ALL, writes: Logged = ALL, **more: Any) -> Coverage:
    return replace(Coverage("payroll", "org", "", "", reads, writes, sources=("bucket logs",)), **more)


def missing(
    *sources: Reach, coverage: Sequence[Coverage] | None = (logged(),), actor: Actor = ACTOR, **more: Any
) -> tuple[str, ...]:
    covers = {} if coverage is None else {"payroll": tuple(coverage)}
    return proof(actor, sources, covers, START, NOW, **more).missing


def test_where_all_is_read_and_logged_silence_is_proof_up_to_the_slowest_source() -> None:
    found = proof(ACTOR, (lookup(), bucket()), {"payroll": (logged(),)}, START, NOW)
    assert found == Proof(NOW - timedelta(minutes=5), timedelta(minutes=5))


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ((lookup(failing_since=minute(37), error="Throttling"), bucket()), "lookup us-east-1 failing for 3m00"),
        ((lookup(caught_up=False, progress="14 of 24 h"), bucket()), "still being read: 14 of 24 h"),
        ((lookup(complete_to=None), bucket()), "lookup us-east-1 has not been read to the present yet"),
        ((lookup(complete_to=minute(30)), bucket()), "lookup us-east-1 has not been read for 10m00"),
        ((lookup(), bucket(newest=None)), "lag of bucket logs not measured yet"),
        ((lookup(), bucket(newest=minute(10))), "bucket logs has brought nothing for 30m00"),
        ((lookup(), bucket(remark="bucket logs: trail org is not logging since 09:10Z")), "trail org is not logging"),
        ((lookup(),), "no source brings S3 data events"),
        ((bucket(), lookup(failing_since=minute(1))), "lookup us-east-1 failing for 39m00"),
        ((lookup("eu-west-1"), bucket(regions=("eu-west-1",))), "no source reads the management calls of us-east-1"),
        ((bucket(regions=("us-east-1",)),), "management calls outside us-east-1 are not read"),
        ((Reach("queue alerts", NOW, 1.0, NOW, reads=False, regions=("us-east-1",)), bucket(regions=("us-east-1",),
          reads=False)), "no source reads the management calls of us-east-1"),
        ((lookup(), bucket(late=3600.0)), "calls may come 1h00 late, a quiet time of 30m00 is too short"),
    ],
)  # fmt: skip
def test_a_source_that_could_miss_a_call_is_named_with_its_reason(sources: tuple[Reach, ...], reason: str) -> None:
    assert any(reason in text for text in missing(*sources)), missing(*sources)


@pytest.mark.parametrize(
    ("coverage", "reason"),
    [
        (None, "what is logged of payroll is not known yet"),
        ((logged(NONE),), "reads of payroll are not logged"),
        ((logged(ALL, NONE),), "writes of payroll are not logged"),
        ((logged(PART, limits=("only q3/*",)),), "reads of payroll are logged in part: only q3/*"),
        ((logged(UNKNOWN, UNKNOWN, reason="AccessDenied"),), "what is logged of payroll is not known: AccessDenied"),
        ((logged(since=at(20)),), "reads of payroll are logged only since 09:20:00Z"),
        ((logged(until=at(20)),), "reads of payroll are not logged"),
        ((logged(sources=("bucket of-others",)),), "reads of payroll are logged by trail org, which no source reads"),
    ],
)
def test_a_bucket_that_the_actor_touched_must_be_logged_by_a_trail_that_is_read(
    coverage: tuple[Coverage, ...] | None, reason: str
) -> None:
    assert missing(lookup(), bucket(), coverage=coverage) == (reason,)


def test_a_trail_that_logs_writes_of_another_bucket_covers_no_reads_of_this_one() -> None:
    assert missing(lookup(), bucket(), coverage=(logged(NONE, NONE),)) == ("reads of payroll are not logged",)


def test_two_trails_cover_a_bucket_together() -> None:
    assert missing(lookup(), bucket(), coverage=(logged(ALL, NONE), logged(NONE, ALL))) == ()


def test_a_change_of_a_trail_that_was_not_read_yet_is_named() -> None:
    changed = missing(lookup(), bucket(), changed_at=at(30), read_at=at(25))
    assert changed == ("a trail was changed at 09:30:00Z, what is logged since has not been read yet",)
    assert missing(lookup(), bucket(), changed_at=at(30), read_at=at(31)) == ()


def test_holes_that_ended_before_the_containment_do_not_matter_and_later_ones_do() -> None:
    old = "bucket logs: no file from eu-west-1 from 2026-11-24 03:00Z to 2026-11-24 05:00Z; 2 more"
    new = "bucket logs: no file from eu-west-1 from 2026-11-24 09:05Z to 2026-11-24 09:25Z"
    assert missing(lookup(), bucket(remark=old)) == ()
    assert "no file from eu-west-1" in missing(lookup(), bucket(remark=new))[0]


def test_a_region_without_events_is_as_late_as_the_others() -> None:
    found = proof(ACTOR, (lookup(), lookup("eu-west-1", late=None, newest=None), bucket(late=60.0)),
                  {"payroll": (logged(),)}, START, NOW)  # fmt: skip
    assert (found.missing, found.delay) == ((), timedelta(minutes=2))


def test_requests_without_credentials_are_seen_where_the_bucket_is() -> None:
    actor = Actor({"payroll": "eu-west-1"}, anonymous=True)
    assert missing(lookup("eu-west-1"), bucket(regions=("eu-west-1",)), actor=actor) == ()


def test_files_hold_the_past_and_prove_nothing() -> None:
    files = Reach("files", NOW, 0.0, NOW, data=True)
    assert "no source brings S3 data events: reads of objects are not seen" in missing(lookup(), files)


# -- random histories --------------------------------------------------------------------------------

END = 120
Span = tuple[int, int]
spans = st.lists(st.tuples(st.integers(0, END), st.integers(1, 50)), max_size=2).map(tuple)


def inside(span: Sequence[Span], when: float) -> bool:
    return any(begin <= when < begin + length for begin, length in span)


@dataclass
class Simulated:
    """A source with a history: outages, times of backlog (only the newest is read), times without delivery."""

    name: str
    regions: tuple[str, ...]
    data: bool
    base: float
    outages: tuple[Span, ...]
    slow: tuple[Span, ...]
    cut: tuple[Span, ...]
    reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach(self.name, caught_up=False, regions=self.regions, data=self.data)
        self.read: set[int] = set()
        self.polled = False

    def poll(self, now: int, calls: Sequence[Call], logs: bool) -> None:
        """One look, a minute after the last."""
        if inside(self.outages, now):
            since = self.reach.failing_since or minute(now)
            self.reach = replace(self.reach, failing_since=since, error="AccessDenied")
            return
        there = [call for call in calls if self._shows(call, logs) and call.at + self.base + call.late <= now]
        new = [call for call in there if call.number not in self.read]
        whole = self.reach.complete_to
        if inside(self.slow, now):
            new = [call for call in new if call.at > now - 3]
        else:
            self.reach = replace(self.reach, complete_to=minute(now), caught_up=True)
        self.read |= {call.number for call in new}
        end = whole or minute(now)
        late = [(end - minute(call.at)).total_seconds() for call in new if self.polled and now - call.at < 60]
        ages = [max(0.0, seconds) for seconds in late]
        came = [minute(call.at) for call in new]
        self.reach = replace(
            self.reach,
            failing_since=None,
            error="",
            late=max([*ages, *filter(None, [self.reach.late])], default=None),
            newest=max([*came, *filter(None, [self.reach.newest])], default=None),
        )
        self.polled = True

    def _shows(self, call: Call, logs: bool) -> bool:
        if inside(self.cut, call.at):
            return False
        if call.bucket:
            return self.data and logs
        return not self.regions or call.region in self.regions


@dataclass(frozen=True)
class Call:
    """A call: of the actor (it was allowed), or of this console, that goes on all the time."""

    number: int
    at: float
    region: str
    bucket: bool
    late: float
    actor: bool


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Simulated], list[Call], Coverage, tuple[Span, ...]]:
    regions = ("us-east-1", "eu-west-1")
    cut = draw(spans)
    sources = [
        Simulated(f"lookup {region}", (region,), False, draw(st.floats(0, 10)), draw(spans), draw(spans), ())
        # As they are found in an account: Event history of each enabled Region, or of none.
        for region in draw(st.sampled_from([regions, regions, regions, ()]))
    ]
    if draw(st.booleans()) or not sources:
        one = draw(st.sampled_from([(), (), ("us-east-1",)]))
        sources.append(Simulated("bucket logs", one, True, draw(st.floats(0, 10)), draw(spans), draw(spans), cut))
    covers = draw(st.sampled_from([logged(), logged(), logged(), logged(NONE), logged(PART), logged(sources=("x",))]))
    when = st.floats(0.1, END, allow_nan=False)
    mine = draw(st.lists(st.tuples(when, st.sampled_from(regions), st.booleans(), st.floats(0, 15)), max_size=3))
    calls = [Call(n, t, region, data, late, True) for n, (t, region, data, late) in enumerate(mine)]
    return sources, calls, covers, cut


BEAT = [
    Call(1000 * place + n, float(n), region, False, 0.0, False)
    for place, region in enumerate(("us-east-1", "eu-west-1"), start=1)
    for n in range(END)
]
"""Calls of this console, which go on in each Region all the time."""


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_quiet_is_never_said_where_a_call_of_the_actor_could_have_been_missed(
    world: tuple[list[Simulated], list[Call], Coverage, tuple[Span, ...]],
) -> None:
    sources, mine, covers, cut = world
    calls = [*mine, *BEAT]
    for now in range(END):
        for source in sources:
            logs = covers.reads is ALL and covers.sources == ("bucket logs",)
            source.poll(now, calls, logs)
        if said(sources, calls, covers, cut, now) is not State.QUIET:
            continue
        read = set().union(*(source.read for source in sources))
        missed = [c for c in calls if c.actor and 0 < c.at < now - 30 and c.number not in read]
        assert not missed, f"QUIET at {now} with {missed}"


def said(
    sources: Sequence[Simulated], calls: Sequence[Call], covers: Coverage, cut: tuple[Span, ...], now: int
) -> State:
    """The state word at a minute. What is logged is read every ten minutes; a trail that is stopped is seen then."""
    read_at = now - now % 10
    stops = [begin for begin, _ in cut] + [begin + length for begin, length in cut]
    ends = [begin + length for begin, length in cut if begin + length <= read_at]
    known = replace(covers, since=iso(minute(max(ends)))) if ends else covers
    if inside(cut, read_at):
        known = replace(covers, reads=NONE, writes=NONE)
    home = next((s for s in sources if s.name == "lookup us-east-1"), None)
    # The call that changed the trail comes as late as any other of its Region.
    seen_changes = [t for t in stops if home and home.reach.complete_to and minute(t + 15) <= home.reach.complete_to]
    changed = iso(minute(max(seen_changes))) if seen_changes else ""
    found = proof(
        ACTOR,
        [source.reach for source in sources],
        {"payroll": (known,)},
        START,
        minute(now),
        quiet=QUIET,
        changed_at=changed,
        read_at=iso(minute(read_at)),
    )
    read = set().union(*(source.read for source in sources))
    last = max((iso(minute(call.at)) for call in calls if call.actor and call.number in read), default="")
    return Watch(START, QUIET).look(Seen(last_ok=last), minute(now), found).state


def test_quiet_is_said_once_everything_was_read() -> None:
    sources = [
        Simulated("lookup us-east-1", ("us-east-1",), False, 2.0, (), (), ()),
        Simulated("lookup eu-west-1", ("eu-west-1",), False, 3.0, (), (), ()),
        Simulated("bucket logs", (), True, 5.0, (), (), ()),
    ]
    words = []
    for now in range(60):
        for source in sources:
            source.poll(now, BEAT, logs=True)
        words.append(said(sources, BEAT, logged(), (), now))
    assert words[45] is State.QUIET
    assert words.index(State.QUIET) >= 30
