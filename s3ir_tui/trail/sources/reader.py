"""The process that decodes files ahead of the console: takes their names and sends batch after batch."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
from pathlib import Path

import msgspec

from s3ir_tui.trail.batch import Numbers
from s3ir_tui.trail.sources.ahead import END, batches, receive, send


def main() -> None:
    """Work until every file has been sent, or the other end closes."""
    # Keys pressed at the terminal, and its end, are for the console: it closes the socket, and that ends this process.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # nothing here makes circles, and looking for them costs a fifth of the time
    with socket.socket(fileno=0) as stream:
        asked = receive(stream)
        if asked is None:
            return
        threading.Thread(target=_end_with, args=(stream,), daemon=True).start()
        numbers = Numbers()
        for batch in batches([Path(name) for name in msgspec.msgpack.decode(asked, type=list[str])]):
            send(stream, msgspec.msgpack.encode(numbers.looked_at(batch)))
        send(stream, END)


def _end_with(stream: socket.socket) -> None:
    """End at once when the console does, also in the middle of a file."""
    try:
        stream.recv(1)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
