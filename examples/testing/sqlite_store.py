"""A session store in an SQLite file that only its owner can read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

_CREATE = """
    CREATE TABLE IF NOT EXISTS sessions
    (service_name TEXT, profile TEXT, record TEXT, PRIMARY KEY (service_name, profile))
"""
_LOAD = "SELECT record FROM sessions WHERE service_name = ? AND profile = ?"
_SAVE = "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)"
_DELETE = "DELETE FROM sessions WHERE service_name = ? AND profile = ?"


class SqliteStore:
    """Keeps sessions in a file. The auth token lies there in the clear: guard the file.

    Args:
        path: The file, which is made when it is first written to.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    @property
    def name(self) -> str:
        """Return what `session_info()` shows as the back end."""
        return f"sqlite:{self._path}"

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or ``None`` if there is none; this creates nothing."""
        if not os.path.exists(self._path):
            return None
        with self._database() as database:
            row = database.execute(_LOAD, (service_name, profile)).fetchone()
        return None if row is None else str(row[0])

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record, whole or not at all, in place of an earlier one."""
        with self._database() as database:
            database.execute(_SAVE, (service_name, profile, record))

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record; without one do nothing."""
        if os.path.exists(self._path):
            with self._database() as database:
                database.execute(_DELETE, (service_name, profile))

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        os.close(os.open(self._path, os.O_CREAT, 0o600))
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute("PRAGMA secure_delete = ON")
            database.execute(_CREATE)
            yield database
