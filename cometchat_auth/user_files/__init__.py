"""Users in files: CSV or JSON Lines, for `CometChatServer.create_users`.

::

    with read_users("users.csv") as rows:
        for outcome in server.create_users(row.item for row in rows):
            ...

A row that cannot be read is named by line and column and does not stop the others; what is left
over after an import goes into a `RejectsFile`, which can be mended and imported again.

**CSV.** The first line names the columns: ``uid`` and ``name``, and any of ``avatar``, ``link``,
``role``, ``metadata`` (a JSON object), ``statusMessage`` and ``tags`` (with commas between them,
``"red,blue"``, or a JSON list), in any order and in upper or lower case. An empty cell says
nothing about its field. Lines that are blank or have empty cells only are passed over. A row with
text in quotes may go on over at most 200 lines or 65,536 characters.

**JSON Lines.** One object in each line, with the same names as keys; ``null`` says nothing about
its field. Blank lines are passed over. A line may have at most 65,536 characters.
"""

from __future__ import annotations

import os
import stat
from typing import Final

from .. import _checks
from ._file_lines import lines, open_text
from ._file_rows import FileRow
from ._rejects import RejectsFile
from ._user_rows import Format, Layout, UserRows

__all__ = ["FileRow", "RejectsFile", "UserRows", "count_rows", "read_users"]

_SUFFIXES: Final[dict[str, Format]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def read_users(
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> UserRows:
    """Open a file of users, and look at its header.

    Args:
        path: The file; a pipe such as ``/dev/stdin`` will do.
        format: ``"csv"`` or ``"jsonl"``; by default what its name ends with, ``.csv``, ``.jsonl``
            or ``.ndjson``.
        encoding: A name that Python knows. A byte order mark is passed over.
        delimiter: The character between the cells of CSV.

    Returns:
        The rows, one after the other, read as they are asked for.

    Raises:
        InvalidParameterError: ``INVALID_HEADER`` if the file cannot be one of users,
            ``INVALID_FILE`` if it cannot be read, ``INVALID_FORMAT``, ``INVALID_ENCODING`` or
            ``INVALID_DELIMITER`` if one of them cannot be used.
        TypeError: If an argument is not of its type.
    """
    return UserRows(_layout(path, format, encoding, delimiter))


def count_rows(
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002
    encoding: str = "utf-8",
) -> int | None:
    """Count the rows of a file without looking at them, for a progress bar.

    Args:
        path: The file.
        format: As for `read_users`.
        encoding: As for `read_users`.

    Returns:
        The number of lines that are not blank, without the header. There are at least as many as
        rows, and more where a row goes on over several lines. ``None`` for what can be read only
        once, such as a pipe.

    Raises:
        InvalidParameterError: As for `read_users`, but the header is not looked at.
        TypeError: If an argument is not of its type.
    """
    layout = _layout(path, format, encoding, ",")
    if os.path.exists(layout.path) and not stat.S_ISREG(os.stat(layout.path).st_mode):
        return None
    file, _ = open_text(layout.path, encoding)
    with file:
        count = sum(not line.is_blank() for line in lines(file, layout.path, encoding))
    return max(count - 1, 0) if layout.format == "csv" else count


def _layout(
    path: str | os.PathLike[str], form: Format | None, encoding: str, delimiter: str
) -> Layout:
    name = _checks.text("path", os.fspath(path))
    _checks.text("encoding", encoding)
    _checks.text("delimiter", delimiter)
    if len(delimiter) > 1 or delimiter.isalnum() or delimiter in '"_\r\n\0':
        what = f"must be one character such as ',', ';' or a tab, but is {delimiter[:40]!r}."
        raise _checks.invalid("delimiter", what)
    return Layout(name, _format(name, form), encoding, delimiter)


def _format(path: str, form: Format | None) -> Format:
    _checks.types(format=form)
    if form is None:
        form = _SUFFIXES.get(os.path.splitext(path)[1].lower())
        if form is None:
            what = f'cannot be told from the name {path!r}: give "csv" or "jsonl".'
            raise _checks.invalid("format", what)
    if form not in {"csv", "jsonl"}:
        raise _checks.invalid("format", f'must be "csv" or "jsonl", but is {form[:40]!r}.')
    return form
