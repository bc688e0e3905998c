"""Pools of connections, kept open and shared by all clients of the process.

Beside `_transport` the only module that imports `requests`.
"""

from __future__ import annotations

import logging
import os
import queue
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from . import _checks
from ._secrets import redact
from ._sockets import TransportError
from ._timed import TimedConnection, TimedTlsConnection, current

_KEPT_OPEN: Final = _checks.IN_FLIGHT_LIMIT  # idle connections for each host
_KEPT_IDLE: Final = 50.0  # seconds; many servers and routers forget a connection after 60
_HOSTS: Final = 32  # hosts whose idle connections are kept

if TYPE_CHECKING:
    _AnyPool = HTTPConnectionPool
else:
    _AnyPool = object


class _Idle:
    """A pool's idle connections, the last one first; a `queue.Queue` as far as urllib3 needs it.

    It has no lock that Ctrl-C could leave taken. Nobody ever waits: pools do not block.
    """

    def __init__(self, maxsize: int) -> None:
        self._room = maxsize
        self._kept: deque[Any] = deque()

    def get(self, block: bool = False, timeout: float | None = None) -> Any:  # noqa: ARG002
        try:
            return self._kept.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item: Any, block: bool = False) -> None:  # noqa: ARG002
        if len(self._kept) >= self._room:
            raise queue.Full
        self._kept.append(item)

    def qsize(self) -> int:
        return len(self._kept)


class _StrictMixin(_AnyPool):
    """A pool for which a body that is shorter than announced is no body."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        # urllib3 1.26 does not ask a connection itself, and closes idle ones with TLS 1.3.
        try:
            connection: Any = self.pool.get(block=False)  # type: ignore[union-attr]
        except (AttributeError, queue.Empty):  # the pool is closed, or every connection in use
            return super()._get_conn(timeout)
        if connection is not None and _is_fresh(connection) and connection.is_connected:
            return connection
        if connection is not None:
            connection.close()
        return self._new_conn()

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.time()
        super()._put_conn(conn)

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        return super().urlopen(*args, **{"enforce_content_length": True, **kwargs})


def _is_fresh(connection: Any) -> bool:
    """Return whether a connection was in use so lately that the other side still knows of it."""
    # By the wall clock: the other one stands still while a laptop sleeps.
    return 0 <= time.time() - getattr(connection, "idle_since", 0.0) <= _KEPT_IDLE


class _Pool(_StrictMixin, HTTPConnectionPool):
    ConnectionCls = TimedConnection
    QueueCls: Any = _Idle


class _TlsPool(_StrictMixin, HTTPSConnectionPool):
    ConnectionCls = TimedTlsConnection
    QueueCls: Any = _Idle


class Adapter(HTTPAdapter):
    """The connections for one way of verifying; its TLS context is made once."""

    def __init__(self, verify: str | bool, cert: Any) -> None:
        self._verify = verify
        self._cert = cert
        self._context: ssl.SSLContext | None = None
        self._context_lock = threading.RLock()
        super().__init__(pool_connections=_HOSTS, pool_maxsize=_KEPT_OPEN)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use connections that keep the deadline."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Use them on the way to a proxy as well; one with TLS is verified like the service."""
        if proxy.lower().startswith("https:"):
            kwargs["proxy_ssl_context"] = self._tls()
        manager = super().proxy_manager_for(proxy, **kwargs)
        if "SOCKS" not in type(manager).__name__:
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Verify with the one context."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https":
            return host, {}
        return host, {"ssl_context": self._tls(), "cert_reqs": self._tls().verify_mode}

    def close(self) -> None:
        """Close the connections; urllib3 leaves it to whatever still knows a pool."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it refuses to be iterated over
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
        super().close()

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """Leave the connection as it is: everything stands in the TLS context."""

    def _tls(self) -> ssl.SSLContext:
        with self._context_lock:
            if self._context is None:
                try:
                    self._context = _tls_context(self._verify, self._cert)
                except OSError as error:  # ssl.SSLError is one as well
                    raise TransportError(
                        "tls", sent=False, root=_unusable(self._verify, self._cert, error)
                    ) from None
            return self._context


def _unusable(verify: str | bool, cert: Any, error: OSError) -> OSError:
    """Return the error that names the files: the system's does not."""
    files = [] if isinstance(verify, bool) else [f"CA certificates {verify!r}"]
    files += [] if cert is None else [f"client certificate {cert!r}"]
    return OSError(f"{' or '.join(files)} cannot be used: {error}")


def _tls_context(verify: str | bool, cert: Any) -> ssl.SSLContext:
    context = create_urllib3_context()
    if isinstance(verify, str):
        is_folder = os.path.isdir(verify)
        context.load_verify_locations(
            cafile=None if is_folder else verify, capath=verify if is_folder else None
        )
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    return context


class _WithoutCredentials(logging.Filter):
    """Free urllib3's records of credentials: it logs headers that it could not parse."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (progress := current.progress) is not None:
            record.msg, record.args = redact(record.getMessage(), progress.secrets), ()
            record.exc_info = record.exc_text = None
        return True


# A filter sees only what is logged by the very logger that it was added to.
for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_WithoutCredentials())

_adapters: dict[Any, Adapter] = {}
_lock = threading.RLock()


def adapter(verify: str | bool, cert: Any) -> Adapter:
    """Return the adapter that all requests with this way of verifying share."""
    with _lock:
        if (verify, cert) not in _adapters:
            _adapters[verify, cert] = Adapter(verify, cert)
        return _adapters[verify, cert]


def close_idle() -> None:
    """Close every connection that is kept open; a later request opens its own."""
    with _lock:
        for kept in _adapters.values():
            kept.close()
        _adapters.clear()


def _after_fork_in_child() -> None:
    """Leave the parent's connections to the parent."""
    global _lock
    _lock = threading.RLock()
    _adapters.clear()
    current.progress = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
