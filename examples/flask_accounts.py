"""Accounts with a name and a password, in SQLite: what a web backend has before CometChat comes.

`flask_backend.py` uses it; it knows nothing of CometChat but the uid that goes with an account.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from werkzeug.security import check_password_hash, generate_password_hash

# What the password of an account that does not exist is compared with: it takes as long.
NOBODY: Final = generate_password_hash(secrets.token_hex())


class Accounts:
    """The accounts in one file, each with its CometChat uid.

    Args:
        path: Where the file is; it is made if it is not there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with self._open() as db:
            db.execute("CREATE TABLE IF NOT EXISTS accounts (name PRIMARY KEY, uid, hash)")

    def add(self, name: str, uid: str, password: str) -> bool:
        """Add an account; return whether the name was free."""
        values = (name, uid, generate_password_hash(password))
        try:
            with self._open() as db:
                db.execute("INSERT INTO accounts VALUES (?, ?, ?)", values)
        except sqlite3.IntegrityError:
            return False
        return True

    def uid(self, name: str, password: str) -> str | None:
        """Return the uid if name and password are right; being wrong takes as long either way."""
        with self._open() as db:
            query = "SELECT uid, hash FROM accounts WHERE name = ?"
            uid, stored = db.execute(query, (name,)).fetchone() or (None, NOBODY)
        return uid if check_password_hash(stored, password) else None

    def set_password(self, name: str, password: str) -> None:
        """Replace the password of an account."""
        with self._open() as db:
            query = "UPDATE accounts SET hash = ? WHERE name = ?"
            db.execute(query, (generate_password_hash(password), name))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as db, db:
            yield db
