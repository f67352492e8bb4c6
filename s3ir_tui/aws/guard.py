"""The write guard: clients of a guarded session can read what the console reads, and nothing else."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from s3ir_tui.aws.statements import only_reads

READS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "s3": frozenset(
            {
                "GetBucketAcl",
                "GetBucketEncryption",
                "GetBucketLifecycleConfiguration",
                "GetBucketLocation",
                "GetBucketLogging",
                "GetBucketNotificationConfiguration",
                "GetBucketOwnershipControls",
                "GetBucketPolicy",
                "GetBucketPolicyStatus",
                "GetBucketReplication",
                "GetBucketTagging",
                "GetBucketVersioning",
                "GetObject",
                "GetObjectAcl",
                "GetPublicAccessBlock",
                "HeadBucket",
                "HeadObject",
                "ListBucketInventoryConfigurations",
                "ListBuckets",
                "ListObjectVersions",
                "ListObjectsV2",
            }
        ),
        "s3control": frozenset(
            {
                "GetAccessPoint",
                "GetAccessPointPolicy",
                "GetPublicAccessBlock",
                "ListAccessGrants",
                "ListAccessPoints",
                "ListMultiRegionAccessPoints",
            }
        ),
        "iam": frozenset(
            {
                # Makes IAM write down what it knows of each user's credentials; nothing of the account is changed.
                "GenerateCredentialReport",
                "GetAccessKeyLastUsed",
                "GetAccountAuthorizationDetails",
                "GetCredentialReport",
                "GetInstanceProfile",
                "GetLoginProfile",
                "GetPolicy",
                "GetPolicyVersion",
                "GetRole",
                "GetRolePolicy",
                "GetUser",
                "GetUserPolicy",
                "ListAccessKeys",
                "ListAccountAliases",
                "ListAttachedGroupPolicies",
                "ListAttachedRolePolicies",
                "ListAttachedUserPolicies",
                "ListGroupPolicies",
                "ListGroupsForUser",
                "ListInstanceProfilesForRole",
                "ListMFADevices",
                "ListRolePolicies",
                "ListRoles",
                "ListUserPolicies",
                "ListUsers",
            }
        ),
        "sts": frozenset({"GetCallerIdentity", "GetAccessKeyInfo"}),
        "ec2": frozenset({"DescribeInstances", "DescribeRegions", "DescribeVpcEndpoints", "DescribeVpcs"}),
        "organizations": frozenset({"DescribeOrganization"}),
        # Receiving hides messages for a while; with a redrive policy it also counts: see `trail.sources.queue`.
        "sqs": frozenset({"GetQueueAttributes", "ListQueues", "ReceiveMessage"}),
        "events": frozenset({"DescribeRule", "ListRuleNamesByTarget"}),
        "cloudtrail": frozenset(
            {"DescribeTrails", "GetEventSelectors", "GetTrailStatus", "ListPublicKeys", "ListTrails", "LookupEvents"}
        ),
        "logs": frozenset({"DescribeLogGroups", "FilterLogEvents", "StartLiveTail"}),
        "athena": frozenset({"GetQueryExecution", "GetQueryResults", "GetTableMetadata", "GetWorkGroup"}),
    }
)
"""What the console reads, by boto3's service name. An operation that is not here is refused, whatever its name says."""

SIGN_IN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sts": frozenset({"AssumeRole", "AssumeRoleWithWebIdentity"}),
        "sso": frozenset({"GetRoleCredentials"}),
        "sso-oidc": frozenset({"CreateToken"}),
        "signin": frozenset({"CreateOAuth2Token"}),
    }
)
"""What botocore itself calls to obtain the caller's credentials. It changes no resource of the account."""


class WriteRefused(Exception):
    """The guard refused an operation. It never reached the network."""


_NAMED_OTHERWISE = {"cloudwatchlogs": "logs", "eventbridge": "events"}


def _plain(service: str) -> str:
    # Events carry the hyphenized service id (`s3-control`, `cloudwatch-logs`), plans boto3's (`s3control`, `logs`).
    plain = service.replace("-", "").lower()
    return _NAMED_OTHERWISE.get(plain, plain)


