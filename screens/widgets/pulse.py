"""The pulse of a suspect as a line of small bars: one cell a fixed time, allowed and denied never in one number."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def bars(counts: Sequence[int], cells: int, peak: int = 0) -> str:
    """The newest `cells` counts as bars.

    Args:
        counts: Calls per cell of time, oldest first.
        cells: The room there is.
        peak: The count that fills a cell; the greatest shown where it is 0.

    Returns:
        One character a count; nothing at all in a cell of time is a dot.
    """
    shown = list(counts)[-cells:] if cells > 0 else []
    most = max(peak, *shown, 1) if shown else 1
    return "".join("·" if count <= 0 else _BARS[min(7, (count * 8 - 1) // most)] for count in shown)
