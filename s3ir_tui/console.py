"""The console put together: a room, whoever acts in it, and the screens."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.session import Credentials, connector
from s3ir_tui.settings import Settings, case_folder, make_private, operator_of

ANSWERS = "answers"
"""Folder of a case that takes answers to questions."""


def open_live(
    settings: Settings,
    *,
    credentials: Credentials | None = None,
    folder: Path | None = None,
    delivery: timedelta | None = None,
) -> int:
    """Run the console on a live account; it signs in behind the first paint.

    Args:
        settings: How it was started.
        credentials: Credentials to use instead of those of the AWS configuration.
        folder: The case folder; else that of the settings.
        delivery: How late the trail brings a call at most; else as late as CloudTrail does.

    Returns:
        The exit status.

    Raises:
        Failure: This terminal cannot show it, or a trail source is none.
        JournalError: The case cannot be opened.
    """
    _check_terminal()
    connect = connector(settings, credentials)
    with _nothing_collected():
        from actions.desk import Desk
        from s3ir_tui.app import run
        from s3ir_tui.board.proof import EXPECTED
        from s3ir_tui.headless.gather import Sources
        from s3ir_tui.journal import Journal
        from s3ir_tui.live import LiveRoom
        from s3ir_tui.questions.seen import SeenHistory

    sources = Sources(settings)
    place = folder or case_folder(settings)
    is_new = not place.exists()
    journal = Journal.open(make_private(place), about={"command": "console"})
    room = LiveRoom(
        connect,
        journal,
        sources=sources.recorded,
        in_place=lambda ref: desk.in_place(ref),
        unknown=lambda: desk.look_again(),
        armed=lambda: desk.armed,
        back=settings.since,
        quiet=settings.quiet,
        expected=delivery or EXPECTED,
    )
    desk = Desk(
        room.account,
        journal,
        room.history,
        settings.break_glass,
        operator=operator_of(settings),
        plan_age=settings.plan_age,
    )
    status = run(room, desk, asks=SeenHistory(journal.folder / ANSWERS), mouse=settings.mouse)
    if is_new:
        journal.leave_no_empty_case()
    return status


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
    with _nothing_collected():
        from s3ir_tui.app import run
        from s3ir_tui.questions.seen import SeenHistory
        from s3ir_tui.review import ReviewRoom

    room = ReviewRoom(folder)
    return run(room, timeline=room, asks=SeenHistory(folder / ANSWERS), mouse=mouse)


def open_replay(paths: Sequence[Path], speed: str, settings: Settings) -> int:
    """Run the console on a recording of CloudTrail, played as if it were live: no account, nobody acts in it.

    Args:
        paths: Files and folders of CloudTrail.
        speed: Seconds of the recording in a second; `max` or `0` for as fast as possible.
        settings: Case to record in, else a temporary folder is used; how long is quiet; the mouse.

    Returns:
        The exit status.

    Raises:
        Failure: A path is not there, the speed is none, or this terminal cannot show it.
        JournalError: The case cannot be opened.
    """
    from s3ir_tui.trail.sources.recording import Recording, speed_of

    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise Failure(f"no such file or folder: {', '.join(missing)}", Code.USAGE)
    try:
        recording = Recording(paths, speed=speed_of(speed))
    except ValueError as error:
        raise Failure(str(error), Code.USAGE) from None
    _check_terminal()
    with _nothing_collected():
        from s3ir_tui.app import run
        from s3ir_tui.journal import Journal
        from s3ir_tui.live_record import TrailRecorder
        from s3ir_tui.questions.seen import SeenHistory
        from s3ir_tui.replay import ReplayRoom

    with tempfile.TemporaryDirectory(prefix="s3ir-replay-") as temporary:
        folder = case_folder(settings) if settings.case else Path(temporary, paths[0].resolve().name or "recording")
        journal = Journal.open(make_private(folder), about={"command": "replay"})
        # Answers outlive a temporary folder.
        answers = (folder if settings.case else Path.cwd()) / ANSWERS
        recorder = TrailRecorder(journal) if settings.case else None
        room = ReplayRoom(recording, journal, recorder, quiet=settings.quiet)
        return run(room, asks=SeenHistory(answers), mouse=settings.mouse)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What is imported meanwhile stays until the end: it is not looked through for garbage, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _check_terminal() -> None:
    # Imported before Textual is, since it takes out of the environment what Textual must not see.
    from screens import environment

    if why := environment.why_no_screen():
        raise Failure(why, Code.USAGE)
