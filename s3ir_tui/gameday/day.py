"""A game day: the embedded account with its scenario, the attacker and the workload at work in it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from s3ir_tui.gameday.actor import Hands, Place
from s3ir_tui.gameday.aftermath import gather
from s3ir_tui.gameday.attacker import Attacker
from s3ir_tui.gameday.debrief import Debrief, debrief
from s3ir_tui.gameday.helper import Helper
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential, Scenario, World
from s3ir_tui.gameday.scenarios import SCENARIOS
from s3ir_tui.gameday.seeding import instance_credential


class GameDay:
    """A running game day. Use it as a context manager: at its end every process that it started is gone.

    Attributes:
        scenario: What is played.
        world: The seeded account.
        server: The embedded account.
        info: What the info file holds: endpoint, credentials, the truth of the case; it grows as the attacker mints
            and changes as the workload fetches new credentials.
        started: When the attack began, as a UNIX time.
    """

    def __init__(
        self, scenario: Scenario, server: AccountServer, settings: Mapping[str, float], *, pace: float = 1.0
    ) -> None:
        self.scenario = scenario
        self.server = server
        self._settings, self._pace = dict(settings), pace
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._helpers: list[Helper] = []
        self.started = time.time()
        self.world: World = scenario.seed(server)
        self._folder = Path(tempfile.mkdtemp(prefix="s3ir-gameday-"))
        self._held = list(self.world.attack.credentials)
        self.info: dict[str, Any] = self.world.info(server.endpoint_url) | {"scenario": scenario.name}

    @classmethod
    def start(
        cls,
        scenario: str,
        *,
        port: int = 0,
        lag: float = 0.0,
        delay: float = 0.0,
        attacker: bool = True,
        workload: bool = True,
        pace: float = 1.0,
        settings: Mapping[str, float] | None = None,
    ) -> GameDay:
        """Start the account, fill it, and let attacker and workload loose.

        Args:
            scenario: Its name.
            port: Port of the account on 127.0.0.1; 0 takes a free one.
            lag: Seconds until CloudTrail shows a call.
            delay: Seconds until a change to IAM or a bucket's settings takes effect.
            attacker: Whether the attacker goes on, where the scenario has one. Without it, it makes its opening moves
                once, so that the account, the trail and the list of its credentials are the same.
            workload: Whether the legitimate work runs.
            pace: How many times faster than usual attacker and workload work.
            settings: More delays and quotas of the account: see `AccountSettings`.

        Raises:
            KeyError: There is no such scenario.
        """
        chosen = SCENARIOS[scenario]
        server = AccountServer.start(port=port)
        try:
            day = cls(chosen, server, {"lag": lag, "delay": delay} | dict(settings or {}), pace=pace)
        except BaseException:
            server.stop()
            raise
        try:
            day._begin(attacker=attacker, workload=workload)
        except BaseException:
            day.stop()
            raise
        return day

    def _begin(self, *, attacker: bool, workload: bool) -> None:
        self.started = time.time()
        if not attacker:
            attack = self.world.attack
            with Hands(self._place("attacker"), attack.user_agent) as hands:
                Attacker(attack, hands, self._minted).open()
        self.server.control("settings", self._settings)
        if attacker and self.world.attack.credentials:
            self._launch("attacker", {"attack": msgspec.to_builtins(self.world.attack)})
        if workload:
            self._launch("workload", {"jobs": msgspec.to_builtins(self.world.jobs)})

    def _place(self, actor: str) -> Place:
        return Place(self.server.endpoint_url, self.world.region, str(self.log(actor)))

    def _launch(self, actor: str, config: dict[str, Any]) -> None:
        config |= {"place": msgspec.to_builtins(self._place(actor)), "pace": self._pace}
        errors = self._folder / f"{actor}.err"
        self._helpers.append(Helper(f"s3ir_tui.gameday.{actor}", config, errors, self._heard))

    def log(self, actor: str) -> Path:
        """The log of `attacker` or `workload`: one JSON line a call."""
        return self._folder / f"{actor}.jsonl"

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of attacker and workload."""
        return tuple(helper.pid for helper in self._helpers)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener`, on another thread, whenever `info` has changed."""
        self._listeners.append(listener)

    def snapshot(self) -> dict[str, Any]:
        """A copy of `info` that does not change any more."""
        with self._lock:
            copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.info))
        return copy

    def debrief(self, case: Path | None = None) -> Debrief:
        """What was true so far.

        Args:
            case: The case folder of the console, or `None` where nothing was recorded.
        """
        with self._lock:
            held = tuple(self._held)
        evidence = gather(
            self.server,
            self.world,
            held,
            scenario=self.scenario.name,
            started=self.started,
            delay=self._settings["delay"],
            attacker_log=self.log("attacker"),
            workload_log=self.log("workload"),
            case=case,
        )
        return debrief(evidence)

    def stop(self) -> None:
        """End attacker, workload and account, and remove their logs; a second call does nothing."""
        self.halt()
        self.server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def halt(self) -> None:
        """End attacker and workload, and leave the account running."""
        helpers, self._helpers = self._helpers, []
        for helper in helpers:
            helper.stop()

    def __enter__(self) -> GameDay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _heard(self, helper: Helper, message: Mapping[str, Any]) -> None:
        if message["kind"] == "minted":
            self._minted(msgspec.convert(message["credential"], Credential))
        elif message["kind"] == "refresh":
            self._refresh(helper, message["job"])

    def _minted(self, credential: Credential) -> None:
        with self._lock:
            self._held.append(credential)
            self.info["attacker"].append(credential.info())
        self._changed()

    def _refresh(self, helper: Helper, name: str) -> None:
        """Answer as the metadata service of the job's instance would."""
        job = next(job for job in self.world.jobs if job.name == name)
        old = job.credential
        try:
            answer = self.server.control("instance-credentials", {"instance": old.instance})
        except OSError:
            return  # The account did not answer: the job asks again after its next refusals.
        fresh = instance_credential(old.name, old.principal, old.instance, old.addresses, answer)
        helper.send({"job": name, "credential": msgspec.to_builtins(fresh)})
        with self._lock:
            shown = next(entry for entry in self.info["workload"] if entry["name"] == name)
            shown.update(fresh.info() | {"name": name})
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
