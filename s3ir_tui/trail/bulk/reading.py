"""Files of CloudTrail into a tally: the fast way for what CloudTrail writes, the patient one for everything else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from s3ir_tui.trail.bulk.call import decode_calls, decode_lines
from s3ir_tui.trail.bulk.sum import Sum
from s3ir_tui.trail.bulk.tally import Claim, Tally
from s3ir_tui.trail.decode import Decoded, Skipped, decode
from s3ir_tui.trail.gunzip import gunzip, is_gzip
from s3ir_tui.trail.salvage import FAULTS
from s3ir_tui.trail.sources.files import pieces


def read_file(file: Path, tally: Tally) -> None:
    """Add up what a file holds; what cannot be read is skipped with its reason.

    Args:
        file: A file of any shape that `decode` knows, gzipped or not.
        tally: Where to.
    """
    origin = str(file)
    for piece in pieces(file):
        if isinstance(piece, Skipped):
            tally.skip([piece])
            continue
        data, problem = gunzip(piece) if is_gzip(piece) else (piece, "")
        if not (problem == "" and _read_fast(data, origin, tally)):
            found: Decoded = decode(data, origin)
            tally.skip(found.skipped)
            tally.add_events(found.events)
        if problem:
            tally.skip([Skipped(origin, problem)])


def read_files(files: Iterable[Path], claim: Claim, recent: str) -> Sum:
    """Add up what files hold (see `Tally`)."""
    tally = Tally(claim, recent)
    for file in files:
        read_file(file, tally)
    return tally.sum()


def _read_fast(data: bytes, origin: str, tally: Tally) -> bool:
    """Add up a trail file, or lines of records; tells whether it was one."""
    start = data[:64].lstrip()
    try:
        if start.startswith(b'{"Records"'):
            calls = decode_calls(data).Records
        elif start.startswith(b'{"') and data.rstrip()[-1:] == b"}":
            calls = decode_lines(data)
        else:
            return False
    except FAULTS:
        return False
    tally.add_calls(calls, origin)
    return True
