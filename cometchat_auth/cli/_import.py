"""``users import``: users from a file, with a bar, and again from where it was interrupted."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from .._checks import IN_FLIGHT_LIMIT
from ._admin import KEY, STDIN, stdin_was_the_key
from ._import_order import Order
from ._options import service_options

if TYPE_CHECKING:
    from ._target import Target

_STDIN_FILE: Final = "/dev/stdin"  # on Linux and macOS


@click.command("import")
@click.argument("file", type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    help="By default what the file's name ends with; - has none.",
)
@click.option("--encoding", default="utf-8", show_default=True, help="The file's encoding.")
@click.option(
    "--delimiter",
    default=",",
    show_default=True,
    metavar="CHAR",
    callback=lambda _ctx, _param, value: "\t" if value in ("\\t", "tab") else value,
    help="What is between the cells of CSV; tab for a tab.",
)
@click.option(
    "--journal",
    type=click.Path(),
    help="What is done, so that the same command can go on. By default FILE.journal.",
)
@click.option(
    "--rejects",
    type=click.Path(),
    help="Rows that were refused, and why. By default FILE.rejects.csv or .jsonl.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, IN_FLIGHT_LIMIT),
    default=16,
    show_default=True,
    help="Requests under way at once.",
)
@click.option("--per-minute", type=float, metavar="N", help="Start at most N requests a minute.")
@click.option(
    "--patience",
    type=float,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="End when the service has not answered for so long.",
)
@click.option("--dry-run", is_flag=True, help="Check the whole file, and send nothing.")
@service_options(KEY)
def import_users(target: Target, **order: Any) -> None:
    """Create the users in a CSV or JSON Lines file, or with - on standard input.

    \b
    CSV: the first line names the columns: uid, name, and any of avatar, link,
    role, metadata (a JSON object), statusMessage and tags ("red,blue").
    JSON Lines: one object with these keys in each line.

    Rows that cannot be used, or that the service refuses, do not stop the others: they go into
    the rejects file, each with the reason, which can be mended and imported in its turn.

    Ctrl-C stops it. The same command goes on from there, since the journal holds what is done; no
    user is created twice. The journal is of no use once all is done; remove it to begin anew.

    With --json the summary is one JSON document. A dry run writes no rejects file unless
    --rejects names one.
    """  # noqa: D301 - click wants the character itself
    given = _on_standard_input(target, Order(**order))
    _check_places(given)
    from ._import_run import run

    run(target, given)


def _on_standard_input(target: Target, order: Order) -> Order:
    """Return the order with the name that standard input has as a file in place of ``-``.

    Raises:
        click.UsageError: If it has none, or if the key is there.
    """
    if order.file == STDIN:
        order = attrs.evolve(order, file=_STDIN_FILE)
        if not os.path.exists(_STDIN_FILE):
            raise click.UsageError("Standard input cannot be read as a file here: name a file.")
    if order.file == _STDIN_FILE and stdin_was_the_key(target):
        raise click.UsageError("Standard input can hold users or the key, not both.")
    return order


def _check_places(order: Order) -> None:
    """Raise `click.UsageError` if journal and rejects would be where they cannot."""
    named = (order.journal, order.rejects)
    if None not in named and len({os.path.abspath(str(path)) for path in named}) == 1:
        raise click.UsageError("--journal and --rejects name the same file.")
    if None not in named or order.dry_run or not os.path.exists(order.file):
        return
    is_stdin = order.file == _STDIN_FILE
    is_ordinary = stat.S_ISREG(os.stat(order.file).st_mode) or os.path.isdir(order.file)
    if is_stdin or not is_ordinary:
        what = "standard input" if is_stdin else "a pipe"
        form = " --format," if is_stdin and order.form is None else ""
        raise click.UsageError(f"To read from {what} give{form} --journal and --rejects.")
