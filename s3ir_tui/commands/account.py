"""The account without a screen: how it stands, what can be seen of it, what is done about it."""

from __future__ import annotations

from typing import Annotated

import typer

from s3ir_tui import settings
from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import Format, say
from s3ir_tui.options import CASE, CASES, SAFETY, SIGN_IN, TRAIL, Output, takes
from s3ir_tui.settings import Settings


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
    no_ticket: Annotated[
        bool, typer.Option("--no-ticket", help="Carry it out although there is no ticket; recorded as such.")
    ] = False,
    output: Output = Format.TABLE,
) -> int:
    """Plan an action and print the plan; change something only with --execute --yes and --reason."""
    if execute and (as_cli or not yes or not chosen.case):
        raise Failure("--execute needs --yes and --case, and goes without --as-cli; nothing was changed", Code.USAGE)
    from s3ir_tui.headless import act as command

    if list_:
        return command.list_actions(output)
    if done:
        return command.list_done(settings.find_case(chosen, chosen.case), output)
    action, targets = command.parse_words(words or (), target or (), undo)
    wish = command.Wish(action, targets, undo, execute=execute, as_cli=as_cli, reason=reason, no_ticket=no_ticket)
    from s3ir_tui.headless.gather import Sources
    from s3ir_tui.headless.session import connect

    sources = Sources(chosen)
    account = connect(chosen)
    history = command.read_history(account, sources, chosen.since)
    case = settings.case_folder(chosen) if chosen.case else None
    here = command.Here(account, history, case, chosen.break_glass, settings.operator_of(chosen))
    return command.run(wish, here, output)
