"""Practice on an embedded account with an attacker at work in it."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from s3ir_tui import settings
from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import tell
from s3ir_tui.options import LIVE, DefaultCommand, takes
from s3ir_tui.settings import Settings

QUIET = timedelta(minutes=2)
"""A game day is to be seen through to the end; on a real account half an hour is asked, for CloudTrail may be late."""

DELIVERY_SECONDS = 60.0
"""Later than `--lag` the embedded account shows a call by no more than this."""

gameday = typer.Typer(cls=DefaultCommand, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@gameday.callback()
def practise() -> None:
    """Practise on an embedded account with an attacker at work in it.

    `gameday [SCENARIO]` is short for `gameday play [SCENARIO]`. Scenarios: leaked-key, reverse-proxy,
    public-bucket, quiet-day.
    """


Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="leaked-key, reverse-proxy, public-bucket or quiet-day.")
]
Lag = Annotated[float, typer.Option("--lag", metavar="SECONDS", min=0, help="Seconds until CloudTrail shows a call.")]
Delay = Annotated[float, typer.Option("--delay", metavar="SECONDS", min=0, help="Seconds until a change takes effect.")]

Account = Annotated[
    list[str] | None,
    typer.Option(
        "--account-setting",
        metavar="NAME=NUMBER",
        help="read-lag, clash, late-share, late-seconds, lookup-rate, attached-policies; may be repeated.",
    ),
]


@gameday.command("play")
@takes(LIVE, otherwise={"quiet": QUIET})
def play(
    chosen: Settings,
    scenario: Scenario = "leaked-key",
    lag: Lag = 5.0,
    delay: Delay = 0.0,
    account_setting: Account = None,
    case: Annotated[str, typer.Option("--case", metavar="DIR|NAME", help="Case to record in; else a new one.")] = "",
) -> int:
    """Open the console on an attack that goes on; what was true is told at the end."""
    from s3ir_tui.console import open_live

    _check_scenario(scenario)
    more = _account_settings(account_setting)
    # The settings of the real account stay out of the practice: its profile, its case, its principals.
    practice = Settings(cases=chosen.cases, quiet=chosen.quiet, mouse=chosen.mouse, case=case)
    folder = settings.case_folder(practice, kind="gameday")
    from s3ir_tui.gameday.play import play as run

    def open_console(info: dict[str, Any]) -> int:
        there = replace(
            practice,
            region=str(info["region"]),
            endpoint_url=str(info["endpoint_url"]),
            break_glass=tuple(info["console"]["break_glass"]),
        )
        delivery = timedelta(seconds=lag + DELIVERY_SECONDS)
        return open_live(there, credentials=info["responder"], folder=folder, delivery=delivery)

    tell(f"Game day {scenario}: starting the embedded account and the attacker ...")
    return run(scenario, open_console, case=folder, lag=lag, delay=delay, settings=more)


@gameday.command("serve")
def serve(
    scenario: Scenario,
    info: Annotated[
        Path,
        typer.Option("--info", metavar="FILE", help="File (0600, JSON) that takes endpoint, credentials and truth."),
    ],
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    attacker: Annotated[bool, typer.Option("--attacker/--no-attacker", help="Let the attacker go on.")] = True,
    lag: Lag = 0.0,
    delay: Delay = 0.0,
    account_setting: Account = None,
    export: Annotated[bool, typer.Option("--export", help="Print shell lines for any AWS client.")] = False,
) -> None:
    """Serve the account of a scenario for any AWS client, until it is interrupted."""
    _check_scenario(scenario)
    if not info.resolve().parent.is_dir():
        raise Failure(f"--info {info}: there is no folder {info.resolve().parent}", Code.USAGE)
    from s3ir_tui.gameday.play import serve as run

    more = _account_settings(account_setting)
    raise typer.Exit(
        run(scenario, port=port, info=info, attacker=attacker, lag=lag, delay=delay, export=export, settings=more)
    )


def _account_settings(given: list[str] | None) -> dict[str, float]:
    from s3ir_tui.gameday.account_settings import SettingError, read_settings

    try:
        return read_settings(given or ())
    except SettingError as error:
        raise Failure(f"--account-setting {error}", Code.USAGE) from None


def _check_scenario(name: str) -> None:
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise Failure("the embedded account is not installed: install s3ir-tui with its extra `gameday`", Code.USAGE)
    from s3ir_tui.gameday.scenarios import SCENARIOS

    if name not in SCENARIOS:
        raise Failure(f"no scenario {name}: there are {', '.join(SCENARIOS)}", Code.USAGE)
