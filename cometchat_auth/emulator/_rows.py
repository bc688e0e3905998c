"""The tables of one emulated app, and how a row becomes a value and back."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from . import _errors
from ._records import Page, TokenRecord, UserRecord

SCHEMA: Final = """
CREATE TABLE keys (key TEXT PRIMARY KEY, scope TEXT NOT NULL);
CREATE TABLE roles (role TEXT PRIMARY KEY);
CREATE TABLE users (
    uid TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, avatar TEXT, link TEXT,
    status_message TEXT, metadata TEXT, tags TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER, deactivated_at INTEGER
);
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE,
    uid TEXT NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    created_at INTEGER NOT NULL, device TEXT NOT NULL
);
CREATE INDEX tokens_of_user ON tokens (uid, id);
"""

# Columns are read and written in the order of the values' attributes.
_WRITE_USER: Final = """
INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (uid) DO UPDATE SET
    name = excluded.name, role = excluded.role, avatar = excluded.avatar, link = excluded.link,
    status_message = excluded.status_message, metadata = excluded.metadata,
    tags = excluded.tags, updated_at = excluded.updated_at,
    deactivated_at = excluded.deactivated_at
"""
_READ_USER: Final = "SELECT * FROM users WHERE uid = ? AND deactivated_at IS NULL"
_READ_SESSION: Final = """
SELECT users.*, tokens.uid, token, tokens.created_at, device
FROM tokens JOIN users USING (uid) WHERE token = ? AND deactivated_at IS NULL
"""
_READ_ONE: Final = "SELECT uid, token, created_at, device FROM tokens WHERE token = ?"
_READ_PAGE: Final = """
SELECT uid, token, created_at, device FROM tokens WHERE uid = ? ORDER BY id LIMIT ? OFFSET ?
"""
_KEEP_ONE: Final = """
INSERT INTO tokens (uid, token, created_at, device) VALUES (?, ?, ?, ?)
ON CONFLICT (token) DO UPDATE SET device = excluded.device
"""
_KEEP_LATEST: Final = """
DELETE FROM tokens WHERE uid = :uid AND id <=
    (SELECT id FROM tokens WHERE uid = :uid ORDER BY id DESC LIMIT 1 OFFSET :kept)
"""


def exists(database: sqlite3.Connection, uid: str) -> bool:
    """Tell whether there is a user, active or not, of this lower-case uid."""
    return database.execute("SELECT 1 FROM users WHERE uid = ?", (uid,)).fetchone() is not None


def write_user(database: sqlite3.Connection, user: UserRecord) -> None:
    """Add a user, or bring the one of that uid up to date."""
    metadata = None if user.metadata is None else json.dumps(user.metadata)
    plain = (user.uid, user.name, user.role, user.avatar, user.link, user.status_message)
    times = (user.created_at, user.updated_at, user.deactivated_at)
    database.execute(_WRITE_USER, (*plain, metadata, json.dumps(user.tags), *times))


def read_user(database: sqlite3.Connection, uid: str) -> UserRecord:
    """Return an active user.

    Raises:
        ServiceError: ``ERR_UID_NOT_FOUND`` if there is none.
    """
    row = database.execute(_READ_USER, (uid.lower(),)).fetchone()
    if row is None:
        raise _errors.uid_not_found(uid)
    return _user(row)


def write_token(database: sqlite3.Connection, token: TokenRecord) -> None:
    """Add a token, or bring what is known about its device up to date."""
    device = json.dumps(token.device)
    database.execute(_KEEP_ONE, (token.uid, token.token, token.created_at, device))


def find_token(database: sqlite3.Connection, token: str) -> TokenRecord | None:
    """Return a token, whosever it is, or ``None`` if there is none."""
    row = database.execute(_READ_ONE, (token,)).fetchone()
    return None if row is None else _token(row)


def read_token(database: sqlite3.Connection, uid: str, token: str) -> TokenRecord:
    """Return a token of an active user.

    Raises:
        ServiceError: ``ERR_UID_NOT_FOUND`` or ``ERR_AUTH_TOKEN_NOT_FOUND`` if there is none.
    """
    user = read_user(database, uid)
    found = find_token(database, token)
    if found is None or found.uid != user.uid:
        raise _errors.auth_token_not_found(user.uid, token)
    return found


def read_session(database: sqlite3.Connection, token: str) -> tuple[UserRecord, TokenRecord]:
    """Return whom a token logs in, and the token.

    Raises:
        ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
    """
    row = database.execute(_READ_SESSION, (token,)).fetchone()
    if row is None:
        raise _errors.session_not_found(token)
    return _user(row[:-4]), _token(row[-4:])


def list_tokens(
    database: sqlite3.Connection, uid: str, page: Page
) -> tuple[list[TokenRecord], int]:
    """Return one page of a user's tokens, oldest first, and how many there are in all."""
    total = database.execute("SELECT count(*) FROM tokens WHERE uid = ?", (uid,)).fetchone()[0]
    rows = database.execute(_READ_PAGE, (uid, page.size, (page.number - 1) * page.size))
    return [_token(row) for row in rows], int(total)


def delete_token(database: sqlite3.Connection, token: str) -> None:
    """Forget one token."""
    database.execute("DELETE FROM tokens WHERE token = ?", (token,))


def delete_tokens(database: sqlite3.Connection, uid: str, *, but_latest: int = 0) -> None:
    """Forget the tokens of a user, except for the latest few."""
    database.execute(_KEEP_LATEST, {"uid": uid, "kept": but_latest})


def _user(row: tuple[Any, ...]) -> UserRecord:
    uid, name, role, avatar, link, status_message, metadata, tags, *times = row
    parsed = None if metadata is None else json.loads(metadata)
    labels = tuple(json.loads(tags))
    return UserRecord(uid, name, role, avatar, link, status_message, parsed, labels, *times)


def _token(row: tuple[str, str, int, str]) -> TokenRecord:
    uid, token, created_at, device = row
    return TokenRecord(uid, token, created_at, json.loads(device))
