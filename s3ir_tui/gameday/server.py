"""Runs the embedded account: an HTTP server on 127.0.0.1 that ends with the process that started it.

Its first line of input holds its configuration as JSON, secrets included; its only line of output says the port.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from typing import Any

HOST = "127.0.0.1"
_DELIVERY_SECONDS = 2.0


def main() -> int:
    """Serve until the end of stdin."""
    # Before moto is imported, which reads these once.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    config = json.loads(sys.stdin.readline())
    from s3ir_tui.gameday.account_settings import AccountSettings
    from s3ir_tui.gameday.control import Control
    from s3ir_tui.gameday.delivery import deliver
    from s3ir_tui.gameday.front import Front

    front = Front(str(config["secret"]), AccountSettings().changed(config["settings"]))
    server = _server(Control(front, str(config["token"])), int(config["port"]))
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    stopped = threading.Event()

    def deliver_now_and_then() -> None:
        while not stopped.wait(_DELIVERY_SECONDS):
            deliver(front.recorder)

    threading.Thread(target=deliver_now_and_then, name="delivery", daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_port}) + "\n")
    sys.stdout.flush()
    # Nobody reads on: what moto prints would fill the pipe and then stop the server.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    stopped.set()
    return 0


def _server(application: Any, port: int) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Handler(MotoRequestHandler):
        """Keeps connections open and says nothing."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log(self, type: str, message: str, *args: Any) -> None:
            """No access log."""

    return make_server(HOST, port, application, threaded=True, request_handler=Handler)


def _end_with_parent() -> None:
    """End at once with the process that started this one: its end of the pipe then closes, however it died."""
    while sys.stdin.readline():
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
