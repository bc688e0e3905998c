"""The rows of a file of users, read as they are asked for."""

from __future__ import annotations

import codecs
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Literal

import attrs

from ._csv_cells import records
from ._csv_header import fields_of
from ._csv_rows import CsvRows
from ._file_lines import Line, lines, open_text
from ._file_rows import FileRow
from ._jsonl_rows import jsonl_rows

Format = Literal["csv", "jsonl"]


@attrs.frozen
class Layout:
    """How a file is written.

    Attributes:
        path: Where it is.
        format: ``"csv"`` or ``"jsonl"``.
        encoding: Its encoding.
        delimiter: What is between the cells of CSV.
        header: The first line's cells; none in JSON Lines.
    """

    path: str
    format: Format
    encoding: str
    delimiter: str
    header: tuple[str, ...] = ()


class UserRows(Iterator[FileRow]):
    """The rows of a file of users, made by `read_users`.

    The file is closed behind the last row, by `close`, at the end of a ``with`` block, and when
    nobody holds the rows any more.

    Attributes:
        layout: How the file is written; a `RejectsFile` is written likewise.

    Raises:
        InvalidParameterError: At `next`, if the file cannot be read on.
    """

    def __init__(self, layout: Layout) -> None:
        file, start = open_text(layout.path, layout.encoding)
        self._close = weakref.finalize(self, file.close)
        source = lines(file, layout.path, layout.encoding)
        self.layout: Layout = _with_mark(layout, start)
        try:
            self._rows = self._begin(source, start)
        except BaseException:
            self.close()
            raise

    def _begin(self, source: Iterator[Line], start: bytes) -> Iterator[FileRow]:
        path, encoding, delimiter = self.layout.path, self.layout.encoding, self.layout.delimiter
        if self.layout.format == "jsonl":
            return jsonl_rows(source, path=path, encoding=encoding, start=start)
        found = records(source, delimiter)
        header = next(found, None)
        fields = fields_of(header, path=path, encoding=encoding, delimiter=delimiter, start=start)
        self.layout = attrs.evolve(self.layout, header=tuple(header.cells or ()) if header else ())
        return CsvRows(fields, encoding, delimiter).rows(found)

    def __next__(self) -> FileRow:
        try:
            return next(self._rows)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; there are no further rows."""
        self._rows = iter(())
        self._close()

    def __enter__(self) -> UserRows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _with_mark(layout: Layout, start: bytes) -> Layout:
    # Programs that begin UTF-8 with a mark need it to recognise UTF-8.
    if start.startswith(codecs.BOM_UTF8) and codecs.lookup(layout.encoding).name == "utf-8":
        return attrs.evolve(layout, encoding="utf-8-sig")
    return layout
