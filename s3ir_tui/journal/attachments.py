"""Values too large for a line of the log: files of the case folder, named by their SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from s3ir_tui.journal.chain import freeze
from s3ir_tui.journal.disk import sync_folder, write_all

FOLDER = "attachments"
_MOST_BYTES = 256 << 20


def put(case: Path, value: Any) -> dict[str, Any]:
    """Keep a JSON value durably.

    Returns:
        What the record says of it: `{"bytes": ..., "sha256": ...}`.

    Raises:
        OSError: It could not be written.
    """
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    digest = hashlib.sha256(data).hexdigest()
    folder = case / FOLDER
    if not _is_own_folder(folder):
        folder.mkdir(mode=0o700)
        sync_folder(case)
    target = _path(case, digest)
    if _read(target) != data:
        _write(target, data)
        sync_folder(folder)
    return {"bytes": len(data), "sha256": digest}


def get(case: Path, said: object) -> Any:
    """The value behind what a record says of it.

    Raises:
        ValueError: It is missing, altered, or no JSON.
    """
    digest = str(said.get("sha256")) if isinstance(said, Mapping) else ""
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError("the record does not say which file holds the value")
    data = _read(_path(case, digest)) if _is_own_folder(case / FOLDER) else None
    if data is None:
        raise ValueError(f"{FOLDER}/{digest}.json is missing")
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{FOLDER}/{digest}.json is not what was recorded")
    try:
        return freeze(json.loads(data))
    except RecursionError:
        raise ValueError(f"{FOLDER}/{digest}.json is nested too deeply") from None


def _is_own_folder(folder: Path) -> bool:
    """Whether the folder is there; a link to elsewhere is not followed."""
    return folder.is_dir() and not folder.is_symlink()


def _path(case: Path, digest: str) -> Path:
    return case / FOLDER / f"{digest}.json"


def _write(target: Path, data: bytes) -> None:
    draft = target.with_suffix(f".{os.getpid()}.part")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        write_all(fd, data)
        draft.replace(target)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    finally:
        os.close(fd)


def _read(path: Path) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        state = os.fstat(fd)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _MOST_BYTES:
            return None
        return file.read()
