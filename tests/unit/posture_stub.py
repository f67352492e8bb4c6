"""A large account that answers at once and counts what it is asked, on a clock that moves when somebody waits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.feeds.facts import Fact
from s3ir_tui.feeds.posture_feed import PostureFeed, PosturePace
from s3ir_tui.model import Identity

ACCOUNT = "111122223333"
BEGIN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},'
    '"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}'
)


class LargeAccount:
    """An account of so many buckets, users and roles; every third bucket has a policy.

    Attributes:
        calls: How often each operation was called, by minute since the begin.
        broken: Raised by the next call, once.
    """

    identity = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ir", "AIDA", "us-east-1")
    region = "us-east-1"

    def __init__(self, buckets: int, users: int, roles: int) -> None:
        self.buckets, self.users, self.roles = buckets, users, roles
        self.seconds = 0.0
        self.calls: dict[int, Counter[str]] = {}
        self.asked: list[str] = []
        self.ends = float("inf")
        self.stop = threading.Event()
        self.broken: Exception | None = None

    def feed(self, inbox: SimpleQueue[Fact], pace: PosturePace) -> PostureFeed:
        """The feed of posture of this account, on its clock."""
        return PostureFeed(inbox, self.stop, pace, clock=lambda: self.seconds, wait=self.wait, now=self.now)

    def wait(self, seconds: float) -> bool:
        """Time goes on; tells whether the console ends."""
        self.seconds += seconds
        if self.seconds >= self.ends:
            self.stop.set()
        return self.stop.is_set()

    def now(self) -> datetime:
        """The time."""
        return BEGIN + timedelta(seconds=self.seconds)

    def per_minute(self) -> list[int]:
        """Calls in each minute that has passed."""
        return [self.calls.get(minute, Counter()).total() for minute in range(int(self.seconds // 60))]

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        """Answer one call."""
        self._count(operation, params)
        return self._answer(operation, params)

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]:
        """Answer a paged read, a call for each thousand."""
        items = self._answer(operation, params).get(key) or []
        for place in range(0, max(1, len(items)), 1000):
            self._count(operation, params)
            yield from items[place : place + 1000]

    def _count(self, operation: str, params: Mapping[str, Any]) -> None:
        broken, self.broken = self.broken, None
        if broken is not None:
            raise broken
        self.calls.setdefault(int(self.seconds // 60), Counter())[operation] += 1
        self.asked.append(
            f"{operation} {params.get('Bucket') or params.get('UserName') or params.get('RoleName') or ''}"
        )

    def _answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = str(params.get("Bucket") or "")
        if operation == "ListBuckets":
            listed = [{"Name": f"bucket-{n:04}", "BucketRegion": "us-east-1"} for n in range(self.buckets)]
            return {"Buckets": listed, "Owner": {"ID": "c" * 64}}
        if operation == "GetBucketPolicy" and name and int(name[-4:]) % 3:
            raise AwsError("NoSuchBucketPolicy", "none", status=404)
        if operation == "GetAccountAuthorizationDetails":
            return self._details(int(params.get("Marker") or 0))
        answers: dict[str, dict[str, Any]] = {
            "GetBucketPolicy": {"Policy": POLICY},
            "GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": False}},
            "GetBucketOwnershipControls": {
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
            },
            "DescribeRegions": {"Regions": [{"RegionName": f"region-{n}"} for n in range(17)]},
            "GenerateCredentialReport": {"State": "COMPLETE"},
            "GetCredentialReport": {"Content": self._report(), "GeneratedTime": self.now()},
            "GetUser": {"User": self._user(str(params.get("UserName")))},
            "GetRole": {"Role": self._role(str(params.get("RoleName")))},
        }
        return answers.get(operation, {})

    def _user(self, name: str) -> dict[str, Any]:
        return {"UserName": name, "Arn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}

    def _role(self, name: str) -> dict[str, Any]:
        return {"RoleName": name, "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}

    def _details(self, begin: int) -> dict[str, Any]:
        everyone = [("user", f"user-{n:03}") for n in range(self.users)] + [
            ("role", f"role-{n:03}") for n in range(self.roles)
        ]
        page = everyone[begin : begin + 1000]
        more = {"IsTruncated": True, "Marker": str(begin + 1000)} if len(everyone) > begin + 1000 else {}
        return {
            "UserDetailList": [self._user(name) for kind, name in page if kind == "user"],
            "RoleDetailList": [
                {"RoleName": name, "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
                for kind, name in page
                if kind == "role"
            ],
            **more,
        }

    def _report(self) -> bytes:
        head = "user,password_enabled,mfa_active,access_key_1_active,access_key_1_last_used_date,access_key_2_active"
        rows = [f"user-{n:03},false,false,true,2026-11-24T08:00:00+00:00,false" for n in range(self.users)]
        return "\n".join([head, *rows]).encode()
