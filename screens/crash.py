"""Faults of the program: a traceback without local variables in a file that only its owner reads."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path


def record(error: BaseException) -> Path | None:
    """Write the traceback of a fault to a file of mode 0600.

    Local variables are left out: they may hold credentials, and the screen may be shared.

    Args:
        error: The fault.

    Returns:
        The file, or `None` where none could be written.
    """
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    try:
        handle, name = tempfile.mkstemp(prefix="fault-", suffix=".txt", dir=_folder(), text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n{text}")
    except OSError:
        return None
    return Path(name)


def _folder() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    folder = Path(state) / "s3ir-tui"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
