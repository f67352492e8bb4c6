"""Plain files alone: nothing that must be waited for, never ends, or leads elsewhere when it is written."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO


def open_plain(file: Path) -> BinaryIO:
    """Open a file for reading, where it is one.

    A folder from outside may hold a named pipe, on which reading waits for ever, or a link to a device that never
    ends. A link to a plain file is followed.

    Raises:
        OSError: It cannot be read, or is no plain file.
    """
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a plain file")
    return os.fdopen(handle, "rb")


def replace_plain(file: Path, data: bytes) -> None:
    """Write a file for its owner alone, whole or not at all; a link of that name is replaced, not followed.

    Raises:
        OSError: It cannot be written; what stood there before still does.
    """
    handle, draft = tempfile.mkstemp(dir=file.parent.resolve(), prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(draft).replace(file)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
