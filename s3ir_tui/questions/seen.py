"""The history that a console has seen, to be asked: a store that lives as long as the console does."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from s3ir_tui.model import utc_now
from s3ir_tui.settings import make_private
from s3ir_tui.trail.event import Event

if TYPE_CHECKING:
    from s3ir_tui.questions.local import LocalStore
    from s3ir_tui.questions.question import Question
    from s3ir_tui.questions.results import Answer

Export = Literal["csv", "json"]


class SeenHistory:
    """Takes events in and answers questions; every method blocks, and any thread may call it.

    Args:
        exports: Folder in which answers are saved; it is made with the first.

    Attributes:
        taken: How many lines of the console's tail were taken in; the number of the next one.
    """

    def __init__(self, exports: Path) -> None:
        self.taken = 0
        self._exports = exports
        self._lock = threading.Lock()
        self._store: LocalStore | None = None

    def forget(self) -> None:
        """Begin anew: the tail was emptied."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = None
            self.taken = 0

    def add(self, events: Iterable[Event], taken: int) -> None:
        """Take events in.

        Args:
            events: The events of some lines.
            taken: Number of the line after them.

        Raises:
            StoreError: They cannot be kept.
        """
        self._opened().add(events)
        self.taken = taken

    def ask(self, question: Question, given: Mapping[str, str], stop: threading.Event) -> Answer:
        """Answer a question.

        Raises:
            QuestionError: A parameter is missing or makes no sense.
            Cancelled: `stop` was set.
            StoreError: What was taken in cannot be read.
        """
        store = self._opened()
        answer = store.ask(question, given, stop=stop)
        words = f"Answered from the {store.count():,} events that this console has in its tail."
        return replace(answer, engine="this console", notes=(words, *answer.notes))

    def save(self, answer: Answer, form: Export) -> Path:
        """Write an answer into a new private file.

        Raises:
            OSError: It cannot be written.
        """
        text = answer.to_csv() if form == "csv" else json.dumps(answer.to_json(), indent=2) + "\n"
        path = make_private(self._exports) / f"{answer.question}-{utc_now():%y%m%d-%H%M%S-%f}.{form}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _opened(self) -> LocalStore:
        # SQLite is loaded with the first question, not before the first paint.
        from s3ir_tui.questions.local import LocalStore

        with self._lock:
            if self._store is None:
                with tempfile.TemporaryDirectory(prefix="s3ir-") as folder:
                    # Without a name from now on: nothing of it stays behind, however the console ends.
                    self._store = LocalStore(Path(folder, "seen.sqlite"), nameless=True)
            return self._store
