"""The data file: an SQLite database that survives the death of its process at any moment."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

_APPLICATION_ID: Final = 0x43436175  # "CCau"; SQLite keeps it in the header, to tell files apart
_FORMAT: Final = 1  # of the tables; goes up with every change that an older emulator cannot read
_MODE: Final = 0o600  # the file holds keys and auth tokens

# What is committed is the system's from then on: the death of the process loses nothing. A power
# cut may lose the last few transactions, but tears none.
_DURABILITY: Final = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"


_LOCK: Final = "BEGIN EXCLUSIVE; COMMIT;"  # in the mode of locking that is set, for good


def open_data_file(path: Path, schema: str, *, make: bool) -> sqlite3.Connection:
    """Open a data file; nobody else can use it until the connection is closed.

    Args:
        path: The file.
        schema: The statements that make the tables of a new file.
        make: Whether the file is made if there is none.

    Raises:
        OSError: The file cannot be used, or another emulator uses it.
        ValueError: It is no data file of an emulator, or of a newer one; it was left as it was.
    """
    try:
        if make:
            _make(path)
        _check(path)
        return _connect(path, schema)
    except sqlite3.OperationalError as error:
        raise _unusable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"The data file {path} is not an emulator's, or is damaged: {error}. "
            "Choose another file."
        ) from error


def _make(path: Path) -> None:
    """Make the file if there is none, so that nobody but its owner can ever read it."""
    if path.is_dir():
        raise OSError(f"The data file {path} cannot be used: it is a folder.")
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODE))


def _check(path: Path) -> None:
    """Refuse another program's file, and change nothing.

    SQLite looks at the header: closing the file outside of SQLite would end the locks that another
    connection of this process has on it.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            _check_marks(path, connection)
    except sqlite3.DatabaseError:
        # Killed in the middle of a write, the file is whole only together with the one beside it,
        # and only for one who may change it: that one has another look at the header.
        if not any(path.with_name(path.name + end).exists() for end in ("-journal", "-wal")):
            raise


def _check_marks(path: Path, connection: sqlite3.Connection) -> bool:
    """Refuse another program's file; tell whether it is empty."""
    version, application, pages = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("user_version", "application_id", "page_count")
    )
    if pages and application != _APPLICATION_ID:
        raise ValueError(
            f"The data file {path} is another program's, and was left as it is. "
            "Choose another file."
        )
    if version > _FORMAT:
        raise ValueError(
            f"The data file {path} has the format {version}, and this emulator knows {_FORMAT}: "
            "install the version of cometchat-auth that made it, or choose another file."
        )
    return not pages


def _connect(path: Path, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # What a kill left half made is undone by the first who reads.
        if _check_marks(path, connection):
            # The header is there before there is a second file: a look at it is enough.
            marks = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_FORMAT};"
            connection.executescript(f"BEGIN EXCLUSIVE; {marks} {schema} COMMIT;")
        connection.executescript(_DURABILITY)
        connection.executescript(_LOCK)
        path.chmod(_MODE)
    except BaseException:
        connection.close()
        raise
    return connection


def _unusable(path: Path, error: sqlite3.OperationalError) -> OSError:
    if "locked" in str(error):
        return OSError(
            f"The data file {path} is in use by another emulator or program: "
            "stop that one, or choose another file."
        )
    return OSError(f"The data file {path} cannot be used: {error}.")
