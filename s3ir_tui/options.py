"""Options that several commands share, and how they come to a command: settled, as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from s3ir_tui import settings
from s3ir_tui.headless.output import Format

SIGN_IN: dict[str, Any] = {
    "profile": Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="Profile of the AWS configuration, SSO included.")
    ],
    "region": Annotated[str | None, typer.Option("--region", metavar="REGION", help="Home Region.")],
    "endpoint_url": Annotated[
        str | None, typer.Option("--endpoint-url", metavar="URL", help="Endpoint for every service, instead of AWS.")
    ],
    "role_arn": Annotated[str | None, typer.Option("--role-arn", metavar="ARN", help="Role to assume.")],
    "mfa_serial": Annotated[
        str | None, typer.Option("--mfa-serial", metavar="ARN", help="MFA device the role asks for.")
    ],
    "external_id": Annotated[
        str | None, typer.Option("--external-id", metavar="ID", help="External id the role asks for.")
    ],
    "session_name": Annotated[
        str | None, typer.Option("--session-name", metavar="NAME", help="Name of the role's session: s3ir-USER.")
    ],
    "source_identity": Annotated[
        str | None, typer.Option("--source-identity", metavar="NAME", help="Source identity the role asks for.")
    ],
    "duration": Annotated[
        str | None, typer.Option("--duration", metavar="TIME", help="Length of the role's session: 1h, 8h.")
    ],
}
CASES: dict[str, Any] = {
    "cases": Annotated[
        Path | None, typer.Option("--cases", metavar="DIR", help="Folder in which cases are found by name.")
    ],
}
CASE: dict[str, Any] = {
    "case": Annotated[str | None, typer.Option("--case", metavar="DIR|NAME", help="Case to record in.")],
}
TRAIL: dict[str, Any] = {
    "sources": Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="KIND|queue:URL|bucket:NAME|PATH",
            help="lookup, bucket, logs, livetail (costs), queue:URL, bucket:NAME[/PREFIX][@ROLE_ARN], a path; repeat.",
        ),
    ],
    "since": Annotated[str | None, typer.Option("--since", metavar="TIME", help="How far to look back: 90m, 24h, 7d.")],
}
SAFETY: dict[str, Any] = {
    "operator": Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Your name, recorded with what you do; else your login.")
    ],
    "break_glass": Annotated[
        list[str] | None,
        typer.Option("--break-glass", metavar="ARN", help="Principal that no plan may cut; repeat for several."),
    ],
}
LIVE: dict[str, Any] = {
    "quiet": Annotated[str | None, typer.Option("--quiet", metavar="TIME", help="Silence that counts as quiet: 30m.")],
    "mouse": Annotated[bool | None, typer.Option("--mouse/--no-mouse", help="Take the terminal's mouse.")],
}
_CONFIG: dict[str, Any] = {
    "config": Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file (TOML).")],
}

Output = Annotated[Format, typer.Option("--output", metavar="table|json", help="How to print.")]
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Name or folder of a case.")]
Anchors = Annotated[
    list[str] | None,
    typer.Argument(metavar="ANCHOR", help="Heads published elsewhere: '46d868cb:17 58bde580' or FILE:SEQ:HASH."),
]

Command = Callable[..., int]


def takes(
    *tables: dict[str, Any], otherwise: Mapping[str, Any] | None = None
) -> Callable[[Command], Callable[..., None]]:
    """Give a command shared options. They come to it settled, as its first argument.

    Flags after the command win over the same flags before it; `otherwise` holds defaults of this command alone.
    """
    shared = {name: kind for table in tables for name, kind in table.items()} | _CONFIG

    def decorate(command: Command) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        @functools.wraps(command)
        def wrapper(ctx: typer.Context, **given: Any) -> None:
            flags: dict[str, Any] = dict(ctx.obj or {})
            flags |= {name: value for name in shared if (value := given.pop(name)) not in (None, [], ())}
            if ctx.invoked_subcommand is not None:
                ctx.obj = flags
                return
            config = flags.pop("config", None)
            raise typer.Exit(command(settings.resolve(flags, config=config, otherwise=otherwise), **given))

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        options = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in shared.items()
        ]
        parameters = [context, *(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own), *options]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {item.name: item.annotation for item in parameters}
        return wrapper

    return decorate


class DefaultCommand(TyperGroup):
    """A group whose first command is meant where none is named: `gameday leaked-key`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        default = next(iter(self.commands))
        if not args or args[0] not in {*self.commands, "--help"}:
            args = [default, *args]
        return super().parse_args(ctx, args)
