"""A case after the fact: is its log whole, what does it report, where does it lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from s3ir_tui import settings
from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.output import Format, say
from s3ir_tui.options import CASES, Anchors, CaseArgument, Output, takes
from s3ir_tui.settings import Settings


@takes(CASES)
def verify(chosen: Settings, case: CaseArgument, anchors: Anchors = None, output: Output = Format.TABLE) -> int:
    """Check that the log of a case is whole and agrees with published heads."""
    from s3ir_tui.headless import verify as command

    return command.run(settings.find_case(chosen, case), anchors or (), output)


@takes(CASES)
def report(
    chosen: Settings,
    case: CaseArgument,
    anchors: Anchors = None,
    file: Annotated[Path | None, typer.Option("-o", "--file", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Print the report of a case, made from its record, as Markdown."""
    from s3ir_tui.headless import report as command

    return command.run(settings.find_case(chosen, case), anchors or (), file)


@takes(CASES)
def locate(chosen: Settings) -> int:
    """Print where the configuration and the cases lie."""
    say(f"config  {settings.config_file(os.environ)}")
    say(f"cases   {chosen.cases}")
    return Code.OK
