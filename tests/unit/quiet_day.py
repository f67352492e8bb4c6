"""Three days of an account at work, with nobody in it who should not be: records, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from trail_world import ACCOUNT, OUTSIDE, Fields, allow, policy, record

from s3ir_tui.model import iso
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event

DAYS = 3
A_DAY = timedelta(days=1)
BEGIN = datetime(2026, 11, 17, 0, 0, tzinfo=UTC)
SCANNER_ACCOUNT = "444455556666"
APP = "[Boto3/1.40.1 md/Botocore#1.40.1 ua/2.0 os/linux#6.1.119 md/arch#x86_64 lang/python#3.12.9 web/7.2]"
CRON = "[aws-cli/2.24.5 md/awscrt#0.23.8 ua/2.0 os/linux#6.1.119 md/arch#x86_64 lang/python#3.12.9 md/command#s3.sync]"
JAVA = "[aws-sdk-java/2.31.7 ua/2.1 os/Linux#5.10.230 lang/java#21.0.6]"
LAMBDA = "[Boto3/1.40.1 md/Botocore#1.40.1 ua/2.0 os/linux#5.10 lang/python#3.12 exec-env/AWS_Lambda_python3.12]"
TERRAFORM = "[APN/1.0 HashiCorp/1.0 Terraform/1.10.3 terraform-provider-aws/5.90.0 aws-sdk-go-v2/1.36.1 os/linux]"
LAPTOP = "[aws-cli/2.24.5 md/awscrt#0.23.8 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.9]"
MAC = "[aws-cli/2.22.0 md/awscrt#0.22.0 ua/2.0 os/macos#23.6.0 md/arch#arm64 lang/python#3.12.6]"
BROWSER = "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10 OpenJDK_64-Bit_Server_VM/25.412-b09]"
IAM_BROWSER = "AWS Internal"
SCAN = "[Boto3/1.38.0 md/Botocore#1.38.0 ua/2.0 os/linux#5.15 lang/python#3.11.9 cspm/4.4]"
DUCK = "Cyberduck/9.1.3.42945 (Mac OS X/15.1) (aarch64)"
RCLONE = "rclone/v1.68.2"
GO = "[aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.22 md/GOOS#linux md/GOARCH#amd64]"
FARGATE = "[Boto3/1.42.9 ua/2.1 os/linux#5.10.236 lang/python#3.12 exec-env/AWS_ECS_FARGATE]"
DOCKER_IN_BUILD = "[aws-sdk-js/3.700.0 ua/2.1 os/linux#4.14.355 lang/js#20.18.0 md/nodejs#20.18.0]"
WSL = "[aws-cli/2.24.5 ua/2.0 os/linux#5.15.153.1-microsoft-standard-WSL2 md/arch#x86_64 lang/python#3.12.9]"
SHELL = "[aws-cli/2.24.5 ua/2.0 os/linux#6.1.119 exec-env/CloudShell lang/python#3.12.9 md/prompt#partial]"
SAM = "[Boto3/1.42.9 ua/2.1 os/linux#6.10.14-linuxkit lang/python#3.12 exec-env/AWS_Lambda_python3.12]"
DESKS = {"emil": (SHELL, BROWSER), "fay": (WSL,), "gus": (SAM, LAPTOP)}
NAT = ("52.29.10.4", "3.121.77.9", "18.198.4.60")
OFFICE, HOME, TRAIN = "81.200.10.5", "93.184.40.77", "80.187.99.3"
BUCKETS = (
    "app-assets",
    "user-uploads",
    "orders",
    "billing-2026",
    "etl-scratch",
    "etl-lake",
    "backup-vault",
    "ci-artifacts",
    "partner-feed",
    "mac-builds",
    "terraform-state",
    "media",
)
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

Records = Iterator[Fields]


class _Day:
    """One day of it."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.number, self.dice = number, dice
        self.midnight = BEGIN + timedelta(days=number)

    def at(self, hour: float, second: float = 0.0) -> str:
        return iso(self.midnight + timedelta(hours=hour, seconds=second))

    def key(self, *of: object) -> str:
        """The access key of something: the same for the same."""
        text = "-".join(map(str, of))
        return "ASIA" + "".join(random.Random(text).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


def records(seed: int = 7) -> list[Fields]:
    """The records, in order of time."""
    made: list[Fields] = []
    for number in range(DAYS):
        for who in WORKERS:
            made += who(_Day(number, random.Random(f"{seed}-{number}-{who.__name__}")))
    made.sort(key=lambda item: str(item["eventTime"]))
    return made


def events(seed: int = 7) -> list[Event]:
    """Their events."""
    return [decode_record(json.dumps(item).encode()) for item in records(seed)]


# -- identities -----------------------------------------------------------------------------------


def role(name: str, session: str, key: str, *, mfa: bool = False) -> Fields:
    """A session of a role."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{name.upper()[:16]}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "userName": name},
            "attributes": {"creationDate": iso(BEGIN), "mfaAuthenticated": "true" if mfa else "false"},
        },
    }


def person(name: str, key: str, *, mfa: bool = False) -> Fields:
    """An IAM user, in a session of the console where the key is one."""
    who: Fields = {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper()}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }
    if mfa:
        who["sessionContext"] = {"attributes": {"creationDate": iso(BEGIN), "mfaAuthenticated": "true"}}
    return who


def service(name: str) -> Fields:
    """An AWS service."""
    return {"type": "AWSService", "invokedBy": f"{name}.amazonaws.com"}


def _get(who: Fields, bucket: str, key: str, when: str, **more: Any) -> Fields:
    return record("GetObject", who, bucket=bucket, key=key, when=when, **{"out": 20_000.0} | more)


def _from_service(name: str, what: str, bucket: str, when: str, **more: Any) -> Fields:
    host = f"{name}.amazonaws.com"
    return record(what, service(name), bucket=bucket, when=when, address=host, agent=host, **more)


# -- software -------------------------------------------------------------------------------------


def fleet(day: _Day) -> Records:
    """Web servers behind NAT gateways: several addresses, two programs, keys that change every six hours."""
    for number in range(7 if day.number else 6):
        instance = f"i-0f1ee7{number:011x}"
        for call in range(300):
            hour = day.dice.random() * 24
            who = role("web-frontend", instance, day.key(instance, day.number, int(hour // 6)))
            where, when = day.dice.choice(NAT), day.at(hour)
            if call % 40 == 0:
                yield record("ListObjects", who, bucket="app-assets", when=when, address=where, agent=CRON)
            elif call % 4 == 0:
                key = f"u/{day.dice.randrange(10**6)}.jpg"
                yield record("PutObject", who, bucket="user-uploads", key=key, when=when, address=where, agent=APP)
            else:
                key = f"static/{day.dice.randrange(400)}.js"
                yield _get(who, "app-assets", key, when, address=where, agent=CRON if call % 7 == 0 else APP)
        for hour in range(0, 24, 6):
            yield _role_for_instance(day, "web-frontend", instance, hour)


def _role_for_instance(day: _Day, name: str, instance: str, hour: int) -> Fields:
    key = day.key(instance, day.number, hour // 6)
    return record(
        "AssumeRole",
        service("ec2"),
        service="sts",
        when=day.at(hour),
        address="ec2.amazonaws.com",
        agent="ec2.amazonaws.com",
        params={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "roleSessionName": instance},
        answer={"credentials": {"accessKeyId": key, "expiration": "Nov 24, 2026, 3:00:00 PM"}},
    )


def moved_host(day: _Day) -> Records:
    """A host whose elastic address is another from the second day on."""
    instance = "i-0e1a5710000000001"
    where = "52.57.8.8" if day.number == 0 else "3.70.1.2"
    for call in range(200):
        hour = call * 24 / 200
        who = role("relay", instance, day.key(instance, day.number, int(hour // 6)))
        yield _get(who, "media", f"m/{call % 50}.mp4", day.at(hour), address=where, agent=APP)


def tasks(day: _Day) -> Records:
    """Containers through a VPC endpoint, a new session each."""
    for number in range(20):
        session = f"{day.dice.getrandbits(128):032x}"
        who = role("orders-api", session, day.key(session))
        begins = day.dice.random() * 20
        for secret in range(4):
            yield record("GetSecretValue", who, service="secretsmanager", when=day.at(begins, secret), agent=JAVA)
        yield record("GetParametersByPath", who, service="ssm", params={"withDecryption": True}, when=day.at(begins))
        for call in range(60):
            name = ("GetObject", "PutObject", "HeadObject")[call % 3]
            yield record(
                name,
                who,
                bucket="orders",
                key=f"o/{day.dice.randrange(9999)}.json",
                when=day.at(begins + call / 20),
                address=f"10.20.{number}.{number + 4}",
                agent=JAVA,
            )


def functions(day: _Day) -> Records:
    """A function outside any VPC: one session, many keys, many addresses."""
    for call in range(250):
        hour = call * 24 / 250
        who = role("thumbnails", "make-thumbnail", day.key("thumb", day.number, int(hour * 2)))
        where = f"3.{64 + int(hour) % 9}.{day.dice.randrange(250)}.{day.dice.randrange(1, 250)}"
        yield _get(who, "user-uploads", f"u/{call}.jpg", day.at(hour), address=where, agent=LAMBDA)
        yield record(
            "PutObject", who, bucket="media", key=f"t/{call}.jpg", when=day.at(hour, 1), address=where, agent=LAMBDA
        )


def odd_places(day: _Day) -> Records:
    """Software with programs that are rare where it runs."""
    yield from _odd_functions(day)
    task = role("feed-import", f"{day.dice.getrandbits(128):032x}", day.key("feed", day.number))
    for number, agent in enumerate((RCLONE, GO, FARGATE, "curl/8.9.1", "okhttp/4.12.0")):
        for call in range(6):
            yield _get(task, "partner-feed", f"in/{call}", day.at(9, 60 * number + call), address=NAT[1], agent=agent)
    build = role("shop-build", f"AWSCodeBuild-0f3a9c1d-5b7e-4f60-a1b2-c3d4e5f6{day.number:04x}", day.key("build"))
    for number, agent in enumerate((DOCKER_IN_BUILD, MAC, CRON)):
        for call in range(10):
            yield _get(build, "ci-artifacts", f"l/{call}", day.at(11, 60 * number + call), address=NAT[2], agent=agent)
    old = "i-0b0b000000000000a"
    for call in range(24):
        who = role("mixed-age", old, day.key(old, day.number, call % 2))
        who["sessionContext"]["ec2RoleDelivery"] = ("1.0", "2.0")[call % 2]
        yield _get(who, "media", "m/1.mp4", day.at(call), address=NAT[0], agent=(JAVA, APP)[call % 2])


def _odd_functions(day: _Day) -> Records:
    """Functions behind a NAT gateway, with an extension that speaks Go, and a script on a runtime of its own."""
    for call in range(24):
        who = role("mailer", "send-mail", day.key("mail", day.number, call // 6)) | {"inScopeOf": _FUNCTION}
        given: Fields = {"address": NAT[call % 3], "when": day.at(call)}
        if call % 12 == 0:
            yield record("GetSecretValue", who, service="secretsmanager", agent=GO, **given)
        yield record("GetObject", who, bucket="media", key="mail.html", agent=LAMBDA, **given)
        yield record("PutObject", who, bucket="media", key=f"sent/{call}", agent="python-requests/2.32.3", **given)
    shell = role("nightly-shell", "nightly-shell", day.key("shell", day.number)) | {"inScopeOf": _FUNCTION}
    for call in range(10):
        yield _get(shell, "media", f"m/{call}.mp4", day.at(2, call), address=f"3.70.{call}.9", agent=CRON)


_FUNCTION = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn:aws:lambda:eu-central-1:1:function:f"}


def desks(day: _Day) -> Records:
    """Developers in CloudShell, in WSL, and with functions that they try out in Docker."""
    for number, (name, agents) in enumerate(DESKS.items()):
        who = role("AWSReservedSSO_Developer_0123456789abcdef", f"{name}@example.com", day.key(name, day.number))
        for at, agent in enumerate(agents):
            given: Fields = {"address": OFFICE, "agent": agent}
            for call in range(10):
                when = day.at(9 + number, 300 * at + call)
                yield _get(who, "media", f"m/{call}.mp4", when, **given)


def backup(day: _Day) -> Records:
    """Every night the whole of a bucket, copied by a host that knows it by name."""
    instance = "i-0bacc000000000001"
    who = role("nightly-backup", instance, day.key(instance, day.number, 0))
    yield _role_for_instance(day, "nightly-backup", instance, 0)
    for page in range(4):
        yield record("ListObjects", who, bucket="billing-2026", when=day.at(1, page), address="10.30.1.9", agent=APP)
    for number in range(900):
        key = f"invoices/{number:05d}.pdf" if number % 300 else f"config/{number}.env"
        yield _get(who, "billing-2026", key, day.at(1, 10 + number), address="10.30.1.9", agent=APP)
        if number % 3 == 0:
            yield record(
                "PutObject",
                who,
                bucket="backup-vault",
                key=f"{day.number}/{number}",
                when=day.at(1, 11 + number),
                address="10.30.1.9",
                agent=APP,
            )


def janitor(day: _Day) -> Records:
    """A job that clears what is old, in batches, each key of which is logged too."""
    who = role("tmp-janitor", "sweep-scratch", day.key("janitor", day.number))
    yield record("ListObjects", who, bucket="etl-scratch", when=day.at(3), address="10.40.0.4", agent=LAMBDA)
    for batch in range(4):
        when = day.at(3, 5 + batch)
        given: Fields = {"bucket": "etl-scratch", "when": when, "address": "10.40.0.4", "agent": LAMBDA}
        yield record("DeleteObjects", who, params={"delete": ""}, **given)
        for number in range(120):
            key = f"run/{day.number}/{batch}/{number}.tmp"
            yield record("DeleteObject", who, key=key, eventType="AwsServiceEvent", **given)


def pipeline(day: _Day) -> Records:
    """Athena and Glue in the name of a role: calls that a service makes for it, and the keys that it decrypts."""
    who = role("analytics", "etl-nightly", day.key("etl", day.number)) | {"invokedBy": "athena.amazonaws.com"}
    for number in range(250):
        given: Fields = {"address": "athena.amazonaws.com", "agent": "athena.amazonaws.com"}
        key, when = f"year=2026/part-{number:05d}.parquet", day.at(4, number * 5)
        yield _get(who, "etl-lake", key, when, **given)
        context = {"encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::etl-lake/{key}"}}
        yield record("Decrypt", who, service="kms", when=when, params=context, **given)
    plain = role("analytics", "etl-nightly", day.key("etl", day.number))
    yield record("StartTaskExecution", plain, service="datasync", when=day.at(4, 1), agent=LAMBDA)
    yield record("StartExportTask", plain, service="rds", when=day.at(4, 2), agent=LAMBDA)


def mac_host(day: _Day) -> Records:
    """An EC2 Mac: it builds for an app store, on the system that instances else do not run."""
    instance = "i-0aac0000000000001"
    for call in range(120):
        hour = 7 + call / 10
        who = role("mac-build", instance, day.key(instance, day.number, int(hour // 6)))
        yield _get(who, "mac-builds", f"deps/{call}.zip", day.at(hour), address=NAT[0], agent=MAC)
        if call % 10 == 0:
            yield record(
                "PutObject",
                who,
                bucket="mac-builds",
                key=f"out/{call}.ipa",
                when=day.at(hour, 9),
                address=NAT[0],
                agent=MAC,
            )


def old_script(day: _Day) -> Records:
    """A script in the cellar with a key of its own, and one whose rights were forgotten: it fails all day."""
    who = person("svc-report", "AKIASVCREPORT0000001")
    for number in range(80):
        given: Fields = {"address": OFFICE, "agent": CRON}
        yield _get(who, "billing-2026", f"invoices/{number:05d}.pdf", day.at(6, number), **given)
    broken = role("broken-sync", "sync", day.key("broken", day.number))
    for number in range(60):
        when = day.at(number * 0.4)
        yield record("PutObject", broken, bucket="orders", key="x", when=when, error="AccessDenied", agent=APP)


def deploys(day: _Day) -> Records:
    """Continuous integration: a new session for each run, from wherever the runner stands; each runs Terraform."""
    for run in range(12):
        name, hour = f"run-{day.number}{run:03d}", 8 + run
        key, where = day.key("ci", day.number, run), f"20.{40 + run}.{day.dice.randrange(250)}.7"
        who = role("ci-deploy", name, key)
        yield record(
            "AssumeRoleWithWebIdentity",
            {"type": "WebIdentityUser", "principalId": "oidc:repo:shop", "userName": "repo:shop:ref:refs/heads/main"},
            service="sts",
            when=day.at(hour),
            address=where,
            agent="[aws-sdk-js/3.700.0 os/linux#6.5 lang/js#20.18.0]",
            params={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/ci-deploy", "roleSessionName": name},
            answer={"credentials": {"accessKeyId": key, "expiration": "Nov 24, 2026, 3:00:00 PM"}},
        )
        yield record("GetCallerIdentity", who, service="sts", when=day.at(hour, 5), address=where, agent=CRON)
        for number in range(15):
            yield record(
                "PutObject",
                who,
                bucket="ci-artifacts",
                key=f"{name}/{number}.js",
                when=day.at(hour, 10 + number),
                address=where,
                agent=CRON,
            )
        yield from _terraform(day, who, where, hour, run)


def _terraform(day: _Day, who: Fields, where: str, hour: float, run: int) -> Records:
    def call(name: str, second: float, service: str = "s3", **more: Any) -> Fields:
        given: Fields = {"when": day.at(hour, 60 + second), "address": where, "agent": TERRAFORM}
        return record(name, who, service=service, **given | more)

    yield call("GetCallerIdentity", 0, "sts")
    yield _get(who, "terraform-state", "prod/terraform.tfstate", day.at(hour, 61), address=where, agent=TERRAFORM)
    for number, bucket in enumerate(BUCKETS):
        for name in ("GetBucketAcl", "GetBucketPolicy", "GetBucketVersioning", "GetBucketPublicAccessBlock"):
            yield call(name, 2 + number, bucket=bucket)
        yield call("GetBucketLifecycle", 2 + number, bucket=bucket)
    for number in range(12):
        for name in ("GetRole", "ListRolePolicies", "ListAttachedRolePolicies", "GetPolicyVersion"):
            yield call(name, 15 + number, "iam", params={"roleName": f"svc-{number}"})
    yield call("DescribeTrails", 28, "cloudtrail")
    stack, tls = f"feature-{day.number}{run}", {"Bool": {"aws:SecureTransport": "false"}}
    deny = allow("*", stack) | {"Effect": "Deny", "Condition": tls}
    yield call("UpdateFunctionCode20150331v2", 30, "lambda", params={"functionName": "make-thumbnail"})
    yield call("CreatePolicyVersion", 31, "iam", params={"policyDocument": _rights("s3:GetObject")})
    if run % 3 == 0:
        yield call("CreateBucket", 32, bucket=stack)
        yield call("PutBucketPolicy", 33, bucket=stack, params={"bucketPolicy": policy(deny)})
        yield call("PutBucketPublicAccessBlock", 34, bucket=stack, params=_block())
        yield call("PutBucketOwnershipControls", 35, bucket=stack, params=_ownership("BucketOwnerPreferred"))
        yield call("PutBucketLifecycle", 36, bucket=stack, params=_lifecycle("tmp/", 3))
        yield call("PutBucketLogging", 37, bucket=stack, params={"BucketLoggingStatus": {"TargetBucket": "logs"}})
        yield call("CreateRole", 38, "iam", params=_trust("lambda.amazonaws.com", stack))
        yield call("AttachRolePolicy", 39, "iam", params={"roleName": stack, "policyArn": READ_ONLY})
        yield call("PutRolePolicy", 40, "iam", params={"roleName": stack, "policyDocument": _rights("s3:PutObject")})
        yield call(
            "AuthorizeSecurityGroupIngress", 41, "ec2", params={"cidrIp": "0.0.0.0/0", "fromPort": 443, "toPort": 443}
        )
    if run % 3 == 2:
        stack = f"feature-{day.number}{run - 2}"
        yield call("DeleteBucketPolicy", 42, bucket=stack)
        yield call("DeleteBucket", 43, bucket=stack)
        yield call("DeleteLogGroup", 44, "logs", params={"logGroupName": f"/aws/lambda/{stack}"})
        yield call("DeleteRolePolicy", 45, "iam", params={"roleName": stack, "policyName": "own"})
        yield call("RemoveTargets", 46, "events")
    yield call("PutObject", 50, bucket="terraform-state", key="prod/terraform.tfstate")


def _rights(action: str) -> str:
    return json.dumps(policy({"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{BUCKETS[0]}/*"}))


def _block() -> Fields:
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {"PublicAccessBlockConfiguration": dict.fromkeys(flags, True)}


def _ownership(mode: str) -> Fields:
    return {"OwnershipControls": {"Rule": {"ObjectOwnership": mode}}}


def _lifecycle(prefix: str, days: int) -> Fields:
    kept = {"Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}}
    moved = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Transition": {"Days": 0, "StorageClass": "GLACIER_IR"}}
    return {"LifecycleConfiguration": {"Rule": [kept, moved]}}


def _trust(service: str, name: str) -> Fields:
    document = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"roleName": name, "assumeRolePolicyDocument": json.dumps(policy(document))}


# -- people ---------------------------------------------------------------------------------------


def administrator(day: _Day) -> Records:
    """An administrator at the console, signed in with MFA, at the office and at home."""
    key = day.key("anna", day.number)
    who, where = person("ops-anna", key, mfa=True), HOME if day.number == 1 else OFFICE
    yield record(
        "ConsoleLogin",
        person("ops-anna", ""),
        service="signin",
        when=day.at(8),
        address=where,
        agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/131.0",
        answer={"ConsoleLogin": "Success"},
        eventType="AwsConsoleSignIn",
        additionalEventData={"MFAUsed": "Yes"},
    )

    def click(name: str, minute: float, service: str = "s3", **more: Any) -> Fields:
        agent = BROWSER if service == "s3" else IAM_BROWSER
        more = {"when": day.at(8, 60 * minute), "address": where, "agent": agent} | more
        return record(name, who, service=service, sessionCredentialFromConsole="true", **more)

    for minute in range(1, 120, 12):
        yield click("ListBuckets", minute)
        for name in ("GetBucketAcl", "GetBucketPolicyStatus", "GetBucketPublicAccessBlock", "GetBucketVersioning"):
            for bucket in BUCKETS[:6]:
                yield click(name, minute + 1, bucket=bucket)
        yield click("GetAccountPublicAccessBlock", minute + 2)
    for name in ("ListUsers", "ListRoles", "ListPolicies", "ListAccessKeys"):
        yield click(name, 130, "iam")
    yield click("LookupEvents", 131, "cloudtrail")
    yield click("DescribeTrails", 131, "cloudtrail")
    new = f"agency-{day.number}"
    yield click("CreateUser", 132, "iam", params={"userName": new})
    yield click("CreateLoginProfile", 133, "iam", params={"userName": new})
    yield click("AddUserToGroup", 134, "iam", params={"userName": new, "groupName": "agencies"})
    yield click("CreateAccessKey", 135, "iam", params={"userName": new})
    yield click("DeactivateMFADevice", 136, "iam", params={"userName": "ben", "serialNumber": "phone"})
    yield click("UpdateAccessKey", 137, "iam", params={"userName": "old", "status": "Inactive"})
    settings = BUCKETS[day.number]
    yield click("PutBucketPublicAccessBlock", 140, bucket=settings, params=_block())
    yield click("PutBucketVersioning", 141, bucket=settings, params={"VersioningConfiguration": {"Status": "Enabled"}})
    yield click("PutBucketLifecycle", 142, bucket=settings, params=_lifecycle("tmp/", 7))
    yield click("PutBucketTagging", 143, bucket=settings)
    yield click(
        "PutBucketCors",
        144,
        bucket=settings,
        params={"CORSConfiguration": {"CORSRule": {"AllowedOrigin": "https://shop.example.com"}}},
    )
    yield click("PutBucketPolicy", 145, bucket="partner-feed", params={"bucketPolicy": policy(_own_role())})
    yield click("PutBucketEncryption", 146, bucket=settings)
    yield click("DeleteBucketWebsite", 147, bucket=settings)
    yield click("DeleteBucket", 148, bucket=f"try-out-{day.number}")


def _own_role() -> Fields:
    return allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/orders-api"}, "partner-feed")


def people(day: _Day) -> Records:
    """People who come through IAM Identity Center: to the console and with the CLI, from changing networks."""
    networks = ((OFFICE, TRAIN, HOME), (HOME, OFFICE, OFFICE), (TRAIN, HOME, OFFICE))[day.number % 3]
    for number, (name, set_) in enumerate((("ben", "Developer"), ("carla", "Administrators"), ("dina", "Developer"))):
        session, fullname = f"{name}@example.com", f"AWSReservedSSO_{set_}_0123456789abcdef"
        for part, where in enumerate(networks):
            who = role(fullname, session, day.key(name, day.number, part))
            given: Fields = {"address": where, "agent": LAPTOP}
            hour = 8 + part * 4 + number / 10
            yield record("GetCallerIdentity", who, service="sts", when=day.at(hour), **given)
            yield record("ListBuckets", who, when=day.at(hour, 30), **given)
            yield record("ListBuckets", who, when=day.at(hour, 35), address=where, agent=BROWSER)
            for call in range(25):
                yield record("ListObjects", who, bucket="media", when=day.at(hour, 60 + call), **given)
                yield _get(who, "media", f"m/{call}.mp4", day.at(hour, 61 + call), **given)
            yield record("GetBucketPolicy", who, bucket="media", when=day.at(hour, 100), **given)
            if part == 0:
                yield record(
                    "GetObject", who, bucket="orders", key="o/1", when=day.at(hour), error="AccessDenied", **given
                )
                yield record("ListUsers", who, service="iam", when=day.at(hour, 101), error="AccessDenied", **given)
        if name == "carla":
            yield from _administration(day, who, networks[-1])


def _administration(day: _Day, who: Fields, where: str) -> Records:
    """What someone with all rights does by CLI, and has CloudFormation do."""
    given: Fields = {"when": day.at(18), "address": where, "agent": LAPTOP, "service": "iam"}
    yield record("ListRoles", who, **given)
    yield record("CreateRole", who, params=_trust("ec2.amazonaws.com", f"batch-{day.number}"), **given)
    yield record("AttachRolePolicy", who, params={"roleName": "batch", "policyArn": READ_ONLY}, **given)
    yield record("CreateAccessKey", who, params={"userName": f"agency-{day.number}"}, **given)
    yield record("StartSession", who, **given | {"service": "ssm"})
    yield record("PutRetentionPolicy", who, params={"retentionInDays": 7}, **given | {"service": "logs"})
    stack = who | {"invokedBy": "cloudformation.amazonaws.com"}
    made: Fields = {
        "when": day.at(18, 60),
        "address": "cloudformation.amazonaws.com",
        "agent": "cloudformation.amazonaws.com",
    }
    yield record("CreateBucket", stack, bucket=f"cf-{day.number}", **made)
    yield record(
        "PutBucketPolicy", stack, bucket=f"cf-{day.number}", params={"bucketPolicy": policy(_own_role())}, **made
    )
    yield record("CreateRole", stack, service="iam", params=_trust("lambda.amazonaws.com", "cf"), **made)
    yield record("DeleteBucketPolicy", stack, bucket=f"cf-{day.number}", **made)


def developer(day: _Day) -> Records:
    """A developer with a key of long standing, who makes a session of it and once a new key."""
    who = person("dev-tom", "AKIADEVTOM0000000001")
    for part, where in enumerate((OFFICE, HOME)):
        given: Fields = {"address": where, "agent": LAPTOP}
        yield record("GetCallerIdentity", who, service="sts", when=day.at(9 + part * 10), **given)
        yield record("ListBuckets", who, when=day.at(9 + part * 10, 9), **given)
        for call in range(30):
            yield _get(who, "media", f"m/{call}.mp4", day.at(9 + part * 10, 20 + call), **given)
    if day.number == 1:
        yield record("CreateAccessKey", who, service="iam", params={"userName": "dev-tom"}, when=day.at(20), **given)


def agency(day: _Day) -> Records:
    """Designers with a desktop program."""
    who = person("agency-0", "AKIAAGENCY0000000001")
    given: Fields = {"address": "91.55.3.3", "agent": DUCK}
    yield record("ListBuckets", who, when=day.at(10), **given)
    for call in range(40):
        yield record("ListObjects", who, bucket="media", when=day.at(10, call), **given)
        yield _get(who, "media", f"m/{call}.mp4", day.at(10, 100 + call), **given)


# -- services and outsiders -----------------------------------------------------------------------


def deliveries(day: _Day) -> Records:
    """AWS delivers logs, some to where it may not; a company's SIEM reads them; CloudFront serves the assets."""
    siem = role("siem-reader", "collector", day.key("siem", day.number))
    for number in range(140):
        hour, key = number * 24 / 140, f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{day.number}/{number}.json.gz"
        yield _from_service("cloudtrail", "GetBucketAcl", "trail-logs", day.at(hour))
        yield _from_service("cloudtrail", "PutObject", "trail-logs", day.at(hour, 1), key=key)
        yield _from_service("delivery.logs", "PutObject", "old-logs", day.at(hour), key="x", error="AccessDenied")
        yield _get(siem, "trail-logs", key, day.at(hour, 40), address="10.50.0.2", agent=JAVA)
        yield _from_service("cloudfront", "GetObject", "app-assets", day.at(hour), key="static/1.js")


def scanners(day: _Day) -> Records:
    """A vendor's posture scanner, by a role that trusts the vendor's account."""
    key = day.key("cspm", day.number)
    yield record(
        "AssumeRole",
        {"type": "AWSAccount", "principalId": "AROASCAN:cspm", "accountId": SCANNER_ACCOUNT},
        service="sts",
        when=day.at(2),
        address="34.200.1.1",
        agent=SCAN,
        params={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/cspm-reader", "roleSessionName": "cspm"},
        answer={"credentials": {"accessKeyId": key, "expiration": "Nov 24, 2026, 3:00:00 PM"}},
    )
    who = role("cspm-reader", "cspm", key)
    given: Fields = {"address": "34.200.1.1", "agent": SCAN}
    yield record("GetCallerIdentity", who, service="sts", when=day.at(2, 1), **given)
    yield record("ListBuckets", who, when=day.at(2, 2), **given)
    for name in ("ListUsers", "ListRoles", "GetAccountAuthorizationDetails", "ListAccessKeys"):
        yield record(name, who, service="iam", when=day.at(2, 3), **given)
    yield record("DescribeTrails", who, service="cloudtrail", when=day.at(2, 3), **given)
    yield record("ListKeys", who, service="kms", when=day.at(2, 3), **given)
    for number, bucket in enumerate(BUCKETS):
        for name in ("GetBucketAcl", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketPublicAccessBlock"):
            yield record(name, who, bucket=bucket, when=day.at(2, 10 + number), **given)
        yield record("GetBucketLogging", who, bucket=bucket, when=day.at(2, 11 + number), **given)
        yield record("ListObjects", who, bucket=bucket, when=day.at(2, 12), error="AccessDenied", **given)


def outsiders(day: _Day) -> Records:
    """A partner reads what is meant for it; the internet's noise is turned away."""
    partner: Fields = {"type": "AWSAccount", "principalId": "AIDAPARTNER", "accountId": OUTSIDE}
    for number in range(30):
        key = f"feed/{day.number}/{number}.csv"
        yield _get(partner, "partner-feed", key, day.at(5, number), address="198.51.100.9", agent=JAVA)
    nobody: Fields = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    for number in range(50):
        where = f"45.{number}.7.{number + 1}"
        what = ("GetObject", "ListObjects")[number % 2]
        yield record(
            what,
            nobody,
            bucket="media",
            key=".env",
            when=day.at(number / 3),
            address=where,
            agent="curl/8.5.0",
            error="AccessDenied",
        )


WORKERS: tuple[Callable[[_Day], Records], ...] = (
    fleet,
    moved_host,
    tasks,
    functions,
    odd_places,
    desks,
    backup,
    janitor,
    pipeline,
    mac_host,
    old_script,
    deploys,
    administrator,
    people,
    developer,
    agency,
    deliveries,
    scanners,
    outsiders,
)
"""Everyone at work."""
