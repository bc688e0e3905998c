"""The emulator as its users see it: an app on this machine, switched on and off."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final

from ._app import build_app
from ._direct import DirectAccess
from ._rate import RateLimit
from ._server import Server
from ._service import Service
from ._state import AUTH_ONLY, FULL_ACCESS, State

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


class Emulator(DirectAccess):
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
        user_quota: How many users there may be before ``POST /users`` answers
            ``ERR_PLAN_QUOTA_RESTRICTION``; the five first ones and deactivated ones count.
        requests_per_minute: How many requests are carried out in a minute before the answer is
            ``ERR_TOO_MANY_REQUESTS``. A minute begins with the first request after the last one.
            Answers then say what is left of it in the headers ``X-Rate-Limit...``.
        other_rate_limit_headers: Whether these headers are spelled ``X-RateLimit-...``:
            CometChat's documentation has both.
        clock: Returns the unix time in seconds; for tests in which time has to pass.

    Raises:
        ValueError: ``host`` is no loopback address, both keys are the same or empty, or a limit
            is too low.
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
        user_quota: int | None = None,
        requests_per_minute: int | None = None,
        other_rate_limit_headers: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = _loopback(host)
        self._port = port
        self._auth_key = secrets.token_hex(_KEY_BYTES) if auth_key is None else auth_key
        self._rest_key = secrets.token_hex(_KEY_BYTES) if rest_api_key is None else rest_api_key
        if not self._auth_key or not self._rest_key or self._auth_key == self._rest_key:
            raise ValueError("auth_key and rest_api_key must be two different, non-empty keys.")
        keys = {self._auth_key: AUTH_ONLY, self._rest_key: FULL_ACCESS}
        _check_at_least(0, user_quota=user_quota)
        _check_at_least(1, requests_per_minute=requests_per_minute)
        super().__init__(State(keys, roles, clock))
        weakref.finalize(self, self._state.close)
        for uid, name in _SEED.items():
            self._state.create_user(uid, {"name": name})
        rate = None
        if requests_per_minute is not None:
            rate = RateLimit(requests_per_minute, clock, other_names=other_rate_limit_headers)
        self._app = build_app(
            Service(
                app_id,
                self._state,
                settings or {},
                strict_auth_key,
                user_quota=user_quota,
                rate=rate,
            )
        )
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


def _check_at_least(least: int, **limits: int | None) -> None:
    for name, limit in limits.items():
        if limit is not None and limit < least:
            raise ValueError(f"{name} must be {least} or more, not {limit}; None is no limit.")
