"""Lines of styled text: the one way by which words reach the terminal, and a widget that repaints only what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from s3ir_tui.text import clean, width
from screens.widgets.palette import PLAIN, RULE

Spans: TypeAlias = Sequence[tuple[str, Style]]
"""A line as text and style, left to right."""


def strip_of(spans: Spans, cells: int, base: Style = PLAIN) -> Strip:
    """Make a strip of exactly `cells` cells; whatever the text holds, no control sequence leaves here."""
    safe = [(clean(text), style) for text, style in spans if text]
    if sum(width(text) for text, _ in safe) > cells:
        safe = crop(safe, cells)
    return Strip([Segment(text, base + style) for text, style in safe]).simplify().crop_extend(0, cells, base)


def spread(left: Spans, right: Spans, cells: int) -> list[tuple[str, Style]]:
    """`left`, then `right` at the right edge; the left side gives way where both do not fit."""
    room = max(0, cells - length(right) - (1 if right else 0))
    cut = crop(left, room)
    return [*cut, (" " * max(0, cells - length(cut) - length(right)), PLAIN), *right]


def ruled(left: Spans, right: Spans, cells: int) -> list[tuple[str, Style]]:
    """`left`, a rule, then `right`: the head of a pane or of a part of a screen."""
    rule = cells - length(left) - length(right)
    return spread([*left, ("─" * max(0, rule - (1 if right else 0)), RULE)], right, cells)


def length(spans: Spans) -> int:
    """Cells that the spans take."""
    return sum(width(clean(text)) for text, _ in spans)


def crop(spans: Spans, cells: int) -> list[tuple[str, Style]]:
    """The spans cut to at most `cells`, with an ellipsis where something is lost."""
    taken: list[tuple[str, Style]] = []
    left = cells
    for text, style in spans:
        safe = clean(text)
        if width(safe) <= left:
            taken.append((safe, style))
            left -= width(safe)
            continue
        if left > 0:
            taken.append((_head(safe, left), style))
        break
    return taken


def wrapped(text: str, cells: int, indent: int = 0) -> list[str]:
    """A text in lines of at most `cells`, broken at spaces where there are any; later lines are indented."""
    lines: list[str] = []
    rest = clean(text)
    pad = ""
    while width(pad + rest) > cells and cells > indent + 1:
        cut = (pad + rest)[: max(1, cells)]
        while width(cut) > cells:
            cut = cut[:-1]
        space = cut.rfind(" ", indent + 1)
        if space > cells // 3:
            cut = cut[:space]
        lines.append(cut.rstrip())
        rest = (pad + rest)[len(cut) :].lstrip()
        pad = " " * indent
    return [*lines, pad + rest]


def _head(text: str, cells: int) -> str:
    while width(text) > cells - 1:
        text = text[:-1]
    return text + "…"


class Lines(Widget):
    """A few lines whose cells are repainted only where they differ from what stands there."""

    DEFAULT_CSS = "Lines { height: 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: dict[int, tuple[int, Strip]] = {}

    def line(self, y: int, cells: int) -> Spans:
        """What line `y` says in `cells` cells; to be filled in."""
        raise NotImplementedError

    def changed(self) -> None:
        """Look at every line again and repaint the cells that differ."""
        cells, base = self.size.width, self.rich_style
        for y, (drawn, old) in list(self._shown.items()):
            new = strip_of(self.line(y, cells), cells, base)
            if drawn != cells:
                self.refresh()
                return
            region = _difference(old, new, y)
            if region is not None:
                self.refresh(region)

    def render_line(self, y: int) -> Strip:
        """Line `y` as a strip (Textual's line API)."""
        cells = self.size.width
        strip = strip_of(self.line(y, cells), cells, self.rich_style)
        self._shown[y] = (cells, strip)
        return strip


def _difference(old: Strip, new: Strip, y: int) -> Region | None:
    before, after = _cells(old), _cells(new)
    if before == after:
        return None
    if len(before) != len(after):
        return Region(0, y, max(old.cell_length, new.cell_length), 1)
    differ = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    return Region(differ[0], y, differ[-1] - differ[0] + 1, 1)


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    cells: list[tuple[str, Style | None]] = []
    for segment in strip:
        for char in segment.text:
            cells.append((char, segment.style))
            cells.extend([("", segment.style)] * (width(char) - 1))
    return cells
