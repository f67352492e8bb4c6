"""Own calls stay own calls when credentials are refreshed."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from s3ir_tui.journal import Journal
from s3ir_tui.live import LiveRoom
from s3ir_tui.model import Identity


def test_keys_of_refreshed_credentials_reach_the_analysis_and_the_log(tmp_path: Path) -> None:
    room = LiveRoom(lambda: None, Journal.open(tmp_path / "case", about={}))  # type: ignore[arg-type, return-value]
    account: Any = SimpleNamespace(
        identity=Identity("111122223333", "arn:aws:sts::111122223333:assumed-role/IR/ana", "AROA:ana", "us-east-1"),
        own_keys=("ASIAFIRST",),
    )
    room._account, room._own_keys = account, account.own_keys
    account.own_keys = ("ASIAFIRST", "ASIASECOND")
    room._take_in()
    assert "ASIASECOND" in room.history().own_keys
    log = room._journal
    until = time.monotonic() + 5
    while not [r for r in log.records("case") if "ASIASECOND" in (r.get("keys") or ())]:
        assert time.monotonic() < until
        time.sleep(0.01)
    room.stop("end of test")
