"""What the screens ask of whoever plans and carries out actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from actions.executor import Armed
    from actions.plan import Answer, Done, Offer, Plan, Progress, Result, Stale, Targets


class DeskLike(Protocol):
    """Plans, runs and undoes. All but `stop` ask AWS or the log, and so belong on a thread."""

    @property
    def needs_reason(self) -> bool:
        """Whether the next plan that writes must be given a ticket or reason; reads the log."""

    @property
    def operator(self) -> str:
        """Name of the person at the console as the settings have it, or ""."""

    def recorded_reason(self) -> Armed | None:
        """For what, and by whom, a console of this case was armed last; reads the log."""

    def age(self, plan: Plan) -> float:
        """How long ago AWS was read for a plan, in seconds; at once."""

    def still_valid(self, plan: Plan) -> Stale | None:
        """What differs in the trail since a plan was made, or `None`; reads no AWS."""

    def offers(self, targets: Targets) -> tuple[Offer, ...]:
        """The actions that fit, best first, and the others with the reason why not."""

    def plan(self, action_id: str, targets: Targets) -> Plan:
        """Plan an action; raises `Refusal` with the way out."""

    def done(self) -> tuple[Done, ...]:
        """The plans that ran, as the log tells them."""

    def undo_plan(self, ref: str) -> Plan:
        """Plan the way back of a plan that ran; raises `Refusal` where there is none."""

    def run(self, plan: Plan, answer: Answer, progress: Callable[[Progress], None]) -> Result:
        """Carry a plan out; `progress` is told of every step, on this thread."""

    def stop(self) -> None:
        """Begin no further step; the one in flight gets its outcome. Returns at once."""

    def reconcile(self) -> object:
        """Read what became of calls that were begun and whose outcome is not recorded."""
