"""A desk on the embedded account, and plain boto3 clients that tell what its plans did to whom."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from actions.desk import Desk
from actions.plan import Answer, Plan, Progress, Result
from s3ir_tui.aws.account import Account
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.journal import Journal
from s3ir_tui.model import utc_now
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.decode import decode_record

REFUSED = {
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "UnauthorizedOperation",
}
REGION = "us-east-1"


@dataclass
class Scene:
    """The embedded account, the console on it, and a clock that can be moved."""

    server: AccountServer
    account: Account
    journal: Journal
    break_glass: tuple[str, ...] = ()
    ahead: timedelta = field(default_factory=timedelta)

    @property
    def desk(self) -> Desk:
        """A desk as a console that has just been opened has it: all it knows is in the log."""
        return Desk(self.account, self.journal, self.history, self.break_glass, clock=self.now, read_back_seconds=4)

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def history(self) -> Analysis:
        analysis = Analysis(own_keys=self.account.own_keys)
        analysis.add(decode_record(record) for record in self.server.control("events"))
        return analysis

    def run(self, plan: Plan, **answer: Any) -> Result:
        """Confirm a plan as it asks, and run it."""
        given = {"typed": plan.must_type, "reason": "drill", **answer}
        news: list[Progress] = []
        return self.desk.run(plan, Answer(**given), news.append)

    def act(self, action: str, **targets: str) -> Result:
        """Plan an action, run it, insist that it went well."""
        plan = self.desk.plan(action, {name.replace("_", "-"): (value,) for name, value in targets.items()})
        result = self.run(plan)
        assert result.ok, (result.states, result.details)
        return result

    def undo(self, ref: str) -> Result:
        """Undo a plan as far as it goes at once."""
        result = self.run(self.desk.undo_plan(ref))
        assert result.ok, (result.states, result.details)
        return result

    def state(self) -> dict[str, Any]:
        """Everything that actions change, read call by call past all checks."""
        return {**_identities(self.server.admin("iam")), **_buckets(self.server.admin("s3"))}


def _identities(iam: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    details = iam.get_account_authorization_details(Filter=["User", "Role"])
    for entry in [*details["UserDetailList"], *details["RoleDetailList"]]:
        inline = entry.get("UserPolicyList") or entry.get("RolePolicyList") or []
        found[entry["Arn"]] = (
            sorted((item["PolicyName"], str(item["PolicyDocument"])) for item in inline),
            sorted(item["PolicyArn"] for item in entry["AttachedManagedPolicies"]),
            str(entry.get("AssumeRolePolicyDocument")),
        )
    for user in details["UserDetailList"]:
        keys = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        found[f"keys of {user['UserName']}"] = sorted((key["AccessKeyId"], key["Status"]) for key in keys)
    return found


def _buckets(s3: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    reads: dict[str, Callable[..., Any]] = {
        "policy": s3.get_bucket_policy,
        "block": s3.get_public_access_block,
        "acl": s3.get_bucket_acl,
        "ownership": s3.get_bucket_ownership_controls,
    }
    for bucket in s3.list_buckets()["Buckets"]:
        for what, read in reads.items():
            try:
                answer = read(Bucket=bucket["Name"])
                answer.pop("ResponseMetadata")
            except ClientError as error:
                answer = error.response["Error"]["Code"]
            found[f"{what} of {bucket['Name']}"] = answer
    return found


@contextmanager
def scene(
    server: AccountServer, responder: Credential, case: Path, break_glass: tuple[str, ...] = ()
) -> Iterator[Scene]:
    """A console on the account, with a case of its own."""
    account = Account.connect(region=REGION, endpoint_url=server.endpoint_url, credentials=keys_of(responder))
    with Journal.open(case, about={"command": "test"}, poll_seconds=0) as journal:
        yield Scene(server, account, journal, break_glass)


def keys_of(credential: Credential | Mapping[str, Any]) -> dict[str, str]:
    """A credential as boto3 wants it; nothing for requests that are not signed."""
    shown = credential.info() if isinstance(credential, Credential) else credential
    return {name: value for name, value in shown.items() if name.startswith("aws_")}


def client(server: AccountServer | str, credential: Credential | Mapping[str, Any], service: str) -> Any:
    """A plain boto3 client without retries."""
    return _client(server if isinstance(server, str) else server.endpoint_url, service, **keys_of(credential))


@functools.lru_cache(64)
def _client(url: str, service: str, **keys: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, signature_version=None if keys else UNSIGNED)
    return boto3.client(service, region_name=REGION, endpoint_url=url, config=config, **keys)


def allowed(call: Callable[..., Any], *, also: Collection[str] = (), **params: Any) -> bool:
    """Whether a call is allowed; any failure but a refusal, or one of the codes that count as one too, is raised."""
    try:
        call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {*REFUSED, *also}:
            raise
        return False
    return True


def can_read(server: AccountServer | str, credential: Credential | Mapping[str, Any], bucket: str, key: str) -> bool:
    """Whether a credential lists a bucket or reads an object of it."""
    s3 = client(server, credential, "s3")
    return allowed(s3.list_objects_v2, Bucket=bucket) or allowed(s3.get_object, Bucket=bucket, Key=key)
