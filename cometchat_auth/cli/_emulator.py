"""``emulator``: CometChat's users and logins on this machine."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ._exits import Failure, sentence
from ._output import console, warn

if TYPE_CHECKING:
    from ..emulator import Emulator
    from ..emulator._command import Option


class _Emulator(click.Command):
    """The command, whose options are the emulator's own; they are read when they are needed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options."""
        self.params = _parameters()
        return super().get_params(ctx)


@click.command(cls=_Emulator)
def emulator(**values: Any) -> None:
    """Run CometChat's users and logins on this machine.

    Without --data what it knows is gone when it ends. Ctrl-C or SIGTERM ends it, with exit code 0.
    """
    service = _started(values)
    try:
        _introduce(service, values)
        _wait_for_ever()
    except KeyboardInterrupt:
        if not values["json"]:
            console().print("The emulator has ended.")
    finally:
        _command().finish(service, values)


def _command() -> Any:
    """Return what the emulator's command lines have in common.

    Raises:
        Failure: If a library that the emulator needs is not installed.
    """
    try:
        from ..emulator import _command
    except ImportError as error:
        raise Failure(str(error)) from None
    return _command


@functools.cache
def _parameters() -> list[click.Parameter]:
    return [_parameter(option) for option in _command().OPTIONS]


def _parameter(option: Option) -> click.Option:
    """Return click's form of an option."""
    if not option.metavar:
        return click.Option([option.flag], is_flag=True, help=option.help)
    return click.Option(
        [option.flag],
        metavar=option.metavar,
        type=str if option.least is None else click.IntRange(option.least, option.most),
        multiple=option.several,
        envvar=option.variable,
        show_envvar=bool(option.variable),
        help=option.help,
    )


def _started(values: dict[str, Any]) -> Emulator:
    """Return a running emulator.

    Raises:
        Failure: If there cannot be one.
    """
    try:
        service: Emulator = _command().start(values)
    except (ImportError, ValueError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(sentence(error)) from None
    return service


def _introduce(service: Emulator, values: dict[str, Any]) -> None:
    """Print what a client needs in order to use the emulator."""
    command, out = _command(), console()
    if warning := command.warning(values):
        warn(warning)
    if values["json"]:
        click.echo(command.as_json(service, values))
    else:
        for name, value in command.facts(service, values):
            out.print(f"{name + ':':<14}{value}")
        out.print("\nA client for it:\n")
        out.print(command.snippet(service, values), style="cyan")
        out.print("\nThe emulator is running. Ctrl-C ends it.")
    if values["open"] and not command.show_dashboard(service):
        warn("No browser was found to open.")


def _wait_for_ever() -> NoReturn:
    while True:
        time.sleep(0.5)  # not for long: a signal that comes just before it is heard after it
