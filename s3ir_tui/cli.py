"""The way in: the console without a command, else the command that is named; only that one is imported."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from s3ir_tui import __version__
from s3ir_tui.headless.exits import EXPLAINED, Code
from s3ir_tui.options import CASE, CASES, LIVE, SAFETY, SIGN_IN, TRAIL, takes
from s3ir_tui.settings import Settings

COMMANDS = {
    "review": "console",
    "replay": "console",
    "gameday": "gameday",
    "triage": "account",
    "preflight": "account",
    "act": "account",
    "trail": "trail",
    "ask": "history",
    "verify": "case",
    "report": "case",
    "locate": "case",
}
"""Each command, in the order of the help, and the module of `s3ir_tui.commands` that holds it under its own name."""


class Commands(TyperGroup):
    """Makes a command when it is asked for: making them all takes longer than drawing the first screen."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or `None`."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(_made(cmd_name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's
        """The names of all commands."""
        return list(COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant; for a name that there is not, one like it is suggested out of all."""
        if args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _made(name: str) -> Any:
    found = getattr(importlib.import_module(f"s3ir_tui.commands.{COMMANDS[name]}"), name)
    if not isinstance(found, typer.Typer):
        command, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
        found.command(name)(command)
    return typer.main.get_command(found)


app = typer.Typer(
    name="s3ir-tui",
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExit codes:\n" + EXPLAINED,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"s3ir-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@takes(SIGN_IN, CASE, CASES, TRAIL, SAFETY, LIVE)
def console(
    chosen: Settings,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and exit.")
    ] = False,
) -> int:
    """War-room console for incidents of unintended access to Amazon S3.

    Without a command it opens on the account that the AWS configuration names. It is read-only until a plan is
    confirmed; the first one asks for the reason.
    """
    from s3ir_tui.console import open_live

    return open_live(chosen)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; whatever goes wrong ends in one message and an exit code, never in a traceback.

    Args:
        arguments: The words after the program's name; those of the process where it is `None`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 gets escapes, not a broken table
    try:
        app(args=arguments, prog_name="s3ir-tui")
    except KeyboardInterrupt:
        sys.exit(Code.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last resort: a responder gets a message, whatever happens
        from s3ir_tui.headless.exits import explain

        if os.environ.get("S3IR_TRACEBACK"):
            traceback.print_exc()
        code, text = explain(error)
        sys.stderr.write(f"s3ir-tui: {text}\n")
        sys.exit(code)
