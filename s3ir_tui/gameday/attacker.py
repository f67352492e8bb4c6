"""The attacker: a real client in a process of its own, which reads, spreads, and fights back when it is cut off."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from s3ir_tui.gameday.actor import Hands, Outcome, Parent, Place
from s3ir_tui.gameday.scenario import Attack, Credential, Move

READS_A_SECOND = 3.0
MOVE_EVERY = 1.5
UNDO_EVERY = 2.0
PATIENCE = 3.0
MOST_MINTS = 4
_LIST_AGAIN_AFTER = 20


class Attacker:
    """Carries out an attack, one call at a time.

    Args:
        attack: What it holds, reads and does.
        hands: What it calls AWS with.
        on_minted: Is told of every credential that it makes.
        pace: How many times faster than usual it works.
    """

    def __init__(
        self, attack: Attack, hands: Hands, on_minted: Callable[[Credential], None], *, pace: float = 1.0
    ) -> None:
        self._pace = pace
        self._attack = attack
        self._hands = hands
        self._on_minted = on_minted
        self.held = {credential.name: credential for credential in attack.credentials}
        self._waiting = set(attack.waiting)
        self._worked: set[str] = set()
        self._lost: set[str] = set()
        self._keys: dict[str, deque[str]] = {bucket: deque() for bucket in attack.buckets}
        self._reads = 0
        self._mints: dict[str, int] = {}

    @property
    def cut(self) -> bool:
        """Whether something that worked was taken from it."""
        return bool(self._lost)

    def open(self, reads: int = 6) -> None:
        """Make every opening move at once, then a few reads with each credential: an attack in fast motion."""
        for move in self._attack.opening:
            self.move(move)
        for _ in range(reads * len(self._usable())):
            self.read()

    def run(self, stop: threading.Event) -> None:
        """Attack at an even pace until told to stop."""
        opening, undo = deque(self._attack.opening), deque(self._attack.undo)
        tick = 1 / READS_A_SECOND
        since_move, since_undo, cut_for = MOVE_EVERY, 0.0, 0.0
        while not stop.wait(tick / self._pace):
            self.read()
            since_move, since_undo = since_move + tick, since_undo + tick
            cut_for = cut_for + tick if self.cut else 0.0
            if opening and since_move >= MOVE_EVERY:
                self.move(opening.popleft())
                since_move = 0.0
            if undo and cut_for >= PATIENCE and since_undo >= UNDO_EVERY:
                self.move(undo[0])
                undo.rotate(-1)
                since_undo = 0.0

    def read(self) -> None:
        """Read one more object, with the credential and the bucket whose turn it is."""
        usable = self._usable()
        if not usable:
            return
        credential = usable[self._reads % len(usable)]
        bucket = self._attack.buckets[self._reads // len(usable) % len(self._attack.buckets)]
        keys = self._keys[bucket]
        if not keys or self._reads % _LIST_AGAIN_AFTER == 0:
            outcome = self._hands.call(credential, "s3", "ListObjectsV2", {"Bucket": bucket}, "read")
            if outcome.ok:
                listed = [str(entry["Key"]) for entry in outcome.answer.get("Contents", ())]
                keys.extend(key for key in listed if key not in keys)
        else:
            outcome = self._hands.call(credential, "s3", "GetObject", {"Bucket": bucket, "Key": keys[0]}, "read")
            keys.rotate(-1)
        self._reads += 1
        self._note(credential.name, outcome)

    def move(self, move: Move) -> bool:
        """Make a move with the first credential that can.

        Returns:
            Whether it succeeded.
        """
        params = self._resolve(move.params)
        if params is None or (move.mints and not self._wants(move.mints)):
            return False
        names = move.by or tuple(self.held)
        for credential in [self.held[name] for name in names if name in self.held and name not in self._waiting]:
            if self._make(move, params, credential):
                return True
        return False

    def _make(self, move: Move, params: dict[str, Any], credential: Credential) -> bool:
        if move.each is not None:
            listed = self._hands.call(credential, move.service, move.each.operation, params, "recon")
            if not listed.ok:
                return False
            names = [str(name) for name in listed.answer.get(move.each.names, ())]
            done = [
                self._hands.call(
                    credential, move.service, move.operation, params | {move.each.parameter: name}, move.kind
                ).ok
                for name in names
            ]
            return all(done)
        outcome = self._hands.call(credential, move.service, move.operation, params, move.kind)
        if not outcome.ok:
            return False
        if move.opens:
            self._waiting.discard(move.opens)
        if move.mints:
            self._take(move, outcome.answer, credential)
        return True

    def _take(self, move: Move, answer: Mapping[str, Any], minter: Credential) -> None:
        made = answer.get("AccessKey") or answer["Credentials"]
        count = self._mints.get(move.mints, 0) + 1
        self._mints[move.mints] = count
        credential = Credential(
            name=move.mints if count == 1 else f"{move.mints}-{count}",
            access_key_id=made["AccessKeyId"],
            secret_access_key=made["SecretAccessKey"],
            session_token=made.get("SessionToken", ""),
            principal=str(move.params.get("RoleArn") or minter.principal),
            addresses=minter.addresses,
        )
        self.held[credential.name] = credential
        self._on_minted(credential)

    def _wants(self, mints: str) -> bool:
        """Whether another credential of this name is worth making: none yet, or those there are were cut."""
        made = [name for name in self.held if name == mints or name.startswith(f"{mints}-")]
        return not made or (len(made) < MOST_MINTS and all(name in self._lost for name in made))

    def _usable(self) -> list[Credential]:
        return [credential for name, credential in self.held.items() if name not in self._waiting]

    def _note(self, name: str, outcome: Outcome) -> None:
        if outcome.ok:
            self._worked.add(name)
            self._lost.discard(name)
        elif outcome.refused and name in self._worked:
            self._lost.add(name)

    def _resolve(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Parameters with `$NAME` replaced by access key ids, or `None` where such a credential is not held."""
        resolved: dict[str, Any] = {}
        for name, value in params.items():
            if isinstance(value, str) and value.startswith("$"):
                if value[1:] not in self.held:
                    return None
                value = self.held[value[1:]].access_key_id
            resolved[name] = value
        return resolved


def main() -> int:
    """Attack as the parent's first line says, until it hangs up."""
    parent = Parent(lambda _message: None)
    config = parent.first()
    place, attack = msgspec.convert(config["place"], Place), msgspec.convert(config["attack"], Attack)
    parent.listen()

    def tell(credential: Credential) -> None:
        parent.send({"kind": "minted", "credential": msgspec.to_builtins(credential)})

    hands = Hands(place, attack.user_agent)
    Attacker(attack, hands, tell, pace=config["pace"]).run(threading.Event())
    return 0


if __name__ == "__main__":
    sys.exit(main())
