"""The report of a case as Markdown: what its records say, each statement with its reference, and nothing invented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from s3ir_tui.journal import Journal, Record, Verification, verify
from s3ir_tui.model import iso, utc_now
from s3ir_tui.report.escape import code, prose, table
from s3ir_tui.report.facts import Facts, PlanTold, gather
from s3ir_tui.report.timeline import Happening, happenings
from s3ir_tui.report.words import mapping
from s3ir_tui.states import explained
from s3ir_tui.text import clean, size

NOT_RECORDED = "*not recorded*"
_MOST_LINES = 2000
_MOST_UNSEEN = 200


def report_case(folder: Path, anchors: Sequence[str] = ()) -> str:
    """The report of a case folder, with a check of its log.

    Args:
        folder: The case folder; it is only read.
        anchors: Heads published elsewhere, to check the log against (see `journal.verify`).

    Raises:
        JournalError: There is no such folder.
        ValueError: An anchor is none.
    """
    with Journal.open(folder, about={}, readonly=True, poll_seconds=0) as journal:
        return report(journal.records(), verify(folder, anchors), case=folder.resolve().name, at=iso(utc_now()))


def report(records: Sequence[Record], checked: Verification, *, case: str, at: str) -> str:
    """The report of records.

    Args:
        records: All records of the case in time order.
        checked: The check of its log.
        case: Name of the case.
        at: UTC time of the report.
    """
    facts = gather(records)
    sections = (
        _head(facts, checked, case, at),
        _section("Summary", [*_notes(facts, "summary"), *_summary(facts)]),
        _section("Scope", _scope(facts)),
        _section("Impact", [*_notes(facts, "impact"), *_impact(facts)]),
        _section("Root causes", _notes(facts, "root cause")),
        _section("Trigger", _notes(facts, "trigger")),
        _section("Detection", [*_notes(facts, "detection"), *_detection(facts)]),
        _section("Resolution", _notes(facts, "resolution")),
        _section("Actions", [line for plan in facts.plans.values() for line in _plan(plan)]),
        _section("Unknown outcomes", _unknown(facts), "None: every step that was begun has its outcome."),
        _section("Quiet watch", _verdicts(facts)),
        _section("Action items", _notes(facts, "action item")),
        _section("Lessons", _notes(facts, "lesson")),
        _section("Notes", _notes(facts, "")),
        _section("What could not be seen", _unseen(facts)),
        _section("Timeline", _timeline(happenings(records))),
        _section("Custody", _custody(facts, checked)),
    )
    return "\n".join(line for section in sections for line in section)


def _section(title: str, lines: Sequence[str], otherwise: str = NOT_RECORDED) -> list[str]:
    return [f"## {title}", "", *(lines or [otherwise]), ""]


def _ref(ref: str) -> str:
    return f"({code(ref)})"


def _notes(facts: Facts, name: str) -> list[str]:
    notes = facts.sections.get(name)
    return [*(f"- {prose(text)} {_ref(ref)}" for text, ref in notes), ""] if notes else []


def _head(facts: Facts, checked: Verification, case: str, at: str) -> list[str]:
    authors = list(dict.fromkeys(who for who, _ in facts.people.values() if who))
    sound = "sound" if checked.ok else f"NOT SOUND: {len(checked.problems)} problems, see Custody"
    rows = [
        ("Case", code(case)),
        ("Report made", prose(at)),
        ("Records", prose(f"{facts.opened} to {facts.last}") if facts.opened else NOT_RECORDED),
        ("Authors", ", ".join(prose(author) for author in authors) or NOT_RECORDED),
        ("Phase", prose(facts.phase) or NOT_RECORDED),
        ("Log", sound),
    ]
    told = "All times are UTC. References such as `46d868cb:17` name the record of the log that a statement rests on."
    return [f"# Incident report: {prose(case)}", "", *table(("", ""), rows), "", told, ""]


def _summary(facts: Facts) -> list[str]:
    lines = []
    ran = [plan for plan in facts.plans.values() if any(step.state == "done" for step in plan.steps)]
    if facts.events:
        lines.append(f"- {facts.events} CloudTrail events are in the log, {facts.data_events} of them data events.")
    if facts.own_calls:
        calls = "1 call" if facts.own_calls == 1 else f"{facts.own_calls:,} calls"
        lines.append(f"- {calls} of this case's consoles {'is' if facts.own_calls == 1 else 'are'} left out below.")
    if facts.marks:
        lines.append(f"- {len(facts.marks)} buckets, principals and instances are marked as affected.")
    if ran:
        undone = sum(bool(plan.undone_by) for plan in ran)
        lines.append(f"- {len(ran)} plans changed the account, {undone} of them were undone.")
    return lines


def _scope(facts: Facts) -> list[str]:
    lines = [f"- armed: {prose(reason)} {_ref(ref)}" for reason, ref in facts.armed]
    lines += [f"- {prose(what)} {code(ident)} {_ref(ref)}" for (what, ident), ref in facts.marks.items()]
    if facts.accounts:
        named = ", ".join(f"{code(account)} ({count} events)" for account, count in facts.accounts.items())
        lines.append(f"- accounts in the recorded events: {named}")
    return lines


def _impact(facts: Facts) -> list[str]:
    rows = [
        (
            code(name),
            str(reach.reads),
            str(reach.writes),
            str(reach.denied),
            size(reach.bytes_out),
            ", ".join(code(principal) for principal in sorted(reach.principals)),
        )
        for name, reach in sorted(facts.reach.items())
    ]
    lines = table(("Bucket", "Reads", "Writes", "Refused", "Bytes out", "Marked principals"), rows)
    if not lines:
        return []
    told = [
        "",
        "Counted from the events in this log: marked buckets, and buckets that marked principals called on.",
    ]
    if not facts.data_events:
        told.append("No data event is among them: reads of objects were not logged, which does not mean none happened.")
    return [*lines, *told]


def _detection(facts: Facts) -> list[str]:
    at, ref = facts.first_mark
    return [f"- first mark at {prose(at)} {_ref(ref)}"] if at else []


def _plan(plan: PlanTold) -> list[str]:
    lines = [
        f"### {code(plan.ref)} {prose(plan.title)}",
        "",
        f"- action: {code(plan.action)}, planned {prose(plan.at)}",
    ]
    lines += [f"- by: {code(plan.actor)}"] if plan.actor else []
    lines += [f"- reason: {prose(plan.reason)}"] if plan.reason else []
    lines += [f"- undoes: {code(plan.undo_of)}"] if plan.undo_of else []
    lines += [f"- breaks: {prose(text)}" for text in plan.breaks]
    lines += [f"- warning shown: {prose(text)}" for text in plan.warnings]
    lines += [f"- stopped: {prose(plan.stopped)}"] if plan.stopped else []
    lines += [] if plan.ended else ["- **its end is not recorded**"]
    lines.append(f"- undone by: {code(plan.undone_by)}" if plan.undone_by else "- not undone")
    rows = [
        (
            step.number,
            code(step.call),
            code(step.target),
            prose(step.summary),
            " ".join(part for part in (f"**{prose(step.state)}**", prose(step.detail)) if part),
            prose(step.at),
            code(step.request_id),
            " ".join(code(ref) for ref in step.refs),
        )
        for step in plan.steps
    ]
    head = ("Step", "Call", "Target", "Change", "State", "At", "AWS request id", "Records")
    return [*lines, "", *table(head, rows), ""]


def _unknown(facts: Facts) -> list[str]:
    found = [
        f"- step {step.number} of {code(plan.ref)}: {code(step.call)} on {code(step.target)}, begun {prose(step.at)}: "
        "**check in AWS whether it took effect**"
        for plan, step in facts.unknown
    ]
    return found or ([] if facts.plans else [NOT_RECORDED])


def _verdicts(facts: Facts) -> list[str]:
    lines = []
    for at, ref, watch, state, reason in facts.verdicts:
        why = f": {prose(reason)}" if reason else ""
        lines.append(f"- {prose(at)}: **{prose(state)}** for watch {code(watch)}{why} {_ref(ref)}")
    return lines + _state_words(facts)


def _state_words(facts: Facts) -> list[str]:
    """What each state word of the report means, once."""
    words = dict.fromkeys(state for _, _, _, state, _ in facts.verdicts)
    meanings = [f"- {prose(word)}: {prose(text)}" for word in words if (text := explained(word))]
    return ["", "What these words mean:", "", *meanings] if meanings else []


def _unseen(facts: Facts) -> list[str]:
    lines = [f"- {prose(text)} {_ref(ref)}" for text, ref in dict.fromkeys(facts.unseen)]
    if len(lines) > _MOST_UNSEEN:
        lines = [*lines[:_MOST_UNSEEN], f"- and {len(lines) - _MOST_UNSEEN} more"]
    if facts.events and not facts.data_events:
        lines.insert(0, "- no data event is recorded: reads and writes of objects were not logged")
    return lines


def _timeline(found: Sequence[Happening]) -> list[str]:
    rows = []
    for item in found[:_MOST_LINES]:
        when = prose(item.at) + (f" to {prose(item.until[11:])}" if item.until else "")
        what = (f"{item.count} times " if item.count > 1 else "") + prose(item.text)
        rows.append((when, prose(item.who), f"**{what}**" if item.problem else what, code(item.refs)))
    lines = table(("UTC", "Who", "What", "Records"), rows)
    if len(found) > _MOST_LINES:
        lines += ["", f"{len(found) - _MOST_LINES} later lines are left out here; the log holds them."]
    return lines


def _custody(facts: Facts, checked: Verification) -> list[str]:
    lines = [
        f"{checked.records} records in {len(checked.heads)} sessions; {checked.links_checked} statements of sessions "
        f"about each other and {checked.attachments} large values checked.",
        "",
    ]
    rows = []
    for head in checked.heads:
        name, number, digest = head.rsplit(":", 2)
        who, about = facts.people.get(name.removesuffix(".jsonl").rpartition("-")[2], ("", {}))
        rows.append((code(name), str(int(number) + 1), code(digest), prose(who), code(about.get("host"))))
    lines += table(("File", "Records", "Hash of the last", "Who", "Host"), rows)
    versions = {
        f"{clean(name)} {clean(version)}"
        for _, about in facts.people.values()
        for name, version in mapping(about.get("versions")).items()
    }
    lines += ["", f"Software: {', '.join(code(version) for version in sorted(versions))}"] if versions else []
    lines += ["", "Problems of the log:", "", *(f"- {prose(text)}" for text in checked.problems or ("none",))]
    lines += ["", "Records that could not be understood, and are left out of this report:", ""]
    lines += [f"- {prose(text)} {_ref(ref)}" for text, ref in facts.skipped] or ["- none"]
    lines += ["", "Notes of the check:", "", *(f"- {prose(text)}" for text in checked.notes or ("none",))]
    return [*lines, "", "To check it again without the console: `python3 -I verify_case.py CASE_FOLDER FILE:SEQ:HASH`."]
