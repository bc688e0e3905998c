"""``completion``: the script with which a shell completes commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

_PROGRAM: Final = "cometchat-auth"
_VARIABLE: Final = "_COMETCHAT_AUTH_COMPLETE"  # what click looks for, for a program of this name


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script for a shell's completion.

    \b
    Put this into ~/.bashrc:
      eval "$(cometchat-auth completion bash)"
    into ~/.zshrc, below the line with compinit:
      eval "$(cometchat-auth completion zsh)"
    or run once:
      cometchat-auth completion fish > ~/.config/fish/completions/cometchat-auth.fish
    """  # noqa: D301 - click wants the character itself
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, _PROGRAM, _VARIABLE).source())
