"""Exit codes, and what an error says on the way out."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The exit codes of every command."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    AWS = 3
    REFUSED = 4
    LOG = 5
    FAULT = 70
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


EXPLAINED = """\
0    done, nothing to worry about
1    done, and something is wrong: a step failed, the log does not verify, nothing could be read
2    the command line or the settings make no sense
3    AWS did not answer, or refused to
4    refused: lock-out, not confirmed, or not possible now; nothing was changed
5    the case cannot be read or written
70   a fault of this program
129  the terminal went away
130  interrupted
143  terminated"""


class Failure(Exception):
    """A command that cannot go on.

    Attributes:
        code: How the program ends.
    """

    def __init__(self, message: str, code: Code = Code.PROBLEM) -> None:
        super().__init__(message)
        self.code = code


def explain(error: Exception) -> tuple[Code, str]:
    """How the program ends after an error, and what it says: what failed, and what to do next."""
    from s3ir_tui.settings import SettingsError
    from s3ir_tui.text import clean

    text = clean(error) or type(error).__name__
    if isinstance(error, Failure):
        return error.code, text
    if isinstance(error, SettingsError):
        return Code.USAGE, text

    from actions.plan import Refusal
    from s3ir_tui.aws.errors import AwsError
    from s3ir_tui.aws.guard import WriteRefused
    from s3ir_tui.journal import JournalError

    if isinstance(error, AwsError) or isinstance(error.__cause__, AwsError):
        return Code.AWS, text
    if isinstance(error, Refusal | WriteRefused):
        return Code.REFUSED, text
    if isinstance(error, JournalError):
        return Code.LOG, text
    if isinstance(error, OSError):
        return Code.PROBLEM, text
    return Code.FAULT, (
        f"unexpected {type(error).__name__}: {text}. This is a fault of the program, not of the account: what was "
        "recorded is safe. Set S3IR_TRACEBACK=1 and run it again to see where it happened"
    )
