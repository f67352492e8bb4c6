"""One thread on which all work with a thing is done that must not be shared between threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(RuntimeError):
    """The thread has ended."""


class Confined:
    """Runs calls one after another on a thread of its own.

    Args:
        name: Name of the thread.
        every: Called on it again and again, between the calls.
        seconds: How often; 0 for never.
    """

    def __init__(self, name: str, every: Callable[[], object], seconds: float) -> None:
        self._every, self._seconds = every, seconds
        # SimpleQueue.put and RLock may be entered again by a signal handler that interrupted them.
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._closing = threading.RLock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T]) -> T:
        """Run something on the thread and wait for its result; at once where this is that thread.

        Raises:
            Stopped: The thread was stopped.
        """
        if threading.current_thread() is self._thread:
            return work()
        if self._closed:
            raise Stopped(self._thread.name)
        future: Future[T] = Future()
        self._jobs.put((work, future))
        if not self._thread.is_alive():
            self._drop_rest()
        return future.result()

    def stop(self, last: Callable[[], object]) -> None:
        """Run the last thing on the thread and end it. A second call waits for the first and does nothing."""
        with self._closing:
            if self._closed:
                return
            try:
                self.call(last)
            finally:
                self._closed = True
                self._jobs.put(None)
                if threading.current_thread() is not self._thread:
                    self._thread.join()
                    self._drop_rest()

    def _work(self) -> None:
        due = time.monotonic() + self._seconds
        while True:
            wait = max(0.0, due - time.monotonic()) if self._seconds else None
            try:
                job = self._jobs.get(timeout=wait)
            except Empty:
                self._every()
                due = time.monotonic() + self._seconds
                continue
            if job is None:
                return
            work, future = job
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - the caller gets it
                future.set_exception(error)

    def _drop_rest(self) -> None:
        # Asked for while the thread ended: whoever waits must not wait for ever.
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is not None:
                job[1].set_exception(Stopped(self._thread.name))
