r"""What the command line prints: tables for people, JSON for programs, nothing raw from outside.

A name or a message that came from the service may hold anything. Whatever a terminal would act
upon is written out as an escape, e.g. ``\x1b``, and rich's own markup is not interpreted.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

if TYPE_CHECKING:
    from rich.console import Console

    from ..models import User

# Rows that share one table, and so its columns' widths: what has to be in memory at a time.
BATCH: Final = 500

# Joiners of scripts and emoji. They are invisible by themselves, but harmless.
_JOINERS: Final = "\u200c\u200d"

# What JSON may hold as it is, but a terminal would act upon: delete, C1 controls, line and
# paragraph separators, and marks that turn the direction of writing.
_ACTIVE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def write_what_cannot_be_encoded() -> None:
    """Have letters that the terminal has no code for written as escapes, not fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def stand_in_for_closed_streams() -> None:
    """Let what is printed go nowhere where there is no standard output or standard error."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def shown(value: object) -> str:
    """Return a value's text as it may be shown on a terminal: one line, without controls."""
    return "".join(map(_shown, "" if value is None else str(value)))


def one_line(text: str) -> str:
    """Return a text as one line that may be shown on a terminal; line breaks become spaces."""
    return shown(" ".join(text.split()))


def console(*, err: bool = False) -> Console:
    """Return a console for people, on standard output or standard error.

    Long lines are left to the terminal: whoever copies one or pipes it wants it in one piece.
    """
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False, stderr=err)


def say(text: str) -> None:
    """Print one line for people on standard output."""
    click.echo(shown(text))


def warn(text: str) -> None:
    """Print one line on standard error that warns; what is asked for is done all the same."""
    click.echo(f"Warning: {one_line(text)}", err=True)


def put_json(value: object) -> None:
    """Print one JSON document on one line, in UTF-8; of a list of any length, one for each."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    safe = _ACTIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    # Half a surrogate pair, which UTF-8 has no place for, becomes the escape that JSON has for it.
    click.echo(safe.encode("utf-8", "backslashreplace"))


def facts(values: Mapping[str, object]) -> None:
    """Print names and values for people, one pair a line, aligned; nothing for ``None``."""
    there = {name: value for name, value in values.items() if value not in (None, "", (), [], {})}
    width = max(map(len, there), default=0) + 2
    for name, value in there.items():
        click.echo(f"{name + ':':<{width}}{shown(value)}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Print rows for people: a table on a terminal, elsewhere one line of TABs and values each.

    Rows are taken as they are printed, so that a list of any length stays flat in memory; on a
    terminal each 500 of them are a table.

    Returns:
        How many rows there were.
    """
    out = console()
    return _tables(out, columns, rows) if out.is_terminal else _lines(columns, rows)


def moment(seconds: int | None) -> str:
    """Return a Unix time as this machine's clock shows it, in ISO 8601; nothing for ``None``."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).astimezone().isoformat(" ")
    except (OverflowError, OSError, ValueError):  # whatever number the service sent
        return str(seconds)


def user_document(user: User) -> dict[str, Any]:
    """Return a user as every command prints it with ``--json``: all fields under our names."""
    return attrs.asdict(user)


def user_facts(user: User) -> dict[str, object]:
    """Return what people are shown of one user."""
    return {
        "Uid": user.uid,
        "Name": user.name,
        "Role": user.role,
        "Status": user.status,
        "Status message": user.status_message,
        "Avatar": user.avatar,
        "Link": user.link,
        "Tags": ", ".join(user.tags),
        "Metadata": None if user.metadata is None else json.dumps(user.metadata),
        "Created": moment(user.created_at),
        "Last active": moment(user.last_active_at),
        "Deactivated": moment(user.deactivated_at),
    }


def _finite(value: Any) -> Any:
    """Return a JSON value without what JSON has no word for, but Python reads: NaN, Infinity."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    if char.isspace() and char > "\x7f" and char not in "\x85\u2028\u2029":
        return " "  # the spaces of other scripts
    return char.encode("unicode_escape").decode()


def _lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    lines = 0
    for row in chain([columns], rows):
        click.echo("\t".join(map(shown, row)))
        lines += 1
    return lines - 1


def _tables(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    count = 0
    for batch in _batches(rows):
        _table(out, columns, batch)
        count += len(batch)
    return count


def _table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table(header_style="bold")
    for name in columns:
        grid.add_column(name, overflow="fold")  # nothing is cut off
    for row in rows:
        grid.add_row(*(Text(shown(value)) for value in row))
    out.print(grid, soft_wrap=False)


def _batches(rows: Iterable[Sequence[object]]) -> Iterator[list[Sequence[object]]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
