"""Checks the log of a case without the console: python3 -I verify_case.py CASE_FOLDER [ANCHOR...] [--json].

Needs only Python's standard library and shares no code with the console. An ANCHOR is the head of a session as it was
published elsewhere (report, chat, signature): FILE:SEQ:HASH, or as the console shows it, "46d868cb:17 58bde580", with
at least 8 digits of the hash.

Problems are what must not be there. Notes are what a crash leaves behind, or a session that still runs.
Exit status: 0 no problem, 1 problems, 2 wrong usage.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

_ZERO = "0" * 64
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-([0-9a-f]{8})\.jsonl")
_LINE = re.compile(rb'\{"entry":(\{.*\}),"hash":"([0-9a-f]{64})"\}')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ANCHOR = re.compile(r"([^:\s]+):(\d+)[:\s]+([0-9a-f]{8,64})")
_LONGEST_LINE = 1 << 20
_MOST_PROBLEMS = 1000


@dataclass(frozen=True)
class Verification:
    """What a check of a case found.

    Attributes:
        records: How many records are whole and match their hash.
        heads: The last record of every session: `FILE:SEQ:HASH`. Good as anchors of a later check.
        notes: What a crash leaves behind, and sessions that did not end by themselves.
        problems: What must not be there: changed, removed, inserted or reordered records, or records unlike an anchor.
        links_checked: How many statements of sessions about each other, and anchors, were compared.
        attachments: How many values kept in files of their own are there and match their hash.
    """

    records: int
    heads: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    links_checked: int
    attachments: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def verify(folder: Path, anchors: Sequence[str] = ()) -> Verification:
    """Check every session file of a case folder, and what the sessions and the anchors say of each other.

    Args:
        folder: The case folder.
        anchors: Heads published elsewhere: `FILE:SEQ:HASH` or `SESSION:SEQ HASH`.

    Raises:
        ValueError: An anchor is not written in either way.
        OSError: The folder cannot be read.
    """
    check = _Check()
    wanted = [_anchor(text) for text in anchors]
    for path in sorted(folder.iterdir()):
        if path.suffix == ".jsonl":
            check.file(path)
    check.links += wanted
    check.compare()
    attachments = check.check_attachments(folder)
    if not check.hashes:
        check.problem("there is no session in this folder")
    heads = tuple(f"{name}:{max(known)}:{known[max(known)]}" for name, known in check.hashes.items() if known)
    return Verification(check.records, heads, tuple(check.notes), tuple(check.problems), len(check.links), attachments)


@dataclass
class _Check:
    records: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    hashes: dict[str, dict[int, str]] = field(default_factory=dict)  # by file, by number
    links: list[tuple[str, str, int, str]] = field(default_factory=list)  # who, file or session, number, hash
    stored: dict[str, tuple[str, Any]] = field(default_factory=dict)  # SHA-256 to who and how many bytes

    def problem(self, text: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)

    def file(self, path: Path) -> None:
        match = _NAME.fullmatch(path.name)
        if not match:
            self.notes.append(f"{path.name}: not the name of a session file, not checked")
            return
        if not stat.S_ISREG(path.lstat().st_mode):
            self.problem(f"{path.name} is not a regular file")
            return
        twin = next((name for name in self.hashes if _NAME.fullmatch(name)[1] == match[1]), "")  # type: ignore[index]
        if twin:
            self.problem(f"{path.name} has the session id of {twin}: one of them is a copy")
        with path.open("rb") as file:
            self._lines(path.name, match[1], file)

    def _lines(self, name: str, session: str, file: BinaryIO) -> None:
        known = self.hashes.setdefault(name, {})
        last, prev, closed = -1, _ZERO, False
        for offset, line, length in _lines_of(file):
            where = f"{name} byte {offset}"
            if line is not None and not line.endswith(b"\n"):
                if _record(line)[0] is not None:
                    self.problem(f"{where}: a whole record whose line end was changed")
                    continue
                self.notes.append(
                    f"{name}: its last {length} bytes are an unfinished line (a crash, or a write in progress)"
                )
                continue
            entry, digest = _record(line) if line is not None else (None, "")
            if entry is None:
                self.problem(f"{where}: {length - 1} bytes that are no record")
                continue
            self.records += 1
            number = entry["seq"]
            if number != last + 1 or entry["prev"] != prev:
                self.problem(f"{where}: record {number} does not follow record {last}")
            if entry.get("session") != session:
                self.problem(f"{where}: record {number} says it is of another session")
            if number > last:
                last, prev = number, digest
                known[number] = digest
            closed = (entry["table"], entry.get("kind")) == ("_session", "close")
            self._note_links(f"{session}:{number}", entry)
        if last < 0:
            self.notes.append(f"{name}: no record (the console ended before its first)")
        elif not closed:
            self.notes.append(f"{name}: not closed (it still runs, was killed, or was cut short after record {last})")

    def _note_links(self, who: str, entry: dict[str, Any]) -> None:
        for said in (entry.get("parents"), entry.get("seen")):
            for name, head in said.items() if isinstance(said, dict) else ():
                if isinstance(head, list) and len(head) == 2 and type(head[0]) is int and isinstance(head[1], str):
                    self.links.append((who, name, head[0], head[1]))
        stored = entry.get("stored")
        for said in stored.values() if isinstance(stored, dict) else ():
            digest = said.get("sha256") if isinstance(said, dict) else None
            if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest):
                self.stored[digest] = (who, said.get("bytes"))
            else:
                self.problem(f"{who}: does not say which file holds a value of it")

    def compare(self) -> None:
        for who, name, number, digest in self.links:
            files = [file for file in self.hashes if name in (file, _NAME.fullmatch(file)[1])]  # type: ignore[index]
            if not files:
                self.problem(f"{name} is missing: {who} knows its record {number}")
                continue
            known = self.hashes[files[0]]
            if number > max(known, default=-1):
                self.problem(f"{name} ends at record {max(known, default=-1)}: {who} knows its record {number}")
            elif number >= 0 and not known.get(number, "").startswith(digest):
                self.problem(f"{name}: {who} knows record {number} with another hash")

    def check_attachments(self, folder: Path) -> int:
        good = 0
        for digest, (who, size) in self.stored.items():
            path = folder / "attachments" / f"{digest}.json"
            found = _hash_of(path)
            if found is None:
                self.problem(f"attachments/{digest}.json is missing: {who} keeps a value there")
            elif found != (digest, size):
                self.problem(f"attachments/{digest}.json is not what {who} recorded")
            else:
                good += 1
        return good


def _anchor(text: str) -> tuple[str, str, int, str]:
    match = _ANCHOR.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not an anchor: {text!r}; write FILE:SEQ:HASH or 'SESSION:SEQ HASH'")
    return "the anchor", match[1], int(match[2]), match[3]


def _lines_of(file: BinaryIO) -> Iterator[tuple[int, bytes | None, int]]:
    """Offset, line and length of each line; `None` for a line longer than any record."""
    offset = 0
    while line := file.readline(_LONGEST_LINE):
        length = len(line)
        if length == _LONGEST_LINE and not line.endswith(b"\n"):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(_LONGEST_LINE)
                length += len(rest)
            yield offset, None if rest else b"", length
        else:
            yield offset, line, length
        offset += length


def _record(line: bytes) -> tuple[dict[str, Any] | None, str]:
    match = _LINE.fullmatch(line[:-1])
    if not match or hashlib.sha256(match[1]).hexdigest() != match[2].decode("ascii"):
        return None, ""
    try:
        entry = json.loads(match[1], parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None, ""
    return (entry, match[2].decode("ascii")) if _is_record(entry) else (None, "")


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _is_record(entry: Any) -> bool:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("prev", "table", "ts")):
        return False
    if type(entry.get("seq")) is not int or not 0 <= entry["seq"] <= 10**12 or not _TIME.fullmatch(entry["ts"]):
        return False
    try:
        datetime.fromisoformat(entry["ts"][:-1])
    except ValueError:
        return False
    return True


def _hash_of(path: Path) -> tuple[str, int] | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
                size += len(part)
    except OSError:
        return None
    return digest.hexdigest(), size


def text_of(found: Verification) -> str:
    """A check for people, one fact a line; names of files that could not be trusted are escaped."""
    lines = [
        f"{'NOT SOUND' if found.problems else 'sound'}: {found.records} records in {len(found.heads)} sessions, "
        f"{found.links_checked} links and anchors, {found.attachments} attachments checked"
    ]
    lines += [f"problem  {text}" for text in found.problems]
    lines += [f"note     {text}" for text in found.notes]
    lines += [f"head     {text}" for text in found.heads]
    return "".join(f"{line.encode('unicode_escape').decode('ascii')}\n" for line in lines)


def main(arguments: Sequence[str]) -> int:
    """The command line; see the head of this file."""
    names = [argument for argument in arguments if argument != "--json"]
    if not names or names[0].startswith("-"):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        found = verify(Path(names[0]), names[1:])
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if "--json" in arguments:
        kinds = ("records", "heads", "notes", "problems", "links_checked", "attachments")
        sys.stdout.write(json.dumps({kind: getattr(found, kind) for kind in kinds}, indent=1) + "\n")
    else:
        sys.stdout.write(text_of(found))
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
