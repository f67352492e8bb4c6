"""The palette: every key of the screen by name, out of the same table, and the colours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from screens.base import CaseScreen

THEMES = (
    ("s3ir-dark", "colours: dark"),
    ("ansi-dark", "colours: those of my dark terminal"),
    ("ansi-light", "colours: those of my light terminal"),
)


class KeysProvider(Provider):
    """What the keys of the screen do, as commands."""

    async def discover(self) -> Hits:
        """Everything there is."""
        for text, help_text, run in self._commands():
            yield DiscoveryHit(text, run, text=text, help=help_text)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for text, help_text, run in self._commands():
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, matcher.highlight(text), run, text=text, help=help_text)

    def _commands(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        from screens.sources import open_sources

        screen = self.screen
        if isinstance(screen, CaseScreen):
            for key in screen.key_table():
                if "palette" not in key.action:
                    yield key.help, f"key {key.label}", partial(screen.run_action, key.action)
            yield "trail sources, one by one", "lag, losses, what they do not bring", partial(open_sources, screen)
        for name, words in THEMES:
            yield words, "", partial(self._theme, name)

    def _theme(self, name: str) -> None:
        self.app.theme = name
