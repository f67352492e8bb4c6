"""The trail of an account, read once: for plans and pages made without a console."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.discover import discover
from s3ir_tui.trail.sources.base import SourceError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


def collect(account: Account, since: datetime) -> Analysis:
    """Everything that the sources of an account bring for the time since a moment.

    A source that fails is left out: what it would have brought is missing, not wrong.
    """
    analysis = Analysis(account.own_keys)
    for source in discover(account, since):
        try:
            analysis.add(source.poll(), source.name)
        except SourceError:
            continue
    return analysis
