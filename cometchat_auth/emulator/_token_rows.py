"""Auth tokens in the database: how a row becomes a value and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from . import _errors, _user_rows
from ._database import Tables
from ._records import Page, TokenRecord, UserRecord

_READ_SESSION: Final = """
SELECT users.*, tokens.uid, token, tokens.created_at, device
FROM tokens JOIN users USING (app, uid)
WHERE app = :app AND token = :token AND deactivated_at IS NULL
"""
_READ_ONE: Final = (
    "SELECT uid, token, created_at, device FROM tokens WHERE app = :app AND token = :token"
)
_READ_ALL: Final = "SELECT uid, token, created_at, device FROM tokens WHERE app = :app ORDER BY id"
_COUNT: Final = "SELECT count(*) FROM tokens WHERE app = :app AND uid = :uid"
_READ_PAGE: Final = """
SELECT uid, token, created_at, device FROM tokens WHERE app = :app AND uid = :uid
ORDER BY id LIMIT :size OFFSET :skipped
"""
_READ_LATEST: Final = """
SELECT uid, token, created_at, device FROM tokens WHERE app = :app AND uid = :uid
ORDER BY id DESC LIMIT 1
"""
_ADD: Final = """
INSERT INTO tokens (uid, token, created_at, device, app)
VALUES (:uid, :token, :created_at, :device, :app)
"""
_DESCRIBE: Final = "UPDATE tokens SET device = :device WHERE app = :app AND token = :token"
_KEEP_LATEST: Final = """
DELETE FROM tokens WHERE app = :app AND uid = :uid AND id <=
    (SELECT id FROM tokens WHERE app = :app AND uid = :uid
ORDER BY id DESC LIMIT 1 OFFSET :kept)
"""


def add(database: Tables, token: TokenRecord) -> None:
    """Add a token.

    Raises:
        sqlite3.IntegrityError: There is such a token already, perhaps in another app.
    """
    values = {"uid": token.uid, "token": token.token, "created_at": token.created_at}
    database.execute(_ADD, **values, device=json.dumps(token.device))


def describe(database: Tables, token: TokenRecord, device: Mapping[str, Any]) -> TokenRecord:
    """Add to what is known about the device that uses a token."""
    changed = evolve(token, device={**token.device, **device})
    if changed != token:
        database.execute(_DESCRIBE, token=token.token, device=json.dumps(changed.device))
    return changed


def find(database: Tables, token: str) -> TokenRecord | None:
    """Return a token, whosever it is, or ``None`` if there is none."""
    row = database.execute(_READ_ONE, token=token).fetchone()
    return None if row is None else _token(row)


def latest(database: Tables, uid: str) -> TokenRecord | None:
    """Return the token of a user that was made last, or ``None`` if there is none."""
    row = database.execute(_READ_LATEST, uid=uid).fetchone()
    return None if row is None else _token(row)


def read(database: Tables, uid: str, token: str) -> TokenRecord:
    """Return a token of an active user.

    Raises:
        ServiceError: ``ERR_UID_NOT_FOUND`` or ``ERR_AUTH_TOKEN_NOT_FOUND`` if there is none.
    """
    user = _user_rows.read(database, uid)
    found = find(database, token)
    if found is None or found.uid != user.uid:
        raise _errors.auth_token_not_found(user.uid, token)
    return found


def read_session(database: Tables, token: str) -> tuple[UserRecord, TokenRecord]:
    """Return whom a token logs in, and the token.

    Raises:
        ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
    """
    row = database.execute(_READ_SESSION, token=token).fetchone()
    if row is None:
        raise _errors.session_not_found(token)
    return _user_rows.parse(row[:-4]), _token(row[-4:])


def list_page(database: Tables, uid: str, page: Page) -> tuple[list[TokenRecord], int]:
    """Return one page of a user's tokens, oldest first, and how many there are in all."""
    total = database.execute(_COUNT, uid=uid).fetchone()[0]
    rows = database.execute(_READ_PAGE, uid=uid, size=page.size, skipped=page.skipped)
    return [_token(row) for row in rows], int(total)


def list_all(database: Tables) -> list[TokenRecord]:
    """Return the tokens of all users, oldest first."""
    return [_token(row) for row in database.execute(_READ_ALL)]


def delete(database: Tables, token: str) -> None:
    """Forget one token."""
    database.execute("DELETE FROM tokens WHERE app = :app AND token = :token", token=token)


def delete_all(database: Tables, uid: str, *, but_latest: int = 0) -> None:
    """Forget the tokens of a user, except for the latest few."""
    database.execute(_KEEP_LATEST, uid=uid, kept=but_latest)


def _token(row: tuple[str, str, int, str]) -> TokenRecord:
    uid, token, created_at, device = row
    return TokenRecord(uid, token, created_at, json.loads(device))
