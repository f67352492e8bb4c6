"""A room, a desk and a time line without AWS: for tests of the screens, and to try them in a terminal.

`python -m tests.screens.fakes --rate 5` runs the console on them; `--review` shows a recorded case.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.executor import Armed
from actions.plan import (
    Answer,
    Call,
    Danger,
    Done,
    Offer,
    Plan,
    Progress,
    Read,
    Refusal,
    Result,
    Stale,
    Step,
    StepState,
    Targets,
)
from s3ir_tui.model import Severity, State, iso
from s3ir_tui.room import (
    Detail,
    Kind,
    LogLine,
    Point,
    Proposal,
    Pulse,
    Row,
    Snapshot,
    SourceStatus,
    Status,
    Update,
    WatchedCredential,
    WatchView,
)
from s3ir_tui.trail.event import Event, Judged

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/svc-export"
OUTSIDER = "999988887777"
INSTANCE = "i-0a1b2c3d4e5f60718"
ETL = f"arn:aws:sts::{ACCOUNT}:assumed-role/etl-role/nightly"
DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"
START = datetime(2026, 11, 24, 9, 13, 50, tzinfo=UTC)
HOSTILE = "\x1b]52;c;cHduZWQ=\x07\x1b[2J\x9b31m[@click=app.bell()]key[/] \u202egnp.exe[/foo]"


def event(
    number: int, name: str = "GetObject", *, principal: str = USER, bucket: str = "payroll-2026", key: str = "",
    error: str = "", agent: str = "aws-cli/2.17", kind: str = "IAMUser", at: datetime = START,
) -> Event:  # fmt: skip
    """An event; its number is its second and its identity."""
    moment = at + timedelta(seconds=number)
    raw = {"eventID": f"event-{number}", "eventName": name, "userAgent": agent, "requestParameters": {"key": key}}
    return Event(
        id=f"event-{number}", time=iso(moment), name=name, service="s3" if bucket else "iam", region="us-east-1",
        account=ACCOUNT, principal=principal, kind=kind, access_key="AKIAEXAMPLEXNL3F6J", address="203.0.113.7",
        agent=agent, bucket=bucket, key=key, error=error, raw=json.dumps(raw).encode(),
    )  # fmt: skip


def lines() -> tuple[Judged, ...]:
    """The first minute of an attack."""
    high, crit, medium = Severity.HIGH, Severity.CRITICAL, Severity.MEDIUM
    return (
        Judged(event(1, "ListBuckets", bucket=""), medium, ("lists every bucket",)),
        Judged(event(3, key="q3/salaries.csv"), high, ("first read of this bucket",)),
        Judged(event(4, key="q3/bonus.csv"), high, ("first read of this bucket",)),
        Judged(event(5, "PutObject", principal=ETL, bucket="exports", key="nightly/part-0012", kind="AssumedRole")),
        Judged(event(6, "GetBucketAcl", principal="cloudtrail.amazonaws.com", bucket="trail-logs"), noise=True),
        Judged(event(7, "PutBucketPolicy"), crit, ("lets in 9999…7777",)),
        Judged(event(9, key="q3/iban.csv"), high, ("read by a suspect",)),
        Judged(event(11, "CreateAccessKey", bucket=""), crit, ("svc-export -> AKIA…Q2D4",)),
        Judged(event(12, "GetSessionToken", bucket=""), high, ("makes itself a session",)),
        Judged(event(14, "PutObject", principal=ETL, bucket="exports", key="nightly/part-0013", kind="AssumedRole")),
        Judged(event(15, key="q3/board.csv", error="AccessDenied"), medium, ("denied",)),
    )


def snapshot() -> Snapshot:
    """The board in that minute."""
    return Snapshot(
        status=Status(
            account=ACCOUNT, region="us-east-1", identity="assumed-role/IRResponder/alice", case="IR-42",
            opened="2026-11-24T09:01:36Z", now="2026-11-24T09:14:07Z", lag=41.0, suspects=2,
            head="46d868cb:17 58bde580",
            sources=(SourceStatus("lookup us-east-1", 41.0), SourceStatus("bucket trail-logs", 38.0, data_events=True)),
        ),
        buckets=(
            Row("bucket", "payroll-2026", "payroll-2026", Severity.CRITICAL, facts=("shared 9999…7777", "412 r"),
                reasons=("its policy lets in account 999988887777",)),
            Row("bucket", "exports", "exports", Severity.MEDIUM, facts=("BPA off", "3 r")),
            Row("bucket", "trail-logs", "trail-logs", facts=("written by the trail",)),
        ),
        principals=(
            Row("principal", USER, "user/svc-export", Severity.CRITICAL, State.ACTIVE, ("3 cred", "412 ok", "1 denied"),
                ("made itself a second access key", "read a bucket for the first time"),
                Pulse(10, (0, 1, 3, 5, 8, 8), (0, 0, 0, 0, 0, 1)), suspect=True),
            Row("principal", OUTSIDER, "acct 9999…7777", Severity.HIGH, facts=("let in 09:13",), suspect=True),
            Row("principal", ETL, "role/etl-role/nightly", facts=("118 ok", "0 denied"),
                pulse=Pulse(10, (3,) * 6, (0,) * 6)),
        ),
        instances=(Row("instance", INSTANCE, INSTANCE, facts=("etl-role", "IMDSv1", "public")),),
        proposal=Proposal("contain user/svc-export: 3 credentials live, 2 buckets read, 1.9 GB out", "a",
                          "contain.lineage", ("principal", USER)),
        folded=1,
    )  # fmt: skip


def watch_view(ref: str = "46d868cb:21", state: State = State.HOLDING) -> WatchView:
    """A watch two minutes old."""
    return WatchView(
        id=ref, label="user/svc-export", state=state, since="2026-11-24T09:15:12Z", by="alice",
        words="0 allowed, 47 denied since 09:15:12Z; QUIET at 09:46Z",
        last_ok="2026-11-24T09:15:10Z", first_denied="2026-11-24T09:15:14Z", proof_from="2026-11-24T09:15:50Z",
        quiet_at="2026-11-24T09:45:12Z", pulse=Pulse(20, (7, 7, 7, 7, 6, 2, 0, 0), (0, 0, 0, 0, 0, 3, 7, 7)),
        credentials=(
            WatchedCredential("AKIAEXAMPLEXNL3F6J", "key, Inactive", "2026-11-24T09:15:10Z", 31),
            WatchedCredential("AKIAEXAMPLEQ2D4", "key, Inactive", "", 4),
            WatchedCredential("ASIAEXAMPLE7K2P", "session until 21:10Z", "2026-11-24T09:15:11Z", 12),
        ),
        in_place=4, changes=4, checked="2026-11-24T09:15:41Z",
        workload=("etl-role 118 ok, 0 denied since containment",),
        refs="46d868cb:21..29",
    )  # fmt: skip


def plan(danger: Danger = Danger.WIDE, steps: int = 4) -> Plan:
    """A plan of up to four steps."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "OwnerFullAccess", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
             "Action": "s3:*", "Resource": "arn:aws:s3:::payroll-2026/*"},
            {"Sid": "AllowPartner", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OUTSIDER}:root"},
             "Action": "s3:GetObject", "Resource": "arn:aws:s3:::payroll-2026/*"},
        ],
    }  # fmt: skip
    deny = {"Sid": "s3irDenyControl", "Effect": "Deny", "Principal": "*", "Action": ["s3:Put*Policy"]}
    after = {"Version": "2012-10-17", "Statement": [policy["Statement"][0], deny]}
    read = Read(Call("iam", "ListAccessKeys", {"UserName": "svc-export"}), "AccessKeyMetadata")
    all_steps = (
        Step(Call("iam", "AttachUserPolicy", {"UserName": "svc-export", "PolicyArn": DENY_ALL}),
             "svc-export", "+ AWSDenyAll", read, (), (DENY_ALL,)),
        Step(Call("iam", "UpdateAccessKey", {"AccessKeyId": "AKIAEXAMPLEQ2D4", "Status": "Inactive"}), "AKIA…Q2D4",
             "Active -> Inactive", read, "Active", "Inactive", note="made at 09:14:05"),
        Step(Call("iam", "UpdateAccessKey", {"AccessKeyId": "AKIAEXAMPLEXNL3F6J", "Status": "Inactive"}), "AKIA…L3F6J",
             "Active -> Inactive", read, "Active", "Inactive"),
        Step(Call("s3", "PutBucketPolicy", {"Bucket": "payroll-2026", "Policy": json.dumps(after)}), "payroll-2026",
             "- AllowPartner (9999…7777), + deny", read, policy, after),
    )  # fmt: skip
    return Plan(
        action="contain.lineage", title="user/svc-export", targets={"user": ("svc-export",)}, steps=all_steps[:steps],
        danger=danger, warnings=("session ASIA…7K2P is reached by step 1; it lives until 21:10Z",),
        breaks=("nothing seen in 30 days of trail but svc-export itself",),
        checked=("IRResponder, break-glass, log delivery: none is cut",), principals=(USER,),
        made_at="2026-11-24T09:14:30Z",
    )  # fmt: skip


