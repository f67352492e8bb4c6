"""The console put together: a room, whoever acts in it, and the screens."""

from __future__ import annotations

from pathlib import Path

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.session import Credentials, connector
from s3ir_tui.settings import Settings, case_folder, make_private


def open_live(settings: Settings, *, credentials: Credentials | None = None, folder: Path | None = None) -> int:
    """Run the console on a live account; it signs in behind the first paint.

    Args:
        settings: How it was started.
        credentials: Credentials to use instead of those of the AWS configuration.
        folder: The case folder; else that of the settings.

    Returns:
        The exit status.

    Raises:
        Failure: This terminal cannot show it, or a trail source is none.
        JournalError: The case cannot be opened.
    """
    _check_terminal()
    connect = connector(settings, credentials)
    from actions.desk import Desk
    from s3ir_tui.app import run
    from s3ir_tui.headless.gather import Sources
    from s3ir_tui.journal import Journal
    from s3ir_tui.live import LiveRoom

    sources = Sources(settings)
    journal = Journal.open(make_private(folder or case_folder(settings)), about={"command": "console"})
    room = LiveRoom(
        connect,
        journal,
        sources=sources.recorded,
        in_place=lambda ref: desk.in_place(ref),
        unknown=lambda: len(desk.unknown_outcomes()),
        back=settings.since,
        quiet=settings.quiet,
    )
    desk = Desk(room.account, journal, room.history, settings.break_glass)
    return run(room, desk, mouse=settings.mouse)


def open_review(folder: Path, *, mouse: bool = False) -> int:
    """Run the console on a recorded case: nobody acts in it.

    Args:
        folder: The case folder.
        mouse: Whether the terminal's mouse is taken.

    Returns:
        The exit status.

    Raises:
        Failure: This terminal cannot show it.
    """
    _check_terminal()
    from s3ir_tui.app import run
    from s3ir_tui.review import ReviewRoom

    room = ReviewRoom(folder)
    return run(room, timeline=room, mouse=mouse)


def _check_terminal() -> None:
    # Imported before Textual is, since it takes out of the environment what Textual must not see.
    from screens import environment

    if why := environment.why_no_screen():
        raise Failure(why, Code.USAGE)
