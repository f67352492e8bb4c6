"""Questions to the history of calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3ir_tui.options import CASE, CASES, SIGN_IN, takes
from s3ir_tui.settings import Settings


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
