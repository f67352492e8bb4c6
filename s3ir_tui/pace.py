"""Lets the screen answer a key first: what works in the background gives way for a moment.

Threads of Python share one lock: four that are busy make a repaint last four times as long.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

_Item = TypeVar("_Item")

CALM_SECONDS = 0.12
"""What a repaint takes at most on a slow machine."""

_SLICE = 0.01
_MOST_WAITS = 2
_TURN_SECONDS = 0.001  # else a turn waits for as many times 5 ms as threads are busy
_FULL = 2
_LONG_SECONDS = 0.05
_collecting = 0.0
_until = 0.0


def keep_pauses_short() -> None:
    """Let threads change places each millisecond, and no pass of the garbage collector be long.

    An answer to a key is a dozen turns of the loop. A full pass over what is known of a million events would take a
    third of a second: what has survived a long one is not looked through again.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    if _freeze not in gc.callbacks:
        gc.callbacks.append(_freeze)


def end_short_pauses() -> None:
    """Collect garbage as usual again."""
    if _freeze in gc.callbacks:
        gc.callbacks.remove(_freeze)


def _freeze(phase: str, info: Mapping[str, int]) -> None:
    global _collecting
    now = time.monotonic()
    if phase == "start":
        _collecting = now
    elif info["generation"] == _FULL and now - _collecting > _LONG_SECONDS:
        gc.freeze()


def key_pressed() -> None:
    """A key was pressed: the background is to give way. There is one keyboard, so this holds for the whole process."""
    global _until
    _until = time.monotonic() + CALM_SECONDS


def give_way() -> None:
    """Wait until a key that was just pressed has been answered; called between small pieces of work.

    It never waits longer than for one key, so that a key that is held down slows the background and does not stop it.
    """
    until = min(_until, time.monotonic() + CALM_SECONDS)
    while time.monotonic() < until:
        time.sleep(_SLICE)


def pieces(items: Iterable[_Item]) -> Iterator[_Item]:
    """Some items, each a small piece of work, before which it gives way; not to many keys, for others wait for it."""
    waits = _MOST_WAITS
    for item in items:
        if waits and time.monotonic() < _until:
            give_way()
            waits -= 1
        yield item
