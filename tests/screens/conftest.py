"""Screens are driven at full speed here; what the environment of Textual is in earnest, tests/terminal looks at."""

from __future__ import annotations

import os

os.environ["TEXTUAL_FPS"] = "60"
os.environ.pop("NO_COLOR", None)
