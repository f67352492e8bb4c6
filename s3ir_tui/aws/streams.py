"""Answers of AWS that go on: the events of an event stream, as they come."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from s3ir_tui.aws.errors import AwsError

_BROKE_OFF = "The stream broke off: what came after that was not read."


class EventStream:
    """An open event stream (`application/vnd.amazon.eventstream`): read on one thread, closed from any.

    Args:
        events: botocore's event stream.
        errors: Turns botocore's exceptions into `AwsError`.
        operation: What was called: `logs:StartLiveTail`.
    """

    def __init__(self, events: Any, errors: AbstractContextManager[None], operation: str) -> None:
        self._events, self._errors, self._operation = events, errors, operation
        self._closed = False
        self._read = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The events, each under its name; ends when the stream does, or is closed.

        Raises:
            AwsError: AWS sent an exception, the connection broke, or what came is no event stream.
        """
        self._read = True
        try:
            with self._errors:
                yield from self._events
        except AwsError:
            if not self._closed:
                raise
        except Exception as error:  # noqa: BLE001 - where a stream breaks, urllib3, ssl and botocore raise their own
            if not self._closed:
                raise AwsError(type(error).__name__, str(error), operation=self._operation, hint=_BROKE_OFF) from None
        finally:
            self._events.close()

    def close(self) -> None:
        """End the stream; a thread that reads it comes back soon."""
        self._closed = True
        if not self._read:
            self._events.close()
            return
        # Closing what another thread reads from would wait for it: the socket is shut down, the reader closes.
        # urllib3 before 2.3 cannot do that; then the reader ends with the next event.
        shutdown = getattr(self._events._raw_stream, "shutdown", None)
        if shutdown is not None:
            with contextlib.suppress(ValueError, RuntimeError, OSError):
                shutdown()
