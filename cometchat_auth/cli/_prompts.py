"""How a person at a terminal is asked, and secrets are read that stand on no command line."""

from __future__ import annotations

import getpass
import sys
import warnings

import click

from .._checks import CREDENTIAL_LIMIT
from ._exits import WRONG_USE, Failure


def at_terminal() -> bool:
    """Return whether there is a person to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def secret_from_stdin(what: str) -> str:
    """Return the secret on standard input; at a terminal, ask for it without echo.

    Args:
        what: Its name for people, e.g. ``"auth key"``.

    Raises:
        Failure: If there is none.
    """
    if at_terminal():
        given = hidden(what)
    else:
        # More bytes than any credential, its mark and its line end have: what is too long stays so.
        data = b"" if sys.stdin is None else sys.stdin.buffer.read(CREDENTIAL_LIMIT + 8)
        given = data.decode("utf-8-sig", "replace").removesuffix("\n").removesuffix("\r")
    if not given:
        raise Failure(f"The {what} is missing: standard input is empty.", WRONG_USE)
    return given


def asked(what: str) -> str:
    """Ask the person at the terminal for something that may be shown; nothing without one."""
    if not at_terminal():
        return ""
    try:
        given: str = click.prompt(what, err=True)
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo(err=True)
        return ""
    return given


def hidden(what: str) -> str:
    """Ask the person at the terminal for a secret, without echo.

    Raises:
        Failure: If the echo cannot be switched off.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"{what[0].upper()}{what[1:]}: ")
        except getpass.GetPassWarning:
            raise Failure(
                f"Cannot ask for the {what}: this terminal would show it. "
                "Give it in the environment or on standard input.",
                WRONG_USE,
            ) from None
        except EOFError:
            click.echo(err=True)
            return ""
