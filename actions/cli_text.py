"""A plan as lines for the AWS CLI, version 2: what runs here can be run, read and checked without us."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from actions.moment import AHEAD, RUN_TIME
from actions.plan import Call, Plan
from s3ir_tui.text import clean

_SERVICES = {"s3": "s3api"}
_CAPITAL = re.compile(r"(.)([A-Z][a-z]+)")
_NUMBER = re.compile(r"([a-z0-9])([A-Z])")
_TIME = f"\"$(date -u -d '+{AHEAD.seconds} seconds' +%Y-%m-%dT%H:%M:%SZ)\""


def cli_lines(plan: Plan) -> tuple[str, ...]:
    """One command for each step, in order, with a comment above each.

    The lines are for a POSIX shell; where the time of the write goes in, GNU date works it out. They do not record,
    read again or read back as the console does.
    """
    lines = [f"# {clean(plan.title)}"]
    for number, step in enumerate(plan.steps, 1):
        lines += [f"# {number}. {clean(step.target)}: {clean(step.summary)}", command(step.call)]
    return tuple(lines)


def command(call: Call) -> str:
    """One call as a command: `aws iam update-access-key --user-name x --status Inactive`."""
    words = ["aws", _SERVICES.get(call.service, call.service), kebab(call.operation)]
    for name, value in call.params.items():
        words += _argument(name, value)
    if call.region:
        words += ["--region", call.region]
    return " ".join(words)


def kebab(name: str) -> str:
    """`UpdateAccessKey` as the AWS CLI writes it: `update-access-key`."""
    return _NUMBER.sub(r"\1-\2", _CAPITAL.sub(r"\1-\2", name)).lower()


def _argument(name: str, value: Any) -> list[str]:
    option = f"--{kebab(name)}"
    if isinstance(value, bool):
        return [option if value else f"--no-{kebab(name)}"]
    text = value if isinstance(value, str) else json.dumps(value)
    return [option, _quoted(text)]


def _quoted(text: str) -> str:
    # The marker is inside single quotes there: they are closed around the shell's own clock.
    return shlex.quote(clean(text)).replace(RUN_TIME, f"'{_TIME}'")
