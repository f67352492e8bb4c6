"""The log of a case, opened for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from s3ir_tui.journal import Journal
from s3ir_tui.settings import make_private

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


@contextmanager
def opened(folder: Path, account: Account, command: str) -> Iterator[Journal]:
    """The log of a case, for writing; it gets its closing record whatever happens.

    Args:
        folder: The case folder; it is made where it is missing.
        account: Who writes.
        command: What is run, for the log's first record.

    Raises:
        JournalError: It cannot be opened or written.
    """
    who = account.identity
    about = {"command": command, "account": who.account, "arn": who.arn, "region": who.region}
    journal = Journal.open(make_private(folder), about=about)
    why = f"{command} ended"
    try:
        yield journal
    except BaseException as error:
        why = f"{command} ended by {type(error).__name__}"
        raise
    finally:
        journal.close(why)
