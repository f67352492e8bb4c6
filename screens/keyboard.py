"""The terminal driver: bytes that are no UTF-8 end nothing."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from functools import partial

from textual.drivers import linux_driver


class KeyboardDriver(linux_driver.LinuxDriver):
    """Textual's driver, whose input thread ends the whole program on the first byte that is no UTF-8.

    Such bytes come from a Latin-1 paste, an 8-bit Meta key or noise on the line. Each is read as the replacement
    character, and the keys behind it are read as they are.
    """

    def run_input_thread(self) -> None:
        """Read keys until the end."""
        # The driver makes its decoder by this name, and offers no other way to choose how it treats errors.
        linux_driver.getincrementaldecoder = _replacing  # type: ignore[attr-defined, assignment]
        super().run_input_thread()


def _replacing(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
