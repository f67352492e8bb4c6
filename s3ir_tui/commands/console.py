"""The console on what was recorded: a case under review, a recording played as if live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from s3ir_tui import settings
from s3ir_tui.options import CASES, LIVE, CaseArgument, takes
from s3ir_tui.settings import Settings


@takes(CASES, LIVE)
def review(chosen: Settings, case: CaseArgument) -> int:
    """Open a recorded case: no AWS, no credentials, nothing is changed."""
    from s3ir_tui.console import open_review

    return open_review(settings.find_case(chosen, case), mouse=chosen.mouse)


@takes(CASES, LIVE)
def replay(
    chosen: Settings,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders of CloudTrail.")],
    speed: Annotated[
        str, typer.Option("--speed", metavar="N|max", help="Seconds of the recording in a second; max: all at once.")
    ] = "1",
    case: Annotated[str, typer.Option("--case", metavar="DIR|NAME", help="Case to record in; else none is kept.")] = "",
) -> int:
    """Play a recording of CloudTrail as if it were live: no AWS, no credentials, nothing is changed."""
    from s3ir_tui.console import open_replay

    # The case of a real incident is not recorded into unless it is named here.
    return open_replay(paths, speed, replace(chosen, case=case))
