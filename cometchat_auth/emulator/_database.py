"""The tables of one emulated app, and the connection to them that all threads share."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Lists of users are in the order of creation; the indexes hold it for the active, for the
# deactivated and for all, so that a page far down the list costs no sorting.
_SCHEMA: Final = """
CREATE TABLE keys (key TEXT PRIMARY KEY, scope TEXT NOT NULL);
CREATE TABLE roles (role TEXT PRIMARY KEY);
CREATE TABLE users (
    uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, avatar TEXT, link TEXT,
    status_message TEXT, metadata TEXT, tags TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER, deactivated_at INTEGER, folded_name TEXT NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT
);
CREATE INDEX users_in_order ON users (created_at, id);
CREATE INDEX active_users ON users (created_at, id) WHERE deactivated_at IS NULL;
CREATE INDEX deactivated_users ON users (created_at, id) WHERE deactivated_at IS NOT NULL;
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE,
    uid TEXT NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    created_at INTEGER NOT NULL, device TEXT NOT NULL
);
CREATE INDEX tokens_of_user ON tokens (uid, id);
"""


class Database:
    """One SQLite database in memory, with its tables made, for many threads in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the database back; nothing may be called afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one who only reads."""
        # One connection, one lock: nobody writes meanwhile, and a transaction would add nothing.
        with self._lock:
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one who writes: everything is kept, or nothing."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
