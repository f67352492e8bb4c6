"""Looks at a game day from outside: what the records say, what the attacker can do now, what is still open."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from s3ir_tui.gameday.actor import Place, make_client, read_log
from s3ir_tui.gameday.debrief import Evidence, Holding
from s3ir_tui.gameday.milestones import Milestones, milestones
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Attack, Credential, World
from s3ir_tui.journal import Journal
from s3ir_tui.policy import foreign_accounts, is_public
from s3ir_tui.text import middle, short_arn

_OBJECTS_TRIED = 6
_EVERYONE = "http://acs.amazonaws.com/groups/global/"
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def gather(
    server: AccountServer,
    world: World,
    held: Sequence[Credential],
    *,
    scenario: str,
    started: float,
    delay: float,
    attacker_log: Path,
    workload_log: Path,
    case: Path | None,
) -> Evidence:
    """Collect what the debrief is made from. The records are taken first, so that the probes are not among them.

    Args:
        server: The account.
        world: What was seeded.
        held: Every credential of the attacker, those that it made included.
        scenario: Name of the scenario.
        started: When the attack began (UNIX time).
        delay: Seconds until a change takes effect.
        attacker_log: The attacker's log.
        workload_log: The log of the legitimate work; it need not exist.
        case: The console's case folder, or `None`.
    """
    truth = server.control("events")
    workload = read_log(workload_log)
    return Evidence(
        scenario=scenario,
        started=started,
        ended=time.time(),
        delay=delay,
        truth=truth if isinstance(truth, list) else [],
        attacker=read_log(attacker_log),
        workload=workload,
        jobs=tuple(job.credential.name for job in world.jobs) if workload else (),
        held=tuple(Holding(item.name, item.access_key_id, item.addresses) for item in held),
        working=Probe(server, world).working(held),
        still_open=tuple(still_open(server, world, held)),
        times=read_case(case) if case is not None and case.is_dir() else Milestones(),
    )


class Probe:
    """Tries the attacker's credentials, and what can be minted from them, for real; not from its addresses.

    Args:
        server: The account.
        world: What was seeded.
    """

    def __init__(self, server: AccountServer, world: World) -> None:
        self._world = world
        self._session = boto3.session.Session(region_name=world.region)
        self._place = Place(server.endpoint_url, world.region, "")
        admin = server.admin("s3")
        self._objects = {
            bucket: [
                entry["Key"]
                for entry in admin.list_objects_v2(Bucket=bucket, MaxKeys=_OBJECTS_TRIED).get("Contents", ())
            ]
            for bucket in world.attack.buckets
        }

    def working(self, held: Iterable[Credential]) -> dict[str, str]:
        """The credentials that can still reach something, by name, with the first thing that they can do."""
        found = {}
        for credential in held:
            can = self.reach(credential) or self._anew(credential)
            if can:
                found[credential.name] = can
        return found

    def reach(self, credential: Credential) -> str:
        """What the credential can reach, in words; "" for nothing."""
        client = self._client(credential, "s3")
        for bucket, keys in self._objects.items():
            for key in keys:
                if self._works(client, "GetObject", {"Bucket": bucket, "Key": key}):
                    return f"reads {bucket}"
            if self._works(client, "ListObjectsV2", {"Bucket": bucket}):
                return f"lists {bucket}"
        own = f":{self._world.account_id}:" in credential.principal
        return "lists the buckets" if own and self._works(client, "ListBuckets", {}) else ""

    def _anew(self, credential: Credential) -> str:
        """What a session that is minted now can reach."""
        for move in _session_mints(self._world.attack, credential):
            try:
                client = self._client(credential, "sts")
                made = getattr(client, xform_name(move.operation))(**move.params)["Credentials"]
            except (ClientError, BotoCoreError):
                continue
            session = Credential(
                "anew",
                made["AccessKeyId"],
                made["SecretAccessKey"],
                made["SessionToken"],
                principal=str(move.params.get("RoleArn", credential.principal)),
                addresses=credential.addresses,
            )
            can = self.reach(session)
            if can:
                return f"{move.operation} anew {can}"
        return ""

    def _client(self, credential: Credential, service: str) -> Any:
        return make_client(self._session, self._place, credential, service)

    @staticmethod
    def _works(client: Any, operation: str, params: Mapping[str, Any]) -> bool:
        try:
            getattr(client, xform_name(operation))(**params)
        except (ClientError, BotoCoreError):
            return False
        return True


def _session_mints(attack: Attack, credential: Credential) -> Iterator[Any]:
    if credential.anonymous:
        return
    seen = set()
    for move in (*attack.opening, *attack.undo):
        wanted = (move.operation, json.dumps(dict(move.params), sort_keys=True))
        if move.service == "sts" and move.mints and wanted not in seen:
            seen.add(wanted)
            yield move


def still_open(server: AccountServer, world: World, held: Iterable[Credential]) -> Iterator[str]:
    """What is left that can be misused, one phrase each: buckets, keys, instances."""
    s3 = server.admin("s3")
    for bucket in sorted(entry["Name"] for entry in s3.list_buckets()["Buckets"]):
        if bucket != world.trail_bucket:
            yield from _open_bucket(s3, bucket, world.account_id)
    iam = server.admin("iam")
    for credential in held:
        if ":user/" in credential.principal and not credential.session_token:
            yield from _open_key(iam, credential, world.account_id)
    if world.instances:
        ec2 = server.admin("ec2")
        for reservation in ec2.describe_instances(InstanceIds=list(world.instances))["Reservations"]:
            for instance in reservation["Instances"]:
                if instance.get("MetadataOptions", {}).get("HttpTokens") != "required":
                    yield f"instance {instance['InstanceId']} answers IMDSv1"


def _open_bucket(s3: Any, bucket: str, account: str) -> Iterator[str]:
    block = _read(s3.get_public_access_block, Bucket=bucket).get("PublicAccessBlockConfiguration", {})
    policy = _read(s3.get_bucket_policy, Bucket=bucket).get("Policy")
    grants = _read(s3.get_bucket_acl, Bucket=bucket).get("Grants", ())
    if not all(block.get(name) for name in _BLOCKS):
        yield f"bucket {bucket} has no Block Public Access"
    if policy and is_public(policy):
        behind = " behind Block Public Access" if block.get("RestrictPublicBuckets") else ""
        yield f"the policy of {bucket} is still public{behind}"
    if policy:
        for foreign in foreign_accounts(policy, account):
            yield f"the policy of {bucket} still names {short_arn(foreign)}"
    if any(str(grant["Grantee"].get("URI", "")).startswith(_EVERYONE) for grant in grants):
        yield f"the ACL of {bucket} is still public"


def _open_key(iam: Any, credential: Credential, account: str) -> Iterator[str]:
    if f":{account}:" not in credential.principal:
        return
    user = credential.principal.rsplit("/", 1)[1]
    keys = _read(iam.list_access_keys, UserName=user).get("AccessKeyMetadata", ())
    if any(key["AccessKeyId"] == credential.access_key_id and key["Status"] == "Active" for key in keys):
        yield f"access key {middle(credential.access_key_id, 9)} of {user} is Active"


def _read(operation: Any, **params: str) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = operation(**params)
    except ClientError:
        return {}
    return answer


def read_case(folder: Path) -> Milestones:
    """What the console recorded of detection and containment in its case folder."""
    with Journal.open(folder, about={}, readonly=True, poll_seconds=0) as journal:
        return milestones(journal.records())
