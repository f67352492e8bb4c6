"""The page of a credential: whose it is, what made it, and the tree of what came of it."""

from __future__ import annotations

from trail_world import ACCOUNT, assume, at, new_key, read, session, user

from s3ir_tui.board.details import detail_of
from s3ir_tui.board.known import Known
from s3ir_tui.room import Detail
from s3ir_tui.trail.analysis import Analysis

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
KEY, SECOND = "AKIABOB0000000000001", "AKIABOB0000000000002"
SESSION, DEEPER = "ASIAWEB0000000000003", "ASIAWEB0000000000004"


def known() -> Known:
    """Bob's key made a second key and a session; the session made another."""
    made = Known(Analysis())
    made.take_events(
        [
            read(user()),
            new_key(user(), "bob", SECOND, time=at(1)),
            assume(user(), "web", "one", SESSION, time=at(2)),
            assume(session("web", "one", SESSION), "web", "two", DEEPER, time=at(3)),
        ],
        "files",
    )
    return made


def section(detail: Detail, head: str) -> tuple[str, ...]:
    return dict(detail.sections)[head]


def test_tree_of_a_key_shows_what_was_made_with_what() -> None:
    detail = detail_of(known(), "principal", KEY)
    assert detail.title == f"credential {KEY}"
    assert detail.copy == KEY
    tree = section(detail, "What came of it")
    assert [line.split("  made")[0] for line in tree] == [
        f"{KEY}  key  user/bob",
        f"├─ {SECOND}  key  user/bob",
        f"└─ {SESSION}  role-session  role/web/one",
        f"   └─ {DEEPER}  role-session  role/web/two",
    ]
    assert any("role/web" in line for line in section(detail, "What it reaches"))


def test_a_session_names_what_it_was_made_with() -> None:
    detail = detail_of(known(), "principal", DEEPER)
    assert any(f"made with {SESSION}, role-session of" in line for line in section(detail, "Credential"))
    assert len(section(detail, "What came of it")) == 1


def test_an_unknown_key_is_not_said_to_have_done_nothing() -> None:
    (line,) = section(detail_of(known(), "principal", "AKIAUNKNOWN000000000"), "Credential")
    assert "not logged" in line


def test_a_principal_shows_its_credentials_as_a_tree() -> None:
    tree = section(detail_of(known(), "principal", BOB), "Credentials, with those that came of them")
    assert any(line.startswith("└─ ") for line in tree)
