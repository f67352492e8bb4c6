"""Reads posture piece by piece and remembers what was read: whole rounds, and single targets in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from s3ir_tui.aws import buckets, instances, principals
from s3ir_tui.aws.calls import Calls, Stopped
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.key_ids import with_key_ids
from s3ir_tui.aws.memory import Memory
from s3ir_tui.aws.own import OwnAccount, account_block, read_own
from s3ir_tui.model import Bucket, Instance, Principal, utc_now
from s3ir_tui.trail.targets import Target

Posture: TypeAlias = Bucket | Principal | Instance
Failed: TypeAlias = Callable[[str, str], None]

SETTINGS_EVERY = timedelta(hours=4)
"""How old versioning, encryption, logging and tags may become before a round reads them again."""

GONE = "no longer shown by EC2"


class PostureReader:
    """Reads of one thread of posture.

    Args:
        calls: The connection, at the pace of the thread.
        memory: What was read, shared with the other threads.
        came: Told each bucket, principal and instance that was read.
        now: The time.
    """

    def __init__(
        self, calls: Calls, memory: Memory, came: Callable[[Posture], None], now: Callable[[], datetime] = utc_now
    ) -> None:
        self._calls, self._memory, self._came, self._now = calls, memory, came, now

    # -- a round ----------------------------------------------------------------------------------

    def list_buckets(self) -> tuple[str, ...]:
        """List the buckets, and read the account around them.

        Returns:
            Their names: those that are marked or suspect first, then those whose reading is oldest.

        Raises:
            AwsError: They could not be listed.
        """
        memory = self._memory
        listed = buckets.list_buckets(self._calls)
        memory.canonical_id = listed.canonical_id
        regions = {bucket.region for bucket in listed.buckets.values() if bucket.region} | {self._calls.region}
        self._surround(read_own(self._calls, sorted(regions), listed.canonical_id))
        for name, bucket in listed.buckets.items():
            if name not in memory.facts:
                memory.facts[name] = buckets.BucketFacts(bucket)
        for name in set(memory.facts) - set(listed.buckets):
            self._bucket_gone(name)
        return tuple(sorted(listed.buckets, key=self._turn))

    def _turn(self, name: str) -> tuple[bool, str, str]:
        at = self._memory.facts[name].bucket.read_at
        return Target("bucket", name) not in self._memory.named, at.isoformat() if at else "", name

    def directory(self) -> None:
        """Read all users and roles in a few calls, and the key ids of users that are marked or suspect.

        Raises:
            AwsError: They could not be listed.
        """
        memory = self._memory
        found = principals.read_directory(self._calls, self._now)
        memory.groups = dict(found.groups)
        for name, user in found.users.items():
            known = memory.users.get(name)
            if known is not None and _newer(known.credentials_at, user.credentials_at):
                # IAM's report is of an earlier time than what was read of this user alone.
                user = _with_credentials_of(user, known)
            if Target("user", name) in memory.named and not user.keys:
                user = with_key_ids(self._calls, user, now=self._now)
            self._keep_user(user)
        for role in found.roles.values():
            self._keep_role(role)
        for kept, now_there in ((memory.users, found.users), (memory.roles, found.roles)):
            for name in set(kept) - set(now_there):
                self._principal_gone(kept, name)

    def regions(self) -> tuple[str, ...]:
        """The Regions whose instances are read."""
        return instances.used_regions(self._calls)

    def instances(self, region: str) -> None:
        """Read the instances of a Region.

        Raises:
            AwsError: They could not be read.
        """
        found = instances.read_instances(self._calls, (region,))
        for instance in found:
            self._keep_instance(instance)
        there = {instance.id for instance in found}
        for known in list(self._memory.instances.values()):
            if known.region == region and known.id not in there:
                self._instance_gone(known)

    def access(self, name: str, *, at_once: bool = True) -> None:
        """Read who reaches a bucket, and its settings where they are old.

        Args:
            name: The bucket.
            at_once: Whether settings that were never read are read now, too.
        """
        before = self._memory.facts.get(name) or buckets.BucketFacts(Bucket(name))
        try:
            facts = buckets.read_access(self._calls, before, self._now)
        except AwsError as error:
            if error.code != "NoSuchBucket":
                raise
            self._bucket_gone(name)
            return
        known = facts.bucket.settings_at
        if (known is None and at_once) or (known is not None and self._now() - known > SETTINGS_EVERY):
            facts = buckets.read_settings(self._calls, facts, self._now)
        self._keep_bucket(facts)

    def settings(self, name: str) -> None:
        """Read the settings of a bucket, where they were never read."""
        facts = self._memory.facts.get(name)
        if facts is not None and not facts.bucket.deleted and facts.bucket.settings_at is None:
            self._keep_bucket(buckets.read_settings(self._calls, facts, self._now))

    # -- one target -------------------------------------------------------------------------------

    def target(self, target: Target) -> None:
        """Read one target again, all of it.

        Raises:
            AwsError: It could not be read.
        """
        if target.kind == "bucket":
            self._whole_bucket(target.name)
        elif target.kind == "user":
            self._user(target.name)
        elif target.kind == "role":
            self._role(target.name)
        elif target.kind == "group":
            self.directory()  # cheaper than each of its members
        elif target.kind == "account":
            own = self._memory.own or OwnAccount(self._calls.identity.account)
            self._surround(replace(own, block=account_block(self._calls)))
        else:
            self._instances_of(target)

    def _whole_bucket(self, name: str) -> None:
        if self._memory.own is None:
            self._memory.own = read_own(self._calls, [self._calls.region])
        self.access(name)
        facts = self._memory.facts.get(name)
        if facts is None or facts.bucket.deleted:
            return
        facts = buckets.read_settings(self._calls, facts, self._now)
        self._keep_bucket(buckets.with_other_ways(self._calls, facts, self._memory.own))

    def _user(self, name: str) -> None:
        try:
            self._keep_user(principals.read_user(self._calls, name, self._memory.groups, self._now))
        except AwsError as error:
            if error.code != "NoSuchEntity":
                raise
            self._principal_gone(self._memory.users, name)

    def _role(self, name: str) -> None:
        try:
            self._keep_role(principals.read_role(self._calls, name, self._now))
        except AwsError as error:
            if error.code != "NoSuchEntity":
                raise
            self._principal_gone(self._memory.roles, name)

    def _instances_of(self, target: Target) -> None:
        known = list(self._memory.instances.values())
        if target.kind == "profile":
            chosen = [item for item in known if (item.profile_arn or "").rpartition("/")[2] == target.name]
        else:
            chosen = [item for item in known if item.id == target.name] or [Instance(target.name, target.region)]
        for item in chosen:
            regions = (item.region,) if item.region else ()
            found = instances.read_instances(self._calls, regions, (item.id,))
            for instance in found:
                self._keep_instance(instance)
            if not found and item.id in self._memory.instances:
                self._instance_gone(item)

    # -- what is kept -----------------------------------------------------------------------------

    def _surround(self, own: OwnAccount) -> None:
        """The account around the buckets is known anew: what they are open to follows from it, without a read."""
        before, self._memory.own = self._memory.own, own
        if before is not None and before != own:
            for facts in list(self._memory.facts.values()):
                if facts.bucket.read_at is not None and not facts.bucket.deleted:
                    self._came(buckets.judged(facts, own))

    def _keep_bucket(self, facts: buckets.BucketFacts) -> None:
        self._memory.facts[facts.bucket.name] = facts
        self._came(buckets.judged(facts, self._memory.own or OwnAccount(self._calls.identity.account)))

    def _bucket_gone(self, name: str) -> None:
        facts = self._memory.facts.get(name)
        if facts is not None and not facts.bucket.deleted:
            gone = buckets.deleted(facts.bucket, self._now())
            self._memory.facts[name] = replace(facts, bucket=gone)
            self._came(gone)

    def _keep_user(self, user: Principal) -> None:
        self._memory.users[user.name] = user
        self._came(user)

    def _keep_role(self, role: Principal) -> None:
        if ":role/aws-service-role/" not in role.arn:
            self._memory.roles[role.name] = role
            self._came(role)

    def _principal_gone(self, kept: dict[str, Principal], name: str) -> None:
        known = kept.get(name)
        if known is not None and not known.deleted:
            kept[name] = replace(known, deleted=True, read_at=self._now())
            self._came(kept[name])

    def _keep_instance(self, instance: Instance) -> None:
        self._memory.instances[instance.id] = instance
        self._came(instance)

    def _instance_gone(self, known: Instance) -> None:
        if known.state != GONE:
            gone = replace(known, state=GONE, read_at=self._now())
            self._keep_instance(gone)


def read_round(
    reader: PostureReader,
    failed: Failed,
    pause: Callable[[], object],
    *,
    threads: int = 1,
    first: bool = False,
) -> Iterator[str]:
    """Read all of it once; what goes wrong is said, and the rest is read all the same.

    Args:
        reader: Reads it.
        failed: Told what could not be read and why; "" where it could.
        pause: Waits after something unexpected.
        threads: How many buckets are read at a time.
        first: Whether it is the first round: who reaches each bucket is then read before the settings of any.

    Yields:
        Each part that is done: `principals`, `instances`, `buckets`, `settings`.

    Raises:
        Stopped: The console ends.
    """
    names: tuple[str, ...] = ()
    bad: list[str] = []

    def listed() -> None:
        nonlocal names
        names = reader.list_buckets()

    def bucket_failed(what: str, error: str) -> None:
        if error:
            bad.append(what)
            failed("buckets", f"{what}: {error}")

    def access(name: str) -> None:
        attempt(name, lambda: reader.access(name, at_once=not first), bucket_failed, pause)

    def settings(name: str) -> None:
        attempt(name, lambda: reader.settings(name), bucket_failed, pause)

    found = attempt("buckets", listed, failed, pause)
    attempt("principals", reader.directory, failed, pause)
    yield "principals"
    attempt("instances", lambda: _instances(reader), failed, pause)
    yield "instances"
    for part, read in (("buckets", access), ("settings", settings)):
        with ThreadPoolExecutor(threads, thread_name_prefix="posture") as pool:
            list(pool.map(read, names))
        yield part
    if found and not bad:
        failed("buckets", "")


def _instances(reader: PostureReader) -> None:
    errors: list[AwsError] = []
    regions = reader.regions()
    for region in regions:
        try:
            reader.instances(region)
        except AwsError as error:
            errors.append(error)
    if errors and len(errors) == len(regions):
        raise errors[0]


def attempt(what: str, read: Callable[[], object], failed: Failed, pause: Callable[[], object]) -> bool:
    """Read something; say what goes wrong, whatever it is.

    Raises:
        Stopped: The console ends.
    """
    try:
        read()
    except Stopped:
        raise
    except AwsError as error:
        failed(what, str(error))
        return False
    except Exception as error:  # noqa: BLE001 - a thread that ends would leave old posture on the screen as current
        failed(what, f"unexpected {type(error).__name__}: {error}")
        pause()
        return False
    failed(what, "")
    return True


def _newer(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)


def _with_credentials_of(user: Principal, known: Principal) -> Principal:
    gaps = {what: why for what, why in user.gaps.items() if what not in ("keys", "console", "mfa")}
    return replace(
        user,
        keys=known.keys,
        active_keys=known.active_keys,
        keys_last_used=known.keys_last_used,
        console=known.console,
        mfa=known.mfa,
        credentials_at=known.credentials_at,
        gaps=gaps,
    )
