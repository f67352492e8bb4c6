"""From an event to what else there is of its principal, bucket, address, credential: lines, details, the tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.widget import Widget

from s3ir_tui.room import Detail, Kind, Row
from s3ir_tui.text import clean, fit, middle, short_arn
from s3ir_tui.trail.arns import instance_of
from s3ir_tui.trail.complete import term_of
from s3ir_tui.trail.event import Judged
from screens.base import CaseScreen
from screens.detail import RowScreen
from screens.document import DocumentScreen, Title
from screens.keys import bindings
from screens.state import State
from screens.widgets.lines import Spans
from screens.widgets.pages import Paragraph
from screens.widgets.palette import BOLD, DIM, PLAIN
from screens.widgets.rows import Rows


@dataclass(frozen=True, slots=True)
class Pivot:
    """A way on from an event.

    Attributes:
        words: What it shows; our own words.
        value: Of what; as it was recorded.
        filter: The filter whose lines it shows, or "".
        row: The row whose detail it shows, or `None`.
        tree: The access key whose tree it shows, or "".
    """

    words: str
    value: str
    filter: str = ""
    row: tuple[Kind, str] | None = None
    tree: str = ""


def pivots_of(line: Judged, principal: str) -> list[Pivot]:
    """The ways on from an event.

    Args:
        line: The event.
        principal: Id of the row that its principal stands in.
    """
    event = line.event
    instance = instance_of(event.principal)
    place = f"{event.bucket}/{event.key}"
    ways = [
        (event.principal, Pivot("lines of principal", event.principal, term_of("principal", event.principal))),
        (event.bucket, Pivot("lines of bucket", event.bucket, term_of("bucket", event.bucket))),
        (event.key, Pivot("lines of object", place, f"{term_of('bucket', event.bucket)} {term_of('key', event.key)}")),
        (event.address, Pivot("lines from address", event.address, term_of("address", event.address))),
        (event.access_key, Pivot("lines of credential", event.access_key, term_of("credential", event.access_key))),
        (instance, Pivot("lines of instance", instance, term_of("instance", instance))),
        (event.agent, Pivot("lines of user agent", event.agent, term_of("agent", event.agent))),
        (event.error, Pivot("lines with error", event.error, term_of("error", event.error))),
        (event.access_key, Pivot("tree of credential", event.access_key, tree=event.access_key)),
        (principal, Pivot("detail of principal", principal, row=("principal", principal))),
        (event.bucket, Pivot("detail of bucket", event.bucket, row=("bucket", event.bucket))),
        (instance, Pivot("detail of instance", instance, row=("instance", instance))),
    ]
    return [pivot for value, pivot in ways if value]


class PivotRows(Rows):
    """The ways on."""

    def __init__(self, pivots: list[Pivot]) -> None:
        super().__init__(id="pivots")
        self._pivots = pivots

    def current(self) -> Pivot | None:
        """The one under the cursor."""
        return self._pivots[self.cursor] if self.cursor < len(self._pivots) else None

    def count(self) -> int:
        """How many there are."""
        return len(self._pivots)

    def empty(self) -> str:
        """What is said where there are none."""
        return "this event names nobody and nothing"

    def spans(self, index: int, cells: int) -> Spans:
        """One way on."""
        pivot = self._pivots[index]
        value = clean(short_arn(pivot.value))
        room = max(10, cells - 22)
        return [(" " + fit(pivot.words, 20), BOLD if pivot.filter else PLAIN), (middle(value, room), DIM)]


class PivotScreen(CaseScreen):
    """The ways on from an event.

    Args:
        state: What all screens look at.
        line: The event.
    """

    PLACES = ("pivot", "list", "all")
    BINDINGS = bindings("pivot")

    def __init__(self, state: State, line: Judged) -> None:
        super().__init__(state)
        self._line = line

    def body(self) -> Iterable[Widget]:
        """A title and the list."""
        yield Title(id="title")
        yield PivotRows(pivots_of(self._line, self.state.principal_of(self._line.event)))

    def on_mount(self) -> None:
        """Say of what."""
        event = self._line.event
        self.query_one(Title).show(clean(f"What else there is: {event.name}  {event.time}"))
        self.query_one(PivotRows).focus()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Go there."""
        event.stop()
        pivot = self.query_one(PivotRows).current()
        if pivot is None:
            return
        if pivot.filter:
            self.state.show_only(pivot.filter)
        elif pivot.row is not None:
            kind, ident = pivot.row
            row = self.state.row(kind, ident) or Row(kind, ident, clean(short_arn(ident)))
            self.app.push_screen(RowScreen(self.state, row))
        else:
            self._show_tree(pivot.tree)

    def _show_tree(self, key: str) -> None:
        def show(detail: Detail) -> None:
            lines: list[Paragraph] = []
            for head, texts in detail.sections:
                lines += [(head, BOLD), *((f"  {text}", PLAIN) for text in texts), ("", PLAIN)]
            self.app.push_screen(DocumentScreen(self.state, detail.title, lines, detail.copy))

        self.fetch("reading the tree", lambda: self.state.room.detail("principal", key), show)
