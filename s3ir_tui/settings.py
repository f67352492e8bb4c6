"""What the console is told before it starts: flags over environment over configuration file."""

from __future__ import annotations

import difflib
import getpass
import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PREFIX = "S3IR_"
"""Every setting is also an environment variable: `S3IR_` and its name in capitals."""

_APP = "s3ir-tui"
_NOT_SETTINGS = frozenset({"S3IR_CONFIG", "S3IR_TRACEBACK"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_SHOWN = 60
_DURATION = re.compile(r"(\d{1,7})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class SettingsError(ValueError):
    """A setting that makes no sense. The message names it, and says what would."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the console was started. Empty values leave the choice to the AWS configuration.

    Attributes:
        profile: Profile of the AWS configuration, SSO profiles included.
        region: Home Region of the session.
        endpoint_url: Endpoint for every service, instead of AWS.
        role_arn: Role to assume before anything is read.
        mfa_serial: MFA device that the role asks for; its code is asked on the terminal.
        external_id: External id that the role asks for.
        session_name: Name of the role's session; `s3ir-USER` where it is empty.
        source_identity: Source identity that the role asks for.
        duration: How long the role's session is to last; the role's longest where it needs a code and this is `None`.
        break_glass: ARNs of principals that no plan may cut.
        operator: Name of the person at the console, recorded beside the ARN; the login where it is empty.
        plan_age: How old a plan may be before AWS is read again for it when it is confirmed.
        case: Folder or name of the case.
        cases: Folder in which cases are found by name.
        sources: Trail sources to use: `lookup`, `bucket`, `logs`, `livetail`, `queue:URL`, `queue:NAME`,
            `bucket:NAME[/PREFIX][@ROLE_ARN]` or paths of CloudTrail files; where empty all that the
            account offers and that is not paid for by the minute.
        since: How far the trail is looked back at.
        quiet: How long a contained actor must stay silent to be called quiet.
        mouse: Whether the terminal's mouse is taken.
    """

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    role_arn: str = ""
    mfa_serial: str = ""
    external_id: str = ""
    session_name: str = ""
    source_identity: str = ""
    duration: timedelta | None = None
    break_glass: tuple[str, ...] = ()
    operator: str = ""
    plan_age: timedelta = timedelta(minutes=2)
    case: str = ""
    cases: Path = Path()
    sources: tuple[str, ...] = ()
    since: timedelta = timedelta(hours=24)
    quiet: timedelta = timedelta(minutes=30)
    mouse: bool = False


def resolve(
    flags: Mapping[str, Any],
    *,
    env: Mapping[str, str] | None = None,
    config: Path | None = None,
    otherwise: Mapping[str, Any] | None = None,
) -> Settings:
    """Settle every setting.

    Args:
        flags: What the command line gives, by name of the setting; `None` and empty lists are not given.
        env: The environment; the process's where it is `None`.
        config: The configuration file, which must then exist; else that of `S3IR_CONFIG`, else `config_file`.
        otherwise: What a command takes where nothing is given, in place of the usual defaults.

    Raises:
        SettingsError: A key is not known or a value makes no sense.
    """
    around = os.environ if env is None else env
    values: dict[str, Any] = {"cases": cases_root(around), **(otherwise or {})}
    values |= _from_file(config, around)
    values |= _from_environment(around)
    for name, value in flags.items():
        if value is not None and value != () and value != []:
            values[name] = _parsed(name, value, f"--{name.replace('_', '-')}")
    return Settings(**values)


def config_file(env: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/s3ir-tui/config.toml`."""
    return _xdg(env, "XDG_CONFIG_HOME", ".config") / _APP / "config.toml"


def cases_root(env: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/s3ir-tui/cases`: where cases lie unless the settings say otherwise."""
    return _xdg(env, "XDG_STATE_HOME", ".local/state") / _APP / "cases"


def case_folder(settings: Settings, *, kind: str = "case", now: datetime | None = None) -> Path:
    """The folder of the case to work in, which need not exist yet.

    Args:
        settings: `case` is a folder where it holds a `/`, else a name in `cases`; where it is empty the case is new.
        kind: First word of the name of a new case.
        now: The time that names a new case.

    Raises:
        SettingsError: The name cannot be that of a folder.
    """
    if not settings.case:
        return settings.cases / f"{kind}-{(now or datetime.now(UTC)):%y%m%d-%H%M%S}"
    return _place(settings.case, settings.cases)


def find_case(settings: Settings, name: str) -> Path:
    """The folder of a recorded case.

    Args:
        settings: Says where cases lie.
        name: Folder, or name of a case; a folder of that name here counts where no case has it.

    Raises:
        SettingsError: There is none; the message names the nearest.
    """
    folder = _place(name, settings.cases)
    for candidate in (folder, Path(name)):
        if candidate.is_dir():
            return candidate
    known = sorted(item.name for item in settings.cases.iterdir() if item.is_dir()) if settings.cases.is_dir() else []
    raise SettingsError(f"no case {name}: {folder} is not there{nearest(name, known)}")


def operator_of(settings: Settings) -> str:
    """Who is at the console: as the settings say, else the login on this machine."""
    if settings.operator:
        return settings.operator
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in the password file, as in some containers
        return ""


def store_of_questions(folder: Path, env: Mapping[str, str]) -> Path:
    """Where `ask --case` keeps the events of files: `$XDG_CACHE_HOME/s3ir-tui/questions/CASE-HASH.sqlite`.

    Not in the case: events as CloudTrail delivered them hold secrets that the log leaves out, and no hash proves them.

    Args:
        folder: The case folder.
        env: Environment variables.
    """
    mark = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:12]
    return _xdg(env, "XDG_CACHE_HOME", ".cache") / _APP / "questions" / f"{folder.name}-{mark}.sqlite"


def make_private(folder: Path) -> Path:
    """Make a folder, and the folders above it that are missing, for their owner alone (0700)."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    return folder


def duration(text: str) -> timedelta:
    """`90s`, `30m`, `24h`, `7d`.

    Raises:
        SettingsError: It is none of these.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not int(found[1]):
        shown = text if len(text) < _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        raise SettingsError(f"{shown!r} is not a length of time: write 90s, 30m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say of a word that is not known: `; did you mean region?`, or nothing where no known word is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _from_file(given: Path | None, env: Mapping[str, str]) -> dict[str, Any]:
    named = given or (Path(env["S3IR_CONFIG"]) if env.get("S3IR_CONFIG") else None)
    path = named or config_file(env)
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        if named is None:
            return {}
        raise SettingsError(f"{path}: no such configuration file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from None
    for key in table:
        if key not in _PARSERS:
            raise SettingsError(f"{path}: unknown key {key}{nearest(key, _PARSERS)}")
    return {key: _parsed(key, value, f"{path}: {key}") for key, value in table.items()}


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in env.items():
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in _PARSERS:
            known = [PREFIX + key.upper() for key in _PARSERS]
            raise SettingsError(f"unknown environment variable {variable}{nearest(variable, known)}")
        if value:
            found[name] = _parsed(name, value, variable)
    return found


def _parsed(name: str, value: Any, where: str) -> Any:
    try:
        return _PARSERS[name](value)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise SettingsError(f"{value!r} is not a text")


def _endpoint(value: Any) -> str:
    url = _text(value)
    if url and not re.match(r"https?://[^/\s]+", url, re.IGNORECASE):
        raise SettingsError(f"{url!r} is no endpoint: write http://HOST:PORT or https://HOST")
    return url


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(item for item in re.split(r"[,\s]+", value) if item)
    if isinstance(value, list | tuple):
        return tuple(_text(item) for item in value)
    raise SettingsError(f"{value!r} is not a list of texts")


def _arns(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    for arn in found:
        if not re.fullmatch(r"arn:[a-z-]+:(iam|sts)::\d{12}:\S+", arn):
            raise SettingsError(f"{arn!r} is not the ARN of a user or role")
    return found


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        return word in ("1", "true", "yes", "on")
    raise SettingsError(f"{value!r} is neither true nor false")


def _path(value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_text(value)).expanduser()


def _session_name(value: Any) -> str:
    name = _text(value)
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
        raise SettingsError(f"{name!r} cannot name a session: 2 to 64 letters, digits and +=,.@-_")
    return name


def _session_span(value: Any) -> timedelta:
    length = _span(value)
    if not timedelta(minutes=15) <= length <= timedelta(hours=12):
        raise SettingsError("a role's session lasts 15m to 12h, and no longer than the role allows")
    return length


def _span(value: Any) -> timedelta:
    return value if isinstance(value, timedelta) else duration(_text(value))


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "profile": _text,
    "region": _text,
    "endpoint_url": _endpoint,
    "role_arn": _text,
    "mfa_serial": _text,
    "external_id": _text,
    "session_name": _session_name,
    "source_identity": _session_name,
    "duration": _session_span,
    "break_glass": _arns,
    "operator": _text,
    "plan_age": _span,
    "case": _text,
    "cases": _path,
    "sources": _texts,
    "since": _span,
    "quiet": _span,
    "mouse": _flag,
}
assert set(_PARSERS) == {field.name for field in fields(Settings)}  # a setting that cannot be set is a mistake here


def _place(name: str, root: Path) -> Path:
    if "/" in name or name.startswith("~") or name in (".", ".."):
        return Path(name).expanduser()
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot name a case: letters, digits, dot, dash and underscore, or a path with /")
    return root / name


def _xdg(env: Mapping[str, str], variable: str, home: str) -> Path:
    # The XDG base directory specification has relative values ignored.
    place = Path(env.get(variable, ""))
    return place if place.is_absolute() else Path(env.get("HOME") or Path.home()) / home
