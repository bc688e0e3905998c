"""The database of an emulator: its tables, and the connection to them that all threads share."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from ._data_file import open_data_file

# Lists of users are in the order of creation; the indexes hold it for the active, for the
# deactivated and for all, so that a page far down the list costs no sorting.
_SCHEMA: Final = """
CREATE TABLE apps (
    app TEXT NOT NULL UNIQUE, auth_key TEXT NOT NULL, rest_api_key TEXT NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT
);
CREATE TABLE keys (
    key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scope TEXT NOT NULL,
    created_at INTEGER NOT NULL, id INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL REFERENCES apps (app) ON DELETE CASCADE
);
CREATE INDEX keys_of_app ON keys (app, id);
CREATE TABLE roles (
    role TEXT NOT NULL, name TEXT NOT NULL, description TEXT, metadata TEXT, settings TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER, id INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL REFERENCES apps (app) ON DELETE CASCADE, UNIQUE (app, role)
);
CREATE TABLE users (
    uid TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, avatar TEXT, link TEXT,
    status_message TEXT, metadata TEXT, tags TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER, deactivated_at INTEGER, folded_name TEXT NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL REFERENCES apps (app) ON DELETE CASCADE, UNIQUE (app, uid)
);
CREATE INDEX users_in_order ON users (app, created_at, id);
CREATE INDEX active_users ON users (app, created_at, id) WHERE deactivated_at IS NULL;
CREATE INDEX deactivated_users ON users (app, created_at, id) WHERE deactivated_at IS NOT NULL;
CREATE INDEX users_of_role ON users (app, role);
CREATE TABLE tokens (
    token TEXT NOT NULL UNIQUE, uid TEXT NOT NULL, created_at INTEGER NOT NULL,
    device TEXT NOT NULL, id INTEGER PRIMARY KEY AUTOINCREMENT, app TEXT NOT NULL,
    FOREIGN KEY (app, uid) REFERENCES users (app, uid) ON DELETE CASCADE
);
CREATE INDEX tokens_of_user ON tokens (app, uid, id);
"""


class Database:
    """One SQLite database with its tables made, for many threads in turn.

    Args:
        path: The data file; ``None`` keeps everything in memory.

    Raises:
        OSError: The data file cannot be used, or another emulator uses it.
        ValueError: It is no data file of an emulator, or of a newer one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._held = True
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._connection = self._open(make=True)

    def hold(self) -> None:
        """Keep a data file open from now on, as the only one who can use it.

        Raises:
            OSError: The data file cannot be used, or another emulator uses it.
            ValueError: It is no data file of an emulator any more.
        """
        with self._lock:
            self._connected()
            self._held = True

    def release(self) -> None:
        """Leave a data file to others between one use and the next; what is in memory stays."""
        if self._path is not None:
            with self._lock:
                self._held = False
                self._disconnect()

    def close(self) -> None:
        """Give the database back; nothing may be called afterwards."""
        with self._lock:
            self._closed = True
            self._disconnect()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one who only reads."""
        # One connection, one lock: nobody writes meanwhile, and a transaction would add nothing.
        with self._lock:
            try:
                yield self._connected()
            finally:
                self._let_go()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one who writes: everything is kept, or nothing."""
        with self.reading() as connection, connection:
            yield connection

    def of(self, app_id: str) -> AppDatabase:
        """Return the part of the database that is about one app."""
        return AppDatabase(self, app_id)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._closed:
                raise sqlite3.ProgrammingError("The emulator's database was closed.")
            self._connection = self._open(make=False)
        return self._connection

    def _let_go(self) -> None:
        if not self._held:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, *, make: bool) -> sqlite3.Connection:
        if self._path is None:
            connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            connection.executescript(_SCHEMA)
        else:
            connection = open_data_file(self._path, _SCHEMA, make=make)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.isolation_level = "DEFERRED"  # a transaction begins with its first change
        return connection


@frozen
class Tables:
    """The tables, lent for a while, as far as they are about one app.

    Attributes:
        connection: The connection to the database.
        app: The app's id.
    """

    connection: sqlite3.Connection
    app: str

    def execute(self, statement: str, **values: Any) -> sqlite3.Cursor:
        """Execute a statement; ``:app`` in it is the app's id."""
        return self.connection.execute(statement, {"app": self.app, **values})


@frozen
class AppDatabase:
    """The part of a database that is about one app.

    Attributes:
        database: The whole of it.
        app_id: The app's id.
    """

    database: Database
    app_id: str

    @contextmanager
    def reading(self) -> Iterator[Tables]:
        """Lend the tables to one who only reads."""
        with self.database.reading() as connection:
            yield Tables(connection, self.app_id)

    @contextmanager
    def transaction(self) -> Iterator[Tables]:
        """Lend the tables to one who writes: everything is kept, or nothing."""
        with self.database.transaction() as connection:
            yield Tables(connection, self.app_id)
