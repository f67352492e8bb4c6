"""The console put together: a room, whoever acts in it, and the screens."""

from __future__ import annotations

import os
from pathlib import Path

from s3ir_tui.headless.session import Credentials, connector
from s3ir_tui.settings import Settings, case_folder, make_private

# Textual presses the keys that TEXTUAL_PRESS names by itself, and runs whatever TEXTUAL_DRIVER names.
_NOT_FOR_TEXTUAL = ("TEXTUAL_PRESS", "TEXTUAL_DRIVER")


def open_live(settings: Settings, *, credentials: Credentials | None = None, folder: Path | None = None) -> int:
    """Run the console on a live account.

    Args:
        settings: How it was started.
        credentials: Credentials to use instead of those of the AWS configuration.
        folder: The case folder; else that of the settings.

    Returns:
        The exit status.

    Raises:
        JournalError: The case cannot be opened.
    """
    connect = connector(settings, credentials)
    _shield()
    from s3ir_tui.app import run
    from s3ir_tui.journal import Journal
    from s3ir_tui.live import LiveRoom

    journal = Journal.open(make_private(folder or case_folder(settings)), about={"command": "console"})
    room = LiveRoom(connect, journal, back=settings.since, quiet=settings.quiet)
    return run(room, None, None, mouse=settings.mouse)


def open_review(folder: Path, *, mouse: bool = False) -> int:
    """Run the console on a recorded case.

    Args:
        folder: The case folder.
        mouse: Whether the terminal's mouse is taken.

    Returns:
        The exit status.
    """
    _shield()
    from s3ir_tui.app import run
    from s3ir_tui.review import ReviewRoom

    room = ReviewRoom(folder)
    return run(room, None, room, mouse=mouse)


def _shield() -> None:
    for name in _NOT_FOR_TEXTUAL:
        os.environ.pop(name, None)
