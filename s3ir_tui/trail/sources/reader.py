"""The process that decodes files ahead of the console: takes their names and sends batch after batch."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import msgspec

from s3ir_tui.trail import frames
from s3ir_tui.trail.batch import Numbers
from s3ir_tui.trail.sources.ahead import END, batches


def main() -> None:
    """Work until every file has been sent, or the other end closes."""
    with frames.accept() as stream:
        asked = frames.receive(stream)
        if asked is None:
            return
        threading.Thread(target=_end_with, args=(stream,), daemon=True).start()
        numbers = Numbers()
        for batch in batches([Path(name) for name in msgspec.msgpack.decode(asked, type=list[str])]):
            frames.send(stream, msgspec.msgpack.encode(numbers.looked_at(batch)))
        frames.send(stream, END)


def _end_with(stream: socket.socket) -> None:
    """End at once when the console does, also in the middle of a file."""
    try:
        stream.recv(1)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
