"""S3 Batch Operations: jobs, how they are created, confirmed, described and cancelled (S3 User Guide)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import authorize, request_context
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

SERVICE = "batchoperations.s3.amazonaws.com"
AWAITING = "AWAITING_CONFIRMATION"
OVER = frozenset({"Complete", "Failed", "Cancelled"})
_MOST_JOBS = 1000
_FORMAT = "S3BatchOperations_CSV_20180820"
_OPERATIONS = (
    "S3PutObjectCopy",
    "S3PutObjectAcl",
    "S3PutObjectTagging",
    "S3DeleteObjectTagging",
    "S3InitiateRestoreObject",
    "S3PutObjectLegalHold",
    "S3PutObjectRetention",
    "S3ReplicateObject",
)


@dataclass(slots=True)
class Job:
    """One job. Its fields change while it runs.

    Attributes:
        id: Its id.
        account: Account that it runs in.
        region: Region that it was created in.
        asked: Parameters of CreateJob.
        status: One of the states of the API.
        created: When it was created.
        ended: When it was over.
        suspended: When it was suspended to wait for its confirmation.
        reason: Why its status was changed, in the words of who changed it.
        failures: Why it failed: codes and reasons.
        total: Number of its tasks.
        succeeded: Those that worked.
        failed: Those that did not.
    """

    id: str
    account: str
    region: str
    asked: Mapping[str, Any]
    status: str = "New"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    suspended: datetime | None = None
    reason: str = ""
    failures: list[tuple[str, str]] = field(default_factory=list)
    priority: int = 0
    total: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def arn(self) -> str:
        """ARN of the job."""
        return f"arn:aws:s3:{self.region}:{self.account}:job/{self.id}"

    @property
    def operation(self) -> str:
        """The operation of each task."""
        return str(next(iter(self.asked["Operation"])))


class Batch:
    """The jobs of all accounts. Thread-safe.

    Args:
        run: Runs a job to its end; called on a thread of its own.
    """

    def __init__(self, run: Callable[[Job], None]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self.operations: Mapping[str, Callable[[Call, Who], Answer]] = {
            "CreateJob": self._create,
            "DescribeJob": self._describe,
            "ListJobs": self._list,
            "UpdateJobStatus": self._update_status,
            "UpdateJobPriority": self._update_priority,
        }

    def clear(self) -> None:
        """Forget all jobs; those that run do no further task."""
        with self._lock:
            for job in self._jobs.values():
                job.status = "Cancelled"
            self._jobs.clear()

    def _create(self, call: Call, who: Who) -> Answer:
        asked = call.params
        operation = asked.get("Operation") or {}
        context = request_context(call, who) | {
            "s3:requestjobpriority": str(asked.get("Priority", 0)),
            "s3:requestjoboperation": next(iter(operation), ""),
        }
        authorize(who, "s3:CreateJob", "*", context)
        role = str(asked.get("RoleArn") or "")
        if len(operation) != 1 or next(iter(operation)) not in _OPERATIONS:
            raise Refused("NotImplemented", f"Jobs of this account can be: {', '.join(_OPERATIONS)}", 501)
        if not asked.get("Manifest") or (asked["Manifest"].get("Spec") or {}).get("Format") != _FORMAT:
            raise Refused("InvalidRequest", f"Jobs of this account need a manifest of the format {_FORMAT}", 400)
        authorize(who, "iam:PassRole", role, context | {"iam:passedtoservice": SERVICE})
        token = asked.get("ClientRequestToken")
        with self._lock:
            for known in self._jobs.values():
                if token and known.account == who.account and known.asked.get("ClientRequestToken") == token:
                    return result_answer(call, {"JobId": known.id})
            job = Job(str(uuid.uuid4()), who.account, call.region, dict(asked), priority=int(asked.get("Priority", 0)))
            self._jobs[job.id] = job
            if asked.get("ConfirmationRequired"):
                job.status, job.suspended = "Suspended", datetime.now(UTC)
        if job.status == "New":
            self._start(job)
        return result_answer(call, {"JobId": job.id})

    def _start(self, job: Job) -> None:
        job.status = "Preparing" if job.status == "New" else "Ready"
        threading.Thread(target=self._run, args=(job,), name=f"job-{job.id}", daemon=True).start()

    def _describe(self, call: Call, who: Who) -> Answer:
        job = self._find(call, who, "s3:DescribeJob")
        shown: dict[str, Any] = {
            "JobId": job.id,
            "JobArn": job.arn,
            "ConfirmationRequired": bool(job.asked.get("ConfirmationRequired")),
            "Status": job.status,
            "Manifest": job.asked["Manifest"],
            "Operation": job.asked["Operation"],
            "Priority": job.priority,
            "ProgressSummary": _progress(job),
            "FailureReasons": [{"FailureCode": code, "FailureReason": why} for code, why in job.failures],
            "Report": job.asked.get("Report") or {"Enabled": False},
            "CreationTime": job.created,
            "RoleArn": job.asked["RoleArn"],
        }
        if job.asked.get("Description"):
            shown["Description"] = job.asked["Description"]
        if job.reason:
            shown["StatusUpdateReason"] = job.reason
        if job.ended is not None:
            shown["TerminationDate"] = job.ended
        if job.status == "Suspended":
            shown |= {"SuspendedDate": job.suspended, "SuspendedCause": AWAITING}
        return result_answer(call, {"Job": shown})

    def _list(self, call: Call, who: Who) -> Answer:
        authorize(who, "s3:ListJobs", "*", request_context(call, who))
        statuses = call.params.get("JobStatuses") or ()
        most = min(int(call.params.get("MaxResults") or _MOST_JOBS), _MOST_JOBS)
        first = str(call.params.get("NextToken") or "0")
        if not first.isdecimal():
            raise Refused("InvalidNextTokenException", "The token is not valid", 400)
        with self._lock:
            jobs = [job for job in reversed(self._jobs.values()) if job.account == who.account]
        found = [job for job in jobs if job.region == call.region and (not statuses or job.status in statuses)]
        page = found[int(first) : int(first) + most]
        result: dict[str, Any] = {"Jobs": [_listed(job) for job in page]}
        if int(first) + most < len(found):
            result["NextToken"] = str(int(first) + most)
        return result_answer(call, result)

    def _update_status(self, call: Call, who: Who) -> Answer:
        job = self._find(call, who, "s3:UpdateJobStatus")
        wanted = str(call.params.get("RequestedJobStatus"))
        with self._lock:
            if job.status in OVER or (wanted == "Ready" and job.status != "Suspended"):
                message = f"Cannot change the status of a job that is {job.status} to {wanted}"
                raise Refused("JobStatusException", message, 400)
            job.reason = str(call.params.get("StatusUpdateReason") or "")
            if wanted == "Cancelled":
                job.status = "Cancelled" if job.status == "Suspended" else "Cancelling"
                job.ended = datetime.now(UTC) if job.status == "Cancelled" else None
            elif wanted == "Ready":
                self._start(job)
            else:
                raise Refused("InvalidRequest", "The requested job status must be Ready or Cancelled", 400)
            shown = {"JobId": job.id, "Status": job.status, "StatusUpdateReason": job.reason}
        return result_answer(call, {name: value for name, value in shown.items() if value})

    def _update_priority(self, call: Call, who: Who) -> Answer:
        job = self._find(call, who, "s3:UpdateJobPriority")
        if job.status in OVER:
            raise Refused("InvalidRequest", f"Cannot change the priority of a job that is {job.status}", 400)
        job.priority = int(call.params.get("Priority") or 0)
        return result_answer(call, {"JobId": job.id, "Priority": job.priority})

    def _find(self, call: Call, who: Who, action: str) -> Job:
        id = str(call.params.get("JobId"))
        job = self._jobs.get(id)
        context = request_context(call, who)
        if job is not None:
            context |= {"s3:existingjobpriority": str(job.priority), "s3:existingjoboperation": job.operation}
            if job.status == "Suspended":
                context["s3:jobsuspendedcause"] = AWAITING
        if "Priority" in call.params:
            context["s3:requestjobpriority"] = str(call.params["Priority"])
        authorize(who, action, f"arn:aws:s3:{call.region}:{who.account}:job/{id}", context)
        if job is None or job.account != who.account or job.region != call.region:
            raise Refused("NoSuchJob", "The specified job does not exist", 404)
        return job


def _progress(job: Job) -> dict[str, Any]:
    return {
        "TotalNumberOfTasks": job.total,
        "NumberOfTasksSucceeded": job.succeeded,
        "NumberOfTasksFailed": job.failed,
    }


def _listed(job: Job) -> dict[str, Any]:
    shown = {
        "JobId": job.id,
        "Operation": job.operation,
        "Priority": job.priority,
        "Status": job.status,
        "CreationTime": job.created,
        "ProgressSummary": _progress(job),
    }
    if job.asked.get("Description"):
        shown["Description"] = job.asked["Description"]
    return shown | ({"TerminationDate": job.ended} if job.ended is not None else {})
