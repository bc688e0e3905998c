"""Records of a CSV file: lines taken together as the quotes in them demand.

A quote that is left open would take the rest of the file with it. Here it costs its own line: a
record ends after a number of lines, and the lines behind the first are read again.
"""

from __future__ import annotations

import bisect
import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from . import _file_lines
from ._file_lines import Line

# Physical lines of one record; a cell with metadata or a status message has a few.
LINES_LIMIT: Final = 200


class Record(NamedTuple):
    """What belongs together.

    Attributes:
        lines: The physical lines; one alone if its quotes are wrong.
        cells: What they hold, or ``None`` if that cannot be told.
    """

    lines: list[Line]
    cells: list[str] | None

    @property
    def line(self) -> int:
        """Return the number of its first line."""
        return self.lines[0].number

    @property
    def text(self) -> str:
        """Return the record as it stands in the file, without its line end."""
        return "".join(line.text for line in self.lines).rstrip("\r\n")


def records(lines: Iterator[Line], delimiter: str) -> Iterator[Record]:
    """Yield the records of a file, without blank ones."""
    waiting: deque[Line] = deque()
    while (first := _next(waiting, lines)) is not None:
        if first.cut:
            yield Record([first], None)
        elif not first.is_blank():
            yield _record(first, waiting, lines, delimiter)


def _next(waiting: deque[Line], lines: Iterator[Line]) -> Line | None:
    return waiting.popleft() if waiting else next(lines, None)


def _record(first: Line, waiting: deque[Line], lines: Iterator[Line], delimiter: str) -> Record:
    taken = [first]

    def supply() -> Iterator[str]:
        yield first.text
        size = len(first.text)
        while len(taken) < LINES_LIMIT and (line := _next(waiting, lines)) is not None:
            size += len(line.text)
            if line.cut or size > _file_lines.LINE_LIMIT:
                waiting.appendleft(line)
                return
            taken.append(line)
            yield line.text

    try:
        return Record(taken, next(csv.reader(supply(), delimiter=delimiter, strict=True)))
    except csv.Error:
        waiting.extendleft(reversed(taken[1:]))
        return Record([first], None)


def cells_of(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of one record, or ``None`` if its quotes are wrong or left open."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def wrong_quote(text: str, delimiter: str) -> tuple[str, int, int]:
    """Find the quote because of which a line cannot be taken apart.

    Args:
        text: The line.
        delimiter: What is between the cells.

    Returns:
        What is wrong, the number of the cell, and the number of the character, both from 1.
    """
    places = range(len(text) + 1)
    cells = _cells_so_far(text, delimiter)
    if cells is None:
        place = bisect.bisect_left(
            places, 1, key=lambda end: _cells_so_far(text[:end], delimiter) is None
        )
        before = _cells_so_far(text[: place - 1], delimiter) or []
        return f"a cell's closing quote is followed by more; {_ADVICE}", len(before), place
    column = len(cells)
    place = bisect.bisect_left(
        places, column, key=lambda end: len(_cells_so_far(text[:end], delimiter) or [])
    )
    what = f"the quote that opens this cell is not closed where a cell may end; {_ADVICE}"
    return what, column, place + 1 if column > 1 else 1


_ADVICE: Final = "a quote inside a quoted cell is written twice."


def _cells_so_far(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of the beginning of a record, or ``None`` if a quote in it is wrong."""
    cells = cells_of(text, delimiter)
    return cells_of(f'{text}"', delimiter) if cells is None else cells
