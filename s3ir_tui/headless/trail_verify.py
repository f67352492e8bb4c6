"""trail verify: what the files of a trail are worth as evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.headless.output import Format, print_json, print_table, say, tell
from s3ir_tui.plain_file import open_plain
from s3ir_tui.text import clean
from s3ir_tui.trail.digest_folder import Contents, from_metadata, read_folder
from s3ir_tui.trail.digest_problems import EXPLAINED, Kind, Problem
from s3ir_tui.trail.digests import FoundDigest, place_of
from s3ir_tui.trail.public_keys import KeysError, PublicKey, keys_of, load_keys
from s3ir_tui.trail.sources.base import Calls
from s3ir_tui.trail.vouching import Verdict, judge

_KEYS_AROUND = timedelta(hours=2)
"""How far before and after the digests keys are asked for: at a change of keys the answer is short of one otherwise."""

_LONGEST_LIST = 100
_MOST_KEYS = 16 << 20

_STALE = timedelta(hours=3)
"""How old the newest digest of a trail that still logs is at most: one comes each hour, some time after its end."""


def offline(folder: Path, keys: Sequence[Path], bucket: str, form: Format) -> int:
    """Verify a folder with saved public keys; nothing is asked of AWS.

    Args:
        folder: Log files and digests, as copied from the trail's bucket.
        keys: Saved answers of ListPublicKeys, or keys in PEM.
        bucket: The bucket of the trail, or "".
        form: How to print.

    Returns:
        As `show`.

    Raises:
        Failure: A path is not there, or the keys cannot be read.
    """
    known = read_keys(keys)
    contents = _read(folder, keys)
    return show(judge(contents.digests, contents.logs, known, contents.unreadable, bucket), (), form)


def online(folder: Path, account: Calls, bucket: str, now: datetime, form: Format) -> int:
    """Verify a folder with the public keys, and the signatures, that AWS still has.

    Args:
        folder: Log files and digests, as copied from the trail's bucket.
        account: The connection.
        bucket: The bucket of the trail, or "".
        now: The time, UTC.
        form: How to print.

    Returns:
        As `show`.

    Raises:
        Failure: The folder is not there.
    """
    contents = _read(folder, ())
    notes: list[str] = []
    digests = list(_with_signatures(account, contents.digests, notes))
    keys = _fetch_keys(account, digests, now, notes)
    verdict = judge(digests, contents.logs, keys, contents.unreadable, bucket)
    notes += _stale(verdict, now)
    return show(verdict, notes, form)


def check_folder(folder: Path) -> None:
    """Fail early, before signing in.

    Raises:
        Failure: The folder is not there.
    """
    if not folder.is_dir():
        raise Failure(f"no such folder: {folder}", Code.USAGE)


def read_keys(files: Sequence[Path]) -> dict[str, PublicKey]:
    """The public keys of some files.

    Raises:
        Failure: One cannot be read.
    """
    keys: dict[str, PublicKey] = {}
    for file in files:
        try:
            with open_plain(file) as stream:
                keys |= load_keys(stream.read(_MOST_KEYS))
        except OSError as error:
            raise Failure(f"--keys {file} cannot be read: {error.strerror or error}", Code.USAGE) from None
        except KeysError as why:
            raise Failure(f"--keys {file}: {why}", Code.USAGE) from None
    return keys


def show(verdict: Verdict, notes: Sequence[str], form: Format) -> int:
    """Print a verdict.

    Args:
        verdict: The verdict.
        notes: What could not be asked or seen.
        form: How to print.

    Returns:
        `Code.OK` where everything is vouched for, else `Code.PROBLEM`.
    """
    notes = [*notes, *_notes(verdict)]
    if form is Format.JSON:
        print_json(to_json(verdict, notes))
    else:
        _print(verdict)
        for note in notes:
            say(clean(f"Note: {note}"))
    return Code.OK if verdict.ok else Code.PROBLEM


def to_json(verdict: Verdict, notes: Sequence[str]) -> dict[str, Any]:
    """A verdict for programs: every problem with its file, its meaning and what to do."""
    return {
        "ok": verdict.ok,
        "log_files": {"here": verdict.logs, "vouched": verdict.vouched, "not_covered": verdict.others},
        "chains": [asdict(chain) for chain in verdict.chains],
        "problems": [
            {
                "file": problem.file,
                "kind": problem.kind,
                "detail": problem.detail,
                "means": EXPLAINED[problem.kind][0],
                "do": EXPLAINED[problem.kind][1],
            }
            for problem in verdict.problems
        ],
        "notes": list(notes),
    }


# -- AWS -----------------------------------------------------------------------------------------------------------


def _fetch_keys(
    account: Calls, digests: Sequence[FoundDigest], now: datetime, notes: list[str]
) -> dict[str, PublicKey]:
    """The keys of the Regions and of the time that the digests are of."""
    keys: dict[str, PublicKey] = {}
    signed: dict[str, list[datetime]] = {}
    for item in digests:
        signed.setdefault(place_of(item.digest)["region"], []).append(item.signed_at or item.digest.end)
    for region, times in sorted(signed.items()):
        between = {"StartTime": min(times) - _KEYS_AROUND, "EndTime": min(max(times) + _KEYS_AROUND, now)}
        try:
            keys |= keys_of(account.pages("cloudtrail", "ListPublicKeys", between, "PublicKeyList", region))
        except (AwsError, KeysError) as error:
            notes.append(f"no public keys of {region}: {error}")
    return keys


def _with_signatures(account: Calls, digests: Sequence[FoundDigest], notes: list[str]) -> Iterator[FoundDigest]:
    """The digests with what only their objects in the bucket tell.

    It is asked for the signature where no digest follows, and for the time of backfills, which are signed later.
    """
    followed = {item.digest.previous for item in digests}
    for item in digests:
        bucket, key = item.digest.place
        if item.signature or (item.digest.place in followed and not item.is_backfill):
            yield item
            continue
        try:
            metadata = account.call("s3", "HeadObject", {"Bucket": bucket, "Key": key}).get("Metadata")
        except AwsError as error:
            notes.append(f"no signature of {key}: {error}")
            yield item
            continue
        signature, signed_at = from_metadata(metadata)
        yield replace(item, signature=signature, signed_at=signed_at)


def _stale(verdict: Verdict, now: datetime) -> Iterator[str]:
    for chain in verdict.chains:
        if not chain.backfill and now - datetime.fromisoformat(chain.last) > _STALE:
            yield (
                f"{chain.account} {chain.region} {chain.trail}: the newest digest that is here ends at {chain.last}; "
                "copy the later ones, or look whether logging was stopped or they were deleted"
            )


# -- printing ------------------------------------------------------------------------------------------------------


def _read(folder: Path, keys: Sequence[Path]) -> Contents:
    check_folder(folder)
    tell(f"Reading {clean(folder)} ...")
    return read_folder(folder, frozenset(file.resolve() for file in keys))


def _notes(verdict: Verdict) -> Iterator[str]:
    if not verdict.chains:
        yield (
            "no digest can be read in this folder: nothing proves its log files. Digests lie under "
            "AWSLogs/ACCOUNT/CloudTrail-Digest/ in the trail's bucket, if log file validation was on"
        )
    for chain in verdict.chains:
        if not chain.begins and not chain.backfill:
            yield (
                f"{chain.account} {chain.region} {chain.trail}: the chain goes on before {chain.first}, with digests "
                "that are not here"
            )
    if verdict.chains:
        buckets = ", ".join(sorted({chain.bucket for chain in verdict.chains}))
        yield (
            f"what is vouched for is what CloudTrail delivered to {buckets}, up to the end of each chain; whether "
            "that bucket is yours and whether later digests were taken away, the files do not tell"
        )
    if verdict.others:
        yield (
            f"{verdict.others} files of Insights or aggregated events are named by no digest; AWS does not say that "
            "digests cover them"
        )


def _print(verdict: Verdict) -> None:
    say(
        f"{verdict.vouched} of {verdict.logs} log files are what CloudTrail delivered; {len(verdict.problems)} problems"
    )
    say()
    print_table(
        "Digests",
        ("bucket", "account", "Region", "trail", "from", "to", "digests", "vouched", "empty"),
        [
            (
                chain.bucket,
                chain.account,
                chain.region,
                f"{chain.trail} (backfill)" if chain.backfill else chain.trail,
                chain.first,
                chain.last,
                chain.digests,
                chain.vouched,
                chain.empty,
            )
            for chain in verdict.chains
        ],
    )
    for kind, problems in _by_kind(verdict.problems).items():
        means, do = EXPLAINED[kind]
        say(f"{kind.capitalize()} ({len(problems)})")
        say(f"  {means}")
        say(f"  Do: {do}")
        # Whole names, since they are what a responder copies; a table would cut them.
        for problem in problems[:_LONGEST_LIST]:
            say(clean(f"    {problem.file}{f': {problem.detail}' if problem.detail else ''}"))
        if len(problems) > _LONGEST_LIST:
            say(f"    and {len(problems) - _LONGEST_LIST} more: --output json lists them")
        say()


def _by_kind(problems: Sequence[Problem]) -> Mapping[Kind, list[Problem]]:
    found: dict[Kind, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.kind, []).append(problem)
    return found
