"""Which events were seen: one at a time, many at a time, forgotten oldest first."""

from __future__ import annotations

import uuid

import pytest

from s3ir_tui.trail import dedupe
from s3ir_tui.trail.dedupe import EventIds, pack

NOON, LATER = "2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"


def many(count: int, seed: int = 0) -> list[str]:
    """Event ids."""
    return [str(uuid.UUID(int=(seed << 64) + number)) for number in range(count)]


def packed(idents: list[str]) -> bytes:
    return b"".join(map(pack, idents))


def test_an_id_is_new_once_however_it_comes() -> None:
    ids = EventIds()
    one, other, third = many(3)
    assert ids.add(one, NOON)
    assert not ids.add(one, NOON)
    assert ids.claim(packed([other, third]), NOON, LATER) is None
    assert not ids.add(other, LATER)
    assert ids.claim(packed([third, *many(2, seed=1)]), NOON, LATER) == {pack(third)}
    assert not ids.add(many(2, seed=1)[0], NOON)
    assert len(ids) == 5


def test_ids_that_are_no_uuids_are_told_apart() -> None:
    ids = EventIds()
    assert ids.add("sha256-1", NOON)
    assert ids.add("sha256-2", NOON)
    assert not ids.add("sha256-1", NOON)


def test_what_comes_twice_among_many_is_told() -> None:
    ids = EventIds()
    one, other = many(2)
    assert ids.claim(packed([one, other, one]), NOON, NOON) == set()
    assert len(ids) == 2
    assert ids.claim(packed([one, other]), NOON, NOON) == {pack(one), pack(other)}


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few ids."""
    monkeypatch.setattr(dedupe, "_NEW", 5)


@pytest.mark.usefixtures("small_blocks")
def test_ids_are_found_after_their_blocks_were_joined() -> None:
    ids = EventIds()
    for number in range(dedupe._MOST_BLOCKS * 2):
        assert ids.claim(packed(many(5, seed=number)), NOON, LATER) is None
    assert len(ids._blocks) <= dedupe._MOST_BLOCKS
    assert ids.claim(packed([*many(2, seed=3), *many(1, seed=999)]), NOON, NOON) == set(map(pack, many(2, seed=3)))
    assert not any(ids.add(ident, NOON) for number in range(dedupe._MOST_BLOCKS * 2) for ident in many(5, seed=number))


@pytest.mark.usefixtures("small_blocks")
def test_the_oldest_are_forgotten_where_there_are_too_many() -> None:
    ids = EventIds(kept=20)
    for number in range(5):
        ids.claim(packed(many(10, seed=number)), NOON, LATER)
    assert len(ids) <= 20
    assert ids.add(many(1, seed=0)[0], NOON)
    assert not ids.add(many(1, seed=4)[0], NOON)
