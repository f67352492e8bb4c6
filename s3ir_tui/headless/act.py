"""act: plan an action, show it, carry it out, undo it; the same plans as on the screens."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actions.cli_text import cli_lines
from actions.desk import Desk
from actions.plan import Answer, Plan, Progress, Refusal, Result, StepState, Targets
from actions.records import Log, done, tell
from actions.subjects import TARGETS
from s3ir_tui.case import Recorded
from s3ir_tui.headless.case import opened
from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import Format, print_json, print_table, say
from s3ir_tui.headless.output import tell as aside
from s3ir_tui.headless.plan_text import plan_lines
from s3ir_tui.journal import Journal, WriteFailed
from s3ir_tui.model import utc_now
from s3ir_tui.settings import nearest
from s3ir_tui.text import clean, clean_block

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account
    from s3ir_tui.headless.gather import Sources
    from s3ir_tui.trail.analysis import Analysis

LAST = "last"
"""Names the newest plan that something is left to undo of."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for.

    Attributes:
        action: Id of the action; "" where a plan is undone.
        targets: What it is to work on.
        undo: Reference of the plan to undo, or `LAST`; "" where an action is asked for.
        execute: Whether to carry it out.
        as_cli: Whether to print it as lines for the AWS CLI.
        reason: Ticket or reason.
        no_ticket: Whether it was said in so many words that there is none.
    """

    action: str = ""
    targets: Targets = field(default_factory=dict)
    undo: str = ""
    execute: bool = False
    as_cli: bool = False
    reason: str = ""
    no_ticket: bool = False


@dataclass(frozen=True, slots=True)
class Here:
    """What an action is planned with.

    Attributes:
        account: The connection.
        history: What the trail shows.
        case: The case folder, or `None` where nothing is carried out.
        break_glass: Principals that no plan may cut.
        operator: Name of the person who asks.
    """

    account: Account
    history: Callable[[], Analysis]
    case: Path | None = None
    break_glass: tuple[str, ...] = ()
    operator: str = ""

    def desk(self, log: Log) -> Desk:
        """The desk over a log."""
        return Desk(self.account, log, self.history, self.break_glass, operator=self.operator)


def read_history(account: Account, sources: Sources, since: timedelta) -> Callable[[], Analysis]:
    """What the trail shows, read once, when a plan first asks; what could not be read is told."""

    @functools.cache
    def history() -> Analysis:
        from s3ir_tui.headless.gather import gather
        from s3ir_tui.headless.trail import tell_missing

        analysis, missing = gather(account, sources, utc_now() - since)
        tell_missing(missing)
        return analysis

    return history


class Unrecorded:
    """The log of someone who only plans: empty, and it takes nothing, so nothing can be carried out."""

    session = ""

    def record(self, table: str, doc: Mapping[str, Any]) -> str:  # noqa: ARG002 - the shape of `Log`
        """Refuse.

        Raises:
            WriteFailed: Always.
        """
        raise WriteFailed("there is no case to record in: give --case")

    def records(self, table: str | None = None) -> Sequence[Recorded]:  # noqa: ARG002 - the shape of `Log`
        """Nothing."""
        return ()


def parse_targets(values: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`["user=a", "user=b"]` as `{"user": ("a", "b")}`.

    Raises:
        Failure: One is not NAME=VALUE, or there is no target of that name.
    """
    found: dict[str, tuple[str, ...]] = {}
    for item in values:
        name, _, value = item.partition("=")
        if name not in TARGETS or not value:
            raise Failure(f"target {item}: write NAME=VALUE, with NAME one of {', '.join(TARGETS)}", Code.USAGE)
        found[name] = (*found.get(name, ()), value)
    return found


