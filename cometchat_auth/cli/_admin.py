"""What the commands for administrators share: the server side, and uids from standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeVar

import click

from ._exits import WRONG_USE, Failure
from ._fields import FIELDS, missing
from ._prompts import at_terminal

if TYPE_CHECKING:
    from ..server import CometChatServer
    from ._target import Target

T = TypeVar("T")

KEY: Final = "rest_api_key"

STDIN: Final = "-"


def server(target: Target) -> CometChatServer:
    """Return the server side of the app.

    Raises:
        Failure: If something is missing; of an auth key in place of the REST API key it is said
            that it is another thing.
        InvalidParameterError: If a value cannot be used.
    """
    if target.has("auth_key") and not target.has(KEY) and target.ask is None:
        raise Failure(
            f"{missing(KEY)} The auth key, which was given, is another key and cannot do this.",
            WRONG_USE,
        )
    return target.server()


def begun(found: Iterator[T]) -> Iterator[T]:
    """Ask for the first of a list now, so that nothing is printed above an error."""
    return chain(list(islice(found, 1)), found)


def stdin_was_the_key(target: Target) -> bool:
    """Return whether standard input held the key, so that nothing else can be there."""
    if at_terminal() or not target.has(KEY):
        return False
    return target.values[KEY].origin == f"option {FIELDS[KEY].option}-stdin"


def uids(target: Target, words: Sequence[str]) -> list[str]:
    """Return the uids that a command was given; in place of ``-`` those on standard input.

    Raises:
        click.UsageError: If there are none, or if the key is there.
    """
    if STDIN not in words:
        return list(words)
    if stdin_was_the_key(target):
        raise click.UsageError("Standard input can hold uids or the key, not both.")
    data = b"" if sys.stdin is None else sys.stdin.buffer.read()
    found = data.decode("utf-8-sig", "replace").split()
    found += [word for word in words if word != STDIN]
    if not found:
        raise click.UsageError("There is no uid on standard input.")
    return found
