"""The embedded account for tests: one server for a module, an empty account for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import pytest
from account_world import World

from s3ir_tui.gameday.account_settings import AccountSettings
from s3ir_tui.gameday.process import AccountServer


@pytest.fixture(scope="module")
def server() -> Iterator[AccountServer]:
    """The embedded account, shared by the tests of a module."""
    with AccountServer.start() as running:
        yield running


@pytest.fixture
def world(server: AccountServer) -> World:
    """An empty account."""
    server.control("reset")
    server.control("settings", asdict(AccountSettings()))
    return World(server)
