"""The report and the time line of a case: what the records say, nothing invented, nothing run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from s3ir_tui.journal import Journal, JournalError
from s3ir_tui.report.escape import code, prose, table
from s3ir_tui.report.facts import gather
from s3ir_tui.report.markdown import report_case
from s3ir_tui.report.timeline import Entry, entries, happenings, log_lines
from s3ir_tui.room import LogLine

ACTOR = "arn:aws:sts::111122223333:assumed-role/responders/alice"
USER = "arn:aws:iam::111122223333:user/svc-export"

PLAN = {
    "action": "contain.disable-access-key",
    "title": "Disable AKIAEXAMPLE of svc-export",
    "targets": {"access-key": ["AKIAEXAMPLE"]},
    "principals": [USER],
    "steps": [
        {
            "call": {"service": "iam", "operation": "UpdateAccessKey", "params": {"Status": "Inactive"}},
            "target": "AKIAEXAMPLE",
            "summary": "Active -> Inactive",
        },
        {
            "call": {"service": "iam", "operation": "PutUserPolicy", "params": {"UserName": "svc-export"}},
            "target": "svc-export",
            "summary": "+ S3IRDenyAll",
        },
    ],
    "breaks": ["nightly export of svc-export"],
    "warnings": ["sessions minted with the key live on"],
}


def event(number: int, **changes: Any) -> dict[str, Any]:
    raw = {
        "eventID": f"id-{number}",
        "eventTime": f"2026-11-24T09:{number // 60:02d}:{number % 60:02d}Z",
        "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com",
        "eventCategory": "Data",
        "readOnly": True,
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "IAMUser", "arn": USER, "accessKeyId": "AKIAEXAMPLE"},
        "requestParameters": {"bucketName": "payroll-2026", "key": f"q3/{number}.csv"},
        "additionalEventData": {"bytesTransferredOut": 1000},
    }
    return {"kind": "event", "source": "bucket trail-logs", "raw": raw | changes}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "IR-42"


@pytest.fixture
def journal(case: Path) -> Any:
    with Journal.open(case, about={"actor": ACTOR}, poll_seconds=0) as found:
        yield found


def run_plan(journal: Journal, *, outcomes: int = 2, ok: bool = True, plan: Mapping[str, Any] = PLAN) -> str:
    """Records of a plan of which some steps have their outcome."""
    head = {"kind": "plan", "action": plan["action"], "title": plan["title"], "actor": ACTOR, "reason": "IR-42"}
    ref = journal.record("actions", {**head, "plan": plan})
    for step in range(len(plan["steps"])):
        intent = journal.record(
            "actions", {"kind": "intent", "plan": ref, "step": step, "call": plan["steps"][step]["call"], "before": 1}
        )
        if step >= outcomes:
            return ref
        outcome = {"kind": "outcome", "intent": intent, "plan": ref, "step": step, "ok": ok, "request_id": f"REQ{step}"}
        if ok:
            journal.record("actions", {**outcome, "state": "done", "http": 200, "error": None})
        else:
            error = {"code": "AccessDenied", "message": "explicit deny"}
            journal.record("actions", {**outcome, "state": "failed", "http": 403, "error": error})
    journal.record("actions", {"kind": "end", "plan": ref, "states": ["done"] * len(plan["steps"]), "stopped": ""})
    return ref


def last_line(journal: Journal) -> Entry:
    return entries(journal.records())[-1]


# -- one line for each record ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table_name", "doc", "text", "problem"),
    [
        ("case", {"kind": "armed", "reason": "IR-42"}, "armed: IR-42", False),
        ("case", {"kind": "mark", "what": "bucket", "id": "b", "on": True}, "marked bucket b", False),
        ("case", {"kind": "mark", "what": "bucket", "id": "b", "on": False}, "unmarked bucket b", False),
        ("case", {"kind": "note", "text": "one\n\n two "}, "note: one / two", False),
        ("case", {"kind": "phase", "phase": "contain"}, "phase: contain", False),
        (
            "trail",
            event(1),
            "GetObject payroll-2026/q3/1.csv by user/svc-export from 203.0.113.7: ok, 1.0 kB out",
            False,
        ),
        (
            "trail",
            event(1, errorCode="AccessDenied"),
            "GetObject payroll-2026/q3/1.csv by user/svc-export from 203.0.113.7: AccessDenied",
            False,
        ),
        (
            "trail",
            event(1, userIdentity={"type": "AWSAccount", "principalId": ""}, additionalEventData=None),
            "GetObject payroll-2026/q3/1.csv by anonymous from 203.0.113.7: ok",
            False,
        ),
        ("trail", {"kind": "source", "name": "lookup", "error": ""}, "trail source lookup: works", False),
        ("trail", {"kind": "source", "name": "lookup", "error": "denied"}, "trail source lookup: denied", True),
        ("trail", {"kind": "left-out", "count": 9, "why": "budget"}, "9 events not recorded: budget", False),
        (
            "posture",
            {
                "kind": "bucket",
                "id": "b",
                "facts": {
                    "public_by_policy": True,
                    "foreign_accounts": ["999988887777"],
                    "gaps": {"logging": "denied"},
                },
            },
            "bucket b: public by policy; open to acct 9999…7777; not readable: logging",
            False,
        ),
        (
            "posture",
            {"kind": "principal", "id": USER, "facts": {"keys": [{"id": "AKIAEXAMPLE", "status": "Active"}]}},
            "principal user/svc-export: key AKIAEXAMPLE Active",
            False,
        ),
        (
            "posture",
            {"kind": "instance", "id": "i-1", "facts": {"state": "running", "role": "etl", "imds_v1": True}},
            "instance i-1: running; role etl; IMDSv1 allowed",
            False,
        ),
        (
            "actions",
            {"kind": "plan", "action": PLAN["action"], "title": PLAN["title"], "plan": PLAN},
            "contain.disable-access-key: Disable AKIAEXAMPLE of svc-export (2 steps)",
            False,
        ),
        (
            "actions",
            {"kind": "intent", "plan": "a:1", "step": 0, "call": PLAN["steps"][0]["call"]},  # type: ignore[index]
            "step 1: iam:UpdateAccessKey Status=Inactive",
            False,
        ),
        (
            "actions",
            {"kind": "outcome", "plan": "a:1", "step": 0, "ok": True, "state": "done", "request_id": "R1"},
            "step 1 done: request R1",
            False,
        ),
        (
            "actions",
            {
                "kind": "outcome",
                "plan": "a:1",
                "step": 1,
                "ok": False,
                "state": "failed",
                "error": {"code": "AccessDenied", "message": "no"},
            },
            "step 2 failed: AccessDenied no",
            True,
        ),
        ("actions", {"kind": "end", "states": ["done", "done", "excluded"]}, "ended: 2 done, 1 excluded", False),
        (
            "actions",
            {"kind": "end", "states": ["done", "not run"], "stopped": "by the responder"},
            "ended: 1 done, 1 not run; stopped: by the responder",
            True,
        ),
        ("watch", {"kind": "watch", "label": "svc-export", "minutes": 30}, "watch svc-export for 30 minutes", False),
        (
            "watch",
            {"kind": "verdict", "watch": "a:1", "state": "QUIET", "numbers": {"denied": 12}},
            "watch says QUIET: denied 12",
            False,
        ),
        ("watch", {"kind": "verdict", "watch": "a:1", "state": "RETURNED"}, "watch says RETURNED", True),
        ("watch", {"kind": "of a later version"}, "watch record: of a later version", False),
        ("watch", {"text": "no kind"}, "watch record: no kind", False),
    ],
)
def test_each_kind_of_record_is_said_in_one_line(
    journal: Journal, table_name: str, doc: dict[str, Any], text: str, problem: bool
) -> None:
    ref = journal.record(table_name, doc)
    line = last_line(journal)
    assert (line.ref, line.text, line.problem) == (ref, text, problem)


def test_lines_name_who_recorded_them_and_when(journal: Journal, case: Path) -> None:
    journal.record("case", {"kind": "note", "text": "from alice"})
    with Journal.open(case, about={"actor": "arn:aws:iam::111122223333:user/bob"}, poll_seconds=0) as bob:
        bob.record("case", {"kind": "note", "text": "from bob"})
        bob.record("trail", event(1))
        lines = log_lines(bob.records())
    assert all(isinstance(line, LogLine) for line in lines)
    assert [line.who for line in lines] == ["alice", "alice", "bob", "bob", "user/svc-export"]
    assert lines[0].text.startswith("console opened by alice on ")
    assert all(len(line.at) == 20 and line.at.endswith("Z") for line in lines)


@pytest.mark.parametrize("value", [None, 7, [], ["x"], {"a": 1}, "text", True, {"raw": [1]}, -1.5])
def test_records_that_hold_something_else_than_their_kind_promises_are_said_all_the_same(
    journal: Journal, value: object
) -> None:
    kinds = {
        "case": ("armed", "mark", "note", "phase"),
        "trail": ("event", "source", "left-out"),
        "posture": ("bucket", "principal", "instance"),
        "actions": ("plan", "intent", "outcome", "end"),
        "watch": ("watch", "verdict"),
    }
    fields = ("plan", "step", "call", "raw", "facts", "states", "error", "text", "id", "numbers", "reason", "state")
    fields = (*fields, "what", "title", "actor", "stopped", "label", "detail", "request_id", "name", "count", "watch")
    nested = [{"raw": {"userIdentity": value, "requestParameters": value, "additionalEventData": value}}]
    nested += [{"plan": {"steps": value, "targets": value}}, {"plan": {"steps": [value]}}, {"facts": {"keys": [value]}}]
    nested += [{"raw": {"eventName": value, "errorCode": value, "eventTime": value, "sourceIPAddress": value}}]
    for name, of_table in kinds.items():
        for kind in of_table:
            for changes in ({}, *nested):
                journal.record(name, {**dict.fromkeys(fields, value), **changes, "kind": kind})
        journal.record(name, {"kind": value})
    assert len(entries(journal.records())) == len(journal.records())
    assert report_case(journal.folder)


def test_outside_text_is_cleaned_and_kept_short(journal: Journal) -> None:
    journal.record("trail", event(1, eventName="\x1b[31mGetObject\u202e", sourceIPAddress="x" * 5000))
    text = last_line(journal).text
    assert text.startswith("\\x1b[31mGetObject\\u202e")
    assert len(text) == 600


# -- what happened --------------------------------------------------------------------------------


def test_the_time_line_is_in_the_order_of_what_happened(journal: Journal) -> None:
    journal.record_many("trail", [event(30), event(10), event(20, eventName="PutObject")])
    found = [item.text for item in happenings(journal.records())]
    assert found[0].startswith("GetObject")
    assert found[1].startswith("PutObject")
    assert found[2].startswith("console opened")


def test_calls_alike_stand_in_one_line_until_a_responder_acts(journal: Journal) -> None:
    refs = journal.record_many("trail", [event(number) for number in range(5)])
    journal.record_many("trail", [event(number, errorCode="AccessDenied") for number in range(5, 8)])
    found = [item for item in happenings(journal.records()) if "GetObject" in item.text]
    assert (found[0].count, found[0].refs) == (5, f"{refs[0]}..{refs[4]}")
    assert found[0].text == "GetObject payroll-2026 by user/svc-export from 203.0.113.7: ok"
    assert (found[0].at, found[0].until) == ("2026-11-24T09:00:00Z", "2026-11-24T09:00:04Z")
    assert (found[1].count, found[1].text[-12:]) == (3, "AccessDenied")


def test_an_event_recorded_by_two_consoles_happened_once(journal: Journal) -> None:
    journal.record_many("trail", [event(1), event(1)])
    assert [item.count for item in happenings(journal.records()) if "GetObject" in item.text] == [1]
    assert gather(journal.records()).events == 1


# -- the report -----------------------------------------------------------------------------------


def section(report: str, title: str) -> str:
    return report.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_an_empty_case_reports_nothing_as_recorded(journal: Journal, case: Path) -> None:
    report = report_case(case)
    for title in ("Summary", "Scope", "Impact", "Root causes", "Trigger", "Detection", "Resolution", "Actions"):
        assert section(report, title).strip() == "*not recorded*", title
    for title in ("Quiet watch", "Action items", "Lessons", "Notes", "Unknown outcomes", "What could not be seen"):
        assert section(report, title).strip() == "*not recorded*", title
    assert "| Phase | *not recorded* |" in report
    assert "| Authors | alice |" in report


def test_actions_are_reported_step_by_step_with_their_references(journal: Journal, case: Path) -> None:
    ref = run_plan(journal)
    actions = section(report_case(case), "Actions")
    assert f"### `{ref}` Disable AKIAEXAMPLE of svc-export" in actions
    assert "| 1 | `iam:UpdateAccessKey` | `AKIAEXAMPLE` |" in actions
    assert "**done**" in actions
    assert "`REQ0`" in actions
    assert "nightly export of svc-export" in actions
    assert "- not undone" in actions
    session = ref.split(":")[0]
    assert f"`{session}:2` `{session}:3`" in actions
    assert section(report_case(case), "Unknown outcomes").strip().startswith("None")


def test_a_failed_step_is_reported_with_its_error(journal: Journal, case: Path) -> None:
    run_plan(journal, ok=False)
    assert "**failed** AccessDenied\\: explicit deny" in section(report_case(case), "Actions")
    assert "plans changed the account" not in report_case(case)


def test_a_step_without_outcome_is_reported_as_unknown(journal: Journal, case: Path) -> None:
    ref = run_plan(journal, outcomes=1)
    report = report_case(case)
    unknown = section(report, "Unknown outcomes")
    assert f"step 2 of `{ref}`: `iam:PutUserPolicy` on `svc-export`" in unknown
    assert "its end is not recorded" in section(report, "Actions")


def test_an_undone_plan_is_reported_as_undone(journal: Journal, case: Path) -> None:
    ref = run_plan(journal)
    undo = run_plan(journal, plan={**PLAN, "title": "Undo", "undo_of": ref})
    actions = section(report_case(case), "Actions")
    assert f"- undone by: `{undo}`" in actions
    assert f"- undoes: `{ref}`" in actions
    assert "2 plans changed the account, 1 of them were undone" in report_case(case)


def test_an_undo_that_failed_undoes_nothing(journal: Journal, case: Path) -> None:
    ref = run_plan(journal)
    run_plan(journal, ok=False, plan={**PLAN, "title": "Undo", "undo_of": ref})
    assert "undone by" not in report_case(case)


def test_impact_counts_what_marked_principals_did(journal: Journal, case: Path) -> None:
    journal.record("case", {"kind": "mark", "what": "principal", "id": USER, "on": True})
    journal.record_many("trail", [event(number) for number in range(4)])
    journal.record("trail", event(5, errorCode="AccessDenied"))
    journal.record("trail", event(6, eventName="PutObject", readOnly=False))
    other = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/else"}
    journal.record("trail", event(7, userIdentity=other, requestParameters={"bucketName": "elsewhere"}))
    report = report_case(case)
    assert f"| `payroll-2026` | 4 | 1 | 1 | 5.0 kB | `{USER}` |" in section(report, "Impact")
    assert "elsewhere" not in section(report, "Impact")
    assert "7 CloudTrail events are in the log, 7 of them data events" in section(report, "Summary")
    assert "first mark at" in section(report, "Detection")
    assert "`111122223333` (7 events)" in section(report, "Scope")


def test_a_role_is_found_behind_its_sessions(journal: Journal, case: Path) -> None:
    role = "arn:aws:iam::111122223333:role/etl"
    session_of_role = {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/etl/i-1",
        "sessionContext": {"sessionIssuer": {"arn": role}},
    }
    journal.record("case", {"kind": "mark", "what": "principal", "id": role, "on": True})
    journal.record("trail", event(1, userIdentity=session_of_role))
    assert "| `payroll-2026` | 1 | 0 | 0 |" in section(report_case(case), "Impact")


def test_a_mark_taken_back_is_not_in_the_scope(journal: Journal, case: Path) -> None:
    for on in (True, False):
        journal.record("case", {"kind": "mark", "what": "bucket", "id": "payroll-2026", "on": on})
    assert section(report_case(case), "Scope").strip() == "*not recorded*"


def test_without_data_events_nobody_claims_that_nothing_was_read(journal: Journal, case: Path) -> None:
    journal.record("case", {"kind": "mark", "what": "bucket", "id": "payroll-2026", "on": True})
    journal.record("trail", event(1, eventCategory="Management", eventName="GetBucketPolicy"))
    report = report_case(case)
    assert "does not mean none happened" in section(report, "Impact")
    assert "no data event is recorded" in section(report, "What could not be seen")


def test_notes_fill_the_sections_they_name(journal: Journal, case: Path) -> None:
    for text in ("Root cause: key in a public repository", "lessons: rotate", "plain note: with a colon"):
        journal.record("case", {"kind": "note", "text": text})
    report = report_case(case)
    assert "- key in a public repository (`" in section(report, "Root causes")
    assert "- rotate (`" in section(report, "Lessons")
    assert "- plain note\\: with a colon (`" in section(report, "Notes")


def test_what_could_not_be_seen_is_reported(journal: Journal, case: Path) -> None:
    journal.record("trail", {"kind": "source", "name": "bucket trail-logs", "error": "AccessDenied"})
    journal.record("posture", {"kind": "bucket", "id": "b", "facts": {"gaps": {"policy": "AccessDenied"}}})
    unseen = section(report_case(case), "What could not be seen")
    assert "trail source bucket trail-logs" in unseen
    assert "bucket b\\: policy not readable\\: AccessDenied" in unseen


def test_custody_names_files_heads_and_what_the_check_found(journal: Journal, case: Path) -> None:
    journal.record("case", {"kind": "note", "text": "one"})
    file = next(case.glob("*.jsonl"))
    digest = journal.heads[file.name][1]
    custody = section(report_case(case), "Custody")
    assert f"| `{file.name}` | 2 | `{digest}` | alice |" in custody
    assert "- none" in custody
    journal.close()
    data = file.read_bytes()
    file.write_bytes(data.replace(b'"one"', b'"two"'))
    report = report_case(case)
    assert "| Log | NOT SOUND: 2 problems, see Custody |" in report
    assert "no record" in section(report, "Custody")


def test_anchors_are_checked_in_the_report(journal: Journal, case: Path) -> None:
    assert "the anchor knows its record 3" in report_case(case, ["deadbeef:3 00112233"])


def test_there_is_no_report_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        report_case(tmp_path / "nowhere")


def test_reporting_changes_nothing_in_the_case(journal: Journal, case: Path) -> None:
    run_plan(journal)
    journal.close()
    before = {file: file.read_bytes() for file in case.iterdir()}
    report_case(case)
    assert {file: file.read_bytes() for file in case.iterdir()} == before


# -- hostile text ---------------------------------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example/ and www.evil.example",
    "| a | b |\n|---|---|\n| c | d |",
    "`code` ``more`` ```",
    "*bold* **x** _y_ ~~z~~",
    "# heading\n\n## Custody",
    "- item\n1. one\n> quote",
    "&lt;b&gt; &#60;",
    "[ref]: https://evil.example",
    "a\\|b \\` \\",
    "</td></tr></table>",
    "\x1b]8;;https://evil.example\x07x",
    "trailing \\",
    "\ud800 lone",
    "{{template}} ${x} $$y$$",
)

ALLOWED = {
    "heading_open", "inline", "heading_close", "paragraph_open", "paragraph_close", "bullet_list_open",
    "bullet_list_close", "list_item_open", "list_item_close", "table_open", "thead_open", "tr_open", "th_open",
    "th_close", "tr_close", "thead_close", "tbody_open", "td_open", "td_close", "tbody_close", "table_close",
}  # fmt: skip
ALLOWED_INLINE = {
    "text",
    "text_special",
    "code_inline",
    "softbreak",
    "strong_open",
    "strong_close",
    "em_open",
    "em_close",
}


def read(markdown: str) -> list[Any]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("escape", [prose, code])
def test_hostile_text_stays_text(text: str, escape: Callable[[str], str]) -> None:
    markdown = "\n".join(["before", "", f"- {escape(text)}", "", *table(("a", "b"), [(escape(text), "end")]), ""])
    tokens = read(markdown)
    assert {token.type for token in tokens} <= ALLOWED
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "code_inline"}
    cells = [token for token in tokens if token.type == "inline"][-2:]
    assert cells[1].content == "end"  # the text made no cell of its own


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_records_neither_runs_nor_shows_as_something_else(
    journal: Journal, case: Path, text: str
) -> None:
    for doc in ({"kind": "note", "text": text}, {"kind": "note", "text": f"root cause: {text}"}):
        journal.record("case", doc)
    journal.record("case", {"kind": "mark", "what": "bucket", "id": text, "on": True})
    journal.record("case", {"kind": "armed", "reason": text})
    journal.record("case", {"kind": "phase", "phase": text})
    parameters = {"bucketName": text, "key": text}
    journal.record(
        "trail", event(1, eventName=text, requestParameters=parameters, errorCode=text, sourceIPAddress=text)
    )
    journal.record("trail", {"kind": "source", "name": text, "error": text})
    steps = [{"call": {"service": text, "operation": text}, "target": text, "summary": text}]
    plan = {"action": text, "title": text, "steps": steps, "breaks": [text], "warnings": [text], "undo_of": text}
    run_plan(journal, plan=plan, outcomes=0)
    journal.record("watch", {"kind": "verdict", "watch": text, "state": text})
    report = report_case(case)
    report.encode("utf-8")
    tokens = read(report)
    assert {token.type for token in tokens} <= ALLOWED
    inner = [child.type for token in tokens for child in token.children or ()]
    assert set(inner) <= ALLOWED_INLINE
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert len(headings) == 18  # the title, 16 sections, one plan
    assert "\x1b" not in report


def test_calls_of_the_consoles_are_counted_once_and_left_out_of_time_line_and_impact(
    case: Path, journal: Journal
) -> None:
    own = {"type": "AssumedRole", "arn": ACTOR, "accessKeyId": "ASIAOURS000000000001"}
    for number in range(1203):
        journal.record("trail", event(number, userIdentity=own, eventName="GetBucketAcl"))
    journal.record("trail", event(2000))
    journal.record("case", {"kind": "mark", "what": "bucket", "id": "payroll-2026", "on": True})
    journal.record("case", {"kind": "identity", "arn": ACTOR, "keys": ["ASIAOURS000000000001"]})
    records = journal.records()
    facts = gather(records)
    assert (facts.events, facts.own_calls, facts.reach["payroll-2026"].reads) == (1204, 1203, 1)
    assert [item.count for item in happenings(records) if "GetObject" in item.text] == [1]
    text = report_case(case)
    assert "1,203 calls of this case's consoles are left out" in text
    assert "GetBucketAcl" not in text
