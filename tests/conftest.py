"""What every test has in common: nothing of this machine's AWS configuration, cases or settings reaches it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "S3IR_", "TEXTUAL_", "XDG_")) or name in ("NO_COLOR", "SSH_CONNECTION"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    # Without credentials botocore would ask an instance's metadata service, for seconds.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which the command line finds cases by name."""
    folder = tmp_path / "cases"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("S3IR_CASES", str(folder))
    return folder


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are numbered, not shown: gzip puts the time into them, and processes must agree on the names of tests."""
    return argname if isinstance(val, bytes) else None
