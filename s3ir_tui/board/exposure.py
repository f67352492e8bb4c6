"""How open a bucket is, and how old what is known of something is, in words for a row."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from s3ir_tui.board.known import Known
from s3ir_tui.model import Bucket, Severity, iso
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.targets import TargetKind

OUR_DENY = "S3irDenyData"
"""Begins the Sid of the statement by which `contain.deny-principal` denies a bucket's data; an account's id follows."""

OLD = timedelta(minutes=10)
"""From this age on a row says when it was read."""


def openness(posture: Bucket | None) -> tuple[list[str], list[str], Severity]:
    """Facts and reasons of a bucket's row by whom it is open to, and its severity."""
    if posture is None:
        return [], [], Severity.INFO
    if posture.deleted:
        return ["deleted"], [], Severity.INFO
    facts: list[str] = []
    reasons: list[str] = []
    severity = max(posture.open_severity, posture.ways_severity)
    if posture.public:
        facts.append("public")
        reasons.append("bucket is public")
        severity = Severity.CRITICAL
    elif posture.public is None:
        facts.append("public?")
    if posture.aws_public and not posture.public_by_policy:
        facts.append("AWS calls its policy public")
    if posture.open_severity > Severity.INFO:
        facts.append(_worst(posture.open_to, "open to ") + denied_by_us(posture, posture.open_to[0]))
        reasons += [clean(f"bucket is open to {words}") for words in posture.open_to]
    elif posture.foreign_accounts:  # from a record that does not say whom the bucket is open to
        shared = [short_arn(account)[5:] + denied_by_us(posture, account) for account in posture.foreign_accounts[:2]]
        facts.append("shared " + " ".join(shared))
        severity = max(severity, Severity.HIGH)
        reasons.append(f"bucket is {facts[-1]}")
    if posture.ways_severity > Severity.LOW:
        facts.append(_worst(posture.other_ways))
        reasons += map(clean, posture.other_ways)
    if posture.objects_public:
        facts.append("objects can be public")
        severity = max(severity, Severity.LOW)
    if posture.public_access_block is not None and not posture.public_access_block.all_on:
        facts.append("BPA off")
        severity = max(severity, Severity.LOW)
    if posture.gaps:
        facts.append(f"{len(posture.gaps)} unread")
    return facts, reasons, severity


def denied_by_us(posture: Bucket, words: str) -> str:
    """` (denied by us)` where the bucket's policy denies the data to every account in some words under our Sid."""
    accounts = re.findall(r"\b\d{12}\b", words)
    denied = accounts and all(f"{OUR_DENY}{account}" in (posture.policy or "") for account in accounts)
    return " (denied by us)" if denied else ""


def _worst(words: tuple[str, ...], before: str = "") -> str:
    more = f" +{len(words) - 1}" if len(words) > 1 else ""
    return clean(before + words[0].rpartition(" (")[0]) + more


def age_facts(known: Known, kind: TargetKind, name: str, read_at: datetime | None, now: datetime | None) -> list[str]:
    """What a row says of the age of its posture: that it is older than a write, or how old it is.

    Args:
        known: What is known.
        kind: What the row is of.
        name: Its name.
        read_at: When it was read.
        now: The time; `None` where ages are not told.
    """
    if written := known.out_of_date(kind, name, read_at):
        return [f"changed {written[11:16]}Z, not read since"]
    if read_at is None or now is None or now - read_at < OLD:
        return []
    return [f"read {ago(now - read_at)}"]


def ago(age: timedelta) -> str:
    """`12 min ago`, `3 h ago`."""
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"


def read_lines(known: Known, item: Bucket, now: datetime | None) -> list[str]:
    """When a bucket was read, and what is newer than that."""
    lines = [read_line("policy, ACL, ownership and Block Public Access", item.read_at, now)]
    lines.append(read_line("versioning, encryption, logging and tags", item.settings_at, now))
    if written := known.out_of_date("bucket", item.name, item.read_at):
        lines.append(f"older than the last known write to it, {written}")
    return lines


def read_line(what: str, at: datetime | None, now: datetime | None) -> str:
    """When something was read: `policy: read at 2026-11-24T09:14:07Z, 12 min ago`."""
    if at is None:
        return f"{what}: time of reading not known"
    return f"{what}: as of {iso(at)}" + (f", {ago(now - at)}" if now is not None else "")
