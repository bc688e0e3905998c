"""The emulator as its users see it: an app on this machine, switched on and off."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final

from . import _hosts
from ._app import build_app
from ._beginnings import checked_options, checked_port, checked_start
from ._contents import Contents
from ._control import build_control
from ._dashboard import build_dashboard
from ._faults_wsgi import FaultyService
from ._front import Front
from ._seed_files import SeedSource
from ._server import Server
from ._tls import Authority

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")
_LOGGER.addHandler(logging.NullHandler())


class Emulator(Contents):
    """CometChat's users and logins on this machine: an app with five users, as new apps have.

    It runs inside a ``with`` block, or from ``start()`` to ``stop()``. What it knows lives as
    long as the object: stopped and started again it listens on the same port and knows the same
    users and tokens, like a service that was out of reach for a while. The methods that act on
    users and tokens work whether it runs or not.

    With ``data`` it lives in a file, for as long as that is kept, and is safe there whenever the
    program dies. Only one emulator at a time can use a file; a stopped one leaves it to others.

    Args:
        app_id: The app's id. By default that of the data file's first app, that of the seed's
            first app, or ``emulator-app``.
        host: Loopback address to listen on; with ``allow_remote`` any address or name of this
            machine, e.g. ``0.0.0.0`` for all.
        port: Port to listen on; 0 for any free one.
        auth_key: Key of the scope ``authOnly``; made up if not given.
        rest_api_key: Key of the scope ``fullAccess``; made up if not given.
        roles: Ids of the roles that users may have, besides ``default`` and those of the seed.
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
        data: File to keep everything in; made if there is none. What it knows comes first: keys
            that are given must be its own, and the seed is for apps that it has not.
        seed: JSON file, or what is in one, with the users, roles and keys to begin with, instead
            of the five users. `export` makes such files.
        reuse_auth_tokens: Whether ``POST /users/{uid}/auth_tokens`` without ``force`` returns the
            user's latest token again. What the service does is not known.
        tls: Whether it speaks HTTPS, with a certificate made on the spot; clients have to trust
            its authority, `ca_pem`.
        allow_remote: Whether other machines may reach it. It guards nothing: a warning is logged
            when it starts.

    Raises:
        ValueError: ``host`` is no loopback address, both keys are the same or empty, a limit is
            too low, there is no such port, the seed cannot be used, or the data file is another
            program's, a newer emulator's, or has another app or other keys.
        TypeError: A value is of the wrong type.
        OSError: The data file or the seed cannot be used, or another emulator uses the file.
        ImportError: TLS is asked for, and the package trustme is not installed.
    """

    def __init__(
        self,
        *,
        app_id: str | None = None,
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
        data: str | os.PathLike[str] | None = None,
        seed: SeedSource | None = None,
        reuse_auth_tokens: bool = False,
        tls: bool = False,
        allow_remote: bool = False,
    ) -> None:
        self._host = _hosts.listening_address(host, allow_remote=allow_remote)
        self._authority = Authority(_hosts.names(self._host)) if tls else None
        self._port = checked_port(port)
        options = checked_options(
            settings={} if settings is None else settings,
            strict_auth_key=strict_auth_key,
            user_quota=user_quota,
            requests_per_minute=requests_per_minute,
            other_rate_limit_headers=other_rate_limit_headers,
            reuse_auth_tokens=reuse_auth_tokens,
        )
        start = checked_start(auth_key, rest_api_key, roles)
        super().__init__(data, clock, app_id, start, options, seed)
        self._front = Front(
            FaultyService(
                build_app(self._apps),
                self.faults,
                self.requests,
                self._apps.whose,
                self._apps.first_keys,
                clock,
            ),
            lambda: build_control(self),
            lambda: build_dashboard(self),
        )
        self._server: Server | None = None
        self._switch = threading.Lock()

    @property
    def url(self) -> str:
        """Return the base of all URLs, e.g. ``http://127.0.0.1:40311``, without a path.

        Where it listens on all addresses, it is the one for programs on this machine.

        Raises:
            RuntimeError: It was never started, so that it has no port yet.
        """
        if not self._port:
            raise RuntimeError("The emulator has no port yet: call start(), or use it in a with.")
        scheme = "http" if self._authority is None else "https"
        return f"{scheme}://{_hosts.reached_by(self._host)}:{self._port}"

    @property
    def dashboard_url(self) -> str:
        """Return the address of the dashboard, for a browser on this machine.

        Raises:
            RuntimeError: It was never started, so that it has no port yet.
        """
        return f"{self.url}/"

    @property
    def ca_pem(self) -> bytes:
        """Return the certificate of the authority that clients have to trust, as PEM.

        Raises:
            RuntimeError: The emulator speaks plain HTTP.
        """
        return self._trusted().pem

    def write_ca(self, path: str | os.PathLike[str]) -> None:
        """Write that certificate to a file, e.g. for ``AppSettings(verify=...)``.

        Raises:
            RuntimeError: The emulator speaks plain HTTP.
            OSError: The file cannot be written.
        """
        self._trusted().write(path)

    def start(self) -> Emulator:
        """Listen, and return once requests are answered; harmless while it runs.

        Returns:
            The emulator itself.

        Raises:
            OSError: The port cannot be listened on, most likely because it is in use; or another
                emulator uses the data file.
            TimeoutError: It did not begin to serve within 5 seconds.
        """
        with self._switch:
            if self._server is not None and self._server.is_closing:
                self._end()  # Ctrl-C has cut the last stop short
            if self._server is None:
                self._server = self._serve()
                self._port = self._server.port
                self._apps.seal()
                if warning := _hosts.exposure(self._host):
                    _LOGGER.warning(warning)
        return self

    def stop(self) -> None:
        """Stop listening, and close all connections; harmless while it is stopped.

        Requests under way have a tenth of a second to finish.
        """
        with self._switch:
            self._end()

    def _end(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._database.release()

    def _serve(self) -> Server:
        tls = None if self._authority is None else self._authority.context
        self._database.hold()
        try:
            server = Server(self._host, self._port, self._front, tls)
            server.start()
        except BaseException:
            self._database.release()
            raise
        return server

    def _trusted(self) -> Authority:
        if self._authority is None:
            raise RuntimeError("The emulator speaks plain HTTP: make it with tls=True.")
        return self._authority

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
        return f"<Emulator {self.app_id!r} {state}>"
