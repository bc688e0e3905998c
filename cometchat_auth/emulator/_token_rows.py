"""Auth tokens in the database: how a row becomes a value and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from . import _errors, _user_rows
from ._records import Page, TokenRecord, UserRecord

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


def write(database: sqlite3.Connection, token: TokenRecord) -> None:
    """Add a token, or bring what is known about its device up to date."""
    device = json.dumps(token.device)
    database.execute(_KEEP_ONE, (token.uid, token.token, token.created_at, device))


def describe(
    database: sqlite3.Connection, token: TokenRecord, device: Mapping[str, Any]
) -> TokenRecord:
    """Add to what is known about the device that uses a token."""
    changed = evolve(token, device={**token.device, **device})
    if changed != token:
        write(database, changed)
    return changed


def find(database: sqlite3.Connection, token: str) -> TokenRecord | None:
    """Return a token, whosever it is, or ``None`` if there is none."""
    row = database.execute(_READ_ONE, (token,)).fetchone()
    return None if row is None else _token(row)


def read(database: sqlite3.Connection, uid: str, token: str) -> TokenRecord:
    """Return a token of an active user.

    Raises:
        ServiceError: ``ERR_UID_NOT_FOUND`` or ``ERR_AUTH_TOKEN_NOT_FOUND`` if there is none.
    """
    user = _user_rows.read(database, uid)
    found = find(database, token)
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
    return _user_rows.parse(row[:-4]), _token(row[-4:])


def list_page(database: sqlite3.Connection, uid: str, page: Page) -> tuple[list[TokenRecord], int]:
    """Return one page of a user's tokens, oldest first, and how many there are in all."""
    total = database.execute("SELECT count(*) FROM tokens WHERE uid = ?", (uid,)).fetchone()[0]
    rows = database.execute(_READ_PAGE, (uid, page.size, (page.number - 1) * page.size))
    return [_token(row) for row in rows], int(total)


def delete(database: sqlite3.Connection, token: str) -> None:
    """Forget one token."""
    database.execute("DELETE FROM tokens WHERE token = ?", (token,))


def delete_all(database: sqlite3.Connection, uid: str, *, but_latest: int = 0) -> None:
    """Forget the tokens of a user, except for the latest few."""
    database.execute(_KEEP_LATEST, {"uid": uid, "kept": but_latest})


def _token(row: tuple[str, str, int, str]) -> TokenRecord:
    uid, token, created_at, device = row
    return TokenRecord(uid, token, created_at, json.loads(device))
