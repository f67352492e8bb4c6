"""How the report of the case is written: the report itself is a command, made from the record."""

from __future__ import annotations

import shlex

from screens.document import DocumentScreen
from screens.state import State
from screens.widgets.palette import BOLD, DIM, PLAIN


class ReportScreen(DocumentScreen):
    """The command that writes the report, to be copied."""

    def __init__(self, state: State) -> None:
        case = shlex.quote(state.snapshot.status.case or "CASE")
        command = f"s3ir-tui report {case} -o report.md"
        lines = [
            ("The report is written from the log of the case, now or at any later time:", PLAIN),
            ("", PLAIN),
            (f"    {command}", BOLD),
            (f"    s3ir-tui verify {case}", BOLD),
            ("", PLAIN),
            ("`verify` shows that the log is whole; publish its head, so that others can prove it later.", PLAIN),
            ("c copies the first line. What was not recorded is not in the report.", DIM),
        ]
        super().__init__(state, "Report", lines, command)
