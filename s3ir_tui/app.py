"""The Textual application: wires a room and a desk to the screens, and ends in order."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import ClassVar

import screens.environment as environment

# isort: split
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.theme import Theme

from s3ir_tui.pace import key_pressed
from s3ir_tui.room import Room, Timeline, Update
from s3ir_tui.text import clean
from screens import crash
from screens.asking import Asks
from screens.base import CaseScreen
from screens.desk import DeskLike
from screens.later import later
from screens.leaving import Leaving
from screens.messages import Left, RoomSaid, RunChanged, RunPlan, ThreadEnded
from screens.palette import KeysProvider
from screens.state import State
from screens.war_room import WarRoomScreen
from screens.watchdog import Watchdog

PAINT_SECONDS = 0.25
"""The screens show news at most this often."""

FAULT = 70
"""Exit status after a fault of this program."""

_DARK = Theme(
    name="s3ir-dark",
    primary="#5f87af",
    accent="#87afd7",
    warning="#d7af5f",
    error="#d75f5f",
    success="#87af5f",
    foreground="#d0d0d0",
    background="#121417",
    surface="#121417",
    panel="#22262b",
    boost="#2c3238",
    dark=True,
    variables={"block-cursor-background": "#3a5878", "block-cursor-foreground": "#ffffff"},
)


class WarRoomApp(App[None]):
    """The console.

    Args:
        room: Who feeds the screens.
        desk: Who plans and acts; without one nothing can be changed, and nothing that changes is offered.
        timeline: The time line of a recorded case.
        asks: Who answers questions to history.
    """

    TITLE = "s3ir-tui"
    COMMANDS = {KeysProvider}
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "leave", "leave", show=False, priority=True)]
    CSS = """
    Screen { background: $background; color: $foreground; }
    """

    def __init__(
        self,
        room: Room,
        desk: DeskLike | None = None,
        timeline: Timeline | None = None,
        asks: Asks | None = None,
    ) -> None:
        # Textual chooses between no colour at all and greys here, before a theme can be set.
        super().__init__(driver_class=_driver(), ansi_color=True if "NO_COLOR" in os.environ else None)
        self.animation_level = "none"
        self.state = State(room, desk, timeline)
        self.state.asks = asks
        self.leaving = Leaving(self.state, self._told_to_end)
        self.fault = ""
        self._war_room = WarRoomScreen(self.state)
        self._painted = 0.0
        self._due_since = 0.0
        self._heard = time.monotonic()
        self._watchdog = Watchdog(
            overdue=lambda: time.monotonic() - self._due_since if self._due_since else 0.0,
            repaint=self._paint,
            silent=lambda: time.monotonic() - self._heard if self.state.live else 0.0,
            tell_age=self._tell_age,
            tell=self._tell,
        )
        self.register_theme(_DARK)
        wanted = os.environ.get("TEXTUAL_THEME", "ansi-dark" if self.no_color else "")
        self.theme = wanted if wanted in self.available_themes else _DARK.name

    def get_default_screen(self) -> WarRoomScreen:
        """The war room."""
        return self._war_room

    async def on_event(self, event: events.Event) -> None:
        """A key is answered before anything else: the background gives way (see `pace`)."""
        if isinstance(event, events.Key):
            key_pressed()
        await super().on_event(event)

    def on_mount(self) -> None:
        """Let the room begin once the first picture stands: behind the message that the war room draws it for."""
        self._war_room.call_later(self.state.room.start, self._hear)
        self._watchdog.start()

    # -- the room ------------------------------------------------------------------------------

    def _hear(self, update: Update) -> None:
        """Called by the room on any thread: never waits."""
        self.post_message(RoomSaid(update))

    def on_room_said(self, message: RoomSaid) -> None:
        """Take everything in at once, paint it a little later with what else comes."""
        self._heard = time.monotonic()
        self.state.take(message.update)
        self._war_room.take_lines(reset=message.update.reset)
        self._paint_soon()

    def _paint_soon(self) -> None:
        if self._due_since:
            return
        now = time.monotonic()
        wait = PAINT_SECONDS - (now - self._painted)
        if wait <= 0:
            self._paint()
        else:
            self._due_since = now
            later(self, wait, self._paint)

    def _paint(self) -> None:
        self._due_since = 0.0
        self._painted = time.monotonic()
        if not self.is_running:  # it ends: the screens lose their widgets one by one
            return
        for screen in self.screen_stack:
            if isinstance(screen, CaseScreen) and (screen.is_current or screen is self._war_room):
                screen.update()

    def _case_screen(self) -> CaseScreen | None:
        """The screen in sight, where it is one of ours and the application still has one."""
        stack = self.screen_stack
        return stack[-1] if stack and isinstance(stack[-1], CaseScreen) else None

    def _tell_age(self, seconds: float) -> None:
        screen = self._case_screen()
        if screen is not None and self.is_running:
            screen.show_silence(seconds)

    def _tell(self, words: str) -> None:
        screen = self._case_screen()
        if screen is not None and self.is_running:
            screen.say(words, alarm=True, seconds=30)

    def thread_ended(self, args: threading.ExceptHookArgs) -> None:
        """Called on a thread that ends with a fault: its traceback goes to a file, an alarm to every screen."""
        if args.exc_value is None:
            return
        crash.record(args.exc_value)
        name = args.thread.name if args.thread is not None else "a thread"
        self.post_message(ThreadEnded(clean(f"{name} of this console ended: {args.exc_type.__name__}")))

    def on_thread_ended(self, message: ThreadEnded) -> None:
        """What it did is not done any more: said until the end."""
        self.state.faults = tuple(dict.fromkeys((*self.state.faults, f"{message.words}; start it again")))
        self._paint()

    # -- plans ---------------------------------------------------------------------------------

    def on_run_plan(self, message: RunPlan) -> None:
        """Run a plan on its own thread."""
        desk, run = self.state.desk, self.state.run
        if desk is None or self.leaving.begun or (run is not None and not run.ended):
            return
        from screens.running import Run

        self.state.run = Run(desk, message.plan, message.answer, self._run_moved)
        self.state.run.start()
        self._paint()

    def _run_moved(self) -> None:
        """Called on the thread of the plan: never waits."""
        self.post_message(RunChanged())

    def on_run_changed(self, _: RunChanged) -> None:
        """Show how far it is."""
        self._paint()
        run, screen = self.state.run, self._case_screen()
        if run is not None and run.ended and screen is not None:
            screen.run_ended(run)

    # -- the way out ---------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave in order."""
        self.action_leave()

    def action_leave(self) -> None:
        """Leave; ask first where a plan runs."""
        run, screen = self.state.run, self._case_screen()
        if run is None or run.ended:
            self._leave()
        elif screen is not None:
            screen.ask("a plan runs; leave after the step in flight? type yes", self._leave_if)

    def _leave_if(self, text: str) -> None:
        if text.casefold() == "yes":
            self._leave()

    def _leave(self) -> None:
        screen = self._case_screen()
        if screen is not None:
            screen.say("leaving: what runs is recorded first …", seconds=0)
        self.leaving.begin("closed by the responder")

    def _told_to_end(self, code: int) -> None:
        """Called on the thread that leaves: never waits."""
        self.post_message(Left(code))

    def on_left(self, message: Left) -> None:
        """Everything is recorded: end."""
        self.exit(return_code=message.code)

    # -- faults --------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """End on a fault with one calm line: Textual's own screen would show local variables to the room."""
        path = crash.record(error)
        self.fault = f"{type(error).__name__}, traceback in {path}" if path else type(error).__name__
        self._return_code = FAULT
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()


