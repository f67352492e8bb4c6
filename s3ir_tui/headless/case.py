"""The log of a case, opened for as long as a command runs."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from s3ir_tui import __version__
from s3ir_tui.journal import Journal
from s3ir_tui.model import Json
from s3ir_tui.settings import make_private

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


def about(command: str) -> dict[str, Json]:
    """Who writes a log, from where and with which versions: what its first record says."""
    return {
        "program": "s3ir-tui",
        "version": __version__,
        "python": platform.python_version(),
        "command": command,
        "user": _user(),
        "host": platform.node(),
        "pid": os.getpid(),
        "tty": os.ttyname(0) if sys.stdin.isatty() else "",
        "ssh": os.environ.get("SSH_CONNECTION", ""),
    }


@contextmanager
def opened(folder: Path, account: Account, command: str) -> Iterator[Journal]:
    """The log of a case, for writing; it is closed with its closing record whatever happens.

    Raises:
        JournalError: It cannot be opened or written.
    """
    identity = account.identity
    who: dict[str, Json] = {"account": identity.account, "arn": identity.arn, "region": identity.region}
    journal = Journal.open(make_private(folder), about=about(command) | {"identity": who})
    why = f"{command} ended"
    try:
        yield journal
    except BaseException as error:
        why = f"{command} ended by {type(error).__name__}"
        raise
    finally:
        journal.close(why)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
