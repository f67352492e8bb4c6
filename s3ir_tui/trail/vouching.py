"""What digests prove of the log files that lie beside them, and what nothing proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from s3ir_tui.model import iso
from s3ir_tui.trail.digest_problems import Kind, Problem
from s3ir_tui.trail.digests import APPENDED, Found, FoundDigest, NamedLog, Trust, place_of, sound_hash, weigh
from s3ir_tui.trail.public_keys import PublicKey


@dataclass(frozen=True, slots=True)
class Chain:
    """The digests of one account, Region and trail in one bucket.

    Attributes:
        bucket: Where they were delivered.
        account: Account id.
        region: Whose events they are.
        trail: Name of the trail.
        backfill: Whether they list files that came late.
        first: Begin of the oldest, UTC.
        last: End of the newest, UTC.
        digests: How many there are.
        vouched: How many of them are CloudTrail's word.
        empty: How many say that no log file was delivered.
        begins: Whether the oldest is a starting digest; if not, the chain goes on before what is here.
    """

    bucket: str
    account: str
    region: str
    trail: str
    backfill: bool
    first: str
    last: str
    digests: int
    vouched: int
    empty: int
    begins: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out.

    Attributes:
        chains: The digests by account, Region and trail.
        problems: What is not in order, digests before log files.
        logs: Log files that are here.
        vouched: How many of them are what CloudTrail delivered.
        others: Files that digests are not documented to name, such as those of Insights, and that none names.
    """

    chains: tuple[Chain, ...]
    problems: tuple[Problem, ...]
    logs: int
    vouched: int
    others: int

    @property
    def ok(self) -> bool:
        """Whether everything that is here is vouched for, and nothing is missing."""
        return not self.problems and bool(self.chains)


def judge(
    digests: Sequence[FoundDigest],
    logs: Sequence[Found],
    keys: Mapping[str, PublicKey],
    unreadable: Iterable[Found] = (),
    bucket: str = "",
) -> Verdict:
    """Judge digests and log files.

    Args:
        digests: The digests that are here.
        logs: The log files that are here.
        keys: Public keys by fingerprint.
        unreadable: Digests that cannot be read.
        bucket: The bucket that the trail delivers to, where it is known; digests of another one prove nothing.
    """
    trust = weigh(digests, keys)
    problems = [Problem(item.file, Kind.UNREADABLE, item.trouble) for item in unreadable]
    single = _one_of_each(digests, trust, problems)
    strange = _strange(single, trust, bucket)
    for item in digests:
        problems += _problems_of(item, trust[item.file], strange)
    chains = _chains(single)
    places = {item.digest.place for item in digests}
    for chain in chains:
        problems += _holes(chain, places)
    sound = {item.file for item in single if trust[item.file].vouches and item.file not in strange}
    checked = _Logs(single, sound)
    vouched = others = 0
    for log in logs:
        problem = checked.problem(log)
        if problem is None:
            vouched += 1
        elif problem.kind is Kind.UNVOUCHED and _is_other(log.file):
            others += 1
        else:
            problems.append(problem)
    problems += checked.missing()
    made = tuple(_chain(chain, sound) for chain in chains)
    return Verdict(made, tuple(problems), len(logs) - others, vouched, others)


# -- digests -------------------------------------------------------------------------------------------------------

_BY_TRUST = {
    Trust.UNSIGNED: Kind.UNSIGNED,
    Trust.NO_KEY: Kind.NO_KEY,
    Trust.EXPIRED: Kind.EXPIRED_KEY,
    Trust.BAD: Kind.BAD_SIGNATURE,
    Trust.CHANGED: Kind.CHANGED_DIGEST,
}


def _problems_of(item: FoundDigest, trust: Trust, strange: Iterable[str]) -> Iterator[Problem]:
    digest = item.digest
    if _name(item.file) != _name(digest.digestS3Object):
        yield Problem(item.file, Kind.MISPLACED, f"it is {'/'.join(digest.place)}")
    if item.found.trouble:
        yield Problem(item.file, Kind.APPENDED, item.found.trouble)
    if item.file in strange:
        yield Problem(item.file, Kind.FOREIGN, f"it names the bucket {digest.digestS3Bucket}")
    if trust in _BY_TRUST:
        named = trust in (Trust.NO_KEY, Trust.EXPIRED)
        detail = f"key {digest.digestPublicKeyFingerprint}" if named else f"{iso(digest.start)} to {iso(digest.end)}"
        yield Problem(item.file, _BY_TRUST[trust], detail)


def _one_of_each(
    digests: Sequence[FoundDigest], trust: Mapping[str, Trust], problems: list[Problem]
) -> list[FoundDigest]:
    """One file for each digest, the most trusted and best named; those that contradict it become problems."""
    kept: dict[tuple[str, str], FoundDigest] = {}
    ranked = sorted(
        digests, key=lambda item: (not trust[item.file].vouches, _name(item.file) != _name(item.digest.digestS3Object))
    )
    for item in ranked:
        first = kept.setdefault(item.digest.place, item)
        if first.found.sha256 != item.found.sha256:
            problems.append(Problem(item.file, Kind.CONFLICT, f"the other one is {first.file}"))
    return list(kept.values())


