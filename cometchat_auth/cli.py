"""The command line, and the only module that prints.

Exit codes: 0 for success, 1 for a failure that one line on standard error names, 2 for a wrong
use of the command line, 130 for a command that Ctrl-C or SIGTERM cut short.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final, NoReturn

import click
from rich.console import Console

from ._version import __version__
from .errors import CometChatException

if TYPE_CHECKING:
    from .emulator import Emulator

INTERRUPTED: Final = 130  # what shells report for a program that Ctrl-C ended: 128 + SIGINT

_SEEDED_UID: Final = "cometchat-uid-1"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    r"""Log in to CometChat from Python, and try it without an account.

    \b
    Exit codes:
      0    success
      1    failure; one line on standard error says which
      2    wrong use of the command line
      130  cut short by Ctrl-C or SIGTERM
    """


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of 127.0.0.1 to listen on; 0, the default, takes any free one.",
)
@click.option("--app-id", default="emulator-app", show_default=True, help="The app's id.")
@click.option("--auth-key", help="Key for clients; made up by default.")
@click.option("--rest-api-key", help="Key for servers; made up by default.")
def emulator(port: int, app_id: str, auth_key: str | None, rest_api_key: str | None) -> None:
    """Run CometChat's users and logins on this machine.

    What it knows is gone when it ends. Ctrl-C or SIGTERM ends it, with exit code 0.
    """
    _heed_signals()
    console = _console()
    try:
        with _emulator(port, app_id, auth_key, rest_api_key) as service:
            _introduce(console, service)
            _wait_for_ever()
    except KeyboardInterrupt:
        console.print("The emulator has ended.")


@cli.command()
def demo() -> None:
    """Show a login from beginning to end, without an account.

    It starts the emulator, creates a user, logs in with the auth key and with an auth token,
    finds the session again in a second client, and logs out. It leaves nothing behind.
    """
    _heed_signals()
    try:
        from . import _demo
    except ImportError as error:
        _fail(str(error))
    begin = time.monotonic()
    console = _console()
    try:
        _demo.run(_Terminal(console))
    except CometChatException as error:
        _fail(f"The demo failed: {error}")
    except OSError as error:
        _fail(_sentence(error))
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        click.get_current_context().exit(INTERRUPTED)
    console.print(f"Done in {time.monotonic() - begin:.1f} s.", style="bold")


class _Terminal:
    """The demo's report, in colour where the output is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
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
        self._console.print(text, style=style, markup=False)


def _console() -> Console:
    # Long lines are left to the terminal: whoever copies one or pipes it wants it in one piece.
    return Console(highlight=False, soft_wrap=True, emoji=False)


def _emulator(port: int, app_id: str, auth_key: str | None, rest_api_key: str | None) -> Emulator:
    """Return a running emulator, or end the program."""
    try:
        from .emulator import Emulator

        return Emulator(
            app_id=app_id, port=port, auth_key=auth_key, rest_api_key=rest_api_key
        ).start()
    except (ImportError, ValueError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(_sentence(error))


def _introduce(console: Console, service: Emulator) -> None:
    """Print what a client needs in order to use the emulator."""
    for name, value in {
        "URL": service.url,
        "App id": service.app_id,
        "Auth key": service.auth_key,
        "REST API key": service.rest_api_key,
        "Users": "cometchat-uid-1 to cometchat-uid-5",
    }.items():
        console.print(f"{name + ':':<14}{value}", markup=False)
    console.print("\nA client for it:\n")
    console.print(_snippet(service), style="cyan", markup=False)
    console.print("\nThe emulator is running. Ctrl-C ends it.")


def _snippet(service: Emulator) -> str:
    return (
        "from cometchat_auth import AppSettings, CometChat\n"
        "\n"
        f"chat = CometChat({service.app_id!r}, AppSettings.for_emulator({service.url!r}))\n"
        f"user = chat.login({_SEEDED_UID!r}, {service.auth_key!r}).result()\n"
        "print(user.name)"
    )


def _heed_signals() -> None:
    """Let Ctrl-C and SIGTERM interrupt, also where the shell that started this ignores them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _wait_for_ever() -> NoReturn:
    while True:
        time.sleep(3600)  # a signal ends it; unlike a wait for an event, on Windows too


def _sentence(error: OSError) -> str:
    return error.strerror or str(error)


def _fail(message: str) -> NoReturn:
    raise click.ClickException(message)
