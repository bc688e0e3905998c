"""The users and auth tokens of one emulated app, in SQLite, for many threads."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from . import _errors, _token_rows, _user_rows
from ._database import AppDatabase, Tables
from ._records import DEFAULT_ROLE, Page, TokenRecord, UserFilter, UserRecord

# CometChat's documentation: the 101st token of a user ends the oldest.
MAX_TOKENS_PER_USER: Final = 100


class State:
    """The users and auth tokens of one emulated app; each method acts as a whole.

    Uids are matched without regard to case. Methods that name a user or a token raise
    ``ServiceError`` (``ERR_UID_NOT_FOUND``, ``ERR_AUTH_TOKEN_NOT_FOUND``) where there is none.

    Args:
        database: The app's part of the database.
        clock: Returns the unix time in seconds.
    """

    def __init__(self, database: AppDatabase, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create_user(
        self, uid: str, fields: Mapping[str, Any], *, quota: int | None = None
    ) -> UserRecord:
        """Add a user, of the role ``default`` unless ``fields`` name one.

        Raises:
            ServiceError: ``ERR_UID_ALREADY_EXISTS``, for the uid of a deactivated user as well;
                ``ERR_PLAN_QUOTA_RESTRICTION`` if there are ``quota`` users already.
        """
        with self._database.transaction() as database:
            return self._create_user(database, uid, fields, quota)

    def create_user_with_token(
        self, uid: str, fields: Mapping[str, Any], *, quota: int | None = None
    ) -> tuple[UserRecord, TokenRecord]:
        """Add a user as ``create_user`` does, and make a token for it: both, or neither."""
        with self._database.transaction() as database:
            user = self._create_user(database, uid, fields, quota)
            return user, self._mint(database, user, {})

    def user(self, uid: str) -> UserRecord:
        """Return an active user."""
        with self._database.reading() as database:
            return _user_rows.read(database, uid)

    def users(self, wanted: UserFilter, page: Page) -> tuple[list[UserRecord], int]:
        """Return one page of the users wanted, in the order of creation, and how many they are."""
        with self._database.reading() as database:
            return _user_rows.list_page(database, wanted, page)

    def update_user(self, uid: str, fields: Mapping[str, Any]) -> UserRecord:
        """Change some fields of an active user; ``None`` removes a field."""
        with self._database.transaction() as database:
            return _user_rows.change(database, _user_rows.read(database, uid), fields, self._now())

    def delete_user(self, uid: str, *, permanent: bool) -> UserRecord:
        """Delete or deactivate an active user; either way the user's tokens are dead.

        That deactivation ends the tokens at once is assumed.
        """
        with self._database.transaction() as database:
            user = _user_rows.read(database, uid)
            _token_rows.delete_all(database, user.uid)
            if permanent:
                _user_rows.delete(database, user.uid)
            else:
                _user_rows.deactivate(database, user.uid, self._now())
        return user

    def erase_user(self, uid: str) -> None:
        """Forget a user, active or not, and its tokens: the service does it to active ones only."""
        with self._database.transaction() as database:
            _user_rows.delete(database, uid.lower())

    def deactivate_users(self, uids: Iterable[str]) -> list[str]:
        """Deactivate users, whose tokens are dead then; return the uids of those it changed.

        What the service does about uids that are unknown or deactivated already is not known:
        they are passed over.
        """
        now = self._now()
        with self._database.transaction() as database:
            found = [
                uid for uid in map(str.lower, uids) if _user_rows.deactivate(database, uid, now)
            ]
            for uid in found:
                _token_rows.delete_all(database, uid)
        return found

    def reactivate_users(self, uids: Iterable[str]) -> list[str]:
        """Make deactivated users active again; return the uids of those it changed."""
        with self._database.transaction() as database:
            return [uid for uid in map(str.lower, uids) if _user_rows.reactivate(database, uid)]

    def mint(
        self, uid: str, device: Mapping[str, Any] | None = None, *, reuse: bool = False
    ) -> TokenRecord:
        """Make a new token for an active user, and end the oldest beyond the limit.

        With ``reuse``, a user who has a token already gets the latest one again.
        """
        with self._database.transaction() as database:
            user = _user_rows.read(database, uid)
            latest = _token_rows.latest(database, user.uid) if reuse else None
            if latest is not None:
                return _token_rows.describe(database, latest, device or {})
            return self._mint(database, user, device or {})

    def tokens(self, uid: str, page: Page) -> tuple[list[TokenRecord], int]:
        """Return one page of a user's tokens, oldest first, and how many there are in all."""
        with self._database.reading() as database:
            return _token_rows.list_page(database, _user_rows.read(database, uid).uid, page)

    def token(self, uid: str, token: str) -> TokenRecord:
        """Return one token of an active user."""
        with self._database.reading() as database:
            return _token_rows.read(database, uid, token)

    def describe_device(self, uid: str, token: str, device: Mapping[str, Any]) -> TokenRecord:
        """Add to what is known about the device that uses a token."""
        with self._database.transaction() as database:
            return _token_rows.describe(database, _token_rows.read(database, uid, token), device)

    def delete_token(self, uid: str, token: str) -> TokenRecord:
        """End one token of an active user."""
        with self._database.transaction() as database:
            found = _token_rows.read(database, uid, token)
            _token_rows.delete(database, token)
        return found

    def flush_tokens(self, uid: str) -> UserRecord:
        """End all tokens of an active user."""
        with self._database.transaction() as database:
            user = _user_rows.read(database, uid)
            _token_rows.delete_all(database, user.uid)
        return user

    def session(self, token: str) -> UserRecord:
        """Return whom a token logs in.

        Raises:
            ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
        """
        with self._database.reading() as database:
            return _token_rows.read_session(database, token)[0]

    def update_session(
        self, token: str, fields: Mapping[str, Any], device: Mapping[str, Any]
    ) -> tuple[UserRecord, TokenRecord]:
        """Change the user that a token logs in, and add to what is known about the device.

        Raises:
            ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
        """
        with self._database.transaction() as database:
            user, found = _token_rows.read_session(database, token)
            changed = _user_rows.change(database, user, fields, self._now()) if fields else user
            return changed, _token_rows.describe(database, found, device)

    def end_session(self, token: str) -> TokenRecord:
        """End a token, whosever it is.

        Raises:
            ServiceError: ``AUTH_ERR_AUTH_TOKEN_NOT_FOUND`` if it logs nobody in.
        """
        with self._database.transaction() as database:
            found = _token_rows.read_session(database, token)[1]
            _token_rows.delete(database, token)
        return found

    def _create_user(
        self, database: Tables, uid: str, fields: Mapping[str, Any], quota: int | None
    ) -> UserRecord:
        given = {"role": DEFAULT_ROLE, **fields}
        user = UserRecord(uid=uid.lower(), created_at=self._now(), **given)
        if _user_rows.exists(database, user.uid):
            raise _errors.uid_already_exists(user.uid)
        if quota is not None and _user_rows.count(database) >= quota:
            raise _errors.quota_reached(quota)
        _user_rows.write(database, user)
        return user

    def _mint(self, database: Tables, user: UserRecord, device: Mapping[str, Any]) -> TokenRecord:
        now = self._now()
        token = TokenRecord(user.uid, _new_token(user.uid, now), now, dict(device))
        _token_rows.add(database, token)
        _token_rows.delete_all(database, user.uid, but_latest=MAX_TOKENS_PER_USER)
        return token

    def _now(self) -> int:
        return int(self._clock())


def _new_token(uid: str, now: int) -> str:
    # Seen in CometChat's documentation: <uid>_<10-digit unix seconds><30 hex digits>.
    return f"{uid}_{now:010d}{secrets.token_hex(15)}"
