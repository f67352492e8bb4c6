"""The screens that open from the war room, each imported when it is opened: the first picture waits for none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from s3ir_tui.room import Kind, Row

if TYPE_CHECKING:
    from screens.base import CaseScreen
    from screens.histogram import Jump


def actions(screen: CaseScreen, chosen: Sequence[tuple[Kind, str]]) -> None:
    """What can be done about rows."""
    from screens.actions import open_actions

    open_actions(screen, chosen)


def row(screen: CaseScreen, shown: Row) -> None:
    """A row in full."""
    from screens.detail import RowScreen

    screen.app.push_screen(RowScreen(screen.state, shown))


def watch(screen: CaseScreen, shown: Row | None) -> None:
    """Whether it is quiet; the watch of a row where there is one."""
    from screens.watch import WatchScreen

    views = screen.state.snapshot.watches
    ref = next((view.id for view in views if shown is not None and view.label == shown.label), "")
    screen.app.push_screen(WatchScreen(screen.state, ref))


def undo(screen: CaseScreen) -> None:
    """What was done."""
    from screens.undo import UndoScreen

    if screen.can_act():
        screen.app.push_screen(UndoScreen(screen.state))


def detections(screen: CaseScreen, jump: Jump) -> None:
    """What the detections found."""
    from screens.detections import DetectionsScreen

    screen.app.push_screen(DetectionsScreen(screen.state, jump))


def histogram(screen: CaseScreen, chosen: tuple[Kind, str] | None, jump: Jump) -> None:
    """Calls over time, with those of what is chosen."""
    from screens.histogram import HistogramScreen

    screen.app.push_screen(HistogramScreen(screen.state, chosen, jump))


def questions(screen: CaseScreen, about: dict[str, str]) -> None:
    """Questions to history, about what is known by the names of their parameters."""
    from screens.questions import QuestionsScreen

    screen.app.push_screen(QuestionsScreen(screen.state, about))


def log(screen: CaseScreen) -> None:
    """The log."""
    from screens.log import LogScreen

    screen.app.push_screen(LogScreen(screen.state))


def report(screen: CaseScreen) -> None:
    """How the report is written."""
    from screens.report import ReportScreen

    screen.app.push_screen(ReportScreen(screen.state))
