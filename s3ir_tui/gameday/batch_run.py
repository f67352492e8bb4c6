"""Runs a Batch Operations job: assumes its role, reads its manifest, does each task, writes the report."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who, role_session
from s3ir_tui.gameday.batch_jobs import SERVICE, Job
from s3ir_tui.gameday.batch_tasks import Task, bucket_of, object_of, read, request_of, write
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.sessions import Sessions
from s3ir_tui.gameday.store import RoleFact
from s3ir_tui.gameday.wire import Answer, Call

Perform = Callable[[Call, Who], Answer]
"""Checks a call, carries it out and records it."""

_SESSION_SECONDS = 6 * 3600
_THRESHOLD_TASKS = 1000
_SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"


class JobFailed(Exception):
    """The job cannot go on.

    Attributes:
        code: Failure code.
        reason: Why.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Runner:
    """Runs jobs.

    Args:
        sessions: Where the role's session is kept.
        delays: What enforcement believes about roles.
        perform: Makes a request to S3.
    """

    def __init__(self, sessions: Sessions, delays: Delays, perform: Perform) -> None:
        self._sessions = sessions
        self._delays = delays
        self._perform = perform

    def run(self, job: Job) -> None:
        """Run a job to its end; what stops it stands in the job."""
        try:
            who = self._assume(job)
            tasks = self._manifest(job, who)
            job.total = len(tasks)
            if job.status not in ("Cancelling", "Cancelled"):
                job.status = "Active"
            results = list(self._work(job, who, tasks))
            self._report(job, who, results)
            _end(job, "Cancelled" if job.status == "Cancelling" else "Failed" if job.failures else "Complete")
        except JobFailed as failed:
            job.failures.append((failed.code, failed.reason))
            _end(job, "Failed")

    def _assume(self, job: Job) -> Who:
        arn = str(job.asked["RoleArn"])
        role = self._delays.fact(("role", job.account, arn.rpartition("/")[2]))
        if not isinstance(role, RoleFact) or role.arn != arn:
            raise JobFailed("AccessDenied", f"The role {arn} does not exist in this account")
        decision = policy.authorize(
            policy.Request(
                "sts:AssumeRole",
                role.arn,
                policy.Caller(service=SERVICE),
                {"aws:SourceAccount": job.account, "aws:SourceArn": job.arn},
            ),
            policy.Policies(resource=role.trust, resource_owner=role.account),
        )
        if not decision.allowed:
            raise JobFailed("AccessDenied", f"S3 Batch Operations cannot assume {arn}: {decision.reason}")
        name = f"s3-batch-operations_{job.id}"[:64]
        session = self._sessions.issue(
            "role", job.account, role.name, role.unique_id, seconds=_SESSION_SECONDS, name=name
        )
        who = role_session(role, session, None)
        who.identity["invokedBy"] = SERVICE
        return who

    def _ask(self, who: Who, call: Call) -> Answer:
        if who.session is not None:
            call.access_key = who.session.access_key
        return self._perform(call, who)

    def _manifest(self, job: Job, who: Who) -> list[Task]:
        manifest = job.asked["Manifest"]
        location = manifest["Location"]
        bucket, key = object_of(str(location["ObjectArn"]))
        version = str(location.get("ObjectVersionId") or "")
        answer = self._ask(who, read(bucket, key, version, job.region))
        if not answer.ok:
            raise JobFailed(answer.error_code, f"The manifest cannot be read: {answer.error_message}")
        if answer.header("etag").strip('"') != str(location["ETag"]).strip('"'):
            raise JobFailed("ManifestETagMismatch", "The ETag of the manifest is not the one that the job names")
        fields = list(manifest["Spec"].get("Fields") or ("Bucket", "Key"))
        tasks = []
        for number, row in enumerate(csv.reader(io.StringIO(answer.body.decode())), 1):
            if not row:
                continue
            if len(row) != len(fields):
                raise JobFailed("InvalidManifest", f"Line {number} of the manifest has not {len(fields)} columns")
            named = dict(zip(fields, row, strict=True))
            # Keys are URL-encoded in manifests (S3 User Guide, specifying a manifest).
            tasks.append(Task(named["Bucket"], unquote(named["Key"]), named.get("VersionId", "")))
        return tasks

    def _work(self, job: Job, who: Who, tasks: list[Task]) -> Iterator[tuple[Task, Answer]]:
        asked = job.asked["Operation"][job.operation] or {}
        for task in tasks:
            if job.status in ("Cancelling", "Cancelled"):
                return
            try:
                answer = self._ask(who, request_of(job.operation, asked, task, job.region))
            except KeyError:
                answer = Answer(501, [], error_code="NotImplemented", error_message="This account does not replicate")
            job.succeeded += answer.ok
            job.failed += not answer.ok
            yield task, answer
            if job.succeeded + job.failed >= _THRESHOLD_TASKS and job.failed > job.succeeded:
                # More than half of at least 1,000 tasks failed (S3 User Guide, tracking job failure).
                job.failures.append(("FailureThresholdExceeded", "More than 50 % of the tasks failed"))
                return

    def _report(self, job: Job, who: Who, results: list[tuple[Task, Answer]]) -> None:
        report = job.asked.get("Report") or {}
        if not report.get("Enabled"):
            return
        bucket = bucket_of(str(report["Bucket"]))
        prefix = str(report.get("Prefix") or "").strip("/")
        folder = (prefix + "/" if prefix else "") + f"job-{job.id}"
        written = []
        for status, wanted in (("succeeded", True), ("failed", False)):
            rows = [item for item in results if item[1].ok is wanted]
            if not rows or (wanted and report.get("ReportScope") == "FailedTasksOnly"):
                continue
            text = _rows(status, rows)
            key = f"{folder}/results/{hashlib.sha1(text, usedforsecurity=False).hexdigest()}.csv"
            self._put(job, who, bucket, key, text)
            md5 = hashlib.md5(text, usedforsecurity=False).hexdigest()
            written.append({"TaskExecutionStatus": status, "Bucket": bucket, "MD5Checksum": md5, "Key": key})
        manifest = {
            "Format": "Report_CSV_20180820",
            "ReportCreationDate": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "Results": written,
            "ReportSchema": _SCHEMA,
        }
        self._put(job, who, bucket, f"{folder}/manifest.json", json.dumps(manifest).encode())

    def _put(self, job: Job, who: Who, bucket: str, key: str, body: bytes) -> None:
        answer = self._ask(who, write(bucket, key, body, job.region))
        if not answer.ok:
            raise JobFailed(answer.error_code, f"The report cannot be written: {answer.error_message}")


def _rows(status: str, results: list[tuple[Task, Answer]]) -> bytes:
    """Lines of a report.

    The schema names the error code before the HTTP status; AWS's own example lines have them the other way round
    ("failed,200,PermanentFailure,..."; S3 User Guide, completion reports), and so have these.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for task, answer in results:
        message = "Successful" if answer.ok else answer.error_message
        code = "" if answer.ok else answer.error_code
        writer.writerow([task.bucket, quote(task.key), task.version, status, answer.status, code, message])
    return text.getvalue().encode()


def _end(job: Job, status: str) -> None:
    job.status, job.ended = status, datetime.now(UTC)
