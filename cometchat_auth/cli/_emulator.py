"""``emulator``: CometChat's users and logins on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NoReturn

import click

from ._exits import Failure, sentence
from ._output import console

if TYPE_CHECKING:
    from rich.console import Console

    from ..emulator import Emulator

_SEEDED_UID: Final = "cometchat-uid-1"


@click.command()
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
    out = console()
    try:
        with _started(port, app_id, auth_key, rest_api_key) as service:
            _introduce(out, service)
            _wait_for_ever()
    except KeyboardInterrupt:
        out.print("The emulator has ended.")


def _started(port: int, app_id: str, auth_key: str | None, rest_api_key: str | None) -> Emulator:
    """Return a running emulator.

    Raises:
        Failure: If there cannot be one.
    """
    try:
        from ..emulator import Emulator

        return Emulator(
            app_id=app_id, port=port, auth_key=auth_key, rest_api_key=rest_api_key
        ).start()
    except (ImportError, ValueError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(sentence(error)) from None


def _introduce(out: Console, service: Emulator) -> None:
    """Print what a client needs in order to use the emulator."""
    for name, value in {
        "URL": service.url,
        "App id": service.app_id,
        "Auth key": service.auth_key,
        "REST API key": service.rest_api_key,
        "Users": "cometchat-uid-1 to cometchat-uid-5",
    }.items():
        out.print(f"{name + ':':<14}{value}")
    out.print("\nA client for it:\n")
    out.print(_snippet(service), style="cyan")
    out.print("\nThe emulator is running. Ctrl-C ends it.")


def _snippet(service: Emulator) -> str:
    return (
        "from cometchat_auth import AppSettings, CometChat\n"
        "\n"
        f"chat = CometChat({service.app_id!r}, AppSettings.for_emulator({service.url!r}))\n"
        f"user = chat.login({_SEEDED_UID!r}, {service.auth_key!r}).result()\n"
        "print(user.name)"
    )


def _wait_for_ever() -> NoReturn:
    while True:
        time.sleep(3600)  # a signal ends it; unlike a wait for an event, on Windows too
