"""Once, a little later: on the event loop's own timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump


def later(pump: MessagePump, seconds: float, work: Callable[[], object]) -> asyncio.TimerHandle:
    """Have something done by a widget, a screen or the application after a time.

    A one-shot timer of Textual drops its only tick where its time is over before it first looks at the clock: with a
    very short wait, or when another thread takes the processor just then. What waited for it would wait for ever.

    Args:
        pump: Who does it, in its own context; nothing is done once it is gone.
        seconds: How long to wait.
        work: What to do.

    Returns:
        The handle to cancel it with.
    """
    return asyncio.get_running_loop().call_later(max(0.0, seconds), pump.call_later, work)
