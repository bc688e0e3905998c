"""Connections that keep a deadline; beside `_transport` the only module that imports `requests`.

`requests` bounds single waits, not whole answers: a server that drips holds it for ever. Here
the time that is left is set anew before every read, and bounds name resolution, each connection
attempt and the TLS handshake as well. Connections are kept open and shared by all clients of the
process.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import socket
import ssl
import threading
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.ssl_match_hostname import CertificateError
from urllib3.util.wait import wait_for_read

from . import _checks
from ._secrets import redact
from ._sockets import Progress, TransportError, first_that_answers, resolve

_KEPT_OPEN: Final = _checks.IN_FLIGHT_LIMIT  # idle connections for each host
_HOSTS: Final = 32  # hosts whose idle connections are kept


class _Current(threading.local):
    progress: Progress | None = None


current: Final = _Current()  # this thread's exchange, where urllib3 has no place for it


class _PacedRaw(io.RawIOBase):
    """A socket's bytes; each read may take what is left of the exchange's time."""

    def __init__(self, sock: Any, progress: Progress) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._progress.left())
        count: int = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """What `http.client` needs of a socket to read an answer from it."""

    def __init__(self, sock: Any, progress: Progress) -> None:
        self._sock = sock
        self._progress = progress

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedRaw(self._sock, self._progress))


class _PacedResponse(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        if (progress := current.progress) is not None:
            sock = _PacedSocket(sock, progress)
        super().__init__(sock, *args, **kwargs)


if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class _TimedMixin(_Connection):
    """A connection that is made within the deadline and knows when it has sent something."""

    response_class: Any = _PacedResponse
    _connecting = False
    _gathered: list[bytes] | None = None

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    @property
    def is_connected(self) -> bool:  # urllib3 1.26 knows no such thing
        return self.sock is not None and not wait_for_read(self.sock, timeout=0)

    def request(self, *args: Any, **kwargs: Any) -> None:
        # Head and body are sent as one: each `send` is a packet, and wakes the other side.
        self._gathered = []
        try:
            super().request(*args, **kwargs)
        finally:
            whole, self._gathered = b"".join(self._gathered), None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._gathered is not None:
            self._gathered.append(data)
            return
        if self.sock is None:
            self.connect()
        if not self._connecting and (progress := current.progress) is not None:
            self.sock.settimeout(progress.left())
            progress.sent = True
        super().send(data)

    def _new_conn(self) -> socket.socket:
        progress = current.progress
        if progress is None:
            return super()._new_conn()
        host, port = self._dns_host.strip("[]"), int(self.port or 0)
        try:
            return first_that_answers(
                resolve(host, port, progress), self.socket_options or (), progress
            )
        except TransportError as error:
            if self.proxy is None or error.kind == "timeout":
                raise
            raise TransportError("proxy", sent=False, root=error.root) from None

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except TimeoutError:
            raise
        except (OSError, HTTPException) as error:  # refused, hung up, or no proxy at all
            raise TransportError("proxy", sent=False, root=error) from None
        if (progress := current.progress) is not None:
            self.sock.settimeout(progress.left())  # for the handshake that follows


class _TimedConnection(_TimedMixin, HTTPConnection):
    """Plain HTTP: to this machine, or to a proxy."""


class _TimedTlsConnection(_TimedMixin, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except CertificateError:  # urllib3 1.26 looks at the name itself
            host = self._tunnel_host or self.host
            raise ssl.SSLCertVerificationError(f"certificate is not valid for {host!r}") from None

    @property
    def is_connected(self) -> bool:
        # TLS 1.3 sends session tickets unasked: an idle connection is readable without having
        # been closed. Only TLS can tell the two apart.
        if self.sock is None or super().is_connected:
            return self.sock is not None
        before = self.sock.gettimeout()
        try:
            self.sock.settimeout(0)
            self.sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(before)
        return False  # closed, or an answer that nobody asked for


if TYPE_CHECKING:
    _AnyPool = HTTPConnectionPool
else:
    _AnyPool = object


class _StrictMixin(_AnyPool):
    """A pool for which a body that is shorter than announced is no body."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        # urllib3 1.26 does not ask a connection itself, and closes idle ones with TLS 1.3.
        try:
            connection: Any = self.pool.get(block=False)  # type: ignore[union-attr]
        except (AttributeError, queue.Empty):  # the pool is closed, or every connection in use
            return super()._get_conn(timeout)
        if connection is not None and connection.is_connected:
            return connection
        if connection is not None:
            connection.close()
        return self._new_conn()

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        return super().urlopen(*args, **{"enforce_content_length": True, **kwargs})


class _Pool(_StrictMixin, HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TlsPool(_StrictMixin, HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection


class Adapter(HTTPAdapter):
    """The connections for one way of verifying; its TLS context is made once."""

    def __init__(self, verify: str | bool, cert: Any) -> None:
        self._verify = verify
        self._cert = cert
        self._context: ssl.SSLContext | None = None
        self._context_lock = threading.Lock()
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
_lock = threading.Lock()


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
    _lock = threading.Lock()
    _adapters.clear()
    current.progress = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
