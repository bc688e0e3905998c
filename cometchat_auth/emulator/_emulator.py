"""The emulator as its users see it: an app on this machine, switched on and off."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final

from ._app import build_app
from ._direct import as_python_errors, create_user
from ._records import Page
from ._server import Server
from ._service import Service
from ._state import AUTH_ONLY, FULL_ACCESS, MAX_TOKENS_PER_USER, State

logging.getLogger("cometchat_auth.emulator").addHandler(logging.NullHandler())

# CometChat's documentation: every new app has these five uids; the names are the emulator's.
_SEED: Final = {
    "cometchat-uid-1": "Andrew Joseph",
    "cometchat-uid-2": "George Alan",
    "cometchat-uid-3": "Nancy Grace",
    "cometchat-uid-4": "Susan Marie",
    "cometchat-uid-5": "John Paul",
}

_KEY_BYTES: Final = 20  # CometChat's documentation: keys are 40 hex digits


class Emulator:
    """CometChat's users and logins on this machine: an app with five users, as new apps have.

    It runs inside a ``with`` block, or from ``start()`` to ``stop()``. What it knows lives as
    long as the object: stopped and started again it listens on the same port and knows the same
    users and tokens, like a service that was out of reach for a while. The methods that act on
    users and tokens work whether it runs or not.

    Args:
        app_id: The app's id.
        host: Loopback address to listen on.
        port: Port to listen on; 0 for any free one.
        auth_key: Key of the scope ``authOnly``; made up if not given.
        rest_api_key: Key of the scope ``fullAccess``; made up if not given.
        roles: Ids of the roles that users may have, besides ``default``.
        settings: What ``PUT /me`` answers as the app's settings, beside the usual ones. By
            default ``ADMIN_API_HOST`` and ``CLIENT_API_HOST`` are where the request went: the
            official JavaScript SDK 4.2.0 was observed to send what comes next to those.
        strict_auth_key: Whether the auth key may mint tokens only, and not write users:
            CometChat's documentation says both.

    Raises:
        ValueError: ``host`` is no loopback address, or both keys are the same or empty.
    """

    def __init__(
        self,
        *,
        app_id: str = "emulator-app",
        host: str = "127.0.0.1",
        port: int = 0,
        auth_key: str | None = None,
        rest_api_key: str | None = None,
        roles: Iterable[str] = (),
        settings: Mapping[str, Any] | None = None,
        strict_auth_key: bool = False,
    ) -> None:
        self._host = _loopback(host)
        self._port = port
        self._auth_key = secrets.token_hex(_KEY_BYTES) if auth_key is None else auth_key
        self._rest_key = secrets.token_hex(_KEY_BYTES) if rest_api_key is None else rest_api_key
        if not self._auth_key or not self._rest_key or self._auth_key == self._rest_key:
            raise ValueError("auth_key and rest_api_key must be two different, non-empty keys.")
        keys = {self._auth_key: AUTH_ONLY, self._rest_key: FULL_ACCESS}
        self._state = State(keys, roles)
        weakref.finalize(self, self._state.close)
        for uid, name in _SEED.items():
            self._state.create_user(uid, {"name": name})
        self._app = build_app(Service(app_id, self._state, settings or {}, strict_auth_key))
        self._app_id = app_id
        self._server: Server | None = None
        self._switch = threading.Lock()

    @property
    def app_id(self) -> str:
        """Return the app's id."""
        return self._app_id

    @property
    def auth_key(self) -> str:
        """Return the key of the scope ``authOnly``, for clients in development."""
        return self._auth_key

    @property
    def rest_api_key(self) -> str:
        """Return the key of the scope ``fullAccess``, for servers."""
        return self._rest_key

    @property
    def url(self) -> str:
        """Return the base of all URLs, e.g. ``http://127.0.0.1:40311``, without a path.

        Raises:
            RuntimeError: It was never started, so that it has no port yet.
        """
        if not self._port:
            raise RuntimeError("The emulator has no port yet: call start(), or use it in a with.")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> Emulator:
        """Listen, and return once requests are answered; harmless while it runs.

        Returns:
            The emulator itself.

        Raises:
            OSError: The port cannot be listened on, most likely because it is in use.
            TimeoutError: It did not begin to serve within 5 seconds.
        """
        with self._switch:
            if self._server is None:
                server = Server(self._host, self._port, self._app)
                server.start()
                self._server = server
                self._port = server.port
        return self

    def stop(self) -> None:
        """Stop listening, and close all connections; harmless while it is stopped.

        Requests under way have a tenth of a second to finish.
        """
        with self._switch:
            if self._server is not None:
                self._server.stop()
                self._server = None

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._server is None else self.url
        return f"<Emulator {self._app_id!r} {state}>"

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
        with as_python_errors():
            return create_user(self._state, uid, name, fields)

    def delete_user(self, uid: str, *, permanent: bool = True) -> None:
        """Delete a user, or deactivate it; either way its tokens are dead.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with as_python_errors():
            self._state.delete_user(uid, permanent=permanent)

    def create_auth_token(self, uid: str) -> str:
        """Return a new auth token for a user.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with as_python_errors():
            return self._state.mint(uid).token

    def auth_tokens(self, uid: str) -> list[str]:
        """Return the live auth tokens of a user, oldest first.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with as_python_errors():
            tokens, _ = self._state.tokens(uid, Page(1, MAX_TOKENS_PER_USER))
        return [token.token for token in tokens]

    def revoke_auth_token(self, token: str) -> None:
        """End one auth token, as a server does that logs a device out.

        Raises:
            LookupError: There is no such token.
        """
        with as_python_errors():
            self._state.end_session(token)

    def flush_auth_tokens(self, uid: str) -> None:
        """End all auth tokens of a user.

        Raises:
            LookupError: There is no active user of that uid.
        """
        with as_python_errors():
            self._state.flush_tokens(uid)


def _loopback(host: str) -> str:
    """Return the numeric address to listen on.

    Raises:
        ValueError: It is not this machine's own.
    """
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise ValueError(
        f"The emulator listens on a loopback address such as 127.0.0.1 only, not on {host!r}: "
        "it guards nothing that other machines should reach."
    )
