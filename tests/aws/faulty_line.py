"""A line to a server on 127.0.0.1 on which answers come late or break off, for tests."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class Fault:
    """What happens to the answers of requests that hold some bytes.

    Attributes:
        marker: Bytes of the request.
        seconds: How long its answer is held back.
        after: Bytes of the answer after which the line breaks, or `None`.
        under_way: How many seconds the request itself is on its way; it arrives even when its sender is gone.
    """

    marker: bytes
    seconds: float = 0.0
    after: int | None = None
    under_way: float = 0.0


class FaultyLine:
    """Relays connections to a server.

    Args:
        port: The server's port on 127.0.0.1.

    Attributes:
        fault: What goes wrong now, or `None`.
        met: How many requests met it.
    """

    def __init__(self, port: int) -> None:
        self.fault: Fault | None = None
        self.met = 0
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> FaultyLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listening, *self._open):
            _end(sock)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        met: list[Fault] = []
        threading.Thread(target=self._answers, args=(client, server, met), daemon=True).start()
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                fault = self.fault
                if fault is not None and fault.marker in data:
                    self.met += 1
                    met.append(fault)
                    time.sleep(fault.under_way)
                server.sendall(data)
        _end(server)

    def _answers(self, client: socket.socket, server: socket.socket, met: list[Fault]) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                fault = met.pop() if met else Fault(b"")
                time.sleep(fault.seconds)
                if fault.after is not None:
                    client.sendall(data[: fault.after])
                    break
                client.sendall(data)
        _end(client)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
