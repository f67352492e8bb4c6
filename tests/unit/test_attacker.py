"""The attacker adapts: it tries what it holds in turn, makes itself more, and fights once it is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from s3ir_tui.gameday.actor import Outcome
from s3ir_tui.gameday.attacker import MOST_MINTS, Attacker
from s3ir_tui.gameday.scenario import Attack, Credential, Each, Move

FIRST = Credential(
    "first", "AKIAFIRST", "secret", principal="arn:aws:iam::111122223333:user/a", addresses=("203.0.113.7",)
)
OUTSIDE = Credential("outside", "AKIAOUTSIDE", "secret")
MADE = {"AccessKeyId": "ASIAMADE", "SecretAccessKey": "secret", "SessionToken": "token"}
MINT = Move("mint", "sts", "GetSessionToken", by=("first",), mints="session")
Rule = Callable[[str, str, Mapping[str, Any]], Outcome]


class Account:
    """Stands in for `Hands`: answers by a rule that a test may change, and remembers the calls."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def call(
        self, credential: Credential, service: str, operation: str, params: Mapping[str, Any], kind: str
    ) -> Outcome:
        """Answer by the rule."""
        self.calls.append((credential.name, operation, dict(params)))
        return self.rule(credential.name, operation, params)


def open_to_all(name: str, operation: str, params: Mapping[str, Any]) -> Outcome:
    """An account that allows everything."""
    answers: dict[str, dict[str, Any]] = {
        "GetSessionToken": {"Credentials": MADE},
        "ListObjectsV2": {"Contents": [{"Key": "a"}, {"Key": "b"}]},
        "ListUserPolicies": {"PolicyNames": ["ours", "theirs"]},
    }
    return Outcome(True, "", answers.get(operation, {}))


def denied(name: str, operation: str, params: Mapping[str, Any]) -> Outcome:
    """An account that refuses everything."""
    return Outcome(False, "AccessDenied")


def attacker(account: Account, **given: Any) -> tuple[Attacker, list[Credential]]:
    """An attacker on that account, and the credentials that it tells its parent of."""
    told: list[Credential] = []
    attack = Attack("agent", given.pop("credentials", (FIRST,)), ("payroll",), **given)
    return Attacker(attack, account, told.append), told  # type: ignore[arg-type]


def test_reading_lists_first_and_then_takes_the_objects_in_turn() -> None:
    account = Account(open_to_all)
    thief, _ = attacker(account)
    for _ in range(4):
        thief.read()
    assert [(operation, params.get("Key")) for _, operation, params in account.calls] == [
        ("ListObjectsV2", None),
        ("GetObject", "a"),
        ("GetObject", "b"),
        ("GetObject", "a"),
    ]


def test_a_credential_that_is_made_is_told_and_used() -> None:
    account = Account(open_to_all)
    thief, told = attacker(account, opening=(MINT,))
    thief.open()
    assert [item.name for item in told] == ["session"]
    assert told[0].addresses == FIRST.addresses
    assert {name for name, operation, _ in account.calls if operation != "GetSessionToken"} == {"first", "session"}


def test_a_waiting_credential_is_used_only_once_a_move_has_opened_it() -> None:
    account = Account(denied)
    put = Move("persist", "s3", "PutBucketPolicy", {"Bucket": "payroll"}, by=("first",), opens="outside")
    thief, _ = attacker(account, credentials=(FIRST, OUTSIDE), waiting=("outside",))
    thief.move(put)
    thief.read()
    thief.read()
    assert "outside" not in {name for name, _, _ in account.calls}
    account.rule = open_to_all
    thief.move(put)
    thief.read()
    thief.read()
    assert "outside" in {name for name, _, _ in account.calls}


def test_it_is_cut_only_by_the_refusal_of_something_that_had_worked() -> None:
    account = Account(denied)
    thief, _ = attacker(account)
    thief.read()
    assert not thief.cut
    account.rule = open_to_all
    thief.read()
    account.rule = denied
    thief.read()
    assert thief.cut


def test_a_lost_connection_is_not_a_cut() -> None:
    account = Account(open_to_all)
    thief, _ = attacker(account)
    thief.read()
    account.rule = lambda *_: Outcome(False, "EndpointConnectionError")
    thief.read()
    assert not thief.cut


def test_a_move_goes_through_the_credentials_until_one_can() -> None:
    account = Account(lambda name, *_: Outcome(name == "outside", "" if name == "outside" else "AccessDenied", {}))
    thief, _ = attacker(account, credentials=(FIRST, OUTSIDE))
    assert thief.move(Move("undo", "s3", "DeleteBucketPolicy", {"Bucket": "payroll"}))
    assert [name for name, _, _ in account.calls] == ["first", "outside"]


def test_access_keys_are_named_by_the_credential_that_they_belong_to() -> None:
    account = Account(open_to_all)
    thief, _ = attacker(account)
    wake = Move("undo", "iam", "UpdateAccessKey", {"AccessKeyId": "$first", "Status": "Active"})
    assert thief.move(wake)
    assert account.calls[-1][2] == {"AccessKeyId": "AKIAFIRST", "Status": "Active"}
    assert not thief.move(Move("undo", "iam", "UpdateAccessKey", {"AccessKeyId": "$second"}))


def test_a_move_over_a_list_is_made_for_each_name() -> None:
    account = Account(open_to_all)
    thief, _ = attacker(account)
    each = Each("ListUserPolicies", "PolicyNames", "PolicyName")
    assert thief.move(Move("undo", "iam", "DeleteUserPolicy", {"UserName": "a"}, each=each))
    assert [params.get("PolicyName") for _, operation, params in account.calls if operation == "DeleteUserPolicy"] == [
        "ours",
        "theirs",
    ]


def test_it_makes_a_session_again_only_when_those_it_has_were_cut_and_not_for_ever() -> None:
    account = Account(open_to_all)
    thief, told = attacker(account)
    thief.move(MINT)
    thief.move(MINT)
    assert len(told) == 1

    def mint_only(name: str, operation: str, params: Mapping[str, Any]) -> Outcome:
        return (
            open_to_all(name, operation, params) if operation == "GetSessionToken" else denied(name, operation, params)
        )

    for _ in range(3 * MOST_MINTS):
        account.rule = open_to_all
        for _ in thief.held:
            thief.read()
        account.rule = mint_only
        for _ in thief.held:
            thief.read()
        thief.move(MINT)
    assert [item.name for item in told] == ["session", *(f"session-{number}" for number in range(2, MOST_MINTS + 1))]
