"""A line to type into: what is pasted is cleaned, and the cursor does not blink."""

from __future__ import annotations

from textual.events import Key, Paste
from textual.widgets import Input

from s3ir_tui.text import clean

_LONGEST = 2000


class Field(Input):
    """An input of one line.

    Args:
        digits: Whether it takes digits only; other keys then go on to the screen.
        value: What stands in it.
        placeholder: What is shown while it is empty; our own words.
    """

    DEFAULT_CSS = """
    Field { height: 1; border: none; padding: 0; background: $boost; }
    Field:focus { border: none; text-style: none; }
    Field:ansi { text-style: underline; }
    Field:ansi > .input--cursor { text-style: reverse; }
    """

    def __init__(self, value: str = "", *, digits: bool = False, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(
            clean(value),
            placeholder=placeholder,
            compact=True,
            max_length=_LONGEST,
            restrict=r"\d{0,4}" if digits else None,
            select_on_focus=False,
            id=id,
        )
        self.cursor_blink = False
        self._digits = digits

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is typed into the field rather than a key of the screen."""
        if self._digits:
            return character is not None and character.isdigit()
        return super().check_consume_key(key, character)

    async def _on_key(self, event: Key) -> None:
        if self._digits and event.is_printable and not (event.character or "").isdigit():
            event.prevent_default()
            return
        await super()._on_key(event)

    def _on_paste(self, event: Paste) -> None:
        event.text = clean(event.text.strip().splitlines()[0] if event.text.strip() else "")[:_LONGEST]
        super()._on_paste(event)
        event.prevent_default()
