"""What one emulated app knows: users, auth tokens, keys, roles; in SQLite, for many threads."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from attrs import evolve

from . import _errors, _rows
from ._records import Page, TokenRecord, UserRecord

# CometChat's documentation: the 101st token of a user ends the oldest.
MAX_TOKENS_PER_USER: Final = 100

AUTH_ONLY: Final = "authOnly"
FULL_ACCESS: Final = "fullAccess"
DEFAULT_ROLE: Final = "default"


class State:
    """Everything one emulated app knows; each method acts as a whole.

    Uids are matched without regard to case. Methods that name a user or a token raise
    ``ServiceError`` (``ERR_UID_NOT_FOUND``, ``ERR_AUTH_TOKEN_NOT_FOUND``) where there is none.

    Args:
        keys: Each API key with its scope.
        roles: Ids of the roles that users may have, besides ``default``.
    """

    def __init__(self, keys: Mapping[str, str], roles: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.executescript(_rows.SCHEMA)
        role_ids = {DEFAULT_ROLE, *(role.lower() for role in roles)}
        with self._transaction() as database:
            database.executemany("INSERT INTO keys VALUES (?, ?)", keys.items())
            database.executemany("INSERT INTO roles VALUES (?)", [(role,) for role in role_ids])

    def close(self) -> None:
        """Give the database back; nothing may be called afterwards."""
        with self._lock:
            self._database.close()

    def scope_of(self, key: str) -> str | None:
        """Return the scope of an API key, or ``None`` for a key that does not exist."""
        with self._reading() as database:
            row = database.execute("SELECT scope FROM keys WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def roles(self) -> frozenset[str]:
        """Return the ids of all roles."""
        with self._reading() as database:
            return frozenset(row[0] for row in database.execute("SELECT role FROM roles"))

    def create_user(self, uid: str, fields: Mapping[str, Any]) -> UserRecord:
        """Add a user, of the role ``default`` unless ``fields`` name one.

        Raises:
            ServiceError: ``ERR_UID_ALREADY_EXISTS``, for the uid of a deactivated user as well.
        """
        given = {"role": DEFAULT_ROLE, **fields}
        user = UserRecord(uid=uid.lower(), created_at=_now(), **given)
        with self._transaction() as database:
            if _rows.exists(database, user.uid):
                raise _errors.uid_already_exists(user.uid)
            _rows.write_user(database, user)
        return user

    def user(self, uid: str) -> UserRecord:
        """Return an active user."""
        with self._reading() as database:
            return _rows.read_user(database, uid)

    def update_user(self, uid: str, fields: Mapping[str, Any]) -> UserRecord:
        """Change some fields of an active user; ``None`` removes a field."""
        with self._transaction() as database:
            return _update(database, _rows.read_user(database, uid), fields)

    def delete_user(self, uid: str, *, permanent: bool) -> UserRecord:
        """Delete or deactivate an active user; either way the user's tokens are dead.

        That deactivation ends the tokens at once is assumed.
        """
        with self._transaction() as database:
            user = _rows.read_user(database, uid)
            _rows.delete_tokens(database, user.uid)
            if permanent:
                database.execute("DELETE FROM users WHERE uid = ?", (user.uid,))
            else:
                _rows.write_user(database, evolve(user, deactivated_at=_now()))
        return user

    def mint(self, uid: str, device: Mapping[str, Any] | None = None) -> TokenRecord:
        """Make a new token for an active user, and end the oldest beyond the limit."""
        with self._transaction() as database:
            user = _rows.read_user(database, uid)
            now = _now()
            token = TokenRecord(user.uid, _new_token(user.uid, now), now, dict(device or {}))
            _rows.write_token(database, token)
            _rows.delete_tokens(database, user.uid, but_latest=MAX_TOKENS_PER_USER)
        return token

    def tokens(self, uid: str, page: Page) -> tuple[list[TokenRecord], int]:
        """Return one page of a user's tokens, oldest first, and how many there are in all."""
        with self._reading() as database:
            return _rows.list_tokens(database, _rows.read_user(database, uid).uid, page)

    def token(self, uid: str, token: str) -> TokenRecord:
        """Return one token of an active user."""
        with self._reading() as database:
            return _rows.read_token(database, uid, token)

    def describe_device(self, uid: str, token: str, device: Mapping[str, Any]) -> TokenRecord:
        """Add to what is known about the device that uses a token."""
        with self._transaction() as database:
            return _describe(database, _rows.read_token(database, uid, token), device)

    def delete_token(self, uid: str, token: str) -> TokenRecord:
        """End one token of an active user."""
        with self._transaction() as database:
            found = _rows.read_token(database, uid, token)
            _rows.delete_token(database, token)
        return found

    def flush_tokens(self, uid: str) -> UserRecord:
        """End all tokens of an active user."""
        with self._transaction() as database:
            user = _rows.read_user(database, uid)
            _rows.delete_tokens(database, user.uid)
        return user

    def session(self, token: str) -> UserRecord:
        """Return whom a token logs in.

        Raises:
            ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
        """
        with self._reading() as database:
            return _rows.read_session(database, token)[0]

    def update_session(
        self, token: str, fields: Mapping[str, Any], device: Mapping[str, Any]
    ) -> tuple[UserRecord, TokenRecord]:
        """Change the user that a token logs in, and add to what is known about the device.

        Raises:
            ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
        """
        with self._transaction() as database:
            user, found = _rows.read_session(database, token)
            changed = _update(database, user, fields) if fields else user
            return changed, _describe(database, found, device)

    def end_session(self, token: str) -> TokenRecord:
        """End a token, whosever it is.

        Raises:
            ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
        """
        with self._transaction() as database:
            found = _rows.read_session(database, token)[1]
            _rows.delete_token(database, token)
        return found

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # One connection, one lock: nobody writes meanwhile, and a transaction would add nothing.
        with self._lock:
            yield self._database

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _update(
    database: sqlite3.Connection, user: UserRecord, fields: Mapping[str, Any]
) -> UserRecord:
    changed = evolve(user, updated_at=_now(), **fields)
    _rows.write_user(database, changed)
    return changed


def _describe(
    database: sqlite3.Connection, token: TokenRecord, device: Mapping[str, Any]
) -> TokenRecord:
    changed = evolve(token, device={**token.device, **device})
    if changed != token:
        _rows.write_token(database, changed)
    return changed


def _new_token(uid: str, now: int) -> str:
    # Seen in CometChat's documentation: <uid>_<10-digit unix seconds><30 hex digits>.
    return f"{uid}_{now:010d}{secrets.token_hex(15)}"


def _now() -> int:
    return int(time.time())
