"""Log files and digests of a folder, read and hashed for `vouching`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from isal import isal_zlib

from s3ir_tui.plain_file import open_plain
from s3ir_tui.trail.digests import APPENDED, Found, FoundDigest, NotADigest, parse
from s3ir_tui.trail.gunzip import LIMIT, is_gzip
from s3ir_tui.trail.sources.files import SUFFIXES

SIDECAR = ".signature"
"""What the name of a digest is followed by for the file that keeps its signature: hex, or head-object's JSON."""

MOST_DIGEST = 64 << 20
"""Most bytes of a digest. It lists the files of an hour, some 500 bytes for each."""

_MOST_SIDECAR = 64 << 10
_STEP = 1 << 20
_GZIP = 31
_Damaged: type[Exception] = getattr(isal_zlib, "error")  # noqa: B009 - its stub declares an instance


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds.

    Attributes:
        digests: The digests.
        logs: Log files, and whatever else would be read as events.
        unreadable: Digests that cannot be read.
    """

    digests: list[FoundDigest]
    logs: list[Found]
    unreadable: list[Found]


def read_folder(folder: Path, apart: frozenset[Path] = frozenset()) -> Contents:
    """Read a folder and the folders in it.

    Args:
        folder: The folder.
        apart: Files that are none of the trail's, such as the keys.

    Returns:
        Its files; hashing goes on in two threads, in steps of a megabyte.
    """
    names = {file.name for file in apart}
    files = [file for file in _walk(folder) if file.name not in names or file.resolve() not in apart]
    contents = Contents([], [], [])
    with ThreadPoolExecutor(2, thread_name_prefix="trail-hash") as pool:
        for file, (found, data) in zip(files, pool.map(_read, files), strict=True):
            if not _is_digest(file):
                contents.logs.append(found)
                continue
            digest = _digest(file, found, data)
            if isinstance(digest, Found):
                contents.unreadable.append(digest)
            else:
                contents.digests.append(digest)
    return contents


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(where, name) for name in sorted(names) if name.lower().endswith(SUFFIXES))


def _is_digest(file: Path) -> bool:
    return "_CloudTrail-Digest_" in file.name


def _digest(file: Path, found: Found, data: bytes) -> FoundDigest | Found:
    try:
        digest = parse(data)
    except NotADigest as why:
        return Found(found.file, found.sha256, found.trouble or str(why))
    signature, signed_at = _sidecar(file.with_name(file.name + SIDECAR))
    return FoundDigest(found, digest, signature, signed_at)


def _sidecar(file: Path) -> tuple[str, datetime | None]:
    """The signature that was saved beside a digest, and the time at which a backfill was made; both may be missing."""
    try:
        with open_plain(file) as stream:
            text = stream.read(_MOST_SIDECAR)
    except OSError:
        return "", None
    try:
        given = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        given = text.decode("ascii", "replace").strip()
    return from_metadata(given.get("Metadata") if isinstance(given, dict) else {"signature": given})


def from_metadata(metadata: Any) -> tuple[str, datetime | None]:
    """Signature and, of a backfill, its time, out of the metadata of a digest's object.

    Args:
        metadata: `Metadata` of HeadObject: the names without `x-amz-meta-`.
    """
    if not isinstance(metadata, dict):
        return "", None
    made = metadata.get("backfill-generation-timestamp")
    try:
        moment = datetime.fromisoformat(str(made)) if made else None
    except ValueError:
        moment = None
    return str(metadata.get("signature") or ""), moment if moment and moment.tzinfo else None


def _read(file: Path) -> tuple[Found, bytes]:
    """Hash a file's uncompressed content; of a digest, give the content too."""
    keep: list[bytes] | None = [] if _is_digest(file) else None
    digest, trouble = hashlib.sha256(), ""
    room = LIMIT if keep is None else MOST_DIGEST
    try:
        with open_plain(file) as stream:
            for part, trouble in _unfold(stream):
                digest.update(part)
                room -= len(part)
                if keep is not None:
                    keep.append(part)
                if room < 0:
                    trouble = "unfolds to more than CloudTrail writes"
                    break
    except OSError as error:
        return Found(str(file), "", f"cannot be read: {error.strerror or error}"), b""
    return Found(str(file), digest.hexdigest(), trouble), b"".join(keep or ())


def _unfold(stream: BinaryIO) -> Iterator[tuple[bytes, str]]:
    """The content in parts, and what is wrong with it so far.

    CloudTrail writes one gzip member. Anything behind it is no part of what was hashed, but some tools read it
    (aws-cli 10324).
    """
    read = partial(stream.read, _STEP)
    data = read()
    if not is_gzip(data):
        yield data, ""
        yield from ((part, "") for part in iter(read, b""))
        return
    unpacker = isal_zlib.decompressobj(wbits=_GZIP)
    while True:
        try:
            part = unpacker.decompress(data, max_length=_STEP)
        except _Damaged:
            yield b"", "gzip is damaged"
            return
        yield part, ""
        if unpacker.eof:
            yield b"", APPENDED if unpacker.unused_data or read() else ""
            return
        if not data and not part:
            yield b"", "gzip is cut off"
            return
        data = unpacker.unconsumed_tail or read()
