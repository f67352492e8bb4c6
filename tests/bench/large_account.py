"""A large account on 127.0.0.1: AWS's quota of LookupEvents, its delivery delay, many of everything, slow answers.

It checks no signature and keeps no state but the events: what it is for is how many calls a console makes, and when it
knows what happened. Every call that the console makes becomes an event of the account, as in AWS.
"""

from __future__ import annotations

import base64
import json
import random
import re
import threading
import time
import uuid
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

ACCOUNT = "111122223333"
HOME, GLOBAL = "eu-west-1", "us-east-1"
REGIONS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)
ATTACKER = "AKIAATTACKER00000001"
ATTACKS = ("ListBuckets", "CreateAccessKey", "GetBucketPolicy", "PutBucketPolicy", "ListUsers", "AttachUserPolicy")
_JSON = "application/x-amz-json-1.1"
_ITEM = "<item><regionName>{}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
_NS = "http://s3.amazonaws.com/doc/2006-03-01/"
_S3 = ("location", "policyStatus", "publicAccessBlock", "ownershipControls", "policy", "acl", "versioning", "logging")
_S3 += ("encryption", "tagging", "notification", "replication", "lifecycle", "object-lock", "website", "accelerate")
_MISSING = {
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "ownershipControls": "OwnershipControlsNotFoundError",
    "tagging": "NoSuchTagSet",
    "replication": "ReplicationConfigurationNotFoundError",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
}


@dataclass(frozen=True, slots=True)
class Made:
    """An event: when it happened, and when Event history has it."""

    at: float
    there: float
    name: str
    service: str
    region: str
    key: str
    ident: str

    @property
    def reads(self) -> bool:
        return self.name.startswith(("Get", "List", "Describe", "Lookup", "Head", "Generate"))

    def entry(self) -> dict[str, object]:
        when = f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        who = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{self.key[4:].lower()}", "accountId": ACCOUNT}
        event = {
            "eventVersion": "1.11",
            "eventID": self.ident,
            "eventTime": when,
            "eventName": self.name,
            "eventSource": f"{self.service}.amazonaws.com",
            "awsRegion": self.region,
            "readOnly": self.reads,
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "sourceIPAddress": "203.0.113.9",
            "userAgent": "aws-cli/2.24.5",
            "userIdentity": {**who, "accessKeyId": self.key, "userName": self.key[4:].lower()},
        }
        return {"EventId": self.ident, "EventTime": self.at, "CloudTrailEvent": json.dumps(event)}


