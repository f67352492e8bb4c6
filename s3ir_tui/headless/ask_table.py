"""The table that Athena needs: its definition shown, and made through the executor where that is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3ir_tui.headless.ask import table_of
from s3ir_tui.headless.case import opened
from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import say, tell
from s3ir_tui.model import iso, utc_now
from s3ir_tui.questions.table import Table, TableError
from s3ir_tui.settings import Settings, case_folder, operator_of
from s3ir_tui.text import clean, clean_block

if TYPE_CHECKING:
    from actions.plan import Plan
    from s3ir_tui.aws.account import Account

ID = "ask.create-table"


@dataclass(frozen=True, slots=True)
class TableWish:
    """Which table is to be made.

    Attributes:
        table: `[DATABASE.]TABLE`.
        workgroup: Workgroup of Athena.
        results: Where Athena puts results, where the workgroup leaves it open.
        logs: `s3://BUCKET[/PREFIX]/AWSLogs/[ORG/]ACCOUNT/CloudTrail`; that of the account's trail where it is "".
        yes: Whether it is made, not only shown.
        reason: Ticket or reason, for the record.
    """

    table: str = ""
    workgroup: str = "primary"
    results: str = ""
    logs: str = ""
    yes: bool = False
    reason: str = ""


def run(chosen: Settings, wish: TableWish) -> int:
    """Print the definition of the table; make it where it is confirmed and a case records it.

    Returns:
        `Code.OK`; `Code.PROBLEM` where the table is not there afterwards.

    Raises:
        Failure: It cannot be made so; nothing was changed.
    """
    if wish.yes and not chosen.case:
        raise Failure(
            "--create-table --yes needs --case: what is done must be recorded; nothing was changed", Code.USAGE
        )
    from s3ir_tui.headless.session import connect

    try:
        table = table_of(wish.table)
        account = connect(chosen)
        text = table.definition(wish.logs or _trail(account), _regions(account))
    except TableError as error:
        raise Failure(str(error), Code.USAGE) from None
    say(clean_block(text))
    if not wish.yes:
        tell("Nothing was changed. Add --yes --case CASE to make the table; it costs nothing until it is asked.")
        return Code.OK
    return _make(chosen, account, plan(table, text, wish), wish.reason)


def plan(table: Table, text: str, wish: TableWish) -> Plan:
    """The plan that makes the table; its undo takes the table away and leaves the trail's files."""
    from actions.plan import Call, Danger, Plan, Read, Step

    shared: dict[str, Any] = {
        "QueryExecutionContext": {"Database": table.database, "Catalog": table.catalog},
        "WorkGroup": wish.workgroup,
    }
    if wish.results:
        shared["ResultConfiguration"] = {"OutputLocation": wish.results}
    named = {"CatalogName": table.catalog, "DatabaseName": table.database, "TableName": table.name}
    step = Step(
        call=Call("athena", "StartQueryExecution", {"QueryString": text, **shared}),
        target=str(table),
        summary="not there -> made",
        read=Read(Call("athena", "GetTableMetadata", named), "TableMetadata.Name", absent=("MetadataException",)),
        before=None,
        after=table.name,
        undo=Call("athena", "StartQueryExecution", {"QueryString": table.removal(), **shared}),
        note="a table in the data catalogue; the trail's files are not touched",
        action=ID,
    )
    return Plan(
        action=ID,
        title=f"Make the table {table} of the trail in Athena",
        targets={"account": ()},
        steps=(step,),
        danger=Danger.REVERSIBLE,
        made_at=iso(utc_now()),
    )


def _make(chosen: Settings, account: Account, made: Plan, reason: str) -> int:
    from actions.executor import Executor
    from actions.plan import Answer

    with opened(case_folder(chosen), account, "ask") as journal:
        executor = Executor(account, journal, operator=operator_of(chosen))
        result = executor.run(made, Answer(reason=reason), lambda _progress: None, threading.Event())
    for step, state, detail in zip(made.steps, result.states, result.details, strict=True):
        tell(clean(f"{step.call.name} {step.target}: {state.value}{f' - {detail}' if detail else ''}"))
    return Code.OK if result.ok else Code.PROBLEM


def _trail(account: Account) -> str:
    """Where the account's trail lies.

    Raises:
        TableError: There is none, or its place cannot be told.
    """
    found = account.call("cloudtrail", "DescribeTrails", {}).get("trailList") or []
    own = [item for item in found if item.get("S3BucketName") and not item.get("IsOrganizationTrail")]
    if not own:
        raise TableError("no trail of this account alone is there: name its place with --logs s3://BUCKET/AWSLogs/...")
    bucket, prefix = own[0]["S3BucketName"], str(own[0].get("S3KeyPrefix") or "").strip("/")
    return f"s3://{bucket}/{f'{prefix}/' if prefix else ''}AWSLogs/{account.identity.account}/CloudTrail"


def _regions(account: Account) -> Sequence[str]:
    from s3ir_tui.aws.errors import AwsError

    try:
        return sorted(item["RegionName"] for item in account.pages("ec2", "DescribeRegions", {}, "Regions"))
    except AwsError as error:
        tell(clean(f"Regions cannot be listed ({error.short}): the table covers {account.region} and us-east-1"))
        return sorted({account.region, "us-east-1"})
