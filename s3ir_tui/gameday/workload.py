"""The legitimate work: principals that read and write their buckets, and fetch new credentials as an instance does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from s3ir_tui.gameday.actor import Hands, Parent, Place
from s3ir_tui.gameday.scenario import Credential, Job

CALLS_A_SECOND = 1.0
REFRESH_AFTER = 3


class Worker:
    """One job at work.

    Args:
        job: What it does and as whom.
        hands: What it calls AWS with.
        on_refused: Is asked for new credentials once a few calls in a row were refused.
    """

    def __init__(self, job: Job, hands: Hands, on_refused: Callable[[Job], None]) -> None:
        self.job = job
        self._hands = hands
        self._on_refused = on_refused
        self._credential = job.credential
        self._keys: list[str] = []
        self._calls = 0
        self._refused = 0

    def use(self, credential: Credential) -> None:
        """Work with these credentials from now on."""
        self._credential = credential

    def work(self) -> None:
        """Make the next call."""
        self._calls += 1
        bucket = {"Bucket": self.job.bucket}
        if not self._keys:
            operation, params = "ListObjectsV2", bucket | {"Prefix": self.job.prefix}
        elif self.job.writes and self._calls % 3 == 0:
            operation, params = "PutObject", bucket | {"Key": f"{self.job.writes}live-{self._calls % 12:04d}"}
            params["Body"] = "x" * 4096
        else:
            operation, params = "GetObject", bucket | {"Key": self._keys[self._calls % len(self._keys)]}
        outcome = self._hands.call(self._credential, "s3", operation, params, "work")
        if operation == "ListObjectsV2" and outcome.ok:
            self._keys = [str(entry["Key"]) for entry in outcome.answer.get("Contents", ())]
        self._refused = self._refused + 1 if outcome.refused else 0
        if self._refused and self._refused % REFRESH_AFTER == 0 and self.job.credential.instance:
            self._on_refused(self.job)


def main() -> int:
    """Work as the parent's first line says, until it hangs up."""
    workers: dict[str, Worker] = {}

    def answered(message: Mapping[str, Any]) -> None:
        workers[message["job"]].use(msgspec.convert(message["credential"], Credential))

    parent = Parent(answered)
    config = parent.first()
    place = msgspec.convert(config["place"], Place)
    for job in msgspec.convert(config["jobs"], list[Job]):
        workers[job.name] = Worker(
            job, Hands(place, job.user_agent), lambda job: parent.send({"kind": "refresh", "job": job.name})
        )
    parent.listen()
    pause = threading.Event()
    while True:
        for worker in workers.values():
            pause.wait(1 / (CALLS_A_SECOND * config["pace"] * len(workers)))
            worker.work()


if __name__ == "__main__":
    sys.exit(main())