@dataclass
class LargeAccount:
    """The account. Times are seconds since 1970.

    Attributes:
        buckets, users, roles: How many there are.
        a_minute: Calls of others in the home Region.
        history: Hours of such calls that are there already.
        late: Seconds until an event can be looked up; one in 33 takes three to ten minutes.
        answer: Seconds that each answer takes.
    """

    buckets: int = 1000
    users: int = 500
    roles: int = 800
    a_minute: float = 60.0
    history: float = 24.0
    late: float = 120.0
    answer: float = 0.04
    calls: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    throttled: Counter[int] = field(default_factory=Counter)
    attacks: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(7)
        self._events: dict[str, list[Made]] = defaultdict(list)
        self._asked: dict[str, deque[float]] = defaultdict(deque)
        now = time.time()
        count = int(self.history * 60 * self.a_minute)
        for number in range(count):
            self._other(now - self.history * 3600 * (1 - number / count))
        self.begun = now

    def run(self) -> None:
        """Others and the attacker work from now on."""
        threading.Thread(target=self._others, daemon=True).start()
        threading.Thread(target=self._attack, daemon=True).start()

    def note(self, name: str, service: str, region: str, key: str, at: float | None = None) -> Made:
        """An event happened."""
        with self._lock:
            now = time.time() if at is None else at
            usual = self._random.random() >= 0.03
            delay = self._random.gauss(self.late, 5) if usual else self._random.uniform(180, 600)
            ident = str(uuid.UUID(int=self._random.getrandbits(128)))
            made = Made(now, now + max(1.0, delay), name, service, region, key, ident)
            self._events[region].append(made)
            return made

    def look_up(self, params: dict[str, object], region: str) -> dict[str, object] | None:
        """Answer LookupEvents; `None` for the third request within a second."""
        now = time.time()
        with self._lock:
            asked = self._asked[region]
            while asked and asked[0] <= now - 1:
                asked.popleft()
            if len(asked) >= 2:
                self.throttled[self._minute()] += 1
                return None
            asked.append(now)
            events = self._events[region]
            token = params.get("NextToken")
            end = float(str(params.get("EndTime") or now))
            place = int(str(token)) if token else bisect_right(events, end, key=lambda item: item.at)
            found: list[Made] = []
            start = float(str(params.get("StartTime") or 0))
            wanted: dict[str, str] = {}
            for item in params.get("LookupAttributes") or ():  # type: ignore[attr-defined]
                wanted[item["AttributeKey"]] = item["AttributeValue"]
            most = int(str(params.get("MaxResults") or 50))
            while place and len(found) < most:
                event = events[place - 1]
                if event.at < start:
                    place = 0
                    break
                place -= 1
                if event.there <= now and _fits(event, wanted):
                    found.append(event)
        answer: dict[str, object] = {"Events": [event.entry() for event in found]}
        return answer | ({"NextToken": str(place)} if place else {})

    def count(self, service: str, operation: str) -> None:
        with self._lock:
            self.calls[service, operation, self._minute()] += 1

    def figures(self) -> dict[str, object]:
        """Calls by minute, service and operation; what the attacker did."""
        with self._lock:
            calls = [[service, name, minute, count] for (service, name, minute), count in self.calls.items()]
            attacks = [[made.ident, made.at, made.there, made.name] for made in self.attacks]
            return {"calls": calls, "throttled": dict(self.throttled), "attacks": attacks, "begun": self.begun}

    def _minute(self) -> int:
        return int((time.time() - self.begun) // 60)

    def _other(self, at: float | None = None) -> None:
        number = self._random.randrange(200)
        name = ("PutObjectTagging", "RunInstances", "UpdateTable")[number % 3] if number < 40 else "DescribeInstances"
        self.note(name, "ec2", HOME, f"AKIAWORKLOAD{number:08d}", at)

    def _others(self) -> None:
        while True:
            time.sleep(60 / self.a_minute)
            self._other()

    def _attack(self) -> None:
        for number in range(1 << 30):
            name = ATTACKS[number % len(ATTACKS)]
            made = self.note(
                name, "iam" if "User" in name or "Key" in name else "s3", (HOME, GLOBAL)[number % 2], ATTACKER
            )
            with self._lock:
                self.attacks.append(made)
            time.sleep(20)


def _fits(event: Made, wanted: dict[str, str]) -> bool:
    values = {"ReadOnly": str(event.reads).lower(), "EventName": event.name, "AccessKeyId": event.key}
    return all(values.get(name, value).lower() == value.lower() for name, value in wanted.items())


class Handler(BaseHTTPRequestHandler):
    """Speaks the four protocols of the services that a console reads."""

    protocol_version = "HTTP/1.1"
    account: LargeAccount

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_PUT = do_POST

    def _answer(self, body: bytes) -> None:
        if self.path == "/figures":
            self._send(200, json.dumps(self.account.figures()).encode(), "application/json")
            return
        time.sleep(self.account.answer)
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", self.headers.get("Authorization") or "")
        key, region, service = scope.groups() if scope else ("", HOME, "s3")
        if target := self.headers.get("X-Amz-Target"):
            name = target.rpartition(".")[2]
            self._json(service, name, json.loads(body or b"{}"), region, key)
        elif body and service in ("iam", "sts", "ec2"):
            asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self._note(service, asked["Action"], GLOBAL if service == "iam" else region, key)
            self._query(service, asked)
        else:
            self._rest(urlsplit(self.path), region, key)

    def _note(self, service: str, name: str, region: str, key: str) -> None:
        self.account.count(service, name)
        self.account.note(name, service, region, key)

    def _json(self, service: str, name: str, params: dict[str, object], region: str, key: str) -> None:
        if name == "LookupEvents":
            self.account.count(service, name)
            answer = self.account.look_up(params, region)
            if answer is None:
                self._send(
                    400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}', "application/x-amz-json-1.1"
                )
                return
            self.account.note(name, service, region, key)
        else:
            self._note(service, name, region, key)
            answer = {}
        self._send(200, json.dumps(answer).encode(), _JSON)

    def _query(self, service: str, asked: dict[str, str]) -> None:
        name, account = asked["Action"], self.account
        result = ""
        made = "2020-01-01T00:00:00Z"
        if name == "GetCallerIdentity":
            result = (
                f"<Arn>arn:aws:iam::{ACCOUNT}:user/responder</Arn><UserId>AIDAR</UserId><Account>{ACCOUNT}</Account>"
            )
        elif name == "DescribeRegions":
            items = "".join(
                f"<item><regionName>{r}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
                for r in REGIONS
            )
            self._xml(f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>")
            return
        elif service == "ec2":
            self._xml(f"<{name}Response><requestId>r</requestId></{name}Response>")
            return
        elif name in ("GetAccountAuthorizationDetails", "ListUsers", "ListRoles"):
            at, most = int(asked.get("Marker") or 0), int(asked.get("MaxItems") or 100)
            kinds = [("User", n) for n in range(account.users)] + [("Role", n) for n in range(account.roles)]
            kinds = [kind for kind in kinds if name == "GetAccountAuthorizationDetails" or name == f"List{kind[0]}s"]
            members: dict[str, str] = {"User": "", "Role": ""}
            for kind, n in kinds[at : at + most]:
                trust = "<AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument>" if kind == "Role" else ""
                members[kind] += (
                    f"<member><{kind}Name>{kind.lower()}{n}</{kind}Name><Path>/</Path><{kind}Id>A{n:019d}</{kind}Id>"
                    f"<Arn>arn:aws:iam::{ACCOUNT}:{kind.lower()}/{kind.lower()}{n}</Arn><CreateDate>{made}</CreateDate>{trust}</member>"
                )
            more = at + most < len(kinds)
            tail = "DetailList" if name.startswith("Get") else "s"
            result = "".join(f"<{kind}{tail}>{text}</{kind}{tail}>" for kind, text in members.items())
            result += f"<IsTruncated>{str(more).lower()}</IsTruncated>" + (
                f"<Marker>{at + most}</Marker>" if more else ""
            )
        elif name == "GenerateCredentialReport":
            result = "<State>COMPLETE</State>"
        elif name == "GetCredentialReport":
            rows = "".join(f"user{n},arn,{made},false,N/A,true\n" for n in range(account.users))
            head = "user,arn,user_creation_time,password_enabled,password_last_used,access_key_1_active\n"
            content = base64.b64encode((head + rows).encode()).decode()
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            result = (
                f"<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>{now}</GeneratedTime>"
            )
        elif name == "ListAccessKeys":
            result = (
                f"<AccessKeyMetadata><member><AccessKeyId>AKIAUSER{crc32(str(asked).encode()):012d}</AccessKeyId>"
                f"<Status>Active</Status><UserName>{asked.get('UserName')}</UserName><CreateDate>{made}</CreateDate></member></AccessKeyMetadata>"
            )
        elif name == "GetLoginProfile":
            self._error(404, "NoSuchEntity", query=True)
            return
        self._xml(f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>")

    def _rest(self, url: object, region: str, key: str) -> None:
        path, asked = url.path, parse_qs(url.query, keep_blank_values=True)  # type: ignore[attr-defined]
        bucket = path.strip("/").partition("/")[0]
        if path.startswith("/v20180820"):
            self._note("s3control", "GetPublicAccessBlock", region, key)
            self._error(404, "NoSuchPublicAccessBlockConfiguration")
        elif not bucket:
            self._note("s3", "ListBuckets", region, key)
            items = "".join(
                f"<Bucket><Name>bucket-{n:04d}</Name><CreationDate>2020-01-01T00:00:00Z</CreationDate>"
                f"<BucketRegion>{HOME}</BucketRegion></Bucket>"
                for n in range(self.account.buckets)
            )
            self._xml(
                f'<ListAllMyBucketsResult xmlns="{_NS}"><Owner><ID>{"0" * 64}</ID></Owner>'
                f"<Buckets>{items}</Buckets></ListAllMyBucketsResult>"
            )
        elif "list-type" in asked:
            self.account.count("s3", "ListObjectsV2")  # a data event: it is not in Event history
            self._xml(f'<ListBucketResult xmlns="{_NS}"><IsTruncated>false</IsTruncated></ListBucketResult>')
        else:
            what = next((name for name in _S3 if name in asked), "head")
            self._note("s3", f"GetBucket{what[0].upper()}{what[1:]}", region, key)
            if what in _MISSING:
                self._error(404, _MISSING[what])
            elif what == "location":
                self._xml(f'<LocationConstraint xmlns="{_NS}">{HOME}</LocationConstraint>')
            else:
                self._xml(f'<Answer xmlns="{_NS}"/>', {"x-amz-bucket-region": HOME})

    def _error(self, status: int, code: str, *, query: bool = False) -> None:
        text = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>none</Message></Error>"
        self._send(status, (f"<ErrorResponse>{text}</ErrorResponse>" if query else text).encode(), "text/xml")

    def _xml(self, text: str, headers: dict[str, str] | None = None) -> None:
        self._send(200, text.encode(), "text/xml", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def serve(account: LargeAccount, ready: object) -> None:
    """Serve for ever on a free port of 127.0.0.1, which is put into `ready` (a queue of multiprocessing)."""
    Handler.account = account
    server = _Server(("127.0.0.1", 0), Handler)
    account.run()
    ready.put(server.server_address[1])  # type: ignore[attr-defined]
    server.serve_forever(0.1)
