"""A plan in words: its steps with their difference, its notes, how a run of it stands."""

from __future__ import annotations

from rich.style import Style

from actions.call_text import sent_lines
from actions.cli_text import cli_lines
from actions.plan import Answer, Plan, Step, StepState
from s3ir_tui.text import clean
from screens.running import Run
from screens.widgets.diff import CONTEXT, diff
from screens.widgets.palette import AMBER, BOLD, DIM, GREEN, PLAIN, RED

Paragraphs = list[tuple[str, Style]]

_STEPS: dict[StepState, tuple[str, Style]] = {
    StepState.WAITING: ("·", DIM),
    StepState.RUNNING: ("◌", AMBER),
    StepState.DONE: ("✓", GREEN),
    StepState.FAILED: ("✗", RED),
    StepState.MOVED: ("≠", AMBER),
    StepState.UNKNOWN: ("?", AMBER),
    StepState.EXCLUDED: ("-", DIM),
    StepState.NOT_RUN: ("·", DIM),
}


def step_count(steps: int) -> str:
    """`1 step`, `4 steps`."""
    return "1 step" if steps == 1 else f"{steps} steps"


def step_mark(state: StepState) -> tuple[str, Style]:
    """Glyph and style of a step of a running plan."""
    return _STEPS[state]


def step_lines(step: Step, *, whole: bool = False) -> Paragraphs:
    """What a step changes, and what belongs to it.

    Args:
        step: The step.
        whole: Whether unchanged lines are shown too.
    """
    lines: Paragraphs = []
    for name, words in (("note", step.note), ("no undo", step.no_undo)):
        if words:
            lines.append((f"{name}: {words}", AMBER))
    lines += [(f"breaks: {words}", AMBER) for words in step.breaks]
    changes = diff(step.before, step.after, None if whole else CONTEXT)
    lines += [(f"{line.sign} {line.text}", line.style) for line in changes]
    return lines + [(words, DIM) for words in sent_lines(step)]


def note_lines(plan: Plan, *, arms: bool = False) -> Paragraphs:
    """What the responder must know before confirming: the worst first."""
    lines: Paragraphs = []
    if arms:
        lines.append(("arming  the console is read-only until now: confirming arms it for this case", BOLD))
    lines += [(f"in place {words}", GREEN) for words in plan.in_place]
    lines += [(f"warning {words}", BOLD) for words in plan.warnings]
    lines += [(f"breaks  {words}", AMBER) for words in plan.breaks]
    if not plan.breaks and plan.steps:
        lines.append(("breaks  nothing that is known", DIM))
    lines += [(f"checked {words}", PLAIN) for words in plan.checked]
    return lines


def whole_lines(plan: Plan) -> Paragraphs:
    """Everything of a plan, as one text."""
    lines: Paragraphs = [(f"{plan.action}  {plan.title}", BOLD), (f"{plan.danger.value}, read {plan.made_at}", DIM)]
    for index, step in enumerate(plan.steps, 1):
        lines += [("", PLAIN), (f"{index} {step.call.name}  {step.target}  {step.summary}", BOLD)]
        lines += [(f"  {text}", style) for text, style in step_lines(step, whole=True)]
    lines += [("", PLAIN), ("What to know", BOLD), *note_lines(plan)]
    lines += [("", PLAIN), ("As AWS CLI", BOLD), *((text, PLAIN) for text in cli_lines(plan))]
    return lines


def given_words(answer: Answer) -> str:
    """By whom and for what a plan runs, as far as that was asked: `by alice for T-7`."""
    by = f"by {clean(answer.operator)}" if answer.operator else ""
    why = f"for {clean(answer.reason)}" if answer.reason else "without a ticket" if answer.no_ticket else ""
    return " ".join(filter(None, (by, why)))


def running_words(run: Run) -> str:
    """How a run stands, or how it ended."""
    counts = {state: run.states.count(state) for state in StepState}
    if not run.ended:
        return f"{run.plan.action} runs: {run.done} of {step_count(len(run.states))}; escape leaves it running"
    if run.error:
        return f"not run: {run.error}"
    if not run.states:
        return f"{run.plan.action}: recorded"
    parts = [f"{counts[state]} {state.value}" for state in StepState if counts[state]]
    stopped = f"; {run.result.stopped}" if run.result is not None and run.result.stopped else ""
    return f"{run.plan.action}: {', '.join(parts)}{stopped}"
