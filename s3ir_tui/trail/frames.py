"""Frames between the console and the processes that read for it: a length, and so many bytes."""

from __future__ import annotations

import gc
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping

_LENGTH = struct.Struct("!Q")


def send(stream: socket.socket, message: bytes) -> None:
    """Send a frame.

    Raises:
        OSError: The other end is gone.
    """
    stream.sendall(_LENGTH.pack(len(message)) + message)


def receive(stream: socket.socket) -> bytes | None:
    """Take a frame; `None` where the other end is gone."""
    head = _exactly(stream, _LENGTH.size)
    return None if head is None else _exactly(stream, _LENGTH.unpack(head)[0])


def _exactly(stream: socket.socket, size: int) -> bytes | None:
    """So many bytes, in one call where possible: after each call this thread waits for the others of its process."""
    parts = []
    while size:
        try:
            part = stream.recv(size, socket.MSG_WAITALL)
        except OSError:
            return None
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def start(module: str, environment: Mapping[str, str] | None = None) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a process that runs a module, whose standard input is the other end of a socket (see `accept`).

    Args:
        module: Its name.
        environment: The environment of the process; this one's without.

    Raises:
        OSError: There is no process to be had.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError:
            ours.close()
            raise
    return process, ours


def accept() -> socket.socket:
    """Begin to work as a process that was started so; gives the socket."""
    # Keys pressed at the terminal, and its end, are for the console: it closes the socket, and that ends this process.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # nothing here makes circles, and looking for them costs a fifth of the time
    return socket.socket(fileno=0)