OFFERS = (
    Offer("contain.lineage", "cut every credential that came of this one", {"user": ("svc-export",)}, Danger.WIDE,
          detail="3 credentials, last first"),
    Offer("contain.deny-user", "deny everything to the user", {"user": ("svc-export",)}, detail="AWSDenyAll"),
    Offer("contain.disable-access-key", "disable access keys", {"access-key": ("AKIAEXAMPLEXNL3F6J",)},
          detail="AKIA…L3F6J, AKIA…Q2D4"),
    Offer("watch.quiet", "count its calls until it has been quiet", {"principal": (USER,)}, Danger.READS,
          detail="30 min"),
    Offer("contain.revoke-role-sessions", "revoke sessions of a role", why_not="not a role: user/svc-export is a user"),
)  # fmt: skip


@dataclass
class FakeRoom:
    """A room that says what a test tells it to, or keeps talking by itself.

    Attributes:
        first: What it says on starting; nothing where it is `None`.
        rate: Events a second that it makes up by itself.
        marks: Marks that it was told of.
        notes: Notes that it was told of.
        stopped: Why it was stopped.
        retried: How often it was asked to try again.
    """

    first: Update | None = field(default_factory=lambda: Update(snapshot(), lines()))
    rate: float = 0.0
    ticking: bool = False
    marks: list[tuple[Kind, str, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    log_lines: tuple[LogLine, ...] = ()
    retried: int = 0
    post: Callable[[Update], None] = field(default=lambda _update: None)

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.now = snapshot()

    def start(self, post: Callable[[Update], None]) -> None:
        """Begin to talk."""
        self.post = post
        if self.first is not None:
            self.now = self.first.snapshot
            post(self.first)
        if self.rate or self.ticking:
            self._thread = threading.Thread(target=self._talk, daemon=True)
            self._thread.start()

    def stop(self, why: str) -> None:
        """Stop talking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2)
        self.stopped.append(why)

    def mark(self, kind: Kind, ident: str, on: bool) -> None:
        """Remember a mark."""
        self.marks.append((kind, ident, on))

    def note(self, text: str) -> None:
        """Remember a note."""
        self.notes.append(text)

    def retry(self) -> None:
        """Count it."""
        self.retried += 1

    def detail(self, kind: Kind, ident: str) -> Detail:
        """Two sections about anything."""
        why = ("made itself a second access key at 09:14:05", "read payroll-2026 for the first time")
        seen = ("413 calls, 412 ok, 1 denied", "from 203.0.113.7", f"keys AKIAEXAMPLEXNL3F6J, {ident[-6:]}")
        return Detail(f"{kind} {ident}", (("Why", why), ("Seen in the trail", seen)), ident)

    def log(self) -> tuple[LogLine, ...]:
        """The records."""
        return self.log_lines or log_lines()

    def say(self, update: Update) -> None:
        """Say something now."""
        self.now = update.snapshot
        self.post(update)

    def _talk(self) -> None:
        begun, number, owed = time.monotonic(), 100, 0.0
        while not self._stop.wait(0.25 if self.rate else 1.0):
            owed += self.rate * 0.25
            count, owed = int(owed), owed % 1
            fresh = tuple(
                Judged(event(number + i, key=f"q3/file-{number + i}.csv", at=START), Severity(2 + (number + i) % 2))
                for i in range(count)
            )
            number += count
            moment = START + timedelta(seconds=17 + time.monotonic() - begun)
            status = replace(self.now.status, now=iso(moment), lag=38.0 + int(time.monotonic() - begun) % 5)
            self.say(Update(replace(self.now, status=status), fresh))


def log_lines() -> tuple[LogLine, ...]:
    """A log of eight records."""
    return (
        LogLine("46d868cb:1", "2026-11-24T09:01:36Z", "alice", "console open", "console of alice on host bastion"),
        LogLine("46d868cb:9", "2026-11-24T09:13:40Z", "alice", "mark", "principal user/svc-export marked"),
        LogLine("46d868cb:12", "2026-11-24T09:14:05Z", "svc-export", "event", "CreateAccessKey svc-export"),
        LogLine("46d868cb:18", "2026-11-24T09:15:10Z", "alice", "armed", "armed: TICKET-7"),
        LogLine("46d868cb:19", "2026-11-24T09:15:10Z", "alice", "plan", "contain.lineage user/svc-export, 4 steps"),
        LogLine("46d868cb:20", "2026-11-24T09:15:11Z", "alice", "intent", "iam UpdateAccessKey AKIA…Q2D4"),
        LogLine("46d868cb:21", "2026-11-24T09:15:12Z", "alice", "outcome", "done, read back Inactive"),
        LogLine("46d868cb:22", "2026-11-24T09:15:13Z", "alice", "intent", "s3 PutBucketPolicy payroll-2026, no outcome",
                True),
    )  # fmt: skip


@dataclass
class FakeDesk:
    """A desk that changes nothing.

    Attributes:
        offered: What it offers.
        planned: The plan of every action; a `Refusal` is raised where it is one.
        seconds: How long a step takes.
        outcomes: File to which each outcome is appended, durably, as an executor would.
        fails: Steps that fail.
        operator: Who is at the console, as the settings have it.
        armed_before: What a console of the case was armed for.
        old: How old its plans are, in seconds.
        stale: What changed since they were made; a run is then refused.
        room: Told of the watch when a plan ended.
    """

    offered: tuple[Offer, ...] = OFFERS
    planned: Plan | Refusal = field(default_factory=plan)
    seconds: float = 0.0
    outcomes: Path | None = None
    fails: frozenset[int] = frozenset()
    needs_reason: bool = False
    operator: str = "alice"
    armed_before: Armed | None = None
    old: float = 7.0
    stale: Stale | None = None
    room: FakeRoom | None = None
    asked: list[tuple[str, Targets]] = field(default_factory=list)
    ran: list[tuple[Plan, Answer]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Nothing waits unless a test says so."""
        self.ready.set()

    def recorded_reason(self) -> Armed | None:
        """What is recorded."""
        return self.armed_before

    def age(self, plan: Plan) -> float:
        """The same for every plan."""
        return self.old

    def still_valid(self, plan: Plan) -> Stale | None:
        """What a test says."""
        return self.stale

    def offers(self, targets: Targets) -> tuple[Offer, ...]:
        """What it offers, once it is ready."""
        self.ready.wait(5)
        self.asked.append(("offers", targets))
        return self.offered

    def plan(self, action_id: str, targets: Targets) -> Plan:
        """The plan."""
        self.asked.append((action_id, targets))
        if isinstance(self.planned, Refusal):
            raise self.planned
        return self.planned

    def done(self) -> tuple[Done, ...]:
        """One plan that ran."""
        states = (StepState.DONE,) * 4
        return (Done("46d868cb:19", plan(), states, "2026-11-24T09:15:12Z", f"arn:aws:iam::{ACCOUNT}:user/alice"),)

    def undo_plan(self, ref: str) -> Plan:
        """The plan that undoes it."""
        return replace(plan(Danger.REVERSIBLE, 2), undo_of=ref)

    def run(self, plan: Plan, answer: Answer, progress: Callable[[Progress], None]) -> Result:
        """Take a while for each step; stop between steps where it is told to."""
        if self.stale is not None:
            raise Refusal(f"out of date, {self.stale}: plan it again. Nothing was changed")
        self.ran.append((plan, answer))
        states = [StepState.NOT_RUN] * len(plan.steps)
        details = [""] * len(plan.steps)
        for index in range(len(plan.steps)):
            if self.stopping.is_set():
                break
            if index in answer.excluded:
                states[index] = StepState.EXCLUDED
                continue
            progress(Progress(index, StepState.RUNNING))
            self._record("intent", index)
            time.sleep(self.seconds)
            failed = index in self.fails
            states[index] = StepState.FAILED if failed else StepState.DONE
            details[index] = "AccessDenied: not allowed to call PutBucketPolicy" if failed else "read back"
            self._record("outcome", index)
            progress(Progress(index, states[index], details[index]))
            if failed:
                break
        if self.room is not None:
            self.room.say(Update(replace(self.room.now, watches=(watch_view(),))))
        return Result("46d868cb:21", tuple(states), tuple(details))

    def _record(self, kind: str, index: int) -> None:
        if self.outcomes is not None:
            with self.outcomes.open("a", encoding="utf-8") as file:
                file.write(f"{kind} {index}\n")

    def stop(self) -> None:
        """Begin no further step."""
        self.stopping.set()

    def reconcile(self) -> object:
        """Nothing is unknown."""
        self.asked.append(("reconcile", {}))
        return ()


class FakeTimeline(FakeRoom):
    """A recorded case of a few points: the first `n` lines of the attack are known at point `n`."""

    def __init__(self, points: Sequence[Point] = ()) -> None:
        super().__init__(first=None)
        self._all = lines()
        self._points = tuple(points) or tuple(
            Point(f"46d868cb:{i}", line.event.time, ("event", "mark", "plan", "outcome")[i % 4], line.event.name)
            for i, line in enumerate(self._all)
        )
        self._position = -1
        self.sought: list[int] = []

    @property
    def points(self) -> tuple[Point, ...]:
        """The points."""
        return self._points

    @property
    def position(self) -> int:
        """Where it is."""
        return self._position

    def start(self, post: Callable[[Update], None]) -> None:
        """Show the end."""
        self.post = post
        self.seek(len(self._points) - 1)

    def seek(self, position: int) -> None:
        """Go to a point."""
        self.sought.append(position)
        self._position = position
        now = snapshot()
        status = replace(now.status, mode="REVIEW", now=self._points[position].at, consoles=2)
        self.say(Update(replace(now, status=status, proposal=None), self._all[: position + 1], reset=True))


def main() -> int:
    """Run the console on fakes in this terminal."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a step takes")
    parser.add_argument("--outcomes", type=Path, help="file to which outcomes are appended")
    parser.add_argument("--hostile", action="store_true", help="an attacker chose the names")
    parser.add_argument("--review", action="store_true", help="a recorded case")
    parser.add_argument("--mute", action="store_true", help="the room never says anything")
    parser.add_argument("--fails", type=int, action="append", default=[], help="a step that fails")
    parser.add_argument("--first-plan", action="store_true", help="the case is not armed yet")
    wanted = parser.parse_args()
    from s3ir_tui.app import run

    if wanted.review:
        recorded = FakeTimeline()
        return run(recorded, None, recorded)
    first = None if wanted.mute else hostile_update() if wanted.hostile else Update(snapshot(), lines())
    room = FakeRoom(first=first, rate=wanted.rate, ticking=not wanted.mute)
    made = hostile_plan() if wanted.hostile else plan()
    desk = FakeDesk(planned=made, seconds=wanted.seconds, outcomes=wanted.outcomes, fails=frozenset(wanted.fails),
                    room=room, needs_reason=wanted.first_plan)  # fmt: skip
    return run(room, desk)


def hostile_update() -> Update:
    """A board on which every string that an attacker can choose holds control sequences and markup."""
    now = snapshot()
    bad = tuple(
        Judged(
            replace_event(line.event, key=HOSTILE, agent=HOSTILE, principal=USER + HOSTILE, message=HOSTILE,
                          name="Get" + HOSTILE, error=HOSTILE if i % 2 else ""),
            line.severity,
            (HOSTILE,),
        )
        for i, line in enumerate(lines())
    )  # fmt: skip
    rows = tuple(replace(row, label=HOSTILE, facts=(HOSTILE,), reasons=(HOSTILE,)) for row in now.principals)
    buckets = tuple(replace(row, label=HOSTILE, facts=(HOSTILE,)) for row in now.buckets)
    status = replace(now.status, identity=HOSTILE, case=HOSTILE, alarms=(HOSTILE,))
    proposal = Proposal(HOSTILE, "a", "contain.lineage", ("principal", USER))
    watches = (replace(watch_view(), label=HOSTILE, by=HOSTILE, workload=(HOSTILE,)),)
    return Update(
        replace(now, status=status, principals=rows, buckets=buckets, proposal=proposal, watches=watches), bad
    )


def hostile_plan() -> Plan:
    """A plan whose words hold control sequences and markup."""
    good = plan()
    steps = tuple(
        replace(step, target=HOSTILE, summary=HOSTILE, note=HOSTILE, before=HOSTILE, after={"Sid": HOSTILE})
        for step in good.steps
    )
    return replace(good, title=HOSTILE, steps=steps, warnings=(HOSTILE,), breaks=(HOSTILE,), checked=(HOSTILE,))


def replace_event(source: Event, **changes: str) -> Event:
    """An event with other fields, in its record too."""
    fields = {name: getattr(source, name) for name in source.__struct_fields__} | changes
    fields["raw"] = json.dumps({"userAgent": changes.get("agent", ""), "key": changes.get("key", "")},
                               ensure_ascii=False).encode()  # fmt: skip
    return Event(**fields)


if __name__ == "__main__":
    sys.exit(main())
