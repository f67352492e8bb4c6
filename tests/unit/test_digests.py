"""What digests prove of a trail's files; and that nobody who can write the files can make them prove more."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from digest_world import ACCOUNT, BUCKET, HOUR, REGION, START, Trail, der, entry, fingerprint, key, sign
from hypothesis import given, settings
from hypothesis import strategies as st

from s3ir_tui.trail.digest_folder import read_folder
from s3ir_tui.trail.digest_problems import EXPLAINED, Kind
from s3ir_tui.trail.digests import NotADigest, parse
from s3ir_tui.trail.public_keys import KeysError, PublicKey, keys_of, load_keys
from s3ir_tui.trail.vouching import Verdict, judge


def verdict(folder: Path, *keys: Any, bucket: str = "") -> Verdict:
    contents = read_folder(folder)
    known = keys_of(keys or [entry(key())])
    return judge(contents.digests, contents.logs, known, contents.unreadable, bucket)


def kinds(found: Verdict) -> dict[str, list[str]]:
    """Names of the files with problems, by kind."""
    grouped: dict[str, list[str]] = {}
    for problem in found.problems:
        grouped.setdefault(problem.kind, []).append(problem.file.rpartition("/")[2])
    return grouped


def names(*files: Path) -> list[str]:
    return [file.name for file in files]


def change(file: Path, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """Rewrite a JSON file; gives its new content."""
    fields = json.loads(gzip.decompress(file.read_bytes()))
    edit(fields)
    content = json.dumps(fields).encode()
    file.write_bytes(gzip.compress(content))
    return content


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    """Four hours of a trail, with the signature of the newest digest saved."""
    return Trail(tmp_path).hours(4).sidecar()


# -- what is in order ----------------------------------------------------------------------------------------------


def test_a_whole_trail_with_the_newest_signature_is_vouched(trail: Trail) -> None:
    found = verdict(trail.folder)
    assert found.ok
    assert (found.logs, found.vouched) == (8, 8)
    [chain] = found.chains
    assert (chain.bucket, chain.account, chain.region, chain.trail) == (BUCKET, ACCOUNT, REGION, "org_trail")
    assert (chain.first, chain.last) == ("2026-11-24T09:01:31Z", "2026-11-24T13:01:31Z")
    assert (chain.digests, chain.vouched, chain.begins) == (4, 4, True)


def test_without_the_newest_signature_the_newest_digest_and_its_files_are_not_vouched(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(3)
    found = verdict(tmp_path)
    assert kinds(found) == {"unsigned": names(trail.digests[-1]), "unproven": names(*trail.logs[-1])}
    assert found.vouched == 4


def test_the_signature_may_be_saved_as_the_answer_of_head_object(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(2)
    newest = trail.digests[-1]
    answer = {"ContentLength": 3, "Metadata": {"signature": trail.signatures[-1], "signature-algorithm": "x"}}
    newest.with_name(newest.name + ".signature").write_text(json.dumps(answer))
    assert verdict(tmp_path).ok


def test_an_empty_hour_and_a_digest_before_the_copied_ones_are_no_problem(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(2)
    trail.hour(files=0)
    trail.hour()
    trail.sidecar()
    trail.digests[0].unlink()
    for log in trail.logs[0]:
        log.unlink()
    found = verdict(tmp_path)
    assert found.ok
    assert (found.chains[0].empty, found.chains[0].begins) == (1, False)


def test_a_flat_copy_and_unpacked_log_files_are_verified_too(trail: Trail, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in [*trail.digests, *itertools.chain(*trail.logs)]:
        shutil.copy(file, flat)
    shutil.copy(f"{trail.digests[-1]}.signature", flat)
    packed = flat / trail.logs[1][0].name
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    assert verdict(flat).ok


def test_backfill_digests_are_a_chain_of_their_own(trail: Trail) -> None:
    late = Trail(trail.folder, suffix="_backfill", signer=key(1))
    late._number = 100
    late.hours(2).sidecar()
    # The key of a backfill is that of its making, days after its hour.
    found = verdict(trail.folder, entry(key()), entry(key(1), START + 48 * HOUR, START + 72 * HOUR))
    assert found.ok
    assert [chain.backfill for chain in found.chains] == [False, True]


def test_keys_change_within_a_chain(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(2)
    trail.signer = key(1)
    trail.hours(2).sidecar()
    assert verdict(tmp_path, entry(key(), end=START + HOUR), entry(key(1), START + HOUR)).ok


def test_a_trail_that_was_moved_goes_on_in_the_other_bucket(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(3)
    trail.bucket = "trail-logs-2"
    trail.hours(1).sidecar()
    assert verdict(tmp_path).ok


def test_a_digest_whose_key_is_lost_is_vouched_by_the_hash_in_the_next_one(tmp_path: Path) -> None:
    trail = Trail(tmp_path, signer=key(1)).hours(2)
    trail.signer = key()
    trail.hours(2).sidecar()
    assert verdict(tmp_path).ok


# -- what is not ---------------------------------------------------------------------------------------------------


def test_a_changed_log_file_is_named(trail: Trail) -> None:
    log = trail.logs[1][0]
    change(log, lambda fields: fields["Records"].clear())
    found = verdict(trail.folder)
    assert kinds(found) == {"changed": names(log)}
    assert found.vouched == 7


def test_swapped_files_are_named_with_what_they_are(trail: Trail) -> None:
    one, other = trail.logs[1][0], trail.logs[2][1]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    found = verdict(trail.folder)
    assert kinds(found) == {"changed": names(one, other)}
    assert other.name in found.problems[0].detail


def test_a_deleted_log_file_is_named(trail: Trail) -> None:
    log = trail.logs[2][0]
    log.unlink()
    assert kinds(verdict(trail.folder)) == {"missing": names(log)}


def test_a_log_file_that_no_digest_names_is_named(trail: Trail) -> None:
    stray = trail.logs[0][0].with_name(trail.logs[0][0].name.replace("0000000000001", "XXXXXXXXXXXXX"))
    stray.write_bytes(gzip.compress(b'{"Records":[]}'))
    assert kinds(verdict(trail.folder)) == {"unvouched": [stray.name]}


def test_a_copy_under_another_name_is_named(trail: Trail) -> None:
    copy = trail.logs[0][0].with_name("111122223333_CloudTrail_eu-central-1_20261124T0900Z_COPYCOPYCOPYCOPY.json.gz")
    shutil.copy(trail.logs[0][0], copy)
    assert kinds(verdict(trail.folder)) == {"renamed": [copy.name]}


@pytest.mark.parametrize("cut", [1, 9, 100])
def test_cut_off_gzip_is_named(trail: Trail, cut: int) -> None:
    log, digest = trail.logs[0][0], trail.digests[1]
    log.write_bytes(log.read_bytes()[:-cut])
    digest.write_bytes(digest.read_bytes()[:200])
    found = verdict(trail.folder)
    by_kind = kinds(found)
    assert by_kind["changed"] == names(log)
    assert by_kind["unreadable"] == names(digest)
    assert "gzip is cut off" in {problem.detail for problem in found.problems}
    # Nothing hands on the signature of the digest before the broken one.
    assert by_kind["unsigned"] == names(trail.digests[0])


@pytest.mark.parametrize("more", [gzip.compress(b'{"Records":[]}'), gzip.compress(b""), b"rubbish", b"\0"])
def test_what_is_appended_to_a_log_file_is_named(trail: Trail, more: bytes) -> None:
    log = trail.logs[0][0]
    log.write_bytes(log.read_bytes() + more)
    assert kinds(verdict(trail.folder)) == {"appended": names(log)}


def test_a_changed_digest_is_named_and_its_files_are_unproven(trail: Trail) -> None:
    log = trail.logs[1][0]
    content = change(log, lambda fields: fields["Records"].clear())
    forged = hashlib.sha256(content).hexdigest()
    change(trail.digests[1], lambda fields: fields["logFiles"][0].update(hashValue=forged))
    by_kind = kinds(verdict(trail.folder))
    assert by_kind == {"changed digest": names(trail.digests[1]), "unproven": names(*trail.logs[1])}


def test_a_changed_newest_digest_is_named(trail: Trail) -> None:
    change(trail.digests[3], lambda fields: fields["logFiles"].clear())
    by_kind = kinds(verdict(trail.folder))
    assert by_kind == {"bad signature": names(trail.digests[3]), "unvouched": names(*trail.logs[3])}


def test_a_chain_signed_with_a_key_of_somebody_else_vouches_for_nothing(tmp_path: Path) -> None:
    Trail(tmp_path, signer=key(1)).hours(3).sidecar()
    found = verdict(tmp_path, entry(key()))
    assert len(kinds(found)["no key"]) == 3
    assert found.vouched == 0


def test_a_key_with_the_fingerprint_of_another_does_not_help(tmp_path: Path) -> None:
    trail = Trail(tmp_path, signer=key(1))
    for _ in range(3):
        trail.hour(digestPublicKeyFingerprint=fingerprint(key()))
    trail.sidecar()
    found = verdict(tmp_path, entry(key()))
    assert len(kinds(found)["bad signature"]) == 3
    assert found.vouched == 0


def test_a_digest_signed_with_a_key_that_was_over_is_named(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(4).sidecar()
    found = verdict(tmp_path, entry(key(), end=START - 2 * HOUR))
    assert kinds(found)["expired key"] == names(*trail.digests)
    assert found.vouched == 0


def test_an_expired_key_does_not_cost_what_a_later_sound_digest_vouches_for(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(2)
    trail.signer = key(1)
    trail.hours(2).sidecar()
    assert verdict(tmp_path, entry(key(), end=START - 24 * HOUR), entry(key(1))).ok


def test_a_digest_of_another_bucket_proves_nothing(trail: Trail, tmp_path: Path) -> None:
    # Keys are a Region's: CloudTrail signs the trail of the attacker's own account with the same one.
    theirs = Trail(trail.folder, bucket="attackers-bucket", trail="their_trail")
    theirs._number = 500
    theirs.hour()
    theirs.hour()
    theirs.sidecar()
    for bucket in ("", BUCKET):
        found = verdict(trail.folder, bucket=bucket)
        assert kinds(found) == {
            "foreign bucket": names(*theirs.digests),
            "unproven": names(*theirs.logs[0], *theirs.logs[1]),
        }
        assert found.vouched == 8


def test_only_their_digests_are_still_foreign_where_the_bucket_is_named(tmp_path: Path) -> None:
    theirs = Trail(tmp_path, bucket="attackers-bucket").hours(2).sidecar()
    assert verdict(tmp_path).ok
    assert kinds(verdict(tmp_path, bucket=BUCKET))["foreign bucket"] == names(*theirs.digests)


def test_a_forged_digest_cannot_join_another_bucket_to_the_trail(trail: Trail) -> None:
    theirs = Trail(trail.folder, bucket="attackers-bucket", trail="their_trail")
    theirs._number = 500
    theirs.hours(2).sidecar()
    bridge = Trail(trail.folder, trail="bridge", signer=key(1))
    bridge._number = 600
    bridge.hour(
        previousDigestS3Bucket="attackers-bucket",
        previousDigestS3Object=str(theirs.digests[-1].relative_to(trail.folder)),
        previousDigestHashValue="0" * 64,
        previousDigestSignature="00",
    )
    assert kinds(verdict(trail.folder))["foreign bucket"] == names(*theirs.digests)


def test_a_replayed_digest_under_a_later_name_is_named(trail: Trail) -> None:
    newest = trail.digests[3]
    shutil.copy(trail.digests[0], newest)
    newest.with_name(newest.name + ".signature").write_text(trail.signatures[0])
    by_kind = kinds(verdict(trail.folder))
    assert by_kind["misplaced"] == names(newest)
    assert by_kind["unvouched"] == names(*trail.logs[3])


def test_two_digests_with_one_place_are_a_conflict_and_the_signed_one_counts(trail: Trail, tmp_path: Path) -> None:
    other = tmp_path / "copy" / trail.digests[1].name
    other.parent.mkdir()
    shutil.copy(trail.digests[1], other)
    change(other, lambda fields: fields["logFiles"].clear())
    found = verdict(trail.folder)
    assert found.vouched == 8
    assert kinds(found) == {"conflict": [other.name], "changed digest": [other.name]}


def test_the_hole_of_a_deleted_digest_is_named(trail: Trail) -> None:
    trail.digests[1].unlink()
    found = verdict(trail.folder)
    by_kind = kinds(found)
    assert by_kind["missing digest"] == names(trail.digests[1])
    assert by_kind["unvouched"] == names(*trail.logs[1])
    assert by_kind["unsigned"] == names(trail.digests[0])
    assert "2026-11-24T10:01:31Z to 2026-11-24T11:01:31Z" in {problem.detail for problem in found.problems}


def test_an_hour_that_no_digest_covers_is_named(trail: Trail) -> None:
    trail.restart(2 * HOUR).hours(2).sidecar()
    trail.sidecar(3)
    found = verdict(trail.folder)
    assert kinds(found) == {"gap": names(trail.digests[4])}
    assert found.problems[0].detail == "2026-11-24T13:01:31Z to 2026-11-24T15:01:31Z; a starting digest follows"


def test_a_signed_digest_that_leaves_out_an_hour_is_named(trail: Trail) -> None:
    trail.at += HOUR
    trail.hours(1).sidecar()
    assert kinds(verdict(trail.folder)) == {"gap": names(trail.digests[-1])}


def test_a_deleted_newest_digest_leaves_its_files_without_a_voucher(trail: Trail) -> None:
    trail.digests[3].unlink()
    by_kind = kinds(verdict(trail.folder))
    assert by_kind["unvouched"] == names(*trail.logs[3])
    assert by_kind["unsigned"] == names(trail.digests[2])


def test_a_digest_that_leads_elsewhere_is_out_of_the_chain(trail: Trail) -> None:
    trail.hour(
        previousDigestS3Object=str(trail.digests[1].relative_to(trail.folder)),
        previousDigestSignature=trail.signatures[1],
    )
    trail.sidecar().sidecar(3)
    assert "out of chain" in kinds(verdict(trail.folder))


def test_a_log_file_whose_hash_is_none_is_not_vouched(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    trail.hour()
    named = [{"s3Bucket": BUCKET, "s3Object": trail.logs[0][0].name, "hashValue": "", "hashAlgorithm": "MD5"}]
    trail.hour(files=0, logFiles=named)
    trail.sidecar()
    trail.digests[0].unlink()
    trail.logs[0][1].unlink()
    found = verdict(tmp_path)
    assert kinds(found) == {"no hash": names(trail.logs[0][0])}


def test_insights_files_that_no_digest_names_are_told_apart(trail: Trail) -> None:
    insight = trail.folder / "111122223333_CloudTrail-Insight_eu-central-1_20261124T0900Z_AAAAAAAAAAAAAAAA.json.gz"
    insight.write_bytes(gzip.compress(b'{"Records":[]}'))
    found = verdict(trail.folder)
    assert found.ok
    assert (found.logs, found.others) == (8, 1)


def test_a_folder_without_digests_proves_nothing(trail: Trail) -> None:
    for file in trail.digests:
        file.unlink()
    found = verdict(trail.folder)
    assert not found.ok
    assert len(kinds(found)["unvouched"]) == 8


def test_every_kind_of_problem_says_what_it_means_and_what_to_do() -> None:
    assert set(EXPLAINED) == set(Kind)
    assert all(means.endswith(".") and do.endswith(".") for means, do in EXPLAINED.values())


# -- digests that are none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        lambda fields: fields.pop("digestS3Object"),
        lambda fields: fields.pop("previousDigestSignature"),
        lambda fields: fields.update(digestEndTime="2026-11-24T10:01:31Z\nx"),
        lambda fields: fields.update(digestEndTime="yesterday"),
        lambda fields: fields.update(digestStartTime="2027-01-01T00:00:00Z"),
        lambda fields: fields.update(digestS3Object="a\nb"),
        lambda fields: fields.update(previousDigestSignature="no hex"),
        lambda fields: fields.update(logFiles={"a": 1}),
        lambda fields: fields.update(logFiles=[None]),
        lambda fields: fields.update(digestS3Bucket=5),
    ],
)
def test_digests_with_fields_of_no_digest_are_refused(tmp_path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    file = Trail(tmp_path).hour()
    assert parse(gzip.decompress(file.read_bytes()))
    with pytest.raises(NotADigest):
        parse(change(file, edit))
    assert kinds(verdict(tmp_path))["unreadable"] == [file.name]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_called_a_digest_is_read_or_refused(data: bytes | str) -> None:
    with pytest.raises(NotADigest):
        parse(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))


# -- keys ----------------------------------------------------------------------------------------------------------


def public(number: int = 0) -> PublicKey:
    return keys_of([entry(key(number))])[fingerprint(key(number))]


def test_a_signature_is_that_of_its_message_and_of_its_key_only() -> None:
    digest = {"digestEndTime": "t", "digestS3Bucket": "b", "digestS3Object": "k", "previousDigestSignature": None}
    signature = sign(key(), digest, b"content")
    message = f"t\nb/k\n{hashlib.sha256(b'content').hexdigest()}\nnull".encode()
    assert public().signed(message, signature)
    assert not public().signed(message + b"x", signature)
    assert not public(1).signed(message, signature)
    number = int(signature, 16)
    for wrong in (
        "",
        "zz",
        signature[2:],
        "00" + signature,
        f"{number + public().key.public_numbers().n:x}",
        "00" * 256,
        signature[:-1],
    ):
        assert not public().signed(message, wrong)


def test_padding_that_a_lenient_parser_takes_is_refused() -> None:
    # Bleichenbacher 2006: hash right behind a short padding, rubbish at the end. Made with the private exponent.
    private = key().private_numbers()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(b"message").digest()
    for block in (
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + info + b"\x00" * (256 - 11 - len(info)),
        b"\x00\x02" + b"\xff" * (253 - len(info)) + b"\x00" + info,
        b"\x00\x01" + b"\xff" * (252 - len(info)) + b"\x00" + info + b"\x00",
    ):
        number = pow(int.from_bytes(block, "big"), private.d, private.public_numbers.n)
        assert not public().signed(b"message", number.to_bytes(256, "big").hex())


def test_keys_are_read_from_every_form_they_are_saved_in() -> None:
    one, other = entry(key()), entry(key(1))
    number = one | {"ValidityStartTime": 1436317441.0, "ValidityEndTime": "1438909441.0"}
    assert set(load_keys(json.dumps({"PublicKeyList": [one, other]}).encode())) == {
        fingerprint(key()),
        fingerprint(key(1)),
    }
    assert set(load_keys(json.dumps([{"PublicKeyList": [one]}, {"publicKeyList": [other]}]).encode())) == {
        fingerprint(key()),
        fingerprint(key(1)),
    }
    [read] = load_keys(json.dumps({"PublicKeyList": [number]}).encode()).values()
    assert (read.start and read.start.year, read.end and read.end.year) == (2015, 2015)
    for form in (PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo):
        pem = key().public_key().public_bytes(Encoding.PEM, form)
        assert load_keys(pem)[fingerprint(key())].key.public_numbers().n == public().key.public_numbers().n
        wrapped = {"Value": base64.b64encode(der(key(), form)).decode()}
        assert [found.key.public_numbers().n for found in keys_of([wrapped]).values()] == [
            public().key.public_numbers().n
        ]


def test_keys_as_boto_gives_them_are_taken() -> None:
    answer = {
        "Value": der(key()),
        "ValidityStartTime": START,
        "ValidityEndTime": START,
        "Fingerprint": fingerprint(key()),
    }
    assert keys_of([answer])[fingerprint(key())].end == START


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"no keys",
        b'{"PublicKeyList": []}',
        b'{"PublicKeyList": [{"Value": "!"}]}',
        b'{"PublicKeyList": [{"Value": "MIIB"}]}',
        b'{"PublicKeyList": [{"Value": null}]}',
        json.dumps({"PublicKeyList": [entry(key()) | {"Fingerprint": "0" * 32}]}).encode(),
        json.dumps({"PublicKeyList": [entry(key()) | {"ValidityEndTime": "soon"}]}).encode(),
        json.dumps({"PublicKeyList": [entry(key(0, 1024))]}).encode(),
        b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_key_is_refused(data: bytes) -> None:
    with pytest.raises(KeysError):
        load_keys(data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_keys_are_refused_or_other_keys(data: st.DataObject) -> None:
    whole = bytearray(der(key()))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        found = keys_of([{"Value": bytes(whole[: data.draw(st.integers(at, len(whole)))])}])
    except KeysError:
        return
    assert fingerprint(key()) not in found


def test_validity_is_kept_with_an_allowance_for_the_change_of_keys(tmp_path: Path) -> None:
    Trail(tmp_path).hours(1).sidecar()
    assert verdict(tmp_path, entry(key(), end=START)).ok
    assert not verdict(tmp_path, entry(key(), end=START - timedelta(minutes=61))).ok
