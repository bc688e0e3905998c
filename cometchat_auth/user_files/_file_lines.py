"""The physical lines of a text file, whatever its bytes are.

A byte that is no text in the file's encoding becomes a character of its own that no text has, so
that the line can be read on, shown and refused.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TextIO

from ..errors import InvalidParameterError

INVALID_FILE: Final = "INVALID_FILE"
INVALID_ENCODING: Final = "INVALID_ENCODING"

# Characters. The service takes 10 KB for a user; written with escapes that is about 60 KB.
LINE_LIMIT: Final = 64 * 1024

# Bytes at the start of the file from which its kind is told.
_START: Final = 256

_HANDLER: Final = "cometchat_auth.bad_bytes"
# A bad byte's character is this and the byte: halves of surrogate pairs, which no text has alone.
BYTES: Final = 0xDC00
BAD: Final = re.compile("[\udc00-\udcff]")


class Line(NamedTuple):
    """One line as it stands in the file.

    Attributes:
        number: From 1.
        text: With its line end, unless it was cut.
        cut: Whether it is longer than ``LINE_LIMIT``, and what is beyond was left out.
    """

    number: int
    text: str
    cut: bool

    def is_blank(self) -> bool:
        """Return whether nothing is written in it."""
        return not self.text.strip(" \t\r\n")


def shown(text: str) -> str:
    r"""Return the text with what was no text in the file as ``\xNN``."""
    return BAD.sub(lambda found: f"\\x{ord(found[0]) - BYTES:02x}", text)


def byte_of(bad: str) -> str:
    """Return the name of the byte that such a character stands for."""
    return f"0x{ord(bad) - BYTES:02X}"


def open_text(path: str, encoding: str) -> tuple[TextIO, bytes]:
    """Open a file for `lines`; a pipe will do.

    Returns:
        The file, and its first bytes.

    Raises:
        InvalidParameterError: ``INVALID_FILE`` if it cannot be read, ``INVALID_ENCODING`` if the
            encoding is unknown.
    """
    try:
        raw = open(path, "rb")  # noqa: SIM115 - the caller closes it
    except (OSError, ValueError) as problem:
        raise _unreadable(path, problem) from problem
    try:
        with reading(path, encoding):
            start = raw.peek(_START)[:_START]
            return io.TextIOWrapper(raw, encoding, errors=_HANDLER, newline=""), start
    except BaseException:
        raw.close()
        raise


@contextlib.contextmanager
def reading(path: str, encoding: str) -> Iterator[None]:
    """Turn what may happen while a file is read into `InvalidParameterError`."""
    try:
        yield
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    except (LookupError, ValueError) as problem:  # UnicodeError, a name with a NUL
        raise InvalidParameterError(
            INVALID_ENCODING,
            f"{path!r} cannot be read as {encoding!r}: {problem}. Give its encoding, e.g. "
            'encoding="utf-8".',
        ) from None


def _unreadable(path: str, problem: Exception) -> InvalidParameterError:
    why = problem.strerror if isinstance(problem, OSError) else None
    return InvalidParameterError(
        INVALID_FILE,
        f"{path!r} cannot be read: {why or problem}. Check the path, and whether you may read it.",
    )


def lines(file: TextIO, path: str, encoding: str) -> Iterator[Line]:
    """Yield the lines of a file that `open_text` opened.

    Raises:
        InvalidParameterError: If it cannot be read on.
    """
    with reading(path, encoding):
        number, before = 0, ""
        while piece := file.readline(LINE_LIMIT):
            if piece == "\n" and before.endswith("\r"):  # the limit fell between the two
                before = piece
                continue
            number, before = number + 1, piece
            cut = len(piece) == LINE_LIMIT and not _ends(piece)
            while cut and before and not _ends(before):
                before = file.readline(LINE_LIMIT)
            text = piece.removeprefix("\ufeff") if number == 1 else piece
            # Python 3.10's csv refuses a NUL, and nobody's name has one.
            yield Line(number, text.replace("\0", chr(BYTES)), cut)


def _ends(piece: str) -> bool:
    return piece.endswith(("\n", "\r"))


def likely_kind(start: bytes) -> str | None:
    """Return what a file is that begins so, if it is no text in the encoding tried.

    Args:
        start: Its first bytes.

    Returns:
        A sentence with what to do, or ``None`` if nobody can tell.
    """
    for mark, kind in _MARKS:
        if start.startswith(mark):
            return kind
    if b"\0" not in start:
        return None
    for encoding, silent in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if silent and not silent.strip(b"\0"):
            return _as_encoded(encoding)
    return "it is no text file. Is it the right one?"


def _as_encoded(encoding: str) -> str:
    return f'it seems to be written in {encoding.upper()}: give encoding="{encoding}".'


_MARKS: Final = (
    (codecs.BOM_UTF32_LE, _as_encoded("utf-32")),  # begins like the next but one
    (codecs.BOM_UTF32_BE, _as_encoded("utf-32")),
    (codecs.BOM_UTF16_LE, _as_encoded("utf-16")),
    (codecs.BOM_UTF16_BE, _as_encoded("utf-16")),
    (b"PK\x03\x04", "it seems to be a spreadsheet's workbook or a ZIP archive: save it as CSV."),
    (b"\x1f\x8b", "it seems to be compressed by gzip: unpack it first."),
)


def _keep_bad_bytes(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    bad = problem.object[problem.start : problem.end]
    return "".join(chr(BYTES + byte) for byte in bad), problem.end


# Under a name of our own: "surrogateescape" gives up at bytes below 0x80, which UTF-16 may have.
codecs.register_error(_HANDLER, _keep_bad_bytes)
