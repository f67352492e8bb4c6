"""Who may use a KMS key: its policy, its grants, its state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from account_world import Statement, World, allow, deny, document, refusal, trust

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

ROOT = f"arn:aws:iam::{VICTIM}:root"
DENIED = "AccessDeniedException"


def _key(world: World, *statements: Statement) -> dict[str, Any]:
    policy = {"Policy": document(*statements)} if statements else {}
    made: dict[str, Any] = world.server.admin("kms").create_key(**policy)["KeyMetadata"]
    return made


def _encrypt(client: Any, key: dict[str, Any]) -> str:
    return refusal(client.encrypt, KeyId=key["Arn"], Plaintext=b"x")


def _arn(name: str) -> str:
    return f"arn:aws:iam::{VICTIM}:{name}"


def test_identity_policies_count_only_where_the_key_policy_names_the_account(world: World) -> None:
    kms = world.client("kms", world.user("bob", allow("kms:*")))
    world.user("boss")
    assert _encrypt(kms, _key(world)) == ""
    own = _key(world, allow("kms:*", Principal={"AWS": _arn("user/boss")}))
    assert _encrypt(kms, own) == DENIED
    named = _key(world, allow("kms:*", Principal={"AWS": ROOT}))
    assert _encrypt(kms, named) == ""


def test_a_key_policy_grants_and_denies_by_itself(world: World) -> None:
    kms = world.client("kms", world.user("bob"))
    own = allow("kms:*", Principal={"AWS": ROOT})
    bob = {"Principal": {"AWS": _arn("user/bob")}}
    assert _encrypt(kms, _key(world, own)) == DENIED
    assert _encrypt(kms, _key(world, own, allow("kms:Encrypt", **bob))) == ""
    assert _encrypt(kms, _key(world, own, allow("kms:Encrypt", **bob), deny("kms:*", **bob))) == DENIED


def test_a_stranger_needs_the_key_policy_and_its_own_permission(world: World) -> None:
    with_right = world.client("kms", world.user("eve", allow("kms:*"), account=OUTSIDE))
    without = world.client("kms", world.user("mallory", account=OUTSIDE))
    own = allow("kms:*", Principal={"AWS": ROOT})
    closed = _key(world, own)
    shared = _key(world, own, allow("kms:Encrypt", Principal={"AWS": f"arn:aws:iam::{OUTSIDE}:root"}))
    assert _encrypt(with_right, closed) == DENIED
    assert _encrypt(with_right, shared) == ""
    assert _encrypt(without, shared) == DENIED


def test_a_grant_lets_its_grantee_until_it_is_revoked(world: World) -> None:
    key = _key(world)
    admin = world.client("kms", world.user("boss", allow("kms:*")))
    bob = world.client("kms", world.user("bob"))
    made = admin.create_grant(KeyId=key["Arn"], GranteePrincipal=_arn("user/bob"), Operations=["Encrypt"])
    assert refusal(bob.encrypt, KeyId=key["Arn"], Plaintext=b"x", GrantTokens=[made["GrantToken"]]) == ""
    assert (
        refusal(bob.decrypt, CiphertextBlob=bob.encrypt(KeyId=key["Arn"], Plaintext=b"x")["CiphertextBlob"]) == DENIED
    )
    assert [item["GrantId"] for item in admin.list_grants(KeyId=key["Arn"])["Grants"]] == [made["GrantId"]]
    assert refusal(bob.revoke_grant, KeyId=key["Arn"], GrantId=made["GrantId"]) == DENIED
    admin.revoke_grant(KeyId=key["Arn"], GrantId=made["GrantId"])
    assert _encrypt(bob, key) == DENIED
    assert admin.list_grants(KeyId=key["Arn"])["Grants"] == []


def test_a_grant_is_bound_to_its_encryption_context(world: World) -> None:
    key = _key(world)
    bob = world.client("kms", world.user("bob"))
    world.server.admin("kms").create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=_arn("user/bob"),
        Operations=["Encrypt"],
        Constraints={"EncryptionContextSubset": {"team": "red"}},
    )
    encrypt = {"KeyId": key["Arn"], "Plaintext": b"x"}
    assert refusal(bob.encrypt, **encrypt, EncryptionContext={"team": "red", "more": "1"}) == ""
    assert refusal(bob.encrypt, **encrypt, EncryptionContext={"team": "blue"}) == DENIED
    assert refusal(bob.encrypt, **encrypt) == DENIED


def test_a_grantee_made_anew_does_not_inherit_the_grant(world: World) -> None:
    key = _key(world)
    old = world.user("bob")
    world.server.admin("kms").create_grant(
        KeyId=key["KeyId"], GranteePrincipal=_arn("user/bob"), Operations=["Encrypt"]
    )
    assert _encrypt(world.client("kms", old), key) == ""
    world.iam.delete_access_key(UserName="bob", AccessKeyId=old["AccessKeyId"])
    world.iam.delete_user(UserName="bob")
    assert _encrypt(world.client("kms", world.user("bob")), key) == DENIED


@pytest.mark.parametrize("by", ["KeyId", "Arn"])
def test_a_disabled_key_refuses_and_one_that_is_enabled_again_works(world: World, by: str) -> None:
    key = _key(world)
    kms = world.client("kms", world.user("boss", allow("kms:*")))
    blob = kms.encrypt(KeyId=key[by], Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key[by])
    assert refusal(kms.encrypt, KeyId=key[by], Plaintext=b"x") == "DisabledException"
    assert refusal(kms.decrypt, CiphertextBlob=blob) == "DisabledException"
    assert refusal(kms.generate_data_key, KeyId=key[by], KeySpec="AES_256") == "DisabledException"
    assert kms.describe_key(KeyId=key[by])["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=key[by])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize("by", ["KeyId", "Arn"])
def test_a_key_that_waits_for_its_deletion_refuses_until_it_is_cancelled(world: World, by: str) -> None:
    key = _key(world)
    kms = world.client("kms", world.user("boss", allow("kms:*")))
    assert refusal(kms.cancel_key_deletion, KeyId=key[by]) == "KMSInvalidStateException"
    kms.schedule_key_deletion(KeyId=key[by], PendingWindowInDays=7)
    assert refusal(kms.encrypt, KeyId=key[by], Plaintext=b"x") == "KMSInvalidStateException"
    assert refusal(kms.enable_key, KeyId=key[by]) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key[by])
    assert refusal(kms.encrypt, KeyId=key[by], Plaintext=b"x") == "DisabledException"
    kms.enable_key(KeyId=key[by])
    assert refusal(kms.encrypt, KeyId=key[by], Plaintext=b"x") == ""


def test_reencryption_needs_both_keys(world: World) -> None:
    one, two = _key(world), _key(world)
    blob = world.server.admin("kms").encrypt(KeyId=one["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    source, target = allow("kms:ReEncryptFrom", one["Arn"]), allow("kms:ReEncryptTo", two["Arn"])
    asked = {"CiphertextBlob": blob, "DestinationKeyId": two["Arn"]}
    assert refusal(world.client("kms", world.user("a", source)).re_encrypt, **asked) == DENIED
    assert refusal(world.client("kms", world.user("b", target)).re_encrypt, **asked) == DENIED
    assert refusal(world.client("kms", world.user("c", source, target)).re_encrypt, **asked) == ""


def test_conditions_on_the_encryption_context_hold(world: World) -> None:
    key = _key(world)
    red = {"StringEquals": {"kms:EncryptionContext:team": "red"}}
    kms = world.client("kms", world.user("bob", allow("kms:Encrypt", Condition=red)))
    asked = {"KeyId": key["Arn"], "Plaintext": b"x"}
    assert refusal(kms.encrypt, **asked, EncryptionContext={"team": "red"}) == ""
    assert refusal(kms.encrypt, **asked, EncryptionContext={"team": "blue"}) == DENIED


def test_key_policies_are_checked_before_they_are_stored(world: World) -> None:
    key = _key(world)
    kms = world.client("kms", world.user("boss", allow("kms:*")))
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}))

    def put(text: str, **more: Any) -> str:
        return refusal(kms.put_key_policy, KeyId=key["Arn"], Policy=text, **more)

    malformed = "MalformedPolicyDocumentException"
    own = allow("kms:*", Principal={"AWS": ROOT})
    locked = document(allow("kms:*", Principal={"AWS": _arn("role/worker")}))
    assert put("{") == malformed
    assert put(document(own, allow("kms:*", Principal={"AWS": _arn("user/nobody")}))) == malformed
    assert put(locked) == malformed
    assert json.loads(kms.get_key_policy(KeyId=key["Arn"])["Policy"])["Statement"]
    assert put(document(own)) == ""
    assert put(locked, BypassPolicyLockoutSafetyCheck=True) == ""
    assert _encrypt(kms, key) == DENIED
