"""Service last accessed: which services an identity may use, and when it last did."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.events import Record
from s3ir_tui.gameday.iam_simulation import sources_of
from s3ir_tui.gameday.wire import Refused, as_list
from s3ir_tui.policy import reference

_NAMES = {
    "s3": "Amazon S3",
    "iam": "AWS Identity and Access Management",
    "sts": "AWS Security Token Service",
    "ec2": "Amazon EC2",
    "kms": "AWS Key Management Service",
    "cloudtrail": "AWS CloudTrail",
    "logs": "Amazon CloudWatch Logs",
    "ssm": "AWS Systems Manager",
    "organizations": "AWS Organizations",
    "lambda": "AWS Lambda",
    "sqs": "Amazon SQS",
    "sns": "Amazon SNS",
}


class LastAccessed:
    """The reports of an account. Safe to use from any thread.

    Args:
        records: All records of the account, oldest first.
    """

    def __init__(self, records: Callable[[], list[Record]]) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._jobs: dict[str, dict[str, Any]] = {}

    def clear(self) -> None:
        """Forget the reports."""
        with self._lock:
            self._jobs.clear()

    def generate(self, params: Mapping[str, Any], account: str) -> dict[str, Any]:
        """Make a report (IAM API, GenerateServiceLastAccessedDetails).

        Raises:
            Refused: There is no such identity.
        """
        arn, level = str(params.get("Arn")), str(params.get("Granularity") or "SERVICE_LEVEL")
        documents = [source.text for source in sources_of(arn, account)]
        now = datetime.now(UTC)
        used = list(_used_by(self._records(), arn))
        report = {
            "JobStatus": "COMPLETED",
            "JobType": level,
            "JobCreationDate": now,
            "JobCompletionDate": now,
            "ServicesLastAccessed": [_service(prefix, used, arn, level) for prefix in _granted(documents)],
            "IsTruncated": False,
        }
        job = str(uuid.uuid4())
        with self._lock:
            self._jobs[job] = report
        return {"JobId": job}

    def get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A report that was made (IAM API, GetServiceLastAccessedDetails).

        Raises:
            Refused: There is no such report.
        """
        with self._lock:
            report = self._jobs.get(str(params.get("JobId")))
        if report is None:
            raise Refused("NoSuchEntity", f"{params.get('JobId')} does not exist.", 404)
        return report


def _used_by(records: Iterable[Record], arn: str) -> Iterator[Record]:
    """Calls of an identity, by itself or in a session; AWS counts refused ones too."""
    for record in records:
        identity = record.get("userIdentity") or {}
        issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
        if arn in (identity.get("arn"), issuer.get("arn")):
            yield record


def _granted(documents: Iterable[str]) -> list[str]:
    found: set[str] = set()
    for text in documents:
        for statement in policy.statements(text):
            if statement.get("Effect") == "Allow":
                for pattern in as_list(statement.get("Action")):
                    found.update(facts.service for facts in reference.actions(str(pattern)))
    return sorted(found)


def _service(prefix: str, used: list[Record], arn: str, level: str) -> dict[str, Any]:
    mine = [record for record in used if str(record["eventSource"]).split(".")[0] == prefix]
    shown: dict[str, Any] = {
        "ServiceName": _NAMES.get(prefix, prefix),
        "ServiceNamespace": prefix,
        "TotalAuthenticatedEntities": 1 if mine else 0,
    }
    if mine:
        shown |= {
            "LastAuthenticated": _moment(mine[-1]),
            "LastAuthenticatedEntity": arn,
            "LastAuthenticatedRegion": mine[-1]["awsRegion"],
        }
    if level == "ACTION_LEVEL" and mine:
        last = {str(record["eventName"]): record for record in mine}
        shown["TrackedActionsLastAccessed"] = [
            {
                "ActionName": name,
                "LastAccessedEntity": arn,
                "LastAccessedTime": _moment(record),
                "LastAccessedRegion": record["awsRegion"],
            }
            for name, record in sorted(last.items())
        ]
    return shown


def _moment(record: Record) -> datetime:
    return datetime.fromisoformat(str(record["eventTime"]).replace("Z", "+00:00"))
