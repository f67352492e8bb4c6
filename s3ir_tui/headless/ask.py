"""Questions to history, asked of files or of Athena, and their answers printed."""

from __future__ import annotations

import enum
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import print_json, print_table, say, tell
from s3ir_tui.headless.trail import tell_missing
from s3ir_tui.model import iso, utc_now
from s3ir_tui.questions.catalog import CATALOG, question
from s3ir_tui.questions.feed import feed
from s3ir_tui.questions.local import MOST_ROWS, LocalStore, StoreError
from s3ir_tui.questions.question import Question, QuestionError, Window, moment
from s3ir_tui.questions.results import USD_PER_TB, Answer, Cancelled
from s3ir_tui.questions.table import Table, TableError
from s3ir_tui.settings import Settings, case_folder, store_of_questions
from s3ir_tui.text import clean, size

_STORE = "questions.sqlite"
_A_SECOND = 1.0


class Form(enum.StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked, of whom.

    Attributes:
        question: Name of the question; "" for the list of them.
        given: Its parameters, `name=value`.
        files: Files and folders to ask.
        athena: Whether Athena is asked.
        since: First moment asked about, ISO 8601 or "".
        until: Last moment.
        store: File that keeps the events for the next question.
        table: `[DATABASE.]TABLE` in Athena.
        workgroup: Workgroup of Athena.
        results: Where Athena puts results, where the workgroup leaves it open.
        price: USD for a TB scanned.
        most: Rows that are printed.
    """

    question: str = ""
    given: Sequence[str] = ()
    files: Sequence[Path] = ()
    athena: bool = False
    since: str = ""
    until: str = ""
    store: Path | None = None
    table: str = ""
    workgroup: str = "primary"
    results: str = ""
    price: float = USD_PER_TB
    most: int = field(default=MOST_ROWS)


def run(chosen: Settings, wish: Wish, form: Form) -> int:
    """Answer, or list the questions where none is named.

    Args:
        chosen: The settings: how to sign in, and the case beside which files are kept.
        wish: What is asked.
        form: How to print.

    Returns:
        `Code.OK`; `Code.PROBLEM` where files were asked of which nothing could be read.

    Raises:
        Failure: It cannot be asked so, or there was no answer.
    """
    try:
        if not wish.question:
            return _list(form)
        asked = question(wish.question)
        given = parse(wish.given)
        asked.settle(given)
        if bool(wish.files) == wish.athena:
            raise Failure("ask either files (--files PATH) or the account's trail (--athena)", Code.USAGE)
        return (
            _ask_athena(chosen, wish, asked, given, form)
            if wish.athena
            else _ask_files(chosen, wish, asked, given, form)
        )
    except (QuestionError, TableError) as error:
        raise Failure(str(error), Code.USAGE) from None
    except StoreError as error:
        raise Failure(str(error)) from None
    except Cancelled as error:
        raise Failure(str(error), Code.INTERRUPTED) from None


def form_of(word: str) -> Form:
    """How to print.

    Raises:
        Failure: It is none of the forms.
    """
    try:
        return Form(word)
    except ValueError:
        raise Failure(f"--output takes table, json or csv, not {clean(word)!r}", Code.USAGE) from None


def parse(words: Sequence[str]) -> dict[str, str]:
    """`name=value` words as a mapping; a value may hold `=`.

    Raises:
        QuestionError: A word is none, or a name comes twice.
    """
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise QuestionError(f"--with takes NAME=VALUE, not {clean(word)!r}")
        if name in given:
            raise QuestionError(f"{clean(name)} is given twice")
        given[name] = value
    return given


def table_of(text: str) -> Table:
    """The table of `[DATABASE.]TABLE`; the default one where it is "".

    Raises:
        TableError: It is no name.
    """
    if not text:
        return Table()
    database, _, name = text.rpartition(".")
    return Table(database, name) if database else Table(name=name)


def _list(form: Form) -> int:
    if form is Form.JSON:
        print_json(
            [
                {
                    "id": item.id,
                    "title": item.title,
                    "answers": item.answers,
                    "blind": item.blind,
                    "parameters": [
                        {"name": p.name, "kind": p.kind, "title": p.title, "default": p.default}
                        for p in item.parameters
                    ],
                    "sql": item.sql,
                }
                for item in CATALOG
            ]
        )
        return Code.OK
    rows = [(item.id, item.title, ", ".join(_takes(item))) for item in CATALOG]
    print_table("Questions (--with NAME=VALUE; in brackets what may be left out)", ("question", "", "takes"), rows)
    return Code.OK


def _takes(asked: Question) -> list[str]:
    return [p.name if p.default is None else f"[{p.name}]" for p in asked.parameters]


def _window(wish: Wish) -> Window:
    return Window(moment(wish.since) if wish.since else "", moment(wish.until) if wish.until else "")


# -- files ---------------------------------------------------------------------------------------------------------


def _ask_files(chosen: Settings, wish: Wish, asked: Question, given: Mapping[str, str], form: Form) -> int:
    missing = [str(path) for path in wish.files if not path.exists()]
    if missing:
        raise Failure(f"no such file or folder: {clean(', '.join(missing))}", Code.USAGE)
    window = _window(wish)
    with _place(chosen, wish) as place, LocalStore(place) as store, _until_signalled() as stop:
        fed = feed(store, wish.files, _progress(stop))
        tell_missing(fed.skipped)
        answer = store.ask(asked, given, window, most=wish.most, stop=stop)
        _print(asked, answer, form)
        return Code.PROBLEM if fed.skipped and not store.count() else Code.OK


@contextmanager
def _place(chosen: Settings, wish: Wish) -> Iterator[Path]:
    """Where events are kept: in the file named, in the cache for the case, else in a folder that goes away again."""
    if wish.store is not None:
        yield wish.store
    elif chosen.case:
        yield store_of_questions(case_folder(chosen), os.environ)
    else:
        with tempfile.TemporaryDirectory(prefix="s3ir-") as folder:
            yield Path(folder, _STORE)


def _progress(stop: threading.Event) -> Callable[[int, int], None]:
    """Says how far it is, now and then; ends the work where it was taken back."""
    last = time.monotonic()

    def told(files: int, new: int) -> None:
        nonlocal last
        if stop.is_set():
            raise Cancelled("taken back while files were read")
        if sys.stderr.isatty() and time.monotonic() - last > _A_SECOND:
            last = time.monotonic()
            tell(f"{files} files read, {new} events")

    return told


# -- Athena --------------------------------------------------------------------------------------------------------


def _ask_athena(chosen: Settings, wish: Wish, asked: Question, given: Mapping[str, str], form: Form) -> int:
    now = utc_now()
    window = _window(wish)
    window = Window(window.since or iso(now - chosen.since), window.until or iso(now))
    table = table_of(wish.table)
    from s3ir_tui.headless.session import connect
    from s3ir_tui.questions.athena import Athena, AthenaError, Moment

    account = connect(chosen)
    athena = Athena(account, table, workgroup=wish.workgroup, results=wish.results, usd_per_tb=wish.price)
    group = athena.workgroup()
    tell(clean(f"asking {table} about {window.since} to {window.until}; {group.words()}"))
    last: list[Moment] = []

    def told(now: Moment) -> None:
        if [(item.state, item.scanned) for item in last] != [(now.state, now.scanned)]:
            tell(clean(f"{now.id} {now.state.lower()}, {size(now.scanned)} scanned"))
        last[:] = [now]

    try:
        with _until_signalled() as stop:
            answer = athena.ask(asked, given, window, most=wish.most, stop=stop, told=told)
    except AthenaError as error:
        raise Failure(str(error), Code.AWS) from None
    if chosen.case:
        from s3ir_tui.headless.case import opened

        with opened(case_folder(chosen), account, "ask") as journal:
            journal.record("case", {"kind": "note", "text": _note(answer)})
    _print(asked, answer, form)
    return Code.OK


def _note(answer: Answer) -> str:
    """What the log keeps of a question that cost something."""
    given = " ".join(f"{name}={value}" for name, value in answer.parameters.items() if value != "")
    window = f"{answer.window.since} to {answer.window.until}"
    return clean(f"asked {answer.question} {given} of {window}: {answer.summary()}; {answer.notes[-1]}")


# -- what both share -----------------------------------------------------------------------------------------------


def _print(asked: Question, answer: Answer, form: Form) -> None:
    if form is Form.JSON:
        print_json(answer.to_json())
        return
    if form is Form.CSV:
        say(answer.to_csv().rstrip("\n"))
    else:
        print_table(f"{asked.title} {asked.answers}", answer.columns, answer.rows)
    tell(clean(answer.summary()))
    for note in answer.notes:
        tell(clean(note))


@contextmanager
def _until_signalled() -> Iterator[threading.Event]:
    """A flag that ctrl+c and a hang-up set, so that what runs elsewhere is stopped before we go."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
