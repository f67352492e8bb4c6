"""report: what the record of a case says, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import say, tell
from s3ir_tui.headless.verify import joined
from s3ir_tui.plain_file import replace_plain
from s3ir_tui.report.markdown import report_case


def run(folder: Path, words: Sequence[str], file: Path | None) -> int:
    """Print the report of a case, or write it to a file for its owner alone.

    Args:
        folder: The case folder.
        words: Anchors to check the log against.
        file: The file, which is replaced whole or not at all; `-` prints it, as none does.

    Raises:
        Failure: An anchor is not written as one, or the file cannot be written.
    """
    try:
        text = report_case(folder, joined(words))
    except ValueError as error:
        raise Failure(str(error), Code.USAGE) from None
    if file is None or str(file) == "-":
        say(text.rstrip("\n"))
        return Code.OK
    try:
        replace_plain(file, text.encode())
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}; without -o the report is printed") from None
    tell(f"report written to {file}")
    return Code.OK
