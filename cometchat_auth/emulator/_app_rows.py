"""Apps in the database: which there are, and whose a key or an auth token is."""

from __future__ import annotations

import sqlite3
from typing import Final

from attrs import frozen

from ._records import AppRecord

_CLEAR: Final = (
    "DELETE FROM tokens",
    "DELETE FROM users",
    "DELETE FROM roles",
    "DELETE FROM keys",
    "DELETE FROM apps",
)

_OF_SESSION: Final = """
SELECT app, '' FROM tokens JOIN users USING (app, uid) WHERE token = ? AND deactivated_at IS NULL
"""


@frozen
class Owner:
    """Whose a credential is.

    Attributes:
        app_id: The app.
        scope: What a key may do; empty for an auth token.
    """

    app_id: str
    scope: str


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


def of_key(database: sqlite3.Connection, key: str) -> Owner | None:
    """Return the owner of an API key, or ``None``."""
    return _owner(database, "SELECT app, scope FROM keys WHERE key = ?", key)


def of_token(database: sqlite3.Connection, token: str) -> Owner | None:
    """Return the owner of an auth token that logs somebody in, or ``None``."""
    return _owner(database, _OF_SESSION, token)


def _owner(database: sqlite3.Connection, statement: str, credential: str) -> Owner | None:
    row = database.execute(statement, (credential,)).fetchone()
    return None if row is None else Owner(*row)
