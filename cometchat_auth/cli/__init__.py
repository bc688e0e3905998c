"""The command line: the only part of the library that prints.

Each command is in a module that is imported when the command is needed, so that ``--help`` and
shell completion are quick.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any, Final

import click

from .._version import __version__
from ._exits import HELP, heed_signals, one_line_each
from ._output import stand_in_for_closed_streams, write_what_cannot_be_encoded

__all__ = ["cli"]

# Command -> its module here; the command is the module's attribute of the same name.
_COMMANDS: Final = {
    "login": "_session",
    "whoami": "_session",
    "logout": "_session",
    "create-user": "_create_user",
    "users": "_users",
    "token": "_token",
    "doctor": "_doctor",
    "emulator": "_emulator",
    "demo": "_demo",
    "completion": "_completion",
}


class _Commands(click.Group):
    """The commands, in the order of the table; whatever ends one is one line and a code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the commands' names."""
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f".{_COMMANDS[cmd_name]}", __name__)
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options that stand before a command."""
        with one_line_each():
            return super().make_context(*args, **kwargs)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program."""
        stand_in_for_closed_streams()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with one_line_each():
            heed_signals()
            write_what_cannot_be_encoded()
            # What goes wrong is said once, by us; without this, Python prints others' warnings.
            logging.getLogger().addHandler(logging.NullHandler())
            return super().invoke(ctx)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=HELP,
)
@click.version_option(__version__)
def cli() -> None:
    """Log in to CometChat, look after its users, and try it without an account."""
