"""The trail of the account, from the sources that the settings choose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from s3ir_tui.headless.exits import Code, Failure
from s3ir_tui.settings import Settings
from s3ir_tui.text import clean
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.folders import read_folders
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.discover import Survey, offers, survey
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import Closes, Source, SourceError, caught_up, drain, remark
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.files import FilesSource
from s3ir_tui.trail.sources.queue import QueueSource, queue_region

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

KINDS = ("lookup", "bucket", "logs")
"""The kinds of sources that an account offers and that are read unless others are named."""

PAID = ("livetail",)
"""Kinds that cost by the minute: read only where they are named."""

QUEUE = "queue:"
"""Begins the URL or name of an SQS queue; no other is ever read."""

BUCKET = "bucket:"
"""Begins the name of a trail's bucket, `bucket:NAME[/PREFIX][@ROLE_ARN]`: an organization's is in another account."""

_AT_ONCE = 16
_BUCKET = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^@]*))?(?:@(arn:[a-z-]+:iam::\d{12}:role/\S+))?")


class Absent:
    """A source that was named and that the account does not offer: shown as lost, with what it does offer."""

    data_events = False
    interval = 60.0

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why

    def poll(self) -> list[Event]:
        """Say so.

        Raises:
            SourceError: Always.
        """
        raise SourceError(self.why)


class Sources:
    """The sources that settings choose; made before signing in, so that nonsense is told at once.

    Args:
        settings: `sources` names kinds, queues and paths; empty means all that the account offers and is not paid for.

    Raises:
        Failure: One is neither a kind nor a queue nor a path that is there.
    """

    def __init__(self, settings: Settings) -> None:
        self.kinds = tuple(name for name in settings.sources if name in (*KINDS, *PAID))
        self.queues = tuple(name.removeprefix(QUEUE) for name in settings.sources if name.startswith(QUEUE))
        given = [name.removeprefix(BUCKET) for name in settings.sources if name.startswith(BUCKET)]
        self.buckets = tuple(map(_bucket, given))
        named = {*self.kinds, *(QUEUE + queue for queue in self.queues), *(BUCKET + bucket for bucket in given)}
        self.paths = tuple(Path(name).expanduser() for name in settings.sources if name not in named)
        for path in self.paths:
            if not path.exists():
                raise Failure(
                    f"source {path}: neither {', '.join((*KINDS, *PAID))} nor {QUEUE}URL, {QUEUE}NAME or "
                    f"{BUCKET}NAME[/PREFIX][@ROLE_ARN], nor a file or folder that is there",
                    Code.USAGE,
                )
        if not all(self.queues):
            raise Failure(f"source {QUEUE}: name the queue, as {QUEUE}URL or {QUEUE}NAME", Code.USAGE)

    def __call__(self, account: Account, since: datetime) -> Sequence[Source]:
        """The sources of an account for the time since a moment. Nothing is taken out of a queue."""
        return (
            *self._offered(account, since),
            *(QueueSource(account, url, queue_region(url, account.region)) for url in self._urls(account)),
            *self._named_buckets(account, since),
            *(FilesSource([path]) for path in self.paths),
        )

    def recorded(self, account: Account, since: datetime) -> Sequence[Source]:
        """The same for a case in which all is recorded that a queue brings: its messages may then be deleted."""
        found = self(account, since)
        for url in self._urls(account):
            account.guard.choose_queue(url)
        return found

    def all_of(self, account: Account, found: Survey, since: datetime) -> Sequence[Source]:
        """All that the account offers, what is paid for included, and the queues; or only what settings name."""
        there = offers(account, found, since)
        named = bool(self.kinds or self.queues or self.buckets)
        return (
            *(self._chosen(there, self.kinds) if named else there),
            *self._named_buckets(account, since),
            *(QueueSource(account, url, queue_region(url, account.region)) for url in self._urls(account)),
        )

    def _offered(self, account: Account, since: datetime) -> Sequence[Source]:
        wanted = self.kinds or (() if self.paths or self.queues or self.buckets else KINDS)
        if not wanted:
            return ()
        there = offers(account, survey(account), since)
        return self._chosen(there, wanted)

    def _named_buckets(self, account: Account, since: datetime) -> Sequence[Source]:
        """The trail buckets that are named: only what is of this account is read, whoever else's logs lie there.

        Whether its trail selects data events, this account may not see: it shows when one comes.
        """
        return [
            TrailBucketSource(
                account.elsewhere(role) if role else account,
                name,
                prefix,
                account.identity.account,
                (),
                since,
                data_events=False,
            )
            for name, prefix, role in self.buckets
        ]

    def _chosen(self, there: Sequence[Source], wanted: Collection[str]) -> Sequence[Source]:
        """What is wanted of what there is; what was named and is not there stands for itself."""
        chosen = [item for item in there if _kind(item) in wanted]
        missing = [kind for kind in self.kinds if kind not in map(_kind, chosen)]
        return (
            *chosen,
            *(Absent(kind, f"this account offers no {kind}; there is: {_names(there)}") for kind in missing),
        )

    def _urls(self, account: Account) -> Sequence[str]:
        """The URLs of the queues; a name is that of a queue of this account in the home Region."""
        return [
            queue
            if "://" in queue
            else f"{account.client('sqs').meta.endpoint_url.rstrip('/')}/{account.identity.account}/{queue}"
            for queue in self.queues
        ]


def gather(account: Account, sources: Sources, since: datetime) -> tuple[Analysis, list[Skipped]]:
    """Everything that the sources bring for the time since a moment. Nothing is recorded, nothing is taken away.

    Returns:
        The trail, and each source that brought nothing or not all, with its reason: what it knows is missing, not
        absent.
    """
    analysis = Analysis(account.own_keys)
    missing: list[Skipped] = []
    chosen = sources(account, since)
    for source in chosen:
        if isinstance(source, FilesSource):
            for step in read_folders(source.paths, analysis):
                missing += step.skipped
    chosen = [source for source in chosen if not isinstance(source, FilesSource)]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="gather") as pool:
        # Remarks are complete once all are read: one source may tell what others met.
        for source, answer in zip(chosen, list(pool.map(_drained, chosen)), strict=True):
            if isinstance(answer, SourceError):
                missing.append(Skipped(source.name, str(answer)))
                continue
            analysis.add(answer, source.name)
            if not caught_up(source):
                missing.append(Skipped(source.name, "not read to its beginning: events before the oldest are missing"))
            if said := remark(source):
                missing.append(Skipped(source.name, clean(said)))
    analysis.own_keys = frozenset(account.own_keys)  # credentials may have been renewed while the sources were read
    return analysis, missing


def _drained(source: Source) -> list[Event] | SourceError:
    try:
        return drain(source)
    except SourceError as error:
        return error
    finally:
        if isinstance(source, Closes):
            source.close()


def _names(there: Sequence[Source]) -> str:
    """The names of sources in a few words: Regions are counted."""
    kinds = Counter(map(_kind, there))
    regions = f"lookup of {kinds['lookup']} Regions" if kinds["lookup"] > 1 else ""
    rest = [item.name for item in there if not (regions and _kind(item) == "lookup")]
    return ", ".join(filter(None, (regions, *rest)))


def _bucket(text: str) -> tuple[str, str, str]:
    """Name, prefix and role of `NAME[/PREFIX][@ROLE_ARN]`.

    Raises:
        Failure: It is none.
    """
    found = _BUCKET.fullmatch(text)
    if found is None:
        raise Failure(f"source {BUCKET}{clean(text)}: write {BUCKET}NAME, NAME/PREFIX or NAME@ROLE_ARN", Code.USAGE)
    return found[1], (found[2] or "").strip("/").removesuffix("AWSLogs").strip("/"), found[3] or ""


def _kind(source: Source) -> str:
    return source.name.split()[0]
