"""Every key once: bindings, foot line, help and palette are made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Where = Literal[
    "all",
    "list",
    "room",
    "tail",
    "filter",
    "groups",
    "pivot",
    "review",
    "actions",
    "plan",
    "undo",
    "watch",
    "log",
    "event",
    "histogram",
    "found",
    "questions",
    "answer",
    "row",
    "document",
    "pages",
    "prompt",
]
Needs = Literal["", "desk", "live", "timeline"]


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that a key does on a screen.

    Attributes:
        id: Its name, unique.
        keys: Textual's names of the keys, separated by commas; the first is shown.
        action: The Textual action.
        where: The screen or widget that it belongs to.
        word: For the foot line; "" keeps it out of there.
        help: For help and palette.
        shown: How the key is written; the first of `keys` where it is "".
        needs: What must be there for it to make sense.
    """

    id: str
    keys: str
    action: str
    where: Where
    word: str
    help: str
    shown: str = ""
    needs: Needs = ""

    @property
    def label(self) -> str:
        """The key as a person reads it."""
        return self.shown or self.keys.partition(",")[0]


KEYS: tuple[Key, ...] = (
    Key(
        "room.act",
        "a",
        "act",
        "room",
        "act",
        "actions for what is marked, else for what the cursor is on",
        needs="desk",
    ),
    Key("room.mark", "space", "mark", "room", "mark", "mark or unmark the row", needs="live"),
    Key("tail.search", "slash", "search", "tail", "search", "search, and show where it is", shown="/"),
    Key("tail.older", "n", "again('older')", "tail", "", "next match: the one before in time"),
    Key("tail.newer", "N", "again('newer')", "tail", "", "match after in time"),
    Key(
        "room.filter",
        "F,ampersand,slash",
        "filter",
        "room",
        "filter",
        "show only what is asked for; in the tail by field: bucket:x -principal:y >=high",
    ),
    Key("tail.severity", "s", "severity", "tail", "", "least severity shown: all, low, medium, high, critical"),
    Key("tail.time", "g", "tail_time", "tail", "", "go to a time: 14:03, 2026-03-02 14:03, -15m"),
    Key("tail.group", "b", "group", "tail", "", "by principal: one line for each, with what it did"),
    Key("tail.pivot", "v", "pivot", "tail", "", "what else there is: of its principal, bucket, address, credential"),
    Key("room.watch", "w", "watch", "room", "watch", "watch: is it quiet?"),
    Key("room.undo", "u", "undo", "room", "undo", "undo something that was done", needs="desk"),
    Key("room.note", "i", "note", "room", "note", "write a note into the log", needs="live"),
    Key("room.log", "l", "log", "room", "log", "log of the case"),
    Key("room.report", "R", "report", "room", "", "how to write the report"),
    Key("room.detections", "D", "detections", "room", "", "what the detections found, worst first"),
    Key("room.histogram", "H", "histogram", "room", "", "allowed and denied calls over time"),
    Key("room.questions", "Q", "questions", "room", "", "questions to history: who touched this key, who read most, …"),
    Key(
        "room.retry",
        "r",
        "retry",
        "room",
        "",
        "try now what failed: to sign in, to find what tells the trail",
        needs="desk",
    ),
    Key("room.buckets", "1", "pane('bucket')", "room", "", "buckets"),
    Key("room.principals", "2", "pane('principal')", "room", "", "principals"),
    Key("room.instances", "3", "pane('instance')", "room", "", "instances"),
    Key("room.tail", "4", "pane('tail')", "room", "", "tail"),
    Key("room.next", "tab", "next_pane(1)", "room", "", "next pane"),
    Key("room.previous", "shift+tab", "next_pane(-1)", "room", "", "pane before"),
    Key("room.zoom", "z", "zoom", "room", "", "one pane on the whole screen, and back"),
    Key("room.pause", "p", "pause", "room", "", "pause the tail, and follow again"),
    Key("room.fold", "S", "fold", "room", "", "show or fold calls of AWS services and reads of this console"),
    Key("room.sort", "o", "sort", "room", "", "sort the pane: worst first"),
    Key("room.clear", "escape", "clear", "room", "", "clear search and filter, leave the zoom"),
    Key("review.step", "right", "step(1)", "review", "step", "next record", shown="← →", needs="timeline"),
    Key("review.back", "left", "step(-1)", "review", "", "record before", needs="timeline"),
    Key("review.play", "space", "play", "review", "play", "play, and stop", needs="timeline"),
    Key("review.slower", "left_square_bracket", "speed(-1)", "review", "", "slower", shown="[", needs="timeline"),
    Key("review.faster", "right_square_bracket", "speed(1)", "review", "", "faster", shown="]", needs="timeline"),
    Key("review.go", "g", "go", "review", "go to", "go to a time", needs="timeline"),
    Key("list.choose", "enter", "choose", "list", "detail", "detail of the row"),
    Key("list.up", "up,k", "move(-1)", "list", "", "up", shown="↑ k"),
    Key("list.down", "down,j", "move(1)", "list", "", "down", shown="↓ j"),
    Key("list.page-up", "pageup", "page(-1)", "list", "", "page up"),
    Key("list.page-down", "pagedown", "page(1)", "list", "", "page down"),
    Key("list.first", "home", "edge(False)", "list", "", "first row"),
    Key("list.last", "end,G", "edge(True)", "list", "", "last row; the tail follows again", shown="end G"),
    Key("actions.plan", "enter", "choose", "actions", "show the plan, nothing is changed yet", "show the plan"),
    Key("actions.up", "up", "move(-1)", "actions", "", "up", shown="↑"),
    Key("actions.down", "down", "move(1)", "actions", "", "down", shown="↓"),
    Key("actions.page-up", "pageup", "page(-1)", "actions", "", "page up"),
    Key("actions.page-down", "pagedown", "page(1)", "actions", "", "page down"),
    Key("plan.up", "up,k", "step(-1)", "plan", "step", "step before", shown="↑↓"),
    Key("plan.down", "down,j", "step(1)", "plan", "", "next step", shown="↓"),
    Key("plan.page-up", "pageup", "scroll(-1)", "plan", "", "scroll the difference up"),
    Key("plan.page-down", "pagedown", "scroll(1)", "plan", "", "scroll the difference down"),
    Key("plan.left", "left", "aside(-1)", "plan", "", "button before", shown="←"),
    Key("plan.right", "right", "aside(1)", "plan", "", "next button", shown="→"),
    Key("plan.exclude", "e", "exclude", "plan", "exclude", "leave the step out, or take it in again"),
    Key("plan.again", "r,f5", "replan", "plan", "", "plan it again with what is known now; f5 where text is typed"),
    Key("plan.cli", "c", "copy", "plan", "copy as AWS CLI", "copy the plan as AWS CLI lines"),
    Key("plan.whole", "D", "whole", "plan", "whole", "the whole plan: every step, line and warning"),
    Key("plan.back", "escape", "back", "plan", "back", "back; a plan that runs goes on"),
    Key("undo.plan", "enter", "choose", "undo", "show the plan that undoes it", "show the plan that undoes it"),
    Key("watch.next", "tab", "next(1)", "watch", "next", "next watch"),
    Key("watch.previous", "shift+tab", "next(-1)", "watch", "", "watch before"),
    Key("watch.act", "a", "act", "watch", "act", "actions for this actor", needs="desk"),
    Key("watch.scroll-up", "up,k", "scroll(-1)", "watch", "", "up", shown="↑ k"),
    Key("watch.scroll-down", "down,j", "scroll(1)", "watch", "", "down", shown="↓ j"),
    Key("log.open", "enter", "choose", "log", "whole record", "the record in full"),
    Key("log.filter", "slash", "filter", "log", "filter", "show only what contains a text", shown="/"),
    Key(
        "log.check", "r", "reconcile", "log", "", "look up what became of calls whose outcome is unknown", needs="desk"
    ),
    Key("log.fold", "S", "fold", "log", "", "show what was only seen too: events, postures"),
    Key("log.refresh", "f5", "reload", "log", "", "read the log again"),
    Key("event.principal", "P", "mark('principal')", "event", "mark principal", "mark its principal", needs="live"),
    Key("event.bucket", "B", "mark('bucket')", "event", "mark bucket", "mark its bucket", needs="live"),
    Key("event.instance", "I", "mark('instance')", "event", "", "mark its instance", needs="live"),
    Key(
        "event.pivot",
        "v",
        "pivot",
        "event",
        "pivot",
        "what else there is: of its principal, bucket, address, credential",
    ),
    Key("event.whole", "x", "whole", "event", "", "the record as it came, with the secrets that are left out here"),
    Key("event.act", "a", "act", "event", "act", "actions for its principal", needs="desk"),
    Key("histogram.left", "left", "move(-1)", "histogram", "cell", "cell before", shown="← →"),
    Key("histogram.right", "right", "move(1)", "histogram", "", "next cell", shown="→"),
    Key("histogram.in", "plus,equals_sign", "zoom(1)", "histogram", "zoom", "shorter cells", shown="+ -"),
    Key("histogram.out", "minus", "zoom(-1)", "histogram", "", "longer cells", shown="-"),
    Key("histogram.denied", "n", "denied(1)", "histogram", "next denied", "next cell with a denied call in sight"),
    Key("histogram.denied-before", "N", "denied(-1)", "histogram", "", "cell before with a denied call in sight"),
    Key("histogram.page-left", "pageup", "page(-1)", "histogram", "", "a screen back"),
    Key("histogram.page-right", "pagedown", "page(1)", "histogram", "", "a screen on"),
    Key("histogram.first", "home", "edge(False)", "histogram", "", "first call"),
    Key("histogram.last", "end,G", "edge(True)", "histogram", "", "newest call; the cursor follows again"),
    Key("histogram.choose", "enter", "choose", "histogram", "tail", "the tail as of this time"),
    Key("found.filter", "slash", "filter", "found", "filter", "show only what contains a text", shown="/"),
    Key("found.tail", "t", "tail", "found", "tail", "the tail as of its newest event"),
    Key("found.act", "a", "act", "found", "act", "actions for its principal", needs="desk"),
    Key("found.sort", "o", "sort", "found", "", "worst first again"),
    Key("questions.ask", "enter", "choose", "questions", "ask", "ask it; what it still needs is asked for first"),
    Key("questions.edit", "e", "edit", "questions", "other values", "ask it with other values"),
    Key("answer.right", "right", "shift(1)", "answer", "columns", "columns further right", shown="← →"),
    Key("answer.left", "left", "shift(-1)", "answer", "", "columns further left"),
    Key("answer.csv", "s", "save('csv')", "answer", "save CSV", "save the answer as CSV, safe for spreadsheets"),
    Key("answer.json", "S", "save('json')", "answer", "save JSON", "save the answer as JSON, every string whole"),
    Key("row.mark", "space", "mark", "row", "mark", "mark or unmark it", needs="live"),
    Key("row.act", "a", "act", "row", "act", "actions for it", needs="desk"),
    Key("pages.up", "up,k", "scroll(-1)", "pages", "", "up", shown="↑ k"),
    Key("pages.down", "down,j", "scroll(1)", "pages", "", "down", shown="↓ j"),
    Key("pages.page-up", "pageup", "scroll_page(-1)", "pages", "", "page up"),
    Key("pages.page-down", "pagedown", "scroll_page(1)", "pages", "", "page down"),
    Key("pages.first", "home,g", "scroll_edge(False)", "pages", "", "to the top", shown="home g"),
    Key("pages.last", "end,G", "scroll_edge(True)", "pages", "", "to the end", shown="end G"),
    Key("document.copy", "c", "copy", "document", "copy", "copy it whole"),
    Key("filter.complete", "tab", "complete", "filter", "", "write what is offered"),
    Key("filter.offer-next", "down", "offer(1)", "filter", "", "offer the next one"),
    Key("filter.offer-before", "up", "offer(-1)", "filter", "", "offer the one before"),
    Key("filter.cancel", "escape", "cancel", "filter", "", "leave the filter as it was"),
    Key("groups.open", "enter", "choose", "groups", "its lines", "show the lines of this principal"),
    Key("groups.sort", "o", "sort", "groups", "sort", "sort: worst first"),
    Key("pivot.open", "enter", "choose", "pivot", "show", "show it"),
    Key("prompt.cancel", "escape", "cancel", "prompt", "cancel", "leave the line as it was"),
    Key("all.help", "question_mark,f1", "help", "all", "help", "every key of this screen", shown="?"),
    Key("all.palette", "colon,ctrl+p", "app.command_palette", "all", "", "palette: everything by name", shown=":"),
    Key("all.back", "escape", "back", "all", "back", "back"),
    Key("all.quit", "q", "app.leave", "all", "quit", "leave the console"),
)


def keys_of(*places: Where) -> tuple[Key, ...]:
    """The keys of some places, in the order of the places and of the table."""
    return tuple(key for place in places for key in KEYS if key.where == place)


def bindings(*places: Where) -> list[BindingType]:
    """The keys of some places as Textual bindings."""
    return [
        Binding(key.keys, key.action, key.word or key.help, show=False, id=key.id, tooltip=key.help)
        for key in keys_of(*places)
    ]
