"""The trail of an account, read once: for plans and pages made without a console."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.discover import discover
from s3ir_tui.trail.sources.base import SourceError, caught_up, drain

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


def collect(account: Account, since: datetime, own_keys: Collection[str] = (), *, seconds: float = 300.0) -> Analysis:
    """Everything that the sources of an account bring for the time since a moment.

    Args:
        account: The connection.
        since: How far to look back.
        own_keys: Access keys of this console, besides those of the connection.
        seconds: Most time for each source.

    Returns:
        The analysis; a source that failed or was not read to its end stands in its visibility.
    """
    analysis = Analysis({*account.own_keys, *own_keys})
    for source in discover(account, since):
        try:
            analysis.add(drain(source, seconds=seconds), source.name)
        except SourceError as error:
            analysis.gap(source.name, str(error))
        else:
            if not caught_up(source):
                analysis.gap(source.name, f"only the newest part was read within {seconds:g} s")
    return analysis
