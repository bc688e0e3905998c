"""Apps in the database: which there are, and whose a key or an auth token is."""

from __future__ import annotations

import sqlite3
from typing import Final

from ._records import AppRecord

_CLEAR: Final = (
    "DELETE FROM tokens",
    "DELETE FROM users",
    "DELETE FROM roles",
    "DELETE FROM keys",
    "DELETE FROM apps",
)


def write(database: sqlite3.Connection, app: AppRecord) -> None:
    """Add an app."""
    database.execute(
        "INSERT INTO apps (app, auth_key, rest_api_key) VALUES (?, ?, ?)",
        (app.app_id, app.auth_key, app.rest_api_key),
    )


def list_all(database: sqlite3.Connection) -> list[AppRecord]:
    """Return all apps, in the order in which they were added."""
    rows = database.execute("SELECT app, auth_key, rest_api_key FROM apps ORDER BY id")
    return [AppRecord(*row) for row in rows]


def clear(database: sqlite3.Connection) -> None:
    """Forget all apps, and everything about them."""
    for statement in _CLEAR:
        database.execute(statement)


def of_key(database: sqlite3.Connection, key: str) -> str | None:
    """Return the id of the app that an API key belongs to, or ``None``."""
    row = database.execute("SELECT app FROM keys WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def of_token(database: sqlite3.Connection, token: str) -> str | None:
    """Return the id of the app that an auth token belongs to, or ``None``."""
    row = database.execute("SELECT app FROM tokens WHERE token = ?", (token,)).fetchone()
    return None if row is None else str(row[0])
