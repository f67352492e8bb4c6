"""What the first record of a session says of the machine, the terminal and the clocks it was written on."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from s3ir_tui.model import Json

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PACKAGES = ("s3ir-tui", "textual", "boto3", "botocore", "tinydb")


def surroundings() -> dict[str, Json]:
    """Host, user, process, terminal, SSH connection, versions, time zone and clocks."""
    return {
        "host": socket.gethostname(),
        "user": _user(),
        "pid": os.getpid(),
        "tty": _tty(),
        "ssh_connection": os.environ.get("SSH_CONNECTION", ""),
        "boot_id": _boot_id(),
        "time_zone": datetime.now().astimezone().strftime("%Z %z"),
        "monotonic_ns": time.monotonic_ns(),
        "versions": {"python": platform.python_version(), "system": platform.platform(terse=True), **_versions()},
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for the user
        return str(os.getuid())


def _tty() -> str:
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            if stream is not None:
                return os.ttyname(stream.fileno())
    return ""


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def _versions() -> dict[str, str]:
    from importlib import metadata  # a quarter of what importing the journal would take, and not for reading

    found = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
