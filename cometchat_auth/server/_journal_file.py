"""Whose file it is that is named as the journal of an import.

A file that is something else is left byte for byte: it is read here, and SQLite, which mends
what it opens, gets to see it only once it is known to be the right one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Final

import attrs

from .. import _checks
from ..errors import CometChatException, InvalidParameterError

JOURNAL_IN_USE: Final = "JOURNAL_IN_USE"
JOURNAL_ERROR: Final = "JOURNAL_ERROR"

# In the header of an SQLite file: whose it is, and in which format.
APPLICATION: Final = int.from_bytes(b"CCij", "big")
FORMAT: Final = 1

# From SQLite's description of its file format.
_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100  # bytes
_FORMAT_AT: Final = slice(60, 64)
_APPLICATION_AT: Final = slice(68, 72)

_MODE: Final = 0o600  # who the users are is nobody else's business

# The files that this process has open, by device and inode, each with the process's id: a forked
# child has inherited the list, but not the locks.
_OPEN: Final[dict[tuple[int, int], int]] = {}
_LOCK: Final = threading.Lock()


@attrs.frozen
class JournalFile:
    """A file that is to be a journal.

    Attributes:
        path: Absolute.
        app_id: The app that the import is for.
        host: The host that the users are sent to.
    """

    path: str
    app_id: str
    host: str

    def claim(self) -> tuple[int, int]:
        """Make the file if need be, and have it for one import of this process.

        Returns:
            What `release` needs.

        Raises:
            InvalidParameterError: ``INVALID_JOURNAL`` if it is something else.
            CometChatException: ``JOURNAL_IN_USE`` or ``JOURNAL_ERROR``.
        """
        try:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE))
            status = os.stat(self.path)
            if not stat.S_ISREG(status.st_mode):
                raise self._foreign("is no regular file")
            identity = (status.st_dev, status.st_ino)
            self._register(identity)
            try:
                self._check()
            except BaseException:
                release(identity)
                raise
        except OSError as error:
            raise self.failure(error) from error
        return identity

    def check_owner(self, app_id: str, host: str) -> None:
        """Raise ``INVALID_JOURNAL`` if it is that of an import into another app or elsewhere."""
        if (app_id, host) != (self.app_id, self.host):
            raise self._foreign(
                f"belongs to an import into the app {app_id!r} at {host}, and this one goes into "
                f"{self.app_id!r} at {self.host}"
            )

    def failure(self, error: Exception) -> CometChatException:
        """Return the error for what came of using it."""
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return self._in_use()
        return failure(repr(self.path), error)

    def _register(self, identity: tuple[int, int]) -> None:
        # Reading a file that SQLite has open in this process would end its lock on it (POSIX).
        with _LOCK:
            if _OPEN.get(identity) == os.getpid():
                raise self._in_use()
            _OPEN[identity] = os.getpid()

    def _check(self) -> None:
        with open(self.path, "rb") as file:
            header = file.read(_HEADER)
        if not header:
            return
        if header[: len(_MAGIC)] != _MAGIC or _number(header[_APPLICATION_AT]) != APPLICATION:
            raise self._foreign("is no journal of an import")
        if _number(header[_FORMAT_AT]) > FORMAT:
            raise self._foreign("was written by a newer version of this library")
        owner = _peek(self.path)
        if owner is not None:
            self.check_owner(*owner)

    def _foreign(self, what: str) -> InvalidParameterError:
        return _checks.invalid(
            "journal",
            f"{self.path!r} {what}; it was left as it is. Name a file that does not exist yet, "
            "or the journal of an earlier run of this import.",
        )

    def _in_use(self) -> CometChatException:
        return CometChatException(
            JOURNAL_IN_USE,
            f"The journal {self.path!r} is in use by another import. Wait for that one to end, "
            "or end it: a journal serves one import at a time.",
        )


def release(identity: tuple[int, int]) -> None:
    """Let another import of this process have the file."""
    with _LOCK:
        _OPEN.pop(identity, None)


def failure(where: str, error: Exception) -> CometChatException:
    """Return the error for a journal that cannot be read or written."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CometChatException(
        JOURNAL_ERROR,
        f"The journal {where} could not be read or written: {why}. Is there room on the disk, "
        "does the folder exist, and may this user write there? What it holds is kept; run the "
        "import again with it to go on.",
    )


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _peek(path: str) -> tuple[str, str] | None:
    """Return whose journal it is, without changing a byte, or ``None`` if it does not say yet."""
    address = f"{Path(path).as_uri()}?mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            found: tuple[str, str] | None = database.execute(
                "SELECT app_id, host FROM owner"
            ).fetchone()
            return found
    except sqlite3.Error:  # half made, or damaged: that shows when it is opened in earnest
        return None
