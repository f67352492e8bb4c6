"""Giving way to a key: for a moment, and never for ever."""

from __future__ import annotations

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
