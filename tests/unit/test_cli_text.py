"""Plans as AWS CLI lines: what the shell makes of them is what the plan sends."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from actions.cli_text import cli_lines, command, kebab
from actions.moment import RUN_TIME
from actions.plan import Call, Danger, Plan, Read, Step
from s3ir_tui.aws.guard import READS

DOCUMENT = '{"Version":"2012-10-17","Statement":[{"Sid":"it\'s","Action":"*"}]}'
CALLS = (
    Call("iam", "UpdateAccessKey", {"UserName": "svc", "AccessKeyId": "AKIA1", "Status": "Inactive"}),
    Call("iam", "PutRolePolicy", {"RoleName": "r", "PolicyName": "p", "PolicyDocument": DOCUMENT}),
    Call("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": DOCUMENT, "ExpectedBucketOwner": "1"}, "eu-west-1"),
    Call("s3", "PutPublicAccessBlock", {"Bucket": "b", "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}),
    Call("s3control", "PutPublicAccessBlock", {"AccountId": "111122223333", "PublicAccessBlockConfiguration": {}}),
    Call("s3", "PutBucketAcl", {"Bucket": "b", "AccessControlPolicy": {"Owner": {"ID": "x y"}, "Grants": []}}),
)


def shell(line: str) -> list[str]:
    """The words that a shell passes on."""
    script = f'aws() {{ printf "%s\\0" "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.split("\0")[:-1]


def arguments(call: Call) -> dict[str, str]:
    words = shell(command(call))
    return dict(zip(words[2::2], words[3::2], strict=True))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_parameter_reaches_the_cli_as_the_plan_has_it(call: Call) -> None:
    given = arguments(call)
    for name, value in call.params.items():
        text = given[f"--{kebab(name)}"]
        assert (text if isinstance(value, str) else json.loads(text)) == value
    assert given.get("--region", "") == call.region


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_commands_and_options_are_those_of_the_aws_cli(call: Call) -> None:
    model = Session().get_service_model(call.service).operation_model(call.operation)
    words = shell(command(call))
    assert words[:2] == [{"s3": "s3api"}.get(call.service, call.service), xform_name(call.operation, "-")]
    options = {f"--{xform_name(name, '-')}" for name in model.input_shape.members}
    assert set(words[2::2]) <= options | {"--region"}


def test_names_are_written_as_botocore_writes_them() -> None:
    for service, operations in READS.items():
        model = Session().get_service_model(service)
        for operation in operations:
            shape = model.operation_model(operation).input_shape
            for name in [operation, *(shape.members if shape else ())]:
                assert kebab(name) == xform_name(name, "-")


@pytest.mark.parametrize("value", ["$(touch /tmp/x)", "a'b\"c", "`id`", "; rm -rf /", "-x", "a\\b", "*", "x y"])
def test_hostile_values_stay_one_word(value: str) -> None:
    assert shell(command(Call("iam", "DeleteUser", {"UserName": value})))[2:] == ["--user-name", value]


def test_control_characters_are_shown_not_sent() -> None:
    line = command(Call("iam", "DeleteUser", {"UserName": "a\x1b]0;x\x07\nrm -rf /"}))
    assert line.isprintable()


def test_flags_are_written_as_flags() -> None:
    call = Call("iam", "UpdateRole", {"A": True, "ForceIt": False})
    assert command(call) == "aws iam update-role --a --no-force-it"


def test_the_time_of_the_write_is_left_to_the_shell() -> None:
    document = json.dumps({"Condition": {"DateLessThan": {"aws:TokenIssueTime": RUN_TIME}}})
    call = Call("iam", "PutRolePolicy", {"PolicyDocument": document})
    sent = json.loads(arguments(call)["--policy-document"])
    moment = sent["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)


def test_each_step_has_its_command_and_a_comment() -> None:
    read = Read(CALLS[0], "x")
    steps: tuple[Any, ...] = tuple(Step(call, "t\n$(x)", "a -> b", read) for call in CALLS[:2])
    lines = cli_lines(Plan("a", "title", {}, steps, Danger.WIDE))
    assert [line.startswith("#") for line in lines] == [True, True, False, True, False]
    assert all("\n" not in line for line in lines)
