"""The rows of the file on their way into an import, and what became of each."""

from __future__ import annotations

import bisect
import re
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

import attrs

from ..errors import CometChatException, InvalidParameterError, ServiceError
from ..models import User
from ..server import Outcome
from ..server._bulk_rows import DUPLICATE_UID
from ..user_files import FileRow, UserRows
from ..user_files._file_rows import row_error
from ._exits import fields_of

# How the library's sentences name what are options here.
_ARGUMENT: Final = re.compile(r"\b(encoding|delimiter|format)=")


class Source:
    """Hands out the rows, and finds for each outcome the row that it belongs to.

    Args:
        rows: The file's.
        waiting: Returns a context in which the next row is waited for: for long if it is a pipe.
    """

    def __init__(self, rows: UserRows, waiting: Callable[[], AbstractContextManager[None]]) -> None:
        self._rows = rows
        self._wait = waiting
        self._lines = _Lines()
        self._waiting: deque[tuple[int, FileRow]] = deque()
        header = [name.strip().lower() for name in rows.layout.header]
        self._uid_column = header.index("uid") + 1 if header else None

    def items(self) -> Iterator[User | CometChatException]:
        """Yield what `create_users` takes."""
        number = 0
        while (row := self._next()) is not None:
            number += 1
            self._lines.note(number, row.line)
            self._waiting.append((number, row))
            yield row.item

    def row_of(self, outcome: Outcome) -> FileRow:
        """Return the row of an outcome; outcomes come in the order of the rows."""
        while self._waiting[0][0] < outcome.number:  # one that was never sent
            self._waiting.popleft()
        return self._waiting.popleft()[1]

    def reason(self, outcome: Outcome, row: FileRow) -> CometChatException:
        """Return why a row was refused; of two rows with one uid by their lines."""
        error = outcome.error
        assert error is not None
        if error.code != DUPLICATE_UID:
            return _in_full(error)
        return row_error(
            DUPLICATE_UID,
            f"line {self._lines.of(error.details['row'])} has the uid {outcome.uid!r} already "
            "(uids compare without regard to case). Give each user once.",
            line=row.line,
            column=self._uid_column,
            field="uid",
        )

    def _next(self) -> FileRow | None:
        with self._wait():
            row = next(self._rows, None)
        if row is None or not isinstance(row.item, InvalidParameterError):
            return row
        return attrs.evolve(row, item=in_options(row.item))


def _in_full(error: CometChatException) -> CometChatException:
    """Return an error with what the service says of each field in its text."""
    said = fields_of(error)
    if not said:
        return error
    return ServiceError(error.code, f"{error.message} {said}", details=error.details)


def in_options(error: InvalidParameterError) -> InvalidParameterError:
    """Return an error about a file that tells of options in place of arguments."""
    text = _ARGUMENT.sub(r"--\1 ", error.message)
    return InvalidParameterError(error.code, text, details=error.details)


class _Lines:
    """Which row is in which line: only where the distance changes is it written down."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._distances = array("Q")

    def note(self, number: int, line: int) -> None:
        if not self._distances or self._distances[-1] != line - number:
            self._numbers.append(number)
            self._distances.append(line - number)

    def of(self, number: int) -> int:
        return number + self._distances[bisect.bisect_right(self._numbers, number) - 1]
