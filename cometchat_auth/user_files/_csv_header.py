"""The header of a CSV file of users: which column holds what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..errors import InvalidParameterError
from . import _file_lines
from ._csv_cells import Record, cells_of, wrong_quote
from ._file_rows import (
    ALLOWED,
    INVALID_HEADER,
    REJECTED,
    SPELLINGS,
    bad_byte,
    quoted,
    row_error,
    too_long,
)

_NAMES: Final = {name.lower(): field for name, field in SPELLINGS.items()}
_DELIMITERS: Final = (",", ";", "\t", "|")


def fields_of(
    record: Record | None, *, path: str, encoding: str, delimiter: str, start: bytes
) -> tuple[str | None, ...]:
    """Return for each column the field that it holds; ``None`` for one that is passed over.

    Args:
        record: The first record of the file.
        path: Where the file is, for errors.
        encoding: In which encoding it is read.
        delimiter: What is between its cells.
        start: The first bytes of the file.

    Raises:
        InvalidParameterError: ``INVALID_HEADER`` if this cannot be the header of such a file.
    """
    fields: tuple[str | None, ...] | InvalidParameterError
    if record is None:
        fields = InvalidParameterError(INVALID_HEADER, f"the file is empty. {_EXPECTED}")
    else:
        fields = _illegible(record, encoding, delimiter, start) or _fields(record, delimiter)
    if not isinstance(fields, InvalidParameterError):
        return fields
    raise InvalidParameterError(
        INVALID_HEADER,
        f"The header of {path!r} cannot be used: {fields.message}",
        details=fields.details,
    )


_EXPECTED: Final = (
    "The first line must name the columns, e.g. uid,name,avatar; uid and name are needed."
)


def _illegible(
    record: Record, encoding: str, delimiter: str, start: bytes
) -> InvalidParameterError | None:
    if bad := bad_byte(record.text, encoding):
        _, what, place = bad
        if kind := _file_lines.likely_kind(start):
            return row_error(INVALID_HEADER, kind, line=record.line)
        return row_error(INVALID_HEADER, what, line=record.line, character=place)
    if record.text.lstrip().startswith(("{", "[")):
        what = 'it seems to be JSON, one object in a line: give format="jsonl".'
        return row_error(INVALID_HEADER, what, line=record.line)
    if record.lines[0].cut:
        return row_error(INVALID_HEADER, too_long()[1], line=record.line)
    if record.cells is None:
        what, column, place = wrong_quote(record.text, delimiter)
        return row_error(INVALID_HEADER, what, line=record.line, column=column, character=place)
    return None


def _fields(record: Record, delimiter: str) -> tuple[str | None, ...] | InvalidParameterError:
    cells = record.cells or []
    names = [cell.strip().lower() for cell in cells]
    fields = [_NAMES.get(name) for name in names]
    if not any(fields):
        return row_error(INVALID_HEADER, _no_header(record.text, delimiter), line=record.line)
    for place, (name, field) in enumerate(zip(names, fields, strict=True)):
        if what := _problem(name, field, fields[:place]):
            called = cells[place].strip()[:40] or None
            return row_error(INVALID_HEADER, what, line=record.line, column=place + 1, field=called)
    for needed in ("uid", "name"):
        if needed not in fields:
            what = f"there is no column {needed}. {_EXPECTED}"
            return row_error(INVALID_HEADER, what, line=record.line)
    return tuple(fields)


def _problem(name: str, field: str | None, before: Sequence[str | None]) -> str | None:
    if not name:
        return f"the column has no name. Allowed are {ALLOWED}."
    if field is None and name not in REJECTED:
        return f"is no column that a user has. Allowed are {ALLOWED}."
    if field is not None and field in before:
        return f"is there twice; column {before.index(field) + 1} is the same."
    return None


def _no_header(text: str, delimiter: str) -> str:
    """Return why a first line names no column, as far as one can guess."""
    for other in _DELIMITERS:
        names = {cell.strip().lower() for cell in cells_of(text, other) or ()}
        if other != delimiter and names & _NAMES.keys():
            return (
                f"the columns seem to be separated by {other!r}, not by {delimiter!r}: "
                f"give delimiter={other!r}."
            )
    return f"{quoted(text)} names no column that a user has. {_EXPECTED}"
