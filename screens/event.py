"""One event of the trail: what it means, then the whole record as JSON; from here its principal or bucket is marked."""

from __future__ import annotations

import json

from rich.style import Style

from s3ir_tui.journal import redact
from s3ir_tui.room import Kind
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.event import Judged
from screens.document import DocumentScreen
from screens.keys import bindings
from screens.state import State
from screens.widgets.pages import Pages
from screens.widgets.palette import BOLD, DIM, PLAIN, severity_style
from screens.widgets.tail_line import outcome


class EventScreen(DocumentScreen):
    """An event in full.

    Args:
        state: What all screens look at.
        line: The event.
    """

    BINDINGS = bindings("event")
    PLACES = ("event", "document", "pages", "all")

    def __init__(self, state: State, line: Judged) -> None:
        event = line.event
        title = f"{event.name}  {event.time}  {outcome(event)}"
        super().__init__(state, clean(title), event_lines(line), record_of(line))
        self._line, self._whole = line, False

    def action_whole(self) -> None:
        """Show the record as it came, and back: the screen may be shared, so secrets are left out at first."""
        self._whole = not self._whole
        self._copied = record_of(self._line, whole=self._whole)
        self.query_one(Pages).show(event_lines(self._line, whole=self._whole))
        shown = (
            "the record as it came, secrets included: mind who sees this screen" if self._whole else "secrets left out"
        )
        self.say(shown, alarm=self._whole)

    def _subject(self, kind: Kind) -> str:
        event = self._line.event
        if kind == "bucket":
            return event.bucket
        if kind == "principal":
            return self.state.principal_of(event)
        tail = event.principal.rsplit("/", 1)[-1]
        return tail if tail.startswith("i-") else ""

    def action_mark(self, kind: Kind) -> None:
        """Mark what the event is about."""
        ident = self._subject(kind)
        if not ident:
            self.say(f"this event names no {kind}")
            return
        on = not self.state.is_marked(kind, ident)
        self.state.mark(kind, ident, on)
        self.say(f"{kind} {clean(short_arn(ident))} {'marked' if on else 'is no longer marked'}")

    def action_pivot(self) -> None:
        """Show what else there is of it."""
        from screens.pivot import PivotScreen

        self.app.push_screen(PivotScreen(self.state, self._line))

    def action_act(self) -> None:
        """Actions for its principal, or for the bucket where nobody signed."""
        from screens.actions import open_actions

        kind: Kind = "bucket" if self._line.event.kind == "Anonymous" else "principal"
        if ident := self._subject(kind):
            open_actions(self, [(kind, ident)])


def record_of(line: Judged, *, whole: bool = False) -> str:
    """The record as indented JSON; as it was received where it is not JSON.

    Args:
        line: The event.
        whole: Whether secrets stay; else they are left out as they are out of the log.
    """
    raw = line.event.raw
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "backslashreplace")
        return text if whole else redact.text(text)
    return json.dumps(record if whole else redact.value(record), indent=2, ensure_ascii=False)


def event_lines(line: Judged, *, whole: bool = False) -> list[tuple[str, Style]]:
    """What the event means and what was recorded, as lines; secrets only where it is to be whole."""
    event = line.event
    lines: list[tuple[str, Style]] = [
        (f"{line.severity.word}: {reason}", severity_style(line.severity)) for reason in line.reasons
    ]
    facts = (
        ("who", event.principal),
        ("key", event.access_key),
        ("from", f"{event.address}  {event.agent}".strip()),
        ("on", f"{event.bucket}/{event.key}" if event.key else event.bucket),
        ("ended", f"{outcome(event)}  {event.error}  {event.message}".strip()),
        ("source", line.source),
    )
    lines += [(f"{name:<7}{value if whole else redact.text(value)}", PLAIN) for name, value in facts if value]
    if line.ours:
        lines.append(("this console made the call", DIM))
    lines += [("", PLAIN), ("Record", BOLD)]
    lines += [(text, PLAIN) for text in record_of(line, whole=whole).splitlines()]
    return lines
