"""The commands; nothing heavy is imported before a command needs it."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from s3ir_tui import __version__, settings
from s3ir_tui.headless.exits import EXPLAINED, Code, Failure
from s3ir_tui.headless.output import Format, say, tell
from s3ir_tui.options import (
    CASE,
    CASES,
    LIVE,
    SAFETY,
    SIGN_IN,
    TRAIL,
    Anchors,
    CaseArgument,
    DefaultCommand,
    Output,
    takes,
)
from s3ir_tui.settings import Settings

app = typer.Typer(
    name="s3ir-tui",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExit codes:\n" + EXPLAINED,
)
gameday = typer.Typer(cls=DefaultCommand, rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(gameday, name="gameday")
trail = typer.Typer(cls=DefaultCommand, rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(trail, name="trail")


# -- the console ---------------------------------------------------------------------------------------------------


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


@app.command()
@takes(CASES, LIVE)
def review(chosen: Settings, case: CaseArgument) -> int:
    """Open a recorded case: no AWS, no credentials, nothing is changed."""
    from s3ir_tui.console import open_review

    return open_review(settings.find_case(chosen, case), mouse=chosen.mouse)


@app.command()
@takes(CASES, LIVE)
def replay(
    chosen: Settings,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders of CloudTrail.")],
    speed: Annotated[
        str, typer.Option("--speed", metavar="N|max", help="Seconds of the recording in a second; max: all at once.")
    ] = "1",
    case: Annotated[str, typer.Option("--case", metavar="DIR|NAME", help="Case to record in; else none is kept.")] = "",
) -> int:
    """Play a recording of CloudTrail as if it were live: no AWS, no credentials, nothing is changed."""
    from s3ir_tui.console import open_replay

    # The case of a real incident is not recorded into unless it is named here.
    return open_replay(paths, speed, replace(chosen, case=case))


# -- practice ------------------------------------------------------------------------------------------------------


@gameday.callback()
def practise() -> None:
    """Practise on an embedded account with an attacker at work in it.

    `gameday [SCENARIO]` is short for `gameday play [SCENARIO]`. Scenarios: leaked-key, reverse-proxy,
    public-bucket, quiet-day.
    """


Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="leaked-key, reverse-proxy, public-bucket or quiet-day.")
]


@gameday.command("play")
@takes(LIVE)
def play(
    chosen: Settings,
    scenario: Scenario = "leaked-key",
    lag: Annotated[
        float, typer.Option("--lag", metavar="SECONDS", min=0, help="Seconds until CloudTrail shows a call.")
    ] = 5.0,
    delay: Annotated[
        float, typer.Option("--delay", metavar="SECONDS", min=0, help="Seconds until a change takes effect.")
    ] = 0.0,
    case: Annotated[str, typer.Option("--case", metavar="DIR|NAME", help="Case to record in; else a new one.")] = "",
) -> int:
    """Open the console on an attack that goes on; what was true is told at the end."""
    from s3ir_tui.console import open_live

    _check_scenario(scenario)
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
        return open_live(there, credentials=info["responder"], folder=folder)

    tell(f"Game day {scenario}: starting the embedded account and the attacker ...")
    return run(scenario, open_console, case=folder, lag=lag, delay=delay)


@gameday.command("serve")
def serve(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="leaked-key, reverse-proxy, public-bucket or quiet-day.")
    ],
    info: Annotated[
        Path,
        typer.Option("--info", metavar="FILE", help="File (0600, JSON) that takes endpoint, credentials and truth."),
    ],
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    attacker: Annotated[bool, typer.Option("--attacker/--no-attacker", help="Let the attacker go on.")] = True,
    lag: Annotated[
        float, typer.Option("--lag", metavar="SECONDS", min=0, help="Seconds until CloudTrail shows a call.")
    ] = 0.0,
    delay: Annotated[
        float, typer.Option("--delay", metavar="SECONDS", min=0, help="Seconds until a change takes effect.")
    ] = 0.0,
    export: Annotated[bool, typer.Option("--export", help="Print shell lines for any AWS client.")] = False,
) -> None:
    """Serve the account of a scenario for any AWS client, until it is interrupted."""
    _check_scenario(scenario)
    if not info.resolve().parent.is_dir():
        raise Failure(f"--info {info}: there is no folder {info.resolve().parent}", Code.USAGE)
    from s3ir_tui.gameday.play import serve as run

    raise typer.Exit(run(scenario, port=port, info=info, attacker=attacker, lag=lag, delay=delay, export=export))


def _check_scenario(name: str) -> None:
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise Failure("the embedded account is not installed: install s3ir-tui with its extra `gameday`", Code.USAGE)
    from s3ir_tui.gameday.scenarios import SCENARIOS

    if name not in SCENARIOS:
        raise Failure(f"no scenario {name}: there are {', '.join(SCENARIOS)}", Code.USAGE)


# -- without a screen ----------------------------------------------------------------------------------------------


@app.command()
@takes(SIGN_IN, CASE, CASES)
def triage(chosen: Settings, output: Output = Format.TABLE) -> int:
    """Print the posture of buckets, principals and instances, and what could not be seen.

    With a case it is recorded there as well.
    """
    from s3ir_tui.headless import triage as command
    from s3ir_tui.headless.session import connect
    from s3ir_tui.model import utc_now

    case = settings.case_folder(chosen) if chosen.case else None
    return command.run(connect(chosen), utc_now() - chosen.since, output, case)


@trail.callback()
def read_trail() -> None:
    """Read CloudTrail: who did what to which bucket, and what its files are worth as evidence.

    `trail [PATH]...` is short for `trail show [PATH]...`. A folder that is called like a command is given as ./verify.
    """


@trail.command("show")
@takes(SIGN_IN, TRAIL)
def show_trail(
    chosen: Settings,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files and folders of CloudTrail; the account's own trail without."),
    ] = None,
    output: Output = Format.TABLE,
) -> int:
    """Print who did what to which bucket, from CloudTrail files or from the account."""
    from s3ir_tui.headless import trail as command

    if paths:
        return command.from_files(paths, output)
    from s3ir_tui.headless.gather import Sources, gather
    from s3ir_tui.headless.session import connect
    from s3ir_tui.model import utc_now

    sources = Sources(chosen)
    return command.show(*gather(connect(chosen), sources, utc_now() - chosen.since), output)


@trail.command("verify")
@takes(SIGN_IN)
def verify_trail(
    chosen: Settings,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Log files and digests, copied from the bucket.")],
    keys: Annotated[
        list[Path] | None,
        typer.Option(
            "--keys", metavar="FILE", help="Saved answer of ListPublicKeys, or PEM; repeat. Without: AWS is asked."
        ),
    ] = None,
    bucket: Annotated[
        str, typer.Option("--bucket", metavar="NAME", help="Bucket of the trail; digests of another prove nothing.")
    ] = "",
    output: Output = Format.TABLE,
) -> int:
    """Check log files against the signed digests: what was changed, is missing, or is vouched for by nothing.

    Exit code 0: every file is what CloudTrail delivered, and nothing is missing between the digests.
    """
    from s3ir_tui.headless import trail_verify as command

    if keys:
        return command.offline(folder, keys, bucket, output)
    from s3ir_tui.headless.session import connect
    from s3ir_tui.model import utc_now

    command.check_folder(folder)
    return command.online(folder, connect(chosen), bucket, utc_now(), output)


@app.command()
@takes(SIGN_IN, CASE, CASES)
def ask(
    chosen: Settings,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked; without it all are listed.")] = "",
    given: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME=VALUE", help="What the question takes; repeat.")
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Option("--files", metavar="PATH", help="Ask files or folders of CloudTrail; repeat.")
    ] = None,
    athena: Annotated[bool, typer.Option("--athena", help="Ask the account's trail through Athena; it costs.")] = False,
    begin: Annotated[
        str, typer.Option("--from", metavar="TIME", help="First moment asked about (ISO 8601, UTC). Athena: last 24h.")
    ] = "",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Last moment asked about. Default: now.")] = "",
    store: Annotated[
        Path | None, typer.Option("--store", metavar="FILE", help="Keep what files hold there for the next question.")
    ] = None,
    table: Annotated[
        str, typer.Option("--table", metavar="[DB.]TABLE", help="Table in Athena. Default: default.s3ir_cloudtrail.")
    ] = "",
    workgroup: Annotated[
        str, typer.Option("--workgroup", metavar="NAME", help="Workgroup whose limits hold.")
    ] = "primary",
    results: Annotated[
        str, typer.Option("--results", metavar="s3://...", help="Where results go, if the workgroup does not say.")
    ] = "",
    price: Annotated[
        float, typer.Option("--price", metavar="USD", min=0, help="Price of a TB scanned, for the estimate.")
    ] = 5.0,
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, help="Most rows of an answer.")] = 10_000,
    create_table: Annotated[
        bool, typer.Option("--create-table", help="Print the definition of the table; with --yes --case, make it.")
    ] = False,
    logs: Annotated[
        str, typer.Option("--logs", metavar="s3://...", help="Place of the trail, for the table. Default: looked up.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Make the table.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Ticket or reason, for the record.")] = "",
    output: Annotated[str, typer.Option("--output", metavar="table|json|csv", help="How to print.")] = "table",
) -> int:
    """Ask the history of calls: who touched this key, who read most, what did this credential do."""
    from s3ir_tui.headless import ask as command
    from s3ir_tui.headless import ask_table

    if create_table:
        return ask_table.run(chosen, ask_table.TableWish(table, workgroup, results, logs, yes=yes, reason=reason))
    wish = command.Wish(
        question, given or (), files or (), athena, begin, end, store, table, workgroup, results, price, rows
    )
    return command.run(chosen, wish, command.form_of(output))


@app.command()
@takes(SIGN_IN, TRAIL)
def preflight(
    chosen: Settings,
    output: Output = Format.TABLE,
    print_queue_template: Annotated[
        bool, typer.Option("--print-queue-template", help="Print the CloudFormation template of a queue; ask nothing.")
    ] = False,
) -> int:
    """Print what each trail source can see, what was logged of each bucket, and what this identity may read.

    Nothing is changed. Exit code 1 says that a source or a read fails, or that object reads are logged of no bucket.
    """
    if print_queue_template:
        from s3ir_tui.trail.queue_template import TEMPLATE

        say(TEMPLATE.rstrip())
        return Code.OK
    from s3ir_tui.headless import preflight as command
    from s3ir_tui.headless.gather import Sources
    from s3ir_tui.headless.session import connect
    from s3ir_tui.model import utc_now

    sources = Sources(chosen)
    return command.run(connect(chosen), sources, utc_now() - chosen.since, output)


@app.command()
@takes(SIGN_IN, CASE, CASES, TRAIL, SAFETY)
def act(
    chosen: Settings,
    words: Annotated[list[str] | None, typer.Argument(metavar="ACTION", help="What to do, and more targets.")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="NAME=VALUE", help="What to work on; repeat for several (`--list` tells)."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print the actions, what they take and how far they reach.")] = (
        False
    ),
    done: Annotated[bool, typer.Option("--done", help="Print what was done in the case.")] = False,
    undo: Annotated[str, typer.Option("--undo", metavar="PLAN|last", help="Undo a plan of the case instead.")] = "",
    as_cli: Annotated[bool, typer.Option("--as-cli", help="Print the plan as lines for the AWS CLI.")] = False,
    execute: Annotated[bool, typer.Option("--execute", help="Carry the plan out; needs --yes and a case.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm the plan unseen.")] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Ticket or reason, recorded with the plan.")
    ] = "",
    output: Output = Format.TABLE,
) -> int:
    """Plan an action and print the plan; change something only with --execute --yes."""
    if execute and (as_cli or not yes or not chosen.case):
        raise Failure("--execute needs --yes and --case, and goes without --as-cli; nothing was changed", Code.USAGE)
    from s3ir_tui.headless import act as command

    if list_:
        return command.list_actions(output)
    if done:
        return command.list_done(settings.find_case(chosen, chosen.case), output)
    action, targets = command.parse_words(words or (), target or (), undo)
    wish = command.Wish(action, targets, undo, execute=execute, as_cli=as_cli, reason=reason)
    from s3ir_tui.headless.gather import Sources
    from s3ir_tui.headless.session import connect

    sources = Sources(chosen)
    account = connect(chosen)
    history = command.read_history(account, sources, chosen.since)
    case = settings.case_folder(chosen) if chosen.case else None
    return command.run(wish, command.Here(account, history, case, chosen.break_glass), output)


@app.command()
@takes(CASES)
def verify(chosen: Settings, case: CaseArgument, anchors: Anchors = None, output: Output = Format.TABLE) -> int:
    """Check that the log of a case is whole and agrees with published heads."""
    from s3ir_tui.headless import verify as command

    return command.run(settings.find_case(chosen, case), anchors or (), output)


@app.command()
@takes(CASES)
def report(
    chosen: Settings,
    case: CaseArgument,
    anchors: Anchors = None,
    file: Annotated[Path | None, typer.Option("-o", "--file", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Print the report of a case, made from its record, as Markdown."""
    from s3ir_tui.headless import report as command

    return command.run(settings.find_case(chosen, case), anchors or (), file)


@app.command()
@takes(CASES)
def locate(chosen: Settings) -> int:
    """Print where the configuration and the cases lie."""
    say(f"config  {settings.config_file(os.environ)}")
    say(f"cases   {chosen.cases}")
    return Code.OK


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; whatever goes wrong ends in one message and an exit code, never in a traceback.

    Args:
        arguments: The words after the program's name; those of the process where it is `None`.
    """
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