def _names(table: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(f"{_plain(service)}:{operation}" for service, names in table.items() for operation in names)


_READS = _names(READS)
_SIGN_INS = _names(SIGN_IN)


_DELETE_MESSAGES = "sqs:DeleteMessageBatch"
_START_QUERY = "athena:StartQueryExecution"
_STOP_QUERY = "athena:StopQueryExecution"


_ASSUME_ROLE = "sts:AssumeRole"
_READING_METHODS = frozenset({"GET", "HEAD"})


class _Permit(threading.local):
    name: str = ""
    only: tuple[str, str] = ("", "")
    digest: str = ""
    begun: bool = False
    spent: bool = False


class _SigningIn(threading.local):
    depth: int = 0


class WriteGuard:
    """Refuses every operation of a session's clients that is not on the list of reads.

    A permit opens exactly one operation with exactly the parameters of its step, once, for the thread that holds it,
    and only while the console is armed. What obtains credentials is open to the code that signs in alone, and roles are
    assumed only where the settings or the profile name them.
    Beside it, messages can be deleted from a queue that the responder chose as a trail source, armed or not: from that
    queue alone, by the source, after what they brought is on disk. And a question can be asked through Athena: by a
    text that only reads, and what was started so can be stopped.

    Attributes:
        armed: Whether permits can be had. Set by the executor alone, when the console is armed.
    """

    def __init__(self) -> None:
        self.armed = False
        self._permit = _Permit()
        self._queues: frozenset[str] = frozenset()
        self._queries: frozenset[str] = frozenset()
        self._signing_in = _SigningIn()
        self._roles: frozenset[str] = frozenset()

    def install(self, botocore_session: Any) -> None:
        """Guard all clients that the session makes from now on.

        Three events are hooked: the first (before parameters are looked at), the last one before a request is built,
        and signing, which presigned URLs and presigned posts go through without being sent by us.

        Args:
            botocore_session: A `botocore.session.Session` that has made no client yet.
        """
        botocore_session.register("provide-client-params", self._begin, unique_id="s3ir-guard-begin")
        botocore_session.register("before-call", self._send, unique_id="s3ir-guard-send")
        botocore_session.register("after-call.athena.StartQueryExecution", self._started, unique_id="s3ir-guard-query")
        emitter = botocore_session.get_component("event_emitter")
        emitter.register_first("before-sign", self._sign, unique_id="s3ir-guard-sign")

    def choose_roles(self, *arns: str) -> None:
        """Take note of roles that the settings or the profile name: no other one is assumed."""
        self._roles |= frozenset(arns)

    @contextmanager
    def signing_in(self) -> Iterator[None]:
        """Let this thread make the calls that obtain credentials: botocore's providers make them, at refreshes too."""
        self._signing_in.depth += 1
        try:
            yield
        finally:
            self._signing_in.depth -= 1

    @contextmanager
    def permit(self, call_name: str, params: Mapping[str, Any]) -> Iterator[None]:
        """Let this thread make one call.

        Args:
            call_name: Service and operation, such as `iam:UpdateAccessKey`.
            params: Its parameters; a call with any other is refused.

        Raises:
            WriteRefused: The case is not armed, or this thread holds a permit already.
        """
        if not self.armed:
            raise WriteRefused(f"{call_name} refused: the console is read-only. Nothing was sent.")
        if self._permit.name:
            raise WriteRefused(f"{call_name} refused: {self._permit.name} is still under way in this thread.")
        service, _, operation = call_name.partition(":")
        with self._holding(f"{_plain(service)}:{operation}", digest=_digest(params)):
            yield

    def choose_queue(self, queue_url: str) -> None:
        """Take note of a queue that the responder named as a trail source of a case that is recorded."""
        self._queues |= {queue_url}

    def may_delete_from(self, queue_url: str) -> bool:
        """Whether a queue was chosen."""
        return queue_url in self._queues

    @contextmanager
    def deleting_from(self, queue_url: str) -> Iterator[None]:
        """Let this thread make one `sqs:DeleteMessageBatch` on a chosen queue.

        Args:
            queue_url: The queue; the request must carry exactly this URL.

        Raises:
            WriteRefused: The queue was not chosen, or this thread holds a permit already.
        """
        if not self.may_delete_from(queue_url) or self._permit.name:
            raise _refusal(_DELETE_MESSAGES)
        with self._holding(_DELETE_MESSAGES, ("QueueUrl", queue_url)):
            yield

    @contextmanager
    def querying(self, text: str) -> Iterator[None]:
        """Let this thread start one query of Athena.

        Args:
            text: The statement; the request must carry exactly this one, and it must be a `SELECT` alone.

        Raises:
            WriteRefused: The text does more than read, or this thread holds a permit already.
        """
        if not only_reads(text) or self._permit.name:
            raise _refusal(_START_QUERY)
        with self._holding(_START_QUERY, ("QueryString", text)):
            yield

    @contextmanager
    def stopping(self, execution: str) -> Iterator[None]:
        """Let this thread stop one query of Athena.

        Args:
            execution: Its execution id.

        Raises:
            WriteRefused: This console did not start it, or this thread holds a permit already.
        """
        if execution not in self._queries or self._permit.name:
            raise _refusal(_STOP_QUERY)
        with self._holding(_STOP_QUERY, ("QueryExecutionId", execution)):
            yield

    def _started(self, parsed: Mapping[str, Any] | None = None, **_: Any) -> None:
        execution = (parsed or {}).get("QueryExecutionId")
        if execution:
            self._queries |= {str(execution)}

    @contextmanager
    def _holding(self, name: str, only: tuple[str, str] = ("", ""), digest: str = "") -> Iterator[None]:
        permit = self._permit
        permit.name, permit.only, permit.digest, permit.begun, permit.spent = name, only, digest, False, False
        try:
            yield
        finally:
            permit.name, permit.only, permit.digest, permit.begun, permit.spent = "", ("", ""), "", False, False

    def _permitted(self, name: str) -> bool:
        return self._permit.name == name and (self.armed or bool(self._permit.only[0]))

    def _allowed(self, name: str) -> bool:
        return name in _READS or (name in _SIGN_INS and self._signing_in.depth > 0)

    def _begin(self, event_name: str, params: Mapping[str, Any] | None = None, **_: Any) -> None:
        name = _name(event_name)
        if self._allowed(name):
            if name == _ASSUME_ROLE and str((params or {}).get("RoleArn")) not in self._roles:
                raise _refusal(name)
            return
        if not self._permitted(name) or self._permit.spent:
            raise _refusal(name)
        # The parameters as they are given stand here alone; the next event carries them as a request.
        if self._permit.digest and self._permit.digest != _digest(params or {}):
            raise _refusal(f"{name} with other parameters than those of its step")
        self._permit.begun = True

    def _send(self, event_name: str, params: Mapping[str, Any] | None = None, **_: Any) -> None:
        name = _name(event_name)
        if self._allowed(name):
            return
        if not self._permitted(name) or not self._permit.begun or self._permit.spent:
            raise _refusal(name)
        field, value = self._permit.only
        if field and _field_of(params, field) != value:
            raise _refusal(name)
        self._permit.spent = True

    def _sign(self, event_name: str, request: Any = None, signature_version: str = "", **_: Any) -> None:
        # Retries of a permitted call are signed again; a signature without a call under way is a presigned write.
        name = _name(event_name)
        if not self._allowed(name) and not (self._permitted(name) and self._permit.spent):
            raise _refusal(name)
        # A URL can be presigned with another method than the operation's: the name then says nothing of what it does.
        method = str(getattr(request, "method", "GET"))
        if "query" in signature_version and method not in _READING_METHODS:
            raise _refusal(f"{name} presigned as {method}")


def _digest(params: Mapping[str, Any]) -> str:
    text = json.dumps(params, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(event_name: str) -> str:
    _, service, operation = event_name.split(".", 2)
    return f"{_plain(service)}:{operation}"


def _field_of(request: Mapping[str, Any] | None, field: str) -> str:
    """A field of a serialized request (SQS and Athena speak JSON)."""
    try:
        return str(json.loads((request or {}).get("body") or b"{}").get(field))
    except (ValueError, AttributeError):
        return ""


def _refusal(name: str) -> WriteRefused:
    return WriteRefused(f"{name} refused: not a read that the console makes, and no plan permits it. Nothing was sent.")