def _strange(digests: Sequence[FoundDigest], trust: Mapping[str, Trust], bucket: str) -> set[str]:
    """Files of digests that were made for another bucket: than the named one, else than the one that most are of.

    A trail that was moved goes on in the same chain, in another bucket; only CloudTrail's own word counts for that.
    """
    if bucket:
        return {item.file for item in digests if item.digest.digestS3Bucket != bucket}
    counts = Counter(item.digest.digestS3Bucket for item in digests)
    if len(counts) < 2:
        return set()
    ours = {counts.most_common(1)[0][0]}
    links = {
        (item.digest.digestS3Bucket, item.digest.previous[0])
        for item in digests
        if item.digest.previous and trust[item.file].vouches
    }
    for _ in counts:
        ours |= {other for pair in links if ours & set(pair) for other in pair}
    return {item.file for item in digests if item.digest.digestS3Bucket not in ours}


def _chains(digests: Sequence[FoundDigest]) -> list[list[FoundDigest]]:
    """The digests by what they are of, oldest first."""
    found: dict[tuple[str, ...], list[FoundDigest]] = {}
    for item in digests:
        where = place_of(item.digest)
        found.setdefault((item.digest.digestS3Bucket, *where.values()), []).append(item)
    return [sorted(found[name], key=lambda item: item.digest.end) for name in sorted(found)]


def _holes(chain: Sequence[FoundDigest], places: set[tuple[str, str]]) -> Iterator[Problem]:
    """What is missing between the digests of one chain."""
    for earlier, later in pairwise(chain):
        before, after = earlier.digest, later.digest
        between = f"{iso(before.end)} to {iso(after.start)}"
        if after.previous is None:
            if after.start > before.end:
                yield Problem(later.file, Kind.GAP, f"{between}; a starting digest follows")
        elif after.previous not in places:
            yield Problem("/".join(after.previous), Kind.MISSING_DIGEST, between)
        elif after.previous != before.place:
            if not later.is_backfill:
                yield Problem(later.file, Kind.OUT_OF_CHAIN, f"it follows {'/'.join(after.previous)}")
        elif after.start > before.end and not later.is_backfill:
            yield Problem(later.file, Kind.GAP, between)


def _chain(chain: Sequence[FoundDigest], sound: set[str]) -> Chain:
    first, last = chain[0].digest, chain[-1].digest
    where = place_of(first)
    return Chain(
        first.digestS3Bucket,
        where["account"],
        where["region"],
        where["trail"],
        bool(where["backfill"]),
        iso(first.start),
        iso(last.end),
        len(chain),
        sum(item.file in sound for item in chain),
        sum(not item.digest.logFiles for item in chain),
        first.previous is None,
    )


# -- log files -----------------------------------------------------------------------------------------------------


class _Logs:
    """Log files as the digests name them, by their names: these are unique, and stay when files are copied."""

    def __init__(self, digests: Iterable[FoundDigest], sound: set[str]) -> None:
        self._named: dict[str, list[tuple[NamedLog, bool, str]]] = {}
        self._seen: set[str] = set()
        self._by_hash: dict[str, str] = {}
        for item in digests:
            for log in item.digest.logFiles:
                self._named.setdefault(_name(log.s3Object), []).append((log, item.file in sound, item.file))
                self._by_hash.setdefault(log.hashValue.lower(), log.s3Object)

    def problem(self, log: Found) -> Problem | None:
        """What is wrong with a log file, or `None` where it is what CloudTrail delivered."""
        name = _name(log.file)
        named = self._named.get(name, [])
        whose = self._by_hash.get(log.sha256)
        if not named:
            kind, seen = (Kind.RENAMED, f"it is {whose}") if whose else (Kind.UNVOUCHED, log.trouble)
            return Problem(log.file, kind, seen)
        self._seen.add(name)
        # A digest that nothing vouches for must not speak against or beside one that is CloudTrail's word.
        named = [entry for entry in named if entry[1]] or named
        if not any(sound_hash(entry) for entry, _, _ in named):
            return Problem(log.file, Kind.NO_HASH, f"by {_file(named[0][2])}")
        if all(entry.hashValue.lower() != log.sha256 for entry, _, _ in named):
            swapped = f"its content is that of {whose}" if whose else log.trouble
            return Problem(log.file, Kind.CHANGED, swapped or f"by {_file(named[0][2])}")
        if log.trouble:
            return Problem(log.file, Kind.APPENDED if log.trouble == APPENDED else Kind.CHANGED, log.trouble)
        return None if named[0][1] else Problem(log.file, Kind.UNPROVEN, f"by {_file(named[0][2])}")

    def missing(self) -> Iterator[Problem]:
        """The log files that are named and were not asked about."""
        for name, named in self._named.items():
            if name not in self._seen:
                log, _, file = named[0]
                yield Problem(f"{log.s3Bucket}/{log.s3Object}", Kind.MISSING, f"by {_file(file)}")


def _name(path: str) -> str:
    """A file's name; a log file that was unpacked keeps it but for the end."""
    return _file(path).removesuffix(".gz")


def _file(path: str) -> str:
    return path.rpartition("/")[2]


def _is_other(file: str) -> bool:
    return "_CloudTrail-Insight_" in file or "_CloudTrail-Aggregated_" in file
