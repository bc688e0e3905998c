"""Acting on an app's users from Python, past HTTP: Python's names and Python's errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from . import _errors, _rules
from ._checks import Reader, user_fields
from ._records import AppRecord, Page, Standing, UserFilter
from ._service import Service
from ._state import MAX_TOKENS_PER_USER

# Python's spelling of a user's fields, and the service's.
_FIELDS: Final = {
    "avatar": "avatar",
    "link": "link",
    "role": "role",
    "status_message": "statusMessage",
    "metadata": "metadata",
    "tags": "tags",
}

# The service's statuses for something that is not there.
_ABSENT: Final = frozenset({401, 404})

_EVERYTHING: Final = Page(1, 2**62)


class DirectAccess:
    """What Python programs can do with the users and tokens of an app.

    No key is asked for, and neither the quota of users nor the rate limit is in the way.

    Args:
        service: The app.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._state = service.state

    def create_user(self, uid: str, name: str, **fields: Any) -> dict[str, Any]:
        """Create a user.

        Args:
            uid: The user's id; kept in lower case.
            name: Name to show.
            **fields: ``avatar``, ``link``, ``role``, ``status_message``, ``metadata``, ``tags``.

        Returns:
            The user as the service answers it.

        Raises:
            ValueError: The uid is taken, or a field cannot be used.
            TypeError: There is no such field.
        """
        with _as_python_errors():
            return _create_user(self._service, uid, name, fields)

    def users(self, *, deactivated: bool = False) -> list[dict[str, Any]]:
        """Return the active users, or the deactivated ones, in the order of their creation."""
        standing = Standing.DEACTIVATED if deactivated else Standing.ACTIVE
        users, _ = self._state.users(UserFilter(standing=standing), _EVERYTHING)
        return [user.to_wire() for user in users]

    def user(self, uid: str) -> dict[str, Any]:
        """Return a user as the service answers it.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with _as_python_errors():
            return self._state.user(uid).to_wire()

    def deactivate_user(self, uid: str) -> None:
        """Deactivate a user: it is not found any more, its tokens are dead, its uid is taken.

        Raises:
            LookupError: There is no active user of that uid.
        """
        self.delete_user(uid, permanent=False)

    def reactivate_user(self, uid: str) -> None:
        """Make a deactivated user active again; its tokens stay dead.

        Raises:
            LookupError: There is no deactivated user of that uid.
        """
        if not self._state.reactivate_users([uid]):
            raise LookupError(f"There is no deactivated user of the uid {uid}.")

    def delete_user(self, uid: str, *, permanent: bool = True) -> None:
        """Delete a user, or deactivate it; either way its tokens are dead.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with _as_python_errors():
            self._state.delete_user(uid, permanent=permanent)

    def create_auth_token(self, uid: str) -> str:
        """Return a new auth token for a user.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with _as_python_errors():
            return self._state.mint(uid).token

    def auth_tokens(self, uid: str) -> list[str]:
        """Return the live auth tokens of a user, oldest first.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with _as_python_errors():
            tokens, _ = self._state.tokens(uid, Page(1, MAX_TOKENS_PER_USER))
        return [token.token for token in tokens]

    def revoke_auth_token(self, token: str) -> None:
        """End one auth token, as a server does that logs a device out.

        Raises:
            LookupError: There is no such token.
        """
        with _as_python_errors():
            self._state.end_session(token)

    def flush_auth_tokens(self, uid: str) -> None:
        """End all auth tokens of a user.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with _as_python_errors():
            self._state.flush_tokens(uid)


class App(DirectAccess):
    """One app of an emulator, which makes it: see `Emulator.add_app`."""

    def __init__(self, service: Service, record: AppRecord) -> None:
        super().__init__(service)
        self._record = record

    @property
    def app_id(self) -> str:
        """Return the app's id."""
        return self._record.app_id

    @property
    def auth_key(self) -> str:
        """Return the key of the scope ``authOnly`` that it began with, for clients."""
        return self._record.auth_key

    @property
    def rest_api_key(self) -> str:
        """Return the key of the scope ``fullAccess`` that it began with, for servers."""
        return self._record.rest_api_key

    def __repr__(self) -> str:
        return f"<App {self.app_id!r}>"


def _create_user(
    service: Service, uid: str, name: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Create a user, checked as ``POST /users`` is, and return it as the service answers it."""
    unknown = fields.keys() - _FIELDS.keys()
    if unknown:
        raise TypeError(f"a user has no field {', '.join(sorted(unknown))}")
    given = {_FIELDS[field]: value for field, value in fields.items()}
    if isinstance(given.get("tags"), tuple):
        given["tags"] = list(given["tags"])  # as the client's User has them
    reader = Reader({**given, "uid": uid, "name": name})
    reader.take("uid", _rules.uid, required=True)
    checked = user_fields(reader, service.roles.ids(), creating=True)
    reader.finish()
    return service.state.create_user(uid, checked).to_wire()


@contextmanager
def _as_python_errors() -> Iterator[None]:
    """Turn the service's refusals into errors that Python programs know.

    Raises:
        LookupError: The user or the token does not exist, or the app does not any more.
        ValueError: The service refuses the request for another reason.
    """
    try:
        yield
    except _errors.ServiceError as error:
        texts = [text for texts in (error.details or {}).values() for text in texts]
        kind = LookupError if error.status in _ABSENT else ValueError
        raise kind(" ".join(texts) or error.message) from None
    except sqlite3.IntegrityError:
        raise LookupError("The app is gone: a reset took it away.") from None