def run(
    room: Room,
    desk: DeskLike | None = None,
    timeline: Timeline | None = None,
    *,
    asks: Asks | None = None,
    mouse: bool = False,
) -> int:
    """Run the console until it is left; the room is stopped when this returns.

    Args:
        room: Who feeds the screens.
        desk: Who plans and acts, or `None`.
        timeline: The time line of a recorded case, or `None`.
        asks: Who answers questions to history, or `None`.
        mouse: Whether the terminal's mouse is taken.

    Returns:
        The exit status.
    """
    why = environment.why_no_screen()
    if why:
        sys.stderr.write(f"s3ir-tui: {why}\n")
        room.stop("no terminal")
        return 2
    app = WarRoomApp(room, desk, timeline, asks)
    hook = threading.excepthook
    threading.excepthook = app.thread_ended
    try:
        with app.leaving.on_signals():
            app.run(mouse=mouse)
            app.leaving.gone.set()
            app.leaving.end("the screens broke off" if app.fault else "closed")
    finally:
        threading.excepthook = hook
    if app.fault:
        sys.stderr.write(f"s3ir-tui: the screens broke off ({app.fault}); what ran was recorded\n")
    return app.return_code or 0


def _driver() -> type[Driver] | None:
    """Our own driver, unless another one is asked for or the system has no such terminal."""
    if sys.platform == "win32" or "TEXTUAL_DRIVER" in os.environ:
        return None
    from screens.keyboard import KeyboardDriver

    return KeyboardDriver
