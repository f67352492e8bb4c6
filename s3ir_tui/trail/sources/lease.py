"""Which console of a case reads for all of them: a lease in the case folder, kept alive by what the service answers."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

STALE_SECONDS = 10.0
"""A leader without a sign of life for so long is succeeded."""

_LOOK_SECONDS = 1.0
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Held:
    """Who leads.

    Attributes:
        holder: The session of the log of that console.
        term: Counts the leaders.
        beat: Counts the signs of life of this one.
        since: How far it looks back, `YYYY-MM-DDTHH:MM:SSZ`.
        host: Where it runs.
    """

    holder: str = ""
    term: int = 0
    beat: int = 0
    since: str = ""
    host: str = ""


class Lease:
    """One lease, as one console sees it. Safe to use from several threads.

    Times of other hosts are never compared: a leader is stale when its sign of life did not change while this console
    watched. Whoever takes or renews the lease holds a lock meanwhile, for a moment only.

    Args:
        path: The lease file; `.lock` stands beside it.
        me: The session of this console.
        since: How far this console looks back.
        monotonic: Seconds.
        only: Whether no other console of the case runs on this host.
    """

    def __init__(
        self,
        path: Path,
        me: Callable[[], str],
        since: str,
        monotonic: Callable[[], float] = time.monotonic,
        only: Callable[[], bool] = lambda: False,
    ) -> None:
        self._only, self._host = only, socket.gethostname()
        self._path, self._me, self._since, self._monotonic = path, me, since, monotonic
        self._lock = threading.Lock()
        self.held = Held()
        self.terms: set[int] = set()
        self._changed_at = monotonic()
        self._looked_at = self._beat_at = float("-inf")

    def leads(self) -> bool:
        """Whether this console leads now; takes the lease where nobody holds it or its holder is silent.

        Raises:
            OSError: The lease cannot be read or written.
        """
        with self._lock:
            now = self._monotonic()
            if now - self._looked_at >= _LOOK_SECONDS:
                self._looked_at = now
                self._look(now)
            return self._mine(self.held)

    def alive(self) -> None:
        """Give a sign of life, if this console leads and the last one is a second old.

        Raises:
            OSError: The lease cannot be written.
        """
        with self._lock:
            now = self._monotonic()
            if now - self._beat_at < _LOOK_SECONDS or not self._mine(self.held):
                return
            self._beat_at = now
            with self._alone():
                found = self._read()
                if self._mine(found):
                    self._write(replace(found, beat=found.beat + 1))
                else:
                    self.held = found

    def release(self) -> None:
        """Let another console lead at once."""
        with self._lock, suppress(OSError), self._alone():
            if self._mine(self._read()):
                self._write(Held(term=self.held.term))

    def _look(self, now: float) -> None:
        found = self._read()
        if found != self.held:
            self.held, self._changed_at = found, now
        if self._mine(found) or (found.holder and not self._is_over(found, now)):
            return
        with self._alone():
            if self._read() == found:
                self._write(Held(self._me(), found.term + 1, 0, self._since, self._host))
                self.terms.add(self.held.term)
                self._changed_at = self._beat_at = now

    def _is_over(self, found: Held, now: float) -> bool:
        return now - self._changed_at >= STALE_SECONDS or (found.host == self._host and self._only())

    def _mine(self, held: Held) -> bool:
        return held.holder != "" and held.term in self.terms

    def _read(self) -> Held:
        try:
            with opened(self._path) as file:
                told = json.loads(os.read(file, _LONGEST))
            return Held(
                str(told["holder"]), int(told["term"]), int(told["beat"]), str(told["since"]), str(told["host"])
            )
        except FileNotFoundError:
            return Held()
        except (ValueError, KeyError, TypeError):
            return Held(term=self.held.term)  # damaged: it is taken anew

    def _write(self, held: Held) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, json.dumps(asdict(held)).encode())
        finally:
            os.close(file)
        fresh.replace(self._path)
        self.held = held

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with opened(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open a file of the case that is a plain file of this user; nothing is followed or waited for.

    Raises:
        OSError: It is not there, or is something else.
    """
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        found: Any = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise OSError(f"{path.name} is not a plain file of this user")
        yield file
    finally:
        os.close(file)
