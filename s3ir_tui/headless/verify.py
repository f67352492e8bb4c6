"""verify: whether the log of a case is whole, and agrees with the heads that were published elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import Format, print_json, say
from s3ir_tui.journal.verify_case import text_of, verify

_HASH = re.compile(r"[0-9a-f]{8,64}")


def run(folder: Path, words: Sequence[str], form: Format) -> int:
    """Print what a check of the case finds.

    Args:
        folder: The case folder.
        words: Anchors. A head copied from the status line is two words in a shell: they are put together again.
        form: How to print.

    Returns:
        `Code.OK`, or `Code.PROBLEM` where the log is not sound.

    Raises:
        Failure: An anchor is not written as one, or the folder cannot be read.
    """
    try:
        found = verify(folder, joined(words))
    except ValueError as error:
        raise Failure(str(error), Code.USAGE) from None
    except OSError as error:
        raise Failure(f"{folder} cannot be read: {error.strerror}", Code.LOG) from None
    if form is Format.JSON:
        print_json(asdict(found) | {"ok": found.ok})
    else:
        say(text_of(found).rstrip("\n"))
    return Code.OK if found.ok else Code.PROBLEM


def joined(words: Sequence[str]) -> list[str]:
    """`["46d868cb:17", "58bde580"]` as `["46d868cb:17 58bde580"]`."""
    anchors: list[str] = []
    for word in words:
        if anchors and _HASH.fullmatch(word) and anchors[-1].count(":") == 1 and " " not in anchors[-1]:
            anchors[-1] += f" {word}"
        else:
            anchors.append(word)
    return anchors
