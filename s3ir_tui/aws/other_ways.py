"""What can open, copy or empty a bucket beside its policy and ACL: access points, replication, lifecycle, ..."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.openness import Opening, policy_openings, worst_first
from s3ir_tui.aws.own import OwnAccount, block_of
from s3ir_tui.model import OTHER_WAYS, PublicAccessBlock, Severity
from s3ir_tui.policy import PolicyError

SOON_DAYS = 7
"""A lifecycle rule that deletes after so many days leaves little time to look."""

MULTI_REGION = "us-west-2"
"""Region that answers for multi-Region access points (S3 User Guide, "Multi-Region Access Point operations")."""

_NONE = frozenset(
    {
        "AccessGrantsInstanceNotExistsError",
        "NoSuchAccessPointPolicy",
        "NoSuchLifecycleConfiguration",
        "ReplicationConfigurationNotFoundError",
    }
)


@dataclass(frozen=True, slots=True)
class OtherWays:
    """What was found of a bucket.

    Attributes:
        openings: Who reaches it from outside, through an access point or by a grant.
        notes: What else there is, with its severity.
        not_looked_at: Those of `OTHER_WAYS` that could not be read.
        gaps: Why not.
    """

    openings: tuple[Opening, ...]
    notes: tuple[Opening, ...]
    not_looked_at: tuple[str, ...]
    gaps: Mapping[str, str]


def read_other_ways(account: Calls, bucket: str, region: str, own: OwnAccount) -> OtherWays:
    """Read them all of one bucket; what may not be read stays in `not_looked_at`.

    Args:
        account: The connection.
        bucket: Name of the bucket.
        region: Its Region.
        own: What belongs to the account.
    """
    reader = _Reader(account, bucket, region, own)
    reads: Mapping[str, Callable[[], Iterable[tuple[bool, Opening]]]] = {
        "access points": reader.access_points,
        "multi-Region access points": reader.multi_region,
        "access grants": reader.access_grants,
        "replication": reader.replication,
        "notifications": reader.notifications,
        "lifecycle": reader.lifecycle,
        "inventory": reader.inventory,
    }
    found: list[tuple[bool, Opening]] = []
    gaps: dict[str, str] = {}
    for what, read in reads.items():
        try:
            found += read()
        except AwsError as error:
            gaps[what] = error.short
    return OtherWays(
        worst_first(item for opens, item in found if opens),
        worst_first(item for opens, item in found if not opens),
        tuple(what for what in OTHER_WAYS if what in gaps),
        gaps,
    )


class _Reader:
    """Reads of one bucket. Each gives its findings, with whether they open the bucket to somebody."""

    def __init__(self, account: Calls, bucket: str, region: str, own: OwnAccount) -> None:
        self._account, self._bucket, self._region, self._own = account, bucket, region, own

    def _s3(self, operation: str) -> Mapping[str, Any]:
        try:
            return self._account.call("s3", operation, {"Bucket": self._bucket}, self._region)
        except AwsError as error:
            if error.code in _NONE:
                return {}
            raise

    def _control(self, operation: str, params: Mapping[str, Any], region: str = "") -> Mapping[str, Any]:
        whole = {"AccountId": self._own.account, **params}
        try:
            return self._account.call("s3control", operation, whole, region or self._region)
        except AwsError as error:
            if error.code in _NONE:
                return {}
            raise

    def access_points(self) -> Iterator[tuple[bool, Opening]]:
        for point in self._control("ListAccessPoints", {"Bucket": self._bucket}).get("AccessPointList") or ():
            name = str(point.get("Name"))
            yield False, Opening(Severity.INFO, f"access point {name}, from {point.get('NetworkOrigin') or '?'}")
            owner = str(point.get("BucketAccountId") or self._own.account)
            if owner != self._own.account:
                yield True, Opening(Severity.HIGH, f"access point {name} of a bucket of account {owner}")
            policy = str(self._control("GetAccessPointPolicy", {"Name": name}).get("Policy") or "")
            if not policy:
                continue
            block = block_of(self._control("GetAccessPoint", {"Name": name}).get("PublicAccessBlockConfiguration"))
            yield from ((True, item) for item in self._granted(name, policy, block))

    def _granted(self, name: str, policy: str, block: PublicAccessBlock) -> Iterator[Opening]:
        closed = block.restrict_public_buckets or (
            isinstance(self._own.block, PublicAccessBlock) and self._own.block.restrict_public_buckets
        )
        try:
            yield from policy_openings(policy, self._own, restricted=closed, through=f"access point {name}")
        except PolicyError as error:
            yield Opening(Severity.MEDIUM, f"policy of access point {name} not understood: {error}")

    def multi_region(self) -> Iterator[tuple[bool, Opening]]:
        for point in self._control("ListMultiRegionAccessPoints", {}, MULTI_REGION).get("AccessPoints") or ():
            if any(item.get("Bucket") == self._bucket for item in point.get("Regions") or ()):
                words = f"multi-Region access point {point.get('Name')}: its policy was not read"
                yield False, Opening(Severity.MEDIUM, words)

    def access_grants(self) -> Iterator[tuple[bool, Opening]]:
        for grant in self._control("ListAccessGrants", {}).get("AccessGrantsList") or ():
            scope = str(grant.get("GrantScope") or "")
            if scope.removeprefix("s3://").split("/")[0] not in (self._bucket, "*", ""):
                continue
            who = grant.get("Grantee") or {}
            words = f"access grant to {who.get('GranteeIdentifier') or '?'}: {grant.get('Permission')} on {scope}"
            # A grant gives credentials of the location's role: no statement of the policy names who uses them.
            yield True, Opening(Severity.MEDIUM, words)

    def replication(self) -> Iterator[tuple[bool, Opening]]:
        rules = (self._s3("GetBucketReplication").get("ReplicationConfiguration") or {}).get("Rules") or ()
        for rule in rules:
            target = rule.get("Destination") or {}
            account = str(target.get("Account") or "")
            where = str(target.get("Bucket") or "?").rpartition(":")[2]
            on = "" if rule.get("Status") == "Enabled" else ", disabled"
            if account and account != self._own.account:
                severity = Severity.LOW if on else Severity.HIGH
                yield False, Opening(severity, f"copied to bucket {where} of account {account} (replication{on})")
            else:
                yield False, Opening(Severity.LOW, f"copied to bucket {where} (replication{on})")

    def notifications(self) -> Iterator[tuple[bool, Opening]]:
        found = self._s3("GetBucketNotificationConfiguration")
        for key, field in _TARGETS:
            for entry in found.get(key) or ():
                arn = str(entry.get(field) or "")
                account = (arn.split(":") + [""] * 5)[4]
                severity = Severity.HIGH if account != self._own.account else Severity.INFO
                yield False, Opening(severity, f"events are sent to {arn} (notification)")
        if "EventBridgeConfiguration" in found:
            yield False, Opening(Severity.INFO, "events are sent to EventBridge (notification)")

    def lifecycle(self) -> Iterator[tuple[bool, Opening]]:
        for rule in self._s3("GetBucketLifecycleConfiguration").get("Rules") or ():
            days = [
                (rule.get("Expiration") or {}).get("Days"),
                (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays"),
            ]
            known = [int(item) for item in days if item is not None]
            date = (rule.get("Expiration") or {}).get("Date")
            if rule.get("Status") != "Enabled" or not (known or date):
                continue
            when = f"after {min(known)} day{'' if min(known) == 1 else 's'}" if known else f"on {date:%Y-%m-%d}"
            soon = bool(date) or (bool(known) and min(known) <= SOON_DAYS)
            words = f"objects are deleted {when} (lifecycle rule {rule.get('ID') or '?'}{_prefix(rule)})"
            yield False, Opening(Severity.MEDIUM if soon else Severity.INFO, words)

    def inventory(self) -> Iterator[tuple[bool, Opening]]:
        for entry in self._s3("ListBucketInventoryConfigurations").get("InventoryConfigurationList") or ():
            target = (entry.get("Destination") or {}).get("S3BucketDestination") or {}
            account = str(target.get("AccountId") or self._own.account)
            where = str(target.get("Bucket") or "?").rpartition(":")[2]
            severity = Severity.HIGH if account != self._own.account else Severity.INFO
            owner = f" of account {account}" if severity is Severity.HIGH else ""
            yield False, Opening(severity, f"list of objects is written to bucket {where}{owner} (inventory)")


_TARGETS = (
    ("TopicConfigurations", "TopicArn"),
    ("QueueConfigurations", "QueueArn"),
    ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
)


def _prefix(rule: Mapping[str, Any]) -> str:
    chosen = rule.get("Filter") or {}
    prefix = rule.get("Prefix") or chosen.get("Prefix") or (chosen.get("And") or {}).get("Prefix")
    return f", prefix {json.dumps(prefix)}" if prefix else ""
