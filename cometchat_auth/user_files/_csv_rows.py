"""Users from CSV: one in each record, with a header that names the fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import MISSING_PARAMETERS, InvalidParameterError
from ._csv_cells import Record, wrong_quote
from ._file_lines import BAD, shown
from ._file_rows import (
    INVALID_ROW,
    BadJsonError,
    FileRow,
    bad_byte,
    checked_user,
    mistyped,
    read_json,
    row_error,
    too_long,
)


class CsvRows:
    """Makes rows of records.

    Args:
        fields: For each column the field that it holds, or ``None``.
        encoding: In which encoding the file is read.
        delimiter: What is between its cells.
    """

    def __init__(self, fields: Sequence[str | None], encoding: str, delimiter: str) -> None:
        self._fields = fields
        self._columns = {field: place for place, field in enumerate(fields, 1) if field}
        self._encoding = encoding
        self._delimiter = delimiter

    def rows(self, records: Iterator[Record]) -> Iterator[FileRow]:
        """Yield a row for each record that is not empty."""
        for record in records:
            if record.cells is None or any(record.cells):
                yield self._row(record)

    def _row(self, record: Record) -> FileRow:
        cells = self._cells(record)
        if isinstance(cells, InvalidParameterError):
            item = _with_extent(cells, record)
            return FileRow(record.line, shown(record.text), item, legible=False)
        fields = self._values(cells, record.line)
        if not isinstance(fields, InvalidParameterError):
            user = checked_user(fields, line=record.line, columns=self._columns)
            if not isinstance(user, InvalidParameterError):
                return FileRow(record.line, record.text, user)
            fields = user
        return FileRow(record.line, record.text, _with_extent(fields, record))

    def _cells(self, record: Record) -> list[str] | InvalidParameterError:
        """Return one cell for each column, or why there are none."""
        if record.lines[0].cut:
            return row_error(*too_long(), line=record.line)
        if record.cells is None:
            what, column, place = wrong_quote(record.text, self._delimiter)
            return self._error(INVALID_ROW, what, record.line, column, place)
        if bad := bad_byte(record.text, self._encoding):
            return self._bad_byte(bad, record)
        if len(record.cells) != len(self._fields):
            return self._miscounted(len(record.cells), record.line)
        return record.cells

    def _error(
        self, code: str, what: str, line: int, column: int, character: int | None = None
    ) -> InvalidParameterError:
        field = self._fields[column - 1] if column <= len(self._fields) else None
        return row_error(code, what, line=line, column=column, field=field, character=character)

    def _bad_byte(self, bad: tuple[str, str, int], record: Record) -> InvalidParameterError:
        code, what, place = bad
        column = next(place for place, cell in enumerate(record.cells or (), 1) if BAD.search(cell))
        for line in record.lines:
            if place <= len(line.text):
                break
            place -= len(line.text)
        if line.number > record.line:
            what = f"(of line {line.number}) {what}"
        return self._error(code, what, record.line, column, place)

    def _miscounted(self, found: int, line: int) -> InvalidParameterError:
        expected = len(self._fields)
        if found < expected:
            what = f"the row ends after {found} of {expected} cells. Is half of the line missing?"
            return self._error(INVALID_ROW, what, line, found + 1)
        what = (
            f"the row has {found} cells, but the header has {expected} columns. "
            f"A cell with {self._delimiter!r} in it must be in quotes."
        )
        return self._error(INVALID_ROW, what, line, expected + 1)

    def _values(self, cells: Sequence[str], line: int) -> dict[str, Any] | InvalidParameterError:
        """Return the user's fields, or why they cannot be used."""
        values: dict[str, Any] = {}
        for column, (field, cell) in enumerate(zip(self._fields, cells, strict=True), 1):
            if field is None or (not cell and field not in {"uid", "name"}):
                continue
            try:
                values[field] = _value(field, cell)
            except _UnusableError as problem:
                return self._error(problem.code, problem.what, line, column)
        return values


class _UnusableError(Exception):
    def __init__(self, code: str, what: str) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what


def _value(field: str, cell: str) -> Any:
    if not cell:
        raise _UnusableError(MISSING_PARAMETERS, f"{field} is required, but the cell is empty.")
    if field == "metadata":
        return _from_json(field, cell, dict)
    if field == "tags" and cell.lstrip().startswith("["):
        return _from_json(field, cell, list)
    if field == "tags":
        return [tag.strip() for tag in cell.split(",")]
    if field == "name" and ("\n" in cell or "\r" in cell):
        # More likely two rows than one name; whoever means it has JSON Lines.
        raise _UnusableError("INVALID_NAME", "name has a line break.")
    return cell


def _from_json(field: str, cell: str, kind: type) -> Any:
    code = f"INVALID_{field.upper()}"
    try:
        value = read_json(cell)
    except BadJsonError as problem:
        at = f" (at character {problem.character} of the cell)" if problem.character else ""
        raise _UnusableError(code, f"{field}{at} {problem.what}") from None
    if what := mistyped(field, value, kind):
        raise _UnusableError(code, what)
    return value


def _with_extent(error: InvalidParameterError, record: Record) -> InvalidParameterError:
    """Return the error with a hint if the row goes on over several lines."""
    if len(record.lines) == 1:
        return error
    hint = f"The row goes on to line {record.lines[-1].number}; is a quote left open in it?"
    return InvalidParameterError(error.code, f"{error.message} {hint}", details=error.details)