def parse_words(words: Sequence[str], targets: Sequence[str], undo: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Take the words of the command line apart: the action is the one that is not NAME=VALUE.

    Args:
        words: What stands by itself.
        targets: What was given as `--target`.
        undo: The plan to undo, which takes neither action nor targets.

    Returns:
        The action, "" where a plan is undone, and its targets.

    Raises:
        Failure: There is not exactly one thing to do, no such action, or a target makes no sense.
    """
    from actions.registry import ACTIONS

    asked = [word for word in words if "=" not in word]
    chosen = parse_targets([*targets, *(word for word in words if "=" in word)])
    if undo and not asked and not chosen:
        return "", {}
    if len(asked) != 1 or undo:
        raise Failure("name one action, or a plan with --undo; `s3ir-tui act --list` shows the actions", Code.USAGE)
    if asked[0] not in ACTIONS:
        raise Failure(f"no action {asked[0]}{nearest(asked[0], ACTIONS)}; see `s3ir-tui act --list`", Code.USAGE)
    return asked[0], chosen


def list_actions(form: Format) -> int:
    """Print every action with what it takes."""
    from actions.registry import ACTIONS

    if form is Format.JSON:
        print_json(
            [
                {
                    "id": item.id,
                    "title": item.title,
                    "part": item.part,
                    "takes": list(item.takes),
                    "danger": item.danger.value,
                }
                for item in ACTIONS.values()
            ]
        )
    else:
        rows = [(item.id, item.title, item.danger.value, ", ".join(item.takes)) for item in ACTIONS.values()]
        print_table("Actions", ("action", "what it does", "danger", "targets"), rows)
    return Code.OK


def list_done(case: Path, form: Format) -> int:
    """Print the plans of a case that changed something, oldest first."""
    with Journal.open(case, about={}, readonly=True) as journal:
        found = done(tell(journal.records("actions")))
    rows = [(item.ref, item.at, item.plan.action, item.plan.title, item.undone_by) for item in found]
    names = ("ref", "at", "action", "title", "undone_by")
    if form is Format.JSON:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table("Done", ("plan", "at", "action", "what it did", "undone by"), rows)
    return Code.OK


def run(wish: Wish, here: Here, form: Format) -> int:
    """Plan, and show or carry out.

    Returns:
        `Code.OK`; `Code.PROBLEM` where a step did not end well; `Code.REFUSED` where nothing was changed.

    Raises:
        AwsError: AWS could not be read for the plan.
        JournalError: The case cannot be read or written.
    """
    try:
        if not wish.execute:
            with _reading(here.case) as log:
                plan = _plan(here.desk(log), wish)
                _show(plan, wish, form)
            return Code.OK
        if here.case is None:
            raise Failure("--execute needs --case: what is done must be recorded", Code.USAGE)
        with opened(here.case, here.account, "act") as journal:
            return _execute(here.desk(journal), journal, wish, form)
    except Refusal as refusal:
        if form is Format.JSON:
            print_json({"action": wish.action, "targets": wish.targets, "refused": str(refusal)})
        raise


@contextmanager
def _reading(case: Path | None) -> Iterator[Log]:
    if case is None or not case.is_dir():
        yield Unrecorded()
        return
    with Journal.open(case, about={}, readonly=True) as journal:
        yield journal


def _plan(desk: Desk, wish: Wish) -> Plan:
    if not wish.undo:
        return desk.plan(wish.action, wish.targets)
    if wish.undo != LAST:
        return desk.undo_plan(wish.undo)
    left = [item.ref for item in desk.done() if not item.undone_by and not item.plan.undo_of]
    if not left:
        raise Refusal("nothing that was done in this case is left to undo")
    return desk.undo_plan(left[-1])


def _show(plan: Plan, wish: Wish, form: Format) -> None:
    lines = cli_lines(plan) if wish.as_cli else plan_lines(plan)
    if form is Format.JSON:
        print_json({"action": plan.action, "cli": list(lines)} if wish.as_cli else plan.to_json())
        return
    for line in lines:
        say(clean_block(line))


def _execute(desk: Desk, journal: Journal, wish: Wish, form: Format) -> int:
    for item in desk.reconcile():
        aside(clean(f"an earlier console ended within {item.unknown}; now: {item.state or 'unknown'} - {item.detail}"))
    plan = _plan(desk, wish)
    if plan.in_place and not plan.steps:
        return _nothing_to_do(plan, journal, form)
    _check_reason(wish, plan, desk)
    answer = Answer(typed=plan.must_type, reason=wish.reason, no_ticket=wish.no_ticket)
    count = len(plan.steps)

    def progress(news: Progress) -> None:
        step = plan.steps[news.index]
        if news.state is not StepState.RUNNING:
            words = f"{step.call.name} {step.target}: {news.state.value}"
            aside(clean(f"{news.index + 1}/{count} {words}{' - ' + news.detail if news.detail else ''}"))

    with stopped_by_signals(desk) as signals:
        result = desk.run(plan, answer, progress)
    if form is Format.JSON:
        print_json(_result_json(plan, result, journal))
    else:
        print_table(*_result_table(plan, result))
        if result.stopped:
            aside(clean(f"stopped: {result.stopped}"))
    if signals:
        return 128 + signals[0]
    return Code.OK if result.ok and not result.stopped else Code.PROBLEM


def _nothing_to_do(plan: Plan, journal: Journal, form: Format) -> int:
    """What was asked for is in effect: that is a success."""
    if form is Format.JSON:
        print_json({**_result_json(plan, Result("", (), ()), journal), "in_place": list(plan.in_place)})
    for line in plan.in_place:
        aside(clean(f"in place: {line}"))
    aside("nothing to do")
    return Code.OK


def _check_reason(wish: Wish, plan: Plan, desk: Desk) -> None:
    """Refuse to arm without a ticket, unless it was said that there is none.

    Raises:
        Refusal: There is none; the message offers what another console of the case was armed for.
    """
    if not plan.steps or wish.reason or wish.no_ticket:
        return
    before = desk.recorded_reason()
    offered = f' (this case was armed before for "{before.reason}")' if before is not None and before.reason else ""
    raise Refusal(f"give --reason TICKET{offered}, or --no-ticket where there is none. Nothing was changed")


@contextmanager
def stopped_by_signals(desk: Desk) -> Iterator[list[int]]:
    """The step in flight gets its outcome, no further one begins, and the log its closing record.

    Yields:
        The signals that came, in order: the exit code names the first, within the last step as well.
    """
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        desk.stop()

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _result_json(plan: Plan, result: Result, journal: Journal) -> dict[str, Any]:
    intents = result.intents or ("",) * len(result.states)
    return {
        "action": plan.action,
        "title": plan.title,
        "plan": result.plan_ref,
        "ok": result.ok,
        "stopped": result.stopped,
        "steps": [
            {"call": step.call.name, "target": step.target, "state": state.value, "detail": detail, "intent": intent}
            for step, state, detail, intent in zip(plan.steps, result.states, result.details, intents, strict=True)
        ],
        "undo_of": plan.undo_of,
        "head": journal.head,
    }


def _result_table(plan: Plan, result: Result) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    rows = [
        (str(index + 1), step.call.name, step.target, state.value, detail)
        for index, (step, state, detail) in enumerate(zip(plan.steps, result.states, result.details, strict=True))
    ]
    return f"{clean(plan.title)}  (plan {result.plan_ref})", ("step", "call", "target", "state", ""), rows
