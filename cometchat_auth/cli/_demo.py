"""``demo``: a login from beginning to end, at a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ..errors import CometChatException
from ._exits import Failure, exit_code, sentence
from ._output import console

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
def demo() -> None:
    """Show a login from beginning to end, without an account.

    It starts the emulator, creates a user, logs in with the auth key and with an auth token,
    finds the session again in a second client, and logs out. It leaves nothing behind.
    """
    try:
        from .. import _demo
    except ImportError as error:
        raise Failure(str(error)) from None
    begin = time.monotonic()
    out = console()
    try:
        _demo.run(_Terminal(out))
    except CometChatException as error:
        raise Failure(f"The demo failed: {error}", exit_code(error)) from None
    except OSError as error:
        raise Failure(sentence(error)) from None
    out.print(f"Done in {time.monotonic() - begin:.1f} s.", style="bold")


class _Terminal:
    """The demo's report, in colour where the output is a terminal."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._steps = 0

    def step(self, text: str) -> None:
        """Say what is done next."""
        self._steps += 1
        self._print(f"{self._steps}. {text}", style="bold")

    def note(self, text: str) -> None:
        """Say what came of it."""
        self._print(f"   {text}")

    def event(self, text: str) -> None:
        """Say what a listener was told."""
        self._print(f"   -> {text}", style="green")

    def warning(self, text: str) -> None:
        """Say what is not as one would wish."""
        self._print(f"   {text}", style="yellow")

    def fact(self, name: str, value: str) -> None:
        """Name a value."""
        self._print(f"   {name + ':':<14}{value}", style="cyan")

    def _print(self, text: str, style: str | None = None) -> None:
        self._out.print(text, style=style)
