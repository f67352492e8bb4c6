"""What is put beside the log of a case that is handed on: its report, and a verifier that needs no console."""

from __future__ import annotations

from pathlib import Path

from s3ir_tui.journal import verify_case
from s3ir_tui.plain_file import replace_plain
from s3ir_tui.report.markdown import report_case


def add_verifier(folder: Path) -> Path:
    """Copy the stand-alone verifier into a case folder; gives its path."""
    target = folder / "verify_case.py"
    replace_plain(target, Path(verify_case.__file__).read_bytes())
    return target


def add_report(folder: Path) -> Path:
    """Write the report of a case into its folder; gives its path."""
    target = folder / "report.md"
    replace_plain(target, report_case(folder).encode())
    return target
