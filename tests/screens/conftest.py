"""Screens are driven at full speed here; what the environment of Textual is in earnest, tests/terminal looks at."""

from __future__ import annotations

import os

import pytest

os.environ["TEXTUAL_FPS"] = "60"
os.environ.pop("NO_COLOR", None)

_REPORT = "TEXTUAL_SNAPSHOT_TEMPDIR"


@pytest.fixture(scope="session")
def report_folder() -> str | None:
    """Where the snapshot plugin gathers its report."""
    return os.environ.get(_REPORT)


@pytest.fixture(autouse=True)
def _keep_report(report_folder: str | None, _own_world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the plugin back what every test takes out of the environment."""
    if report_folder is not None:
        monkeypatch.setenv(_REPORT, report_folder)
