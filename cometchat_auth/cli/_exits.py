"""How a command ends: the exit codes, and one line for every failure."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import click

from .._secrets import redact
from ..errors import (
    AuthenticationError,
    CometChatException,
    InvalidParameterError,
    NoAnswerError,
    OutcomeUnknownError,
    RateLimitError,
)
from ._output import one_line

FAILED: Final = 1
WRONG_USE: Final = 2  # click's own
REFUSED: Final = 3
TRY_LATER: Final = 4
NOT_THERE: Final = 5
INCOMPLETE: Final = 6
INTERRUPTED: Final = 130  # what shells report for a program that Ctrl-C ended: 128 + SIGINT

HELP: Final = """\b
Exit codes:
  0    success
  1    failure of another kind than those below
  2    wrong use, or a value that is missing or cannot be used
  3    a key or token was refused
  4    no usable answer, or too many requests: try again later
  5    nobody is logged in, or there is no such user or token
  6    an import has left rows that were refused or whose outcome is unknown
  130  cut short by Ctrl-C or SIGTERM
"""

# A command of commands was given without one: newer clicks end it with the help, as an error.
_HELP_WANTED: Final[Any] = getattr(click.exceptions, "NoArgsIsHelpError", ())

_NOT_THERE_CODES: Final = frozenset({"ERR_UID_NOT_FOUND", "ERR_AUTH_TOKEN_NOT_FOUND"})


class Failure(Exception):
    """The end of a command: one line on standard error, and an exit code.

    Args:
        message: What happened, to what, and what to do next; line breaks become spaces.
        exit_code: One of this module's.
    """

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(one_line(message))
        self.exit_code = exit_code


def exit_code(error: CometChatException) -> int:
    """Return the exit code for an error of the library's."""
    if error.code in _NOT_THERE_CODES:
        return NOT_THERE
    if isinstance(error, InvalidParameterError):
        return WRONG_USE
    if isinstance(error, AuthenticationError):
        return REFUSED
    if isinstance(error, (NoAnswerError, OutcomeUnknownError, RateLimitError)) or error.retryable:
        return TRY_LATER
    return FAILED


@contextmanager
def one_line_each() -> Iterator[None]:
    """Turn whatever ends a command into one line on standard error and an exit code."""
    try:
        yield
    except Failure as failure:
        _end(f"Error: {failure}", failure.exit_code)
    except CometChatException as error:
        _end(f"Error: {one_line(f'{error} {fields_of(error)}')}", exit_code(error))
    except _HELP_WANTED:
        raise
    except click.UsageError as error:
        # A key that stands in a wrong place is quoted by click.
        text = one_line(redact(error.format_message()))
        more = f" Try '{error.ctx.command_path} --help'." if error.ctx is not None else ""
        _end(f"Error: {text}{'' if text.endswith(('.', '?')) else '.'}{more}", WRONG_USE)
    except (click.Abort, KeyboardInterrupt):
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo(err=True)  # below the line in which a person has pressed Ctrl-C
        _end("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        _end_quietly()
    except OSError as error:
        _end(f"Error: {one_line(sentence(error))}", FAILED)


def fields_of(error: CometChatException) -> str:
    """Return what the service says of the fields that it refuses, or nothing."""
    if error.code != "ERR_BAD_REQUEST":
        return ""
    said = {
        name: " ".join(map(str, what)) if isinstance(what, list) else what
        for name, what in error.details.items()
        if name != "done"  # ours
    }
    return " ".join(f"{name}: {what}" for name, what in said.items())


def sentence(error: OSError) -> str:
    """Return what the system says went wrong, and with which file."""
    what = error.strerror or str(error)
    return what if error.filename is None else f"{error.filename}: {what}"


def heed_signals() -> None:
    """Let Ctrl-C and SIGTERM interrupt, also where the shell that started this ignores them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _end(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    raise click.exceptions.Exit(code) from None


def _end_quietly() -> NoReturn:
    """End without a word: whoever read the output, e.g. ``head``, has had enough of it."""
    # What Python still holds back for it must not fail a second time, at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise click.exceptions.Exit(FAILED)
