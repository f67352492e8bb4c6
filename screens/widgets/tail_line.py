"""An event as one line of the tail: when, how bad, what, on what, by whom, how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from s3ir_tui.model import Severity
from s3ir_tui.text import clean, fit, middle, width
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.fields import Line, actor, outcome_of
from screens.widgets.lines import Spans
from screens.widgets.palette import AMBER, DIM, HIT, PLAIN, RED, severity_style

_LONGEST = 400


def outcome(event: Event) -> str:
    """`ok`, `denied` or `failed`: attempts and successes are told apart in every line."""
    return outcome_of(event.error)


def line_spans(line: Line, cells: int) -> Spans:
    """An event in one line of `cells` cells, safe to show."""
    event = line.event
    name = 16 if cells < 76 else 18 if cells < 110 else 26
    who = 11 if cells < 76 else 13 if cells < 90 else 26
    late = f" {line.late}" if line.late else ""
    what = max(8, cells - 8 - 6 - name - 1 - who - 1 - 7 - len(late))
    result = outcome(event)
    style = severity_style(line.severity)
    return [
        (event.time[11:19], DIM),
        (f" {line.severity.short:<4} ", style),
        (fit(clean(event.name[:_LONGEST]), name), style if line.severity >= Severity.HIGH else PLAIN),
        (late, AMBER),
        (" " + fit(_what(line, what), what), PLAIN),
        (
            " " + fit("this console" if line.ours else clean(actor(event.principal[:_LONGEST])), who),
            DIM if line.ours else PLAIN,
        ),
        (f" {result:<6}", RED if result == "denied" else PLAIN),
    ]


def highlighted(spans: Spans, marks: Sequence[str]) -> Spans:
    """A line that was searched for: the texts stand out; the time does where they are not in sight.

    Args:
        spans: The line.
        marks: The texts, lower case.
    """
    found: list[tuple[str, Style]] = []
    for text, style in spans:
        found += _split(text, style, marks)
    if not any(style.reverse for _, style in found):
        (time, style), *rest = spans
        return [(time, style + HIT), *rest]
    return found


def _split(text: str, style: Style, marks: Sequence[str]) -> list[tuple[str, Style]]:
    folded = text.lower()
    if len(folded) != len(text):  # letters whose lower case is longer: places would not agree
        return [(text, style)]
    parts: list[tuple[str, Style]] = []
    at = 0
    while at < len(text):
        places = [(folded.find(mark, at), -len(mark)) for mark in marks if mark]
        first, size = min((place for place in places if place[0] >= 0), default=(-1, 0))
        if first < 0:
            break
        parts += [(text[at:first], style), (text[first : first - size], style + HIT)]
        at = first - size
    return [part for part in (*parts, (text[at:], style)) if part[0]]


def _what(line: Line, cells: int) -> str:
    """On what, or why it matters: in a critical line the reason is worth more than the key."""
    event = line.event
    bucket, key = clean(event.bucket[:_LONGEST]), clean(event.key[-_LONGEST:])
    reason = clean(line.reasons[0][:_LONGEST]) if line.reasons else ""
    if line.severity >= Severity.CRITICAL and reason:
        return f"{_shorter(bucket, reason, cells)} {reason}".strip()
    if key:
        place = _shorter(bucket, key, cells)
        return f"{place}/{_end(key, cells - width(place) - 1)}"
    return bucket or reason or clean(event.address)


def _end(key: str, cells: int) -> str:
    """A key cut at its beginning: the name of the file tells more than its folders."""
    while width(key) > cells and len(key) > 1:
        key = "…" + key.lstrip("…")[1:]
    return key


def _shorter(bucket: str, rest: str, cells: int) -> str:
    """The bucket's name, cut where the rest, which tells more, would not fit beside it."""
    return middle(bucket, max(cells - width(rest) - 1, cells // 3))
