"""Answers of AWS that go on: the events of an event stream, as they come."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.guard import WriteRefused


class EventStream:
    """An open event stream (`application/vnd.amazon.eventstream`): read on one thread, closed from any.

    Args:
        events: botocore's event stream.
        errors: Turns what reading raises into `AwsError`.
    """

    def __init__(self, events: Any, errors: AbstractContextManager[None]) -> None:
        self._events, self._errors = events, errors
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


class StreamErrors:
    """Turns whatever breaks a stream into `AwsError`.

    Args:
        operation: What was called: `logs:StartLiveTail`.
        errors: Does so for botocore's own exceptions.
    """

    def __init__(self, operation: str, errors: AbstractContextManager[None]) -> None:
        self._operation, self._errors = operation, errors

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._errors.__exit__(kind, error, trace)
        # Where a stream breaks, urllib3, ssl and botocore's parsers each raise their own.
        if isinstance(error, Exception) and not isinstance(error, AwsError | WriteRefused):
            hint = "The stream broke off: what came after that was not read."
            raise AwsError(type(error).__name__, str(error), operation=self._operation, hint=hint) from None
