"""A list on the line API: only the visible rows are rendered, and moving the cursor repaints two of them."""

from __future__ import annotations

from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from s3ir_tui.text import clean, middle
from screens.keys import bindings
from screens.widgets.lines import Spans, strip_of
from screens.widgets.palette import BOLD, DIM


class Rows(Widget, can_focus=True):
    """A list with a cursor. Subclasses say how many rows there are and what each says.

    Attributes:
        cursor: Index of the row under the cursor.
        top: Index of the first visible row.
        touched: Whether the responder moved the cursor; until then it may go where the worst is.
    """

    COMPONENT_CLASSES = {"rows--cursor", "rows--head"}
    BINDINGS = bindings("list")
    DEFAULT_CSS = """
    Rows { height: 1fr; }
    Rows .rows--cursor { background: $primary-muted; }
    Rows:focus .rows--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    Rows:ansi .rows--cursor { background: ansi_default; color: ansi_default; }
    Rows:ansi:focus .rows--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    Rows .rows--head { color: $text-muted; }
    Rows:focus .rows--head { color: $text-accent; text-style: bold; }
    """

    class Chosen(Message):
        """`enter` was pressed on a row."""

        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: Rows) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self.top = 0
        self.touched = False
        self._head: Strip | None = None

    # -- filled in by subclasses ---------------------------------------------------------------

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def spans(self, index: int, cells: int) -> Spans:
        """What a row says in `cells` cells."""
        raise NotImplementedError

    def head(self, cells: int) -> Spans:  # noqa: ARG002 - the shape that subclasses fill in
        """The line above the rows; where a subclass fills it in, there is one."""
        return ()

    def empty(self) -> str:
        """What is said where there are no rows."""
        return ""

    def selectable(self, index: int) -> bool:  # noqa: ARG002 - the shape that subclasses fill in
        """Whether the cursor may stand on a row."""
        return True

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor has its glyph: where keys move it."""
        return self.has_focus

    # -- state ---------------------------------------------------------------------------------

    @property
    def page(self) -> int:
        """How many rows are visible."""
        return max(1, self.size.height - self._heads)

    @property
    def _heads(self) -> int:
        """Lines above the rows: asked for with every line that is painted, so the words themselves are not made."""
        return int(type(self).head is not Rows.head)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        count = self.count()
        step = 1 if index >= self.cursor else -1
        index = max(0, min(index, count - 1))
        while 0 <= index < count and not self.selectable(index):
            index += step
        if not 0 <= index < count:
            return
        old, old_top = self.cursor, self.top
        self.cursor = index
        self._into_view()
        if self.top != old_top:
            self.refresh()
        elif old != index:
            self.refresh_row(old)
            self.refresh_row(index)
        if old != index:
            self.post_message(self.Moved(self))

    def _into_view(self) -> None:
        page = self.page
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor >= self.top + page:
            self.top = self.cursor - page + 1
        self.top = max(0, min(self.top, self.count() - page))

    def rows_changed(self) -> None:
        """Repaint after the rows changed; the cursor stays within them."""
        self.cursor = max(0, min(self.cursor, self.count() - 1))
        if self.count() and not self.selectable(self.cursor):
            self.move_to(self.cursor)
        self._into_view()
        self.refresh()

    def refresh_row(self, index: int) -> None:
        """Repaint one row, if it is visible."""
        y = index - self.top + self._heads
        if self._heads <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def refresh_head(self) -> None:
        """Repaint the line above the rows where it says something else now."""
        if self.is_mounted and self._heads and self._head_strip() != self._head:
            self.refresh(Region(0, 0, self.size.width, 1))

    # -- actions -------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.touched = True
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.touched = True
        self.move_to(self.cursor + by * max(1, self.page - 1))

    def action_edge(self, last: bool) -> None:
        """Move the cursor to the first or the last row."""
        self.touched = True
        self.move_to(self.count() - 1 if last else 0)

    def action_choose(self) -> None:
        """Tell that the row under the cursor was chosen."""
        if self.count():
            self.post_message(self.Chosen(self, self.cursor))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._into_view()

    # -- painting ------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Line `y` as a strip (Textual's line API)."""
        cells, base = self.size.width, self.rich_style
        if self._heads and y == 0:
            self._head = self._head_strip()
            return self._head
        index = self.top + y - self._heads
        if index >= self.count():
            if index or self.count():
                return strip_of((), cells, base)
            words = middle(clean(self.empty()), max(8, cells - 2))
            return strip_of([(f"  {words}", DIM)], cells, base)
        if index != self.cursor:
            return strip_of([(" ", BOLD), *self.spans(index, cells - 1)], cells, base)
        if not self.shows_cursor:  # one bar on the screen: where the keys go
            return strip_of([("›", DIM), *self.spans(index, cells - 1)], cells, base)
        style = base + self.get_component_rich_style("rows--cursor")
        return strip_of([("›", BOLD), *self.spans(index, cells - 1)], cells, style)

    def _head_strip(self) -> Strip:
        style = self.rich_style + self.get_component_rich_style("rows--head", partial=True)
        return strip_of(self.head(self.size.width), self.size.width, style)
