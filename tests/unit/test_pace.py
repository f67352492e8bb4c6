"""Giving way to a key: for a moment, and never for ever."""

from __future__ import annotations

import gc
import time

import pytest

from s3ir_tui import pace


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_until", 0.0)


def waited() -> float:
    """Seconds for which the background gives way."""
    begun = time.monotonic()
    pace.give_way()
    return time.monotonic() - begun


def test_background_does_not_wait_without_a_key() -> None:
    assert waited() < pace.CALM_SECONDS / 4


def test_background_waits_until_a_key_has_been_answered() -> None:
    pace.key_pressed()
    assert waited() >= pace.CALM_SECONDS * 0.9
    assert waited() < pace.CALM_SECONDS / 4


def test_a_key_that_is_held_down_does_not_stop_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_until", time.monotonic() + 3600)
    assert waited() < pace.CALM_SECONDS * 3


def test_many_pieces_wait_for_a_key_that_is_held_down_no_longer_than_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_until", time.monotonic() + 3600)
    begun = time.monotonic()
    assert list(pace.pieces(range(50))) == list(range(50))
    assert pace.CALM_SECONDS <= time.monotonic() - begun < pace.CALM_SECONDS * 4


def test_pieces_do_not_wait_without_a_key() -> None:
    begun = time.monotonic()
    assert list(pace.pieces("abc")) == ["a", "b", "c"]
    assert time.monotonic() - begun < pace.CALM_SECONDS / 2


def frozen_by_a_full_collection() -> int:
    """How many objects a full collection leaves out of the next."""
    before = gc.get_freeze_count()
    pace.keep_pauses_short()
    try:
        gc.collect()
        return gc.get_freeze_count() - before
    finally:
        pace.end_short_pauses()


def test_what_survived_a_long_collection_is_not_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_LONG_SECONDS", 0.0)
    known = [[number] for number in range(1000)]
    assert frozen_by_a_full_collection() >= len(known)


def test_what_survived_a_short_collection_is_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_LONG_SECONDS", 60.0)
    # What an earlier test froze may go meanwhile: the number can only fall.
    assert frozen_by_a_full_collection() <= 0


def test_collections_are_as_usual_after_the_console() -> None:
    frozen_by_a_full_collection()
    assert pace._freeze not in gc.callbacks
