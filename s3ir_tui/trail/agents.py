"""What a user agent tells: the program, the operating system, whether legitimate work uses such a thing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Danger(Enum):
    """How odd it is to see a program on an account at work."""

    NONE = ""
    UNCOMMON = "uncommon client"
    SCANNER = "security scanner"
    ATTACK = "attack tool"


@dataclass(frozen=True, slots=True)
class Agent:
    """A user agent, taken apart. An attacker can write anything there: it can accuse, never acquit.

    Attributes:
        program: Its name without version, such as `aws-cli` or `S3 Browser`.
        os: `macos`, `windows`, `linux`, or "" where it does not say.
        danger: How odd it is.
        console: Whether it is the AWS console, or AWS itself.
    """

    program: str
    os: str = ""
    danger: Danger = Danger.NONE
    console: bool = False


_ATTACK = re.compile(
    r"kali|parrot(?:os|sec)|pentoo|blackarch|pacu|trufflehog|stratus-red-team|cloudfox|cloudgoat|peirates|weirdaal|endgame",
    re.I,
)
_SCANNER = re.compile(r"scoutsuite|prowler|cloudsploit|cloudmapper|steampipe|s3scanner|bucket.?finder|nuclei", re.I)
_UNCOMMON = re.compile(
    r"s3 ?browser|cyberduck|mountain duck|winscp|rclone|filezilla|cloudberry|transmit|mega(?:sync|cmd)|s3cmd|s5cmd"
    r"|python-requests|curl/|wget|go-http-client|libwww|okhttp|axios|postman",
    re.I,
)
_CONSOLE = re.compile(
    r"S3Console|aws-internal|AWS.Internal|console\.|ConsoleFrontend|AWS-Console|signin\.|Coral/|\.amazonaws\.com", re.I
)
_MAC = re.compile(r"darwin|os/macos|mac ?os|macintosh", re.I)
_WINDOWS = re.compile(r"windows", re.I)
_LINUX = re.compile(r"linux|ubuntu|debian|alpine", re.I)
_PROGRAM = re.compile(r"[A-Za-z][\w .+-]*?(?=/|$|[\s;(]*$)")


@lru_cache(maxsize=8192)
def agent_of(text: str) -> Agent:
    """Take a user agent apart."""
    bare = text.strip().removeprefix("[").removesuffix("]").strip()
    attack, scanner, uncommon = _ATTACK.search(bare), _SCANNER.search(bare), _UNCOMMON.search(bare)
    danger = Danger.ATTACK if attack else Danger.SCANNER if scanner else Danger.UNCOMMON if uncommon else Danger.NONE
    os = (
        "macos" if _MAC.search(bare) else "windows" if _WINDOWS.search(bare) else "linux" if _LINUX.search(bare) else ""
    )
    named = attack or scanner or uncommon
    first = _PROGRAM.match(bare)
    program = named[0].rstrip("/") if named else first[0].strip() if first else bare[:40]
    # Textual identity of AWS's own callers: "ec2.amazonaws.com", "AWS Internal", "console.ec2.amazonaws.com".
    console = danger is Danger.NONE and _CONSOLE.search(bare) is not None and "aws-cli" not in bare.lower()
    return Agent(program, os, danger, console)
