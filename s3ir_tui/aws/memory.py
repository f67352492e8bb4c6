"""What was read of an account, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from s3ir_tui.aws.buckets import BucketFacts
from s3ir_tui.aws.own import OwnAccount
from s3ir_tui.aws.principals import Group
from s3ir_tui.model import Instance, Principal
from s3ir_tui.trail.targets import Target

SETTLED = timedelta(seconds=20)
"""So long after a write a read may still give what was before it; a later one needs no repetition."""


@dataclass(slots=True)
class Memory:
    """What was read of an account. Shared by the threads of posture: each entry is replaced whole.

    Attributes:
        own: The account around the buckets.
        canonical_id: Its canonical user id, as ListBuckets gives it.
        facts: What was read of each bucket.
        users: Users by name.
        roles: Roles by name.
        groups: Groups by name.
        instances: Instances by id.
        named: What is marked or suspect: it is looked at more closely.
    """

    own: OwnAccount | None = None
    canonical_id: str = ""
    facts: dict[str, BucketFacts] = field(default_factory=dict)
    users: dict[str, Principal] = field(default_factory=dict)
    roles: dict[str, Principal] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    named: frozenset[Target] = frozenset()

    def outdated(self, target: Target, written: datetime | None) -> bool:
        """Whether a target is to be read again.

        Args:
            target: What it is.
            written: When it was written to last; `None` where it is to be looked at for another reason.
        """
        if target.kind == "bucket":
            facts = self.facts.get(target.name)
            if facts is None or facts.other_ways is None:
                return True
        read_at = self.read_at(target)
        return written is None or read_at is None or read_at < written + SETTLED

    def read_at(self, target: Target) -> datetime | None:
        """As of when a target is known, or `None`."""
        if target.kind == "bucket":
            facts = self.facts.get(target.name)
            return facts.bucket.read_at if facts else None
        if target.kind == "user":
            user = self.users.get(target.name)
            times = (user.read_at, user.credentials_at) if user else ()
            return min((time for time in times if time is not None), default=None)
        if target.kind == "role":
            role = self.roles.get(target.name)
            return role.read_at if role else None
        instance = self.instances.get(target.name)
        return instance.read_at if instance else None
