"""Durable writes: bytes that are on the disk when a call returns, and room kept for the last records on a full one."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 1 << 20
_RESERVE_NAME = "reserve"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

# fsync on macOS only reaches the drive's cache.
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of room."""
    return error.errno in _FULL


def sync(fd: int) -> None:
    """Wait until the file's bytes are on the disk."""
    if _FULL_SYNC is not None:
        fcntl.fcntl(fd, _FULL_SYNC)
    else:
        os.fdatasync(fd)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes and wait until they are on the disk."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    sync(fd)


class Reserve:
    """A file that is deleted when the disk is full, to make room for the last records.

    Args:
        folder: The case folder.
        size: Its size in bytes; 0 keeps none.
    """

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self._folder, self._path, self._size = folder, folder / _RESERVE_NAME, size

    def fill(self) -> bool:
        """Set the room aside, unless it is or there is little left; tells whether it is.

        A case folder may come from anyone: what stands there under the reserve's name is never written to. A link, a
        pipe or a folder stays as it is, and there is no reserve.
        """
        try:
            if not self._size or self._is_there():
                return True
            room = os.statvfs(self._folder)
            if room.f_bavail * room.f_frsize < 2 * self._size:
                return False
            self._make()
        except OSError:
            return False
        return True

    def _is_there(self) -> bool:
        """Whether it is whole; a part of one is removed.

        Raises:
            OSError: Something else stands there.
        """
        try:
            state = self._path.lstat()
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EEXIST, "is not a plain file")
        if state.st_size < self._size:
            self._path.unlink()
            return False
        return True

    def _make(self) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            # Random bytes, since a file system that compresses would keep no room for zeros.
            write_all(fd, secrets.token_bytes(self._size))
        except OSError:
            with suppress(OSError):
                self._path.unlink()
            raise
        finally:
            os.close(fd)

    def release(self) -> bool:
        """Give the room back to the disk; tells whether there was any."""
        try:
            if not stat.S_ISREG(self._path.lstat().st_mode):
                return False
            self._path.unlink()
        except OSError:
            return False
        return True


def remove_empty_case(folder: Path, sessions: Collection[str]) -> bool:
    """Remove a case folder that holds these session files and the reserve alone; tells whether it is gone."""
    try:
        if set(os.listdir(folder)) - {*sessions, _RESERVE_NAME}:
            return False
        for name in (*sessions, _RESERVE_NAME):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        return False
    return True
