"""The trail sources one by one: how late each is, which are lost and why, what each does not bring."""

from __future__ import annotations

from rich.style import Style

from s3ir_tui.room import SourceStatus, Status
from s3ir_tui.text import ago, clean
from screens.base import CaseScreen
from screens.document import DocumentScreen
from screens.widgets.palette import AMBER, DIM, PLAIN, RED


def open_sources(screen: CaseScreen) -> None:
    """Show the sources as they are now."""
    screen.app.push_screen(DocumentScreen(screen.state, "Trail sources", source_lines(screen.state.snapshot.status)))


def source_lines(status: Status) -> list[tuple[str, Style]]:
    """A line a source, with what is wrong with it below: the lost ones first."""
    if not status.sources:
        return [("no source", AMBER)]
    lines: list[tuple[str, Style]] = []
    for item in sorted(status.sources, key=lambda item: (not item.error, not item.remark)):
        lines.append((_head(item), RED if item.error else PLAIN))
        lines += [(f"    {clean(text)}", style) for text, style in ((item.error, RED), (item.remark, AMBER)) if text]
    blind = not any(item.data_events and not item.error for item in status.sources)
    note = (
        "no source brings S3 data events: reads of objects are not seen; their absence proves nothing" if blind else ""
    )
    return [*lines, ("", PLAIN), (note or "at least one source brings S3 data events", AMBER if blind else DIM)]


def _head(item: SourceStatus) -> str:
    lag = "lag ?" if item.lag is None else f"lag {ago(item.lag)}"
    brings = "management and data events" if item.data_events else "management events"
    return f"{'LOST ' if item.error else ''}{clean(item.name)}  {lag}  {brings}"
