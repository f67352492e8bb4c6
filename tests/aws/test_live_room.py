"""The live room, its desk and the review of its case, on an account under attack."""

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actions.desk import Desk
from actions.plan import Answer, StepState
from s3ir_tui.aws.account import Account
from s3ir_tui.gameday.day import GameDay
from s3ir_tui.journal import Journal
from s3ir_tui.live import LiveRoom
from s3ir_tui.model import State
from s3ir_tui.review import ReviewRoom
from s3ir_tui.room import Snapshot, Update

SECONDS = 150.0


@pytest.fixture(scope="module")
def day() -> Iterator[GameDay]:
    with GameDay.start("leaked-key", lag=1.0) as started:
        yield started


def wait(updates: queue.Queue[Update], wanted: Callable[[Snapshot], bool]) -> Snapshot:
    """The first snapshot that is as wanted."""
    until = time.monotonic() + SECONDS
    while True:
        snapshot = updates.get(timeout=max(0.1, until - time.monotonic())).snapshot
        if wanted(snapshot):
            return snapshot


@pytest.mark.slow
def test_an_attack_is_seen_contained_watched_and_reviewed(day: GameDay, tmp_path: Path) -> None:
    info = day.info
    suspect = info["principals"][0]
    case = tmp_path / "case"
    updates: queue.Queue[Update] = queue.Queue()

    def connect() -> Account:
        return Account.connect(endpoint_url=info["endpoint_url"], region=info["region"], credentials=info["responder"])

    room = LiveRoom(
        connect, Journal.open(case, about={}), in_place=lambda ref: desk.in_place(ref), armed=lambda: desk.armed
    )
    log = Journal.open(case, about={})
    log.record("case", {"kind": "armed", "reason": "recorded by someone else"})
    desk = Desk(room.account, log, room.history)
    room.start(updates.put)
    try:
        seen = wait(updates, lambda shot: shot.proposal is not None and shot.proposal.action == "contain.lineage")
        assert seen.proposal is not None
        assert seen.proposal.row == ("principal", suspect)
        worst = seen.principals[0]
        assert (worst.id, worst.suspect, worst.state) == (suspect, True, State.ACTIVE)
        assert seen.status.mode == "READ-ONLY"
        assert all(not row.suspect for row in seen.principals if "IRResponder" in row.id)

        plan = desk.plan("contain.lineage", {"principal": (suspect,)})
        result = desk.run(plan, Answer(plan.must_type, "IR-42"), lambda _progress: None)
        assert set(result.states) == {StepState.DONE}

        held = wait(updates, lambda shot: bool(shot.watches) and bool(shot.watches[0].first_denied))
        assert held.status.mode == "ARMED"
        assert held.watches[0].state in (State.NO_PROOF_YET, State.HOLDING)
        assert any("payroll-app" in line for line in held.watches[0].workload)
    finally:
        room.stop("end of test")
        log.close()

    recorded: queue.Queue[Update] = queue.Queue()
    review = ReviewRoom(case)
    review.start(recorded.put)
    try:
        end = wait(recorded, lambda shot: bool(shot.watches))
        assert end.status.mode == "REVIEW"
        assert end.status.account == info["account_id"]
        assert {row.id for row in end.principals if row.suspect} == {row.id for row in held.principals if row.suspect}
        review.seek(0)
        assert wait(recorded, lambda shot: not shot.principals).watches == ()
    finally:
        review.stop("end of test")
