"""The rejects file: what is left of a file of users after an import, and why."""

from __future__ import annotations

import codecs
import contextlib
import csv
import itertools
import json
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Final, TextIO

from .. import _checks
from ..errors import CometChatException, InvalidParameterError
from ._csv_cells import cells_of
from ._file_lines import INVALID_FILE, lines, open_text
from ._file_rows import REJECTED, REJECTED_BECAUSE, REJECTED_LINE, REJECTED_TEXT, FileRow, read_json
from ._user_rows import UserRows

# Readable and writable by the user alone: it holds what is known of people.
_MODE: Final = 0o600
_CHUNK: Final = 65536  # bytes


class RejectsFile:
    """Writes the rows that were not imported in the form of their source, each with the reason.

    CSV has the source's columns and two more, ``rejected_line`` and ``rejected_because``; JSON
    Lines has these two keys more. Whoever has mended the rows can import the file as it is, with
    the same options. A row that could not be read stands as it was found in the first cell, or
    under ``rejected_text``, and is refused again until it is mended.

    The file is made when the first row is rejected, anew each time: an import that is resumed
    reads the whole source again and finds the same rows. An older rejects file is set aside then,
    under its name with a number, and at the end removed if the one of the two is the beginning of
    the other: perhaps somebody has mended it. What has been written survives a killed process.

    Args:
        path: Where to write.
        like: The source.

    Attributes:
        path: Where it is written.
        count: How many rows were written.
        set_aside: Where an older rejects file is now that has other rows, or ``None``.

    Raises:
        InvalidParameterError: ``INVALID_FILE`` if the path is the source's, is a file that is no
            rejects file, or is in no folder.
        TypeError: If an argument is not of its type.
    """

    def __init__(self, path: str | os.PathLike[str], *, like: UserRows) -> None:
        if not isinstance(like, UserRows):
            raise TypeError(f"like must come from read_users, not be a {type(like).__name__}")
        self.path: str = _checks.text("path", os.fspath(path))
        self.count: int = 0
        self.set_aside: str | None = None
        self._layout = like.layout
        self._file: TextIO | None = None
        self._check_place()

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            with self._writing():
                self._file.close()
                self._remove_what_is_said_twice()

    def write(self, row: FileRow, error: CometChatException) -> None:
        """Add a row.

        Args:
            row: As it was read from the source.
            error: Why it was not imported.

        Raises:
            InvalidParameterError: ``INVALID_FILE`` if it cannot be written.
        """
        because = " ".join(str(error).split())
        if self._file is None:
            self._check_place()
            self._file = self._open()
        with self._writing():
            if self._layout.format == "csv":
                self._write_cells([*self._cells(row), str(row.line), because])
            else:
                self._file.write(self._object(row, because))
            self._file.flush()
        self.count += 1

    def _open(self) -> TextIO:
        with self._writing():
            self._set_aside()
            self._file = open(  # noqa: SIM115 - kept until close()
                self.path,
                "w",
                encoding=self._layout.encoding,
                errors="backslashreplace",
                newline="",
                opener=lambda path, flags: os.open(path, flags, _MODE),
            )
        if self._layout.format == "csv":
            columns = [self._layout.header[place] for place in self._own_columns]
            self._write_cells([*columns, REJECTED_LINE, REJECTED_BECAUSE])
        return self._file

    def _set_aside(self) -> None:
        if os.path.exists(self.path) and os.path.getsize(self.path):
            base, suffix = os.path.splitext(self.path)
            names = (f"{base}.{number}{suffix}" for number in itertools.count(1))
            self.set_aside = next(name for name in names if not os.path.exists(name))
            os.replace(self.path, self.set_aside)

    def _remove_what_is_said_twice(self) -> None:
        """Keep the longer one of the two files, if the other is nothing but its beginning."""
        if self.set_aside is None or not _is_same_as_far_as_both_go(self.set_aside, self.path):
            return
        if os.path.getsize(self.set_aside) > os.path.getsize(self.path):
            os.replace(self.set_aside, self.path)
        else:
            os.remove(self.set_aside)
        self.set_aside = None

    @property
    def _own_columns(self) -> list[int]:
        """The source's columns but those that an earlier rejects file has added."""
        header = enumerate(self._layout.header)
        return [place for place, name in header if name.strip().lower() not in REJECTED]

    def _cells(self, row: FileRow) -> list[str]:
        cells = cells_of(row.text, self._layout.delimiter) if row.legible else None
        if cells is None:
            return [row.text] + [""] * (len(self._own_columns) - 1)
        return [cells[place] for place in self._own_columns]

    def _write_cells(self, cells: list[str]) -> None:
        assert self._file is not None
        # With csv's own line end: with another it would not quote every line break in a cell.
        csv.writer(self._file, delimiter=self._layout.delimiter).writerow(cells)

    def _object(self, row: FileRow, because: str) -> str:
        added = {REJECTED_LINE: row.line, REJECTED_BECAUSE: because}
        found = read_json(row.text) if row.legible else {REJECTED_TEXT: row.text}
        kept = {key: value for key, value in found.items() if key not in added}
        is_utf_8 = codecs.lookup(self._layout.encoding).name.startswith("utf-8")
        return json.dumps({**added, **kept}, ensure_ascii=not is_utf_8) + "\n"

    def _check_place(self) -> None:
        with self._writing():
            if os.path.isdir(self.path) or not os.path.isdir(os.path.dirname(self.path) or "."):
                raise self._refused("there is no folder for it, or it is one itself")
            if not os.path.exists(self.path):
                return
            if os.path.exists(self._layout.path) and os.path.samefile(self.path, self._layout.path):
                raise self._refused("the users are read from there")
            if not self._may_be_replaced():
                raise self._refused("there is a file that is no rejects file")

    def _may_be_replaced(self) -> bool:
        if not os.path.isfile(self.path) or not os.path.getsize(self.path):
            return True
        file, _ = open_text(self.path, self._layout.encoding)
        with file:
            first = next(lines(file, self.path, self._layout.encoding)).text
        return REJECTED_LINE in first and REJECTED_BECAUSE in first

    def _refused(self, why: str) -> InvalidParameterError:
        return InvalidParameterError(
            INVALID_FILE,
            f"The rejects cannot be written to {self.path!r}: {why}. Give another path.",
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else None
            raise self._refused(str(why or problem)) from problem


def _is_same_as_far_as_both_go(first: str, second: str) -> bool:
    with open(first, "rb") as one, open(second, "rb") as other:
        while (a := one.read(_CHUNK)) and (b := other.read(_CHUNK)):
            common = min(len(a), len(b))
            if a[:common] != b[:common]:
                return False
    return True
