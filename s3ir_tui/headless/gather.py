"""The trail of the account, from the sources that the settings choose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.settings import Settings
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.discover import discover
from s3ir_tui.trail.sources.base import Source, SourceError, caught_up, drain
from s3ir_tui.trail.sources.files import FilesSource

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

KINDS = ("lookup", "bucket")
"""The kinds of sources that an account offers: the first word of their names."""


class Sources:
    """The sources that settings choose; made before signing in, so that nonsense is told at once.

    Args:
        settings: `sources` names kinds and paths; empty means all that the account offers.

    Raises:
        Failure: One is neither a kind nor a path that is there.
    """

    def __init__(self, settings: Settings) -> None:
        self.kinds = tuple(name for name in settings.sources if name in KINDS)
        self.paths = tuple(Path(name).expanduser() for name in settings.sources if name not in KINDS)
        for path in self.paths:
            if not path.exists():
                raise Failure(f"source {path}: neither lookup nor bucket, nor a file or folder", Code.USAGE)

    def __call__(self, account: Account, since: datetime) -> Sequence[Source]:
        """The sources of an account for the time since a moment."""
        wanted = self.kinds or (() if self.paths else KINDS)
        offered = discover(account, since) if wanted else ()
        return (
            *(item for item in offered if item.name.split()[0] in wanted),
            *(FilesSource([path]) for path in self.paths),
        )


def gather(account: Account, sources: Sources, since: datetime) -> tuple[Analysis, list[Skipped]]:
    """Everything that the sources bring for the time since a moment.

    Returns:
        The trail, and each source that brought nothing, with its reason: what it knows is missing, not absent.
    """
    analysis = Analysis(account.own_keys)
    missing: list[Skipped] = []
    for source in sources(account, since):
        try:
            analysis.add(drain(source), source.name)
        except SourceError as error:
            missing.append(Skipped(source.name, str(error)))
        else:
            if not caught_up(source):
                missing.append(Skipped(source.name, "not read to its beginning: events before the oldest are missing"))
        if isinstance(source, FilesSource):
            missing += source.skipped
    return analysis, missing
