"""Users from JSON Lines: one object in each line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..errors import MISSING_PARAMETERS, InvalidParameterError
from . import _file_lines
from ._file_lines import Line, shown
from ._file_rows import (
    ALLOWED,
    INVALID_HEADER,
    INVALID_ROW,
    JSON_TYPES,
    REJECTED,
    SPELLINGS,
    BadJsonError,
    FileRow,
    bad_byte,
    checked_user,
    mistyped,
    quoted,
    read_json,
    row_error,
    too_long,
)

_TYPES: Final[dict[str, type]] = {"metadata": dict, "tags": list}  # the others are texts

# How a file begins that is JSON, but not JSON Lines.
_BEGINNINGS: Final = ("[{", "[", "{")


def jsonl_rows(
    lines: Iterator[Line], *, path: str, encoding: str, start: bytes
) -> Iterator[FileRow]:
    """Return an iterator over the rows of a file, of which the first line is looked at here.

    Args:
        lines: The file's lines.
        path: Where it is, for errors.
        encoding: In which encoding it is read.
        start: Its first bytes.

    Raises:
        InvalidParameterError: ``INVALID_HEADER`` if the file as a whole is something else.
    """
    first = next((line for line in lines if not line.is_blank()), None)
    if first is None:
        return iter(())
    _check_beginning(first, path, start)
    rest = (line for line in lines if not line.is_blank())
    return (_row(line, encoding) for line in itertools.chain([first], rest))


def _check_beginning(first: Line, path: str, start: bytes) -> None:
    nul = chr(_file_lines.BYTES)
    if nul in first.text and (not first.text.startswith("{") or first.text[1] == nul):
        kind = _file_lines.likely_kind(start) or "it has a NUL, which no text has."
        raise InvalidParameterError(INVALID_HEADER, f"{path!r} is no JSON Lines: {kind}")
    text = first.text.strip()
    if text in _BEGINNINGS or text.startswith(_BEGINNINGS[0]):
        raise InvalidParameterError(
            INVALID_HEADER,
            f"{path!r} is JSON, but not JSON Lines: write each user as one object in a line of "
            "its own, without the brackets and commas of a list.",
            details={"line": first.number},
        )


def _row(line: Line, encoding: str) -> FileRow:
    text = line.text.rstrip("\r\n")
    found = _object(line, text, encoding)
    if isinstance(found, InvalidParameterError):
        return FileRow(line.number, shown(text), found, legible=False)
    fields = _fields(found, line.number)
    if isinstance(fields, InvalidParameterError):
        return FileRow(line.number, text, fields)
    return FileRow(line.number, text, checked_user(fields, line=line.number, columns={}))


def _object(line: Line, text: str, encoding: str) -> dict[str, Any] | InvalidParameterError:
    """Return what a line says, or why it says nothing."""
    if line.cut:
        return row_error(*too_long(), line=line.number)
    if bad := bad_byte(text, encoding):
        code, what, place = bad
        return row_error(code, what, line=line.number, column=place)
    try:
        found = read_json(text)
    except BadJsonError as problem:
        return row_error(INVALID_ROW, problem.what, line=line.number, column=problem.character)
    if not isinstance(found, dict):
        what = f"must be a JSON object, but is {JSON_TYPES[type(found)]}."
        return row_error(INVALID_ROW, what, line=line.number, column=1)
    return found


def _fields(found: Mapping[str, Any], line: int) -> dict[str, Any] | InvalidParameterError:
    """Return the user's fields by our names, or why they cannot be used."""
    fields: dict[str, Any] = {}
    for key, value in found.items():
        field = SPELLINGS.get(key)
        if key in REJECTED:
            continue
        if field is None:
            what = f"has the unknown key {quoted(key)}. Allowed are {ALLOWED}."
            return row_error(INVALID_ROW, what, line=line)
        if field in fields:
            return row_error(INVALID_ROW, f"has {field} in two spellings.", line=line, field=field)
        wrong = None if value is None else mistyped(field, value, _TYPES.get(field, str))
        if wrong:
            return row_error(f"INVALID_{field.upper()}", wrong, line=line, field=field)
        fields[field] = value
    return _present(fields, line)


def _present(fields: dict[str, Any], line: int) -> dict[str, Any] | InvalidParameterError:
    present = {field: value for field, value in fields.items() if value is not None}
    for field in ("uid", "name"):
        if field not in present:
            found = "it is null" if field in fields else "there is no such key"
            what = f"{field} is required, but {found}."
            return row_error(MISSING_PARAMETERS, what, line=line, field=field)
    return present
