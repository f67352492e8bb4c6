"""CloudTrail read and checked: from files, from folders, from the account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3ir_tui.headless.output import Format
from s3ir_tui.options import SIGN_IN, TRAIL, DefaultCommand, Output, takes
from s3ir_tui.settings import Settings

trail = typer.Typer(cls=DefaultCommand, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@trail.callback()
def read_trail() -> None:
    """Read CloudTrail: who did what to which bucket, and what its files are worth as evidence.

    `trail [PATH]...` is short for `trail show [PATH]...`. A folder that is called like a command is given as ./verify.
    """


@trail.command("show")
@takes(SIGN_IN, TRAIL)
def show_trail(
    chosen: Settings,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files and folders of CloudTrail; the account's own trail without."),
    ] = None,
    output: Output = Format.TABLE,
) -> int:
    """Print who did what to which bucket, from CloudTrail files or from the account."""
    from s3ir_tui.headless import trail as command

    if paths:
        return command.from_files(paths, output)
    from s3ir_tui.headless.gather import Sources, gather
    from s3ir_tui.headless.session import connect
    from s3ir_tui.model import utc_now

    sources = Sources(chosen)
    return command.show(*gather(connect(chosen), sources, utc_now() - chosen.since), output)


@trail.command("verify")
@takes(SIGN_IN)
def verify_trail(
    chosen: Settings,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Log files and digests, copied from the bucket.")],
    keys: Annotated[
        list[Path] | None,
        typer.Option(
            "--keys", metavar="FILE", help="Saved answer of ListPublicKeys, or PEM; repeat. Without: AWS is asked."
        ),
    ] = None,
    bucket: Annotated[
        str, typer.Option("--bucket", metavar="NAME", help="Bucket of the trail; digests of another prove nothing.")
    ] = "",
    output: Output = Format.TABLE,
) -> int:
    """Check log files against the signed digests: what was changed, is missing, or is vouched for by nothing.

    Exit code 0: every file is what CloudTrail delivered, and nothing is missing between the digests.
    """
    from s3ir_tui.headless import trail_verify as command

    if keys:
        return command.offline(folder, keys, bucket, output)
    from s3ir_tui.headless.session import connect
    from s3ir_tui.model import utc_now

    command.check_folder(folder)
    return command.online(folder, connect(chosen), bucket, utc_now(), output)
