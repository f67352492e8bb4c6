"""Credentials that AWS issued to an instance, a function, a task or a build, at work where none of these is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trail_world import ACCOUNT, BOTO, CLI, Fields, assume, at, event, read, record, session

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis, PrincipalSighting
from s3ir_tui.trail.bulk.call import decode_calls
from s3ir_tui.trail.bulk.tally import Tally
from s3ir_tui.trail.event import Event

HIGH = Severity.HIGH
HOME, AWAY = "54.214.7.7", "203.0.113.7"
LAPTOP = "[aws-cli/2.24.5 md/awscrt#0.23.8 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.9 md/prompt#off]"
OLD_MAC = "[aws-cli/1.18.136 Python/3.8.5 Darwin/19.5.0 botocore/1.17.59]"
MAC_BOTO = "Boto3/1.42.9 md/Botocore#1.42.9 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.1"
WINDOWS = "[aws-cli/2.24.5 md/awscrt#0.23.8 ua/2.0 os/windows#11 md/arch#amd64 lang/python#3.12.9]"
WSL = "[aws-cli/2.24.5 ua/2.0 os/linux#5.15.153.1-microsoft-standard-WSL2 md/arch#x86_64 lang/python#3.12.9]"
DOCKER_DESKTOP = "Boto3/1.42.9 ua/2.1 os/linux#6.10.14-linuxkit md/arch#aarch64 lang/python#3.13.1"
UBUNTU = "Boto3/1.42.9 ua/2.1 os/linux#6.8.0-45-generic md/arch#x86_64 lang/python#3.13.1"
PROMPT = "aws-cli/2.24.5 ua/2.0 os/linux#5.10.255 md/arch#x86_64 md/prompt#partial md/command#s3.ls"
BROWSER = "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10 OpenJDK_64-Bit_Server_VM/25.412-b09]"
IN_LAMBDA = "Boto3/1.42.9 ua/2.1 os/linux#5.10.255-262.amzn2.x86_64 lang/python#3.12 exec-env/AWS_Lambda_python3.12"
IN_FARGATE = "aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.23 exec-env/AWS_ECS_FARGATE"
EXTENSION = "aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.22 md/GOOS#linux md/GOARCH#amd64"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
TASK = "0f3a9c1d5b7e4f60a1b2c3d4e5f60718"
BUILD = "AWSCodeBuild-0f3a9c1d-5b7e-4f60-a1b2-c3d4e5f60718"


def function(key: str = "ASIAFUNCTION00000001", *, told: bool = True) -> Fields:
    """The session of a function, as its own record tells whose it is, or does not (as before 2025)."""
    who = session("thumbs", "make-thumbnail", key)
    scope = {
        "issuerType": "AWS::Lambda::Function",
        "credentialsIssuedTo": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:make-thumbnail",
    }
    return who | ({"inScopeOf": scope} if told else {})


def instance(key: str = "ASIAWEB0000000000001", version: str = "") -> Fields:
    who = session(key=key)
    if version:
        who["sessionContext"]["ec2RoleDelivery"] = version
    return who


def by_service(service: str, role: str, name: str, key: str) -> Event:
    who: Fields = {"type": "AWSService", "invokedBy": f"{service}.amazonaws.com"}
    return assume(who, role, name, key, address=f"{service}.amazonaws.com", when=at(-5))


def seen(*events: Event) -> PrincipalSighting:
    analysis = Analysis()
    for item in events:
        analysis.add([item])
    return next(item for item in analysis.principals() if item.kind == "AssumedRole")


def names(found: PrincipalSighting) -> set[str]:
    return {reason.name for reason in found.reasons}


@pytest.mark.parametrize("agent", [LAPTOP, OLD_MAC, MAC_BOTO, WINDOWS, WSL, DOCKER_DESKTOP, UBUNTU, PROMPT, BROWSER])
def test_a_function_key_in_a_program_that_no_function_has_is_suspect_from_the_first_event(agent: str) -> None:
    (line,) = Analysis().add([read(function(), agent=agent, address=AWAY)])
    assert line.severity >= HIGH
    found = seen(read(function(), agent=agent, address=AWAY))
    assert found.severity >= HIGH
    assert "compute-elsewhere" in names(found)
    assert "credentials of function make-thumbnail used" in " ".join(reason.text for reason in found.reasons)


@pytest.mark.parametrize("agent", [IN_LAMBDA, BOTO, CLI, EXTENSION, SAFARI, "python-requests/2.32", "axios/1.7"])
def test_a_function_in_a_program_that_functions_have_is_not(agent: str) -> None:
    assert seen(read(function(), agent=agent, address=AWAY)).severity <= Severity.MEDIUM


@pytest.mark.parametrize(
    ("role", "name", "before"),
    [
        ("app", TASK, None),
        ("app", BUILD, None),
        ("etl", "GlueJobRunnerSession", None),
        ("ml", "SageMaker", None),
        ("pods", "eks-prod-web-0f3a9c1d-5b7e-4f60-a1b2-c3d4e5f60718", None),
        ("app", "worker", "lambda"),
        ("app", "worker", "ecs-tasks"),
        ("web", "i-0aaaaaaaaaaaaaaa1", None),
    ],
)
def test_credentials_of_every_kind_of_place_are_suspect_on_a_desktop(role: str, name: str, before: str | None) -> None:
    who = session(role, name, "ASIAPLACE0000000001")
    events = [by_service(before, role, name, "ASIAPLACE0000000001")] if before else []
    assert seen(*events, read(who, agent=WSL, address=AWAY)).severity >= HIGH
    assert seen(*events, read(who, agent=BOTO, address=AWAY)).severity <= Severity.MEDIUM


def test_a_role_that_the_console_of_a_service_made_is_not_used_on_a_mac() -> None:
    who = session("app", "whatever", "ASIAPLACE0000000001")
    who["sessionContext"]["sessionIssuer"]["arn"] = f"arn:aws:iam::{ACCOUNT}:role/service-role/app"
    assert seen(read(who, agent=LAPTOP)).severity >= HIGH
    assert seen(read(session("app", "whatever"), agent=LAPTOP)).severity <= Severity.MEDIUM


def test_the_service_that_took_the_role_is_known_whichever_comes_first() -> None:
    used = read(session("app", "worker", "ASIAPLACE0000000001"), agent=LAPTOP)
    taken = by_service("lambda", "app", "worker", "ASIAPLACE0000000001")
    assert seen(used, taken).severity >= HIGH
    assert seen(taken, used).severity >= HIGH
    by_a_person = assume(session("dev", "ann", "ASIAPERSON0000000001"), "app", "worker", "ASIAPLACE0000000001")
    analysis = Analysis()
    analysis.add([by_a_person, used])
    assert all(item.severity <= Severity.MEDIUM for item in analysis.principals())


def test_a_function_without_its_mark_is_suspect_where_its_others_have_it() -> None:
    usual = [read(function(told=False), agent=IN_LAMBDA, address=HOME, when=at(minute)) for minute in range(5)]
    assert seen(*usual, read(function(told=False), agent=CLI, address=AWAY, when=at(6))).severity >= HIGH
    # An extension beside the function is not given the mark, and calls over plain HTTP have none.
    for agent in (EXTENSION, "python-requests/2.32", IN_LAMBDA.replace("Boto3", "aws-cli")):
        assert seen(*usual, read(function(told=False), agent=agent, when=at(6))).severity <= Severity.MEDIUM


def test_the_first_foreign_call_among_many_is_shown_as_a_suspects() -> None:
    analysis = Analysis()
    analysis.add([read(function(told=False), agent=IN_LAMBDA, address=HOME, when=at(n / 20)) for n in range(400)])
    (line,) = analysis.add([read(function(told=False), agent=LAPTOP, address=AWAY, when=at(30))])
    assert line.severity >= HIGH


def test_data_read_with_a_functions_key_is_said_to_be_taken() -> None:
    found = seen(read(function(), agent=LAPTOP, address=AWAY))
    (taken,) = [reason for reason in found.reasons if reason.name == "data-taken"]
    assert taken.severity is Severity.CRITICAL
    assert "credentials of function make-thumbnail" in taken.text


def test_two_credentials_by_different_metadata_versions_in_different_networks_are_suspect() -> None:
    own = read(instance(version="2.0"), address=HOME, when=at(1))
    forged = instance("ASIAWEB0000000000002", version="1.0")
    for stolen in (read(forged, address=AWAY, when=at(2)), event("ListBuckets", forged, address=AWAY, when=at(2))):
        found = seen(own, stolen)
        assert found.severity >= HIGH
        assert "instance-two-deliveries" in names(found)
        assert "metadata versions 1.0 and 2.0" in " ".join(reason.text for reason in found.reasons)


@pytest.mark.parametrize(
    ("version", "address"),
    [
        ("1.0", HOME),  # old and new software on one instance
        ("2.0", AWAY),  # one version: what moves is judged by networks and programs
        ("", AWAY),
    ],
)
def test_other_pairs_of_credentials_of_an_instance_are_not(version: str, address: str) -> None:
    own = read(instance(version="2.0"), address=HOME, when=at(1))
    found = seen(own, read(instance("ASIAWEB0000000000002", version=version), address=address, when=at(2)))
    assert "instance-two-deliveries" not in names(found)
    assert found.severity <= Severity.MEDIUM


def test_the_delivery_is_known_though_the_making_of_the_key_was_seen() -> None:
    made = by_service("ec2", "web", "i-0aaaaaaaaaaaaaaa1", "ASIAWEB0000000000002")
    own = read(instance(version="2.0"), address=HOME, when=at(1))
    stolen = read(instance("ASIAWEB0000000000002", version="1.0"), address=AWAY, when=at(2))
    assert "instance-two-deliveries" in names(seen(made, own, stolen))


def test_a_browser_that_follows_presigned_urls_of_an_instance_accuses_nobody() -> None:
    signed: dict[str, Any] = {"additionalEventData": {"AuthenticationMethod": "QueryString"}}
    found = seen(*(read(instance(), agent=SAFARI, address=HOME, when=at(n), **signed) for n in range(3)))
    assert found.severity <= Severity.MEDIUM


@pytest.mark.parametrize("agent", [LAPTOP, WSL, "aws-cli/2.24.5 os/linux#6.1 exec-env/CloudShell md/prompt#partial"])
def test_people_use_what_they_like(agent: str) -> None:
    """Identity Center names its roles so, whatever else stands in the agent (SAM sets Lambda's mark on a laptop)."""
    who = session("AWSReservedSSO_Developer_0123456789abcdef", "ben@example.com", "ASIABEN0000000000001")
    local = read(who, agent=f"{DOCKER_DESKTOP} exec-env/AWS_Lambda_python3.12", when=at(1))
    assert seen(local, read(who, agent=agent, when=at(2))).severity <= Severity.MEDIUM
    developer = session("developer", "ben", "ASIABEN0000000000002")
    local = read(developer, agent=f"{DOCKER_DESKTOP} exec-env/AWS_Lambda_python3.12", when=at(1))
    assert seen(local, read(developer, agent=agent, when=at(2))).severity <= Severity.MEDIUM


@pytest.mark.parametrize(
    "records",
    [
        [record("GetObject", function(), bucket="b", key="k", agent=LAPTOP, address=AWAY)],
        [
            record("GetObject", instance(version="2.0"), bucket="b", key="k", address=HOME),
            record("GetObject", instance("ASIAWEB0000000000002", "1.0"), bucket="b", key="k", address=AWAY),
        ],
    ],
)
def test_a_folder_that_is_added_up_tells_the_same(records: list[Fields]) -> None:
    analysis = Analysis()
    tally = Tally(analysis.claim)
    tally.add_calls(decode_calls(json.dumps({"Records": records}).encode()).Records, "file")
    analysis.add_sum(tally.sum())
    one_by_one = seen(*_events(records))
    (added,) = analysis.principals()
    assert added.severity >= HIGH
    assert names(added) == names(one_by_one)


def _events(records: list[Fields]) -> list[Event]:
    from s3ir_tui.trail.decode import decode_record

    return [decode_record(json.dumps(item).encode()) for item in records]


def test_a_task_on_fargate_is_known_by_its_mark() -> None:
    usual = read(session("api", "api-session", "ASIAAPI0000000000001"), agent=IN_FARGATE, when=at(1))
    stolen = read(session("api", "api-session", "ASIAAPI0000000000001"), agent=LAPTOP, address=AWAY, when=at(2))
    assert seen(usual).severity is Severity.INFO
    assert seen(usual, stolen).severity >= HIGH
