"""One request, one answer, within a deadline; the only module that imports `requests`.

`requests` bounds single waits, not whole answers: a server that drips holds it for ever. Here
the time that is left is set anew before every read, and bounds name resolution and each
connection attempt as well. Connections are kept open and shared by all clients of the process.
"""

from __future__ import annotations

import io
import os
import queue
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

import attrs
import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context

from . import _threads
from ._waits import Deadline

# Answers about users take a few kilobytes; a page of 1,000 users with 5 KB of metadata each, the
# largest that the service's limits allow, about 6 MB.
ANSWER_LIMIT: Final = 8 * 1024 * 1024  # bytes

_KEPT_OPEN: Final = _threads.REQUEST_WORKERS  # idle connections for each host
_HOSTS: Final = 32  # hosts whose idle connections are kept


@attrs.frozen
class Answer:
    """What came back: the status, the headers, and the whole body."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Line:
    """How a host is reached.

    Attributes:
        proxies: Proxy URLs by scheme, with the environment already taken into account.
        verify: Path of the CA certificates, or ``False`` to trust anyone.
        cert: Path of a client certificate, or of it and its key.
    """

    proxies: dict[str, str] = attrs.field(repr=False)
    verify: str | bool
    cert: str | tuple[str, str] | None = None


class TransportError(Exception):
    """No answer.

    Attributes:
        kind: ``dns``, ``connect``, ``tls``, ``proxy``, ``lost``, ``timeout`` or ``too_large``.
        sent: Whether a byte of the request may have reached the server.
        root: The innermost error, which knows nothing of the request, or ``None``.
    """

    def __init__(self, kind: str, *, sent: bool, root: BaseException | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sent = sent
        self.root = root


def line_to(
    url: str, proxies: Mapping[str, str] | None, verify: bool | str, cert: Any = None
) -> Line:
    """Return how a URL is reached: what was given, else what the environment says."""
    if proxies is None:
        proxies = get_environ_proxies(url)
    if verify is True:
        env = os.environ
        verify = (
            env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
        )
    return Line(dict(proxies), verify, cert)


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    line: Line,
    deadline: Deadline,
) -> Answer:
    """Send one request and return its answer; redirects are answers like any other.

    Raises:
        TransportError: If there is no answer.
    """
    request = requests.Request(method, url, headers=dict(headers), data=body).prepare()
    progress = _Progress(deadline)
    _current.progress = progress
    try:
        left = _left(deadline)
        response = _adapters.get(line.verify, line.cert).send(
            request,
            stream=True,
            timeout=Timeout(connect=left, read=left),  # type: ignore[arg-type]
            verify=line.verify,
            cert=line.cert,
            proxies=line.proxies,
        )
        try:
            return Answer(response.status_code, response.headers, _whole_body(response))
        finally:
            response.close()
    except TransportError:
        raise
    except Exception as error:
        raise _diagnosed(error, progress) from None
    finally:
        _current.progress = None


def connect(url: str, *, line: Line, deadline: Deadline) -> None:
    """Open a connection for later requests, unless an idle one is there.

    Raises:
        TransportError: If it cannot be opened.
    """
    request = requests.Request("GET", url).prepare()
    progress = _Progress(deadline)
    _current.progress = progress
    try:
        pool: Any = _adapters.get(line.verify, line.cert).get_connection_with_tls_context(
            request, line.verify, proxies=line.proxies, cert=line.cert
        )
        if select_proxy(url, line.proxies) or any(pool.pool.queue):
            return  # urllib3 prepares a proxy's tunnel itself, with the request
        connection = pool._get_conn()
        try:
            connection.timeout = _left(deadline)
            connection.connect()
        except BaseException:
            connection.close()
            raise
        finally:
            pool._put_conn(connection)
    except Exception as error:
        raise _diagnosed(error, progress) from None
    finally:
        _current.progress = None


def close_idle() -> None:
    """Close every connection that is kept open; a later request opens its own."""
    _adapters.close()


class _Progress:
    """How far this thread's exchange has come."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.sent = False


class _Current(threading.local):
    progress: _Progress | None = None


_current = _Current()


def _left(deadline: Deadline) -> float:
    if not (left := deadline.remaining()):
        raise TransportError("timeout", sent=bool(_current.progress and _current.progress.sent))
    return left


def _whole_body(response: requests.Response) -> bytes:
    body = b""
    while chunk := response.raw.read(65536, decode_content=True):
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise TransportError("too_large", sent=True)
    return body


class _PacedRaw(io.RawIOBase):
    """A socket's bytes; each read may take what is left of the exchange's time."""

    def __init__(self, sock: Any, progress: _Progress) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._progress.deadline))
        count: int = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """What `http.client` needs of a socket to read an answer from it."""

    def __init__(self, sock: Any, progress: _Progress) -> None:
        self._sock = sock
        self._progress = progress

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedRaw(self._sock, self._progress))


class _PacedResponse(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        if (progress := _current.progress) is not None:
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

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting and (progress := _current.progress) is not None:
            progress.sent = True
            self.sock.settimeout(_left(progress.deadline))
        super().send(data)

    def _new_conn(self) -> socket.socket:
        progress = _current.progress
        if progress is None:
            return super()._new_conn()
        addresses = _resolve(self._dns_host.strip("[]"), int(self.port or 0), progress.deadline)
        return _first_that_answers(addresses, self.socket_options, progress.deadline)


class _TimedConnection(_TimedMixin, HTTPConnection):
    """Plain HTTP: to this machine, or to a proxy."""


class _TimedTlsConnection(_TimedMixin, HTTPSConnection):
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


class _Pool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection


class _Adapter(HTTPAdapter):
    """The connections for one way of verifying; its TLS context is made once."""

    def __init__(self, verify: str | bool, cert: Any) -> None:
        self._verify = verify
        self._cert = cert
        self._context: ssl.SSLContext | None = None
        self._context_lock = threading.Lock()
        super().__init__(pool_connections=_HOSTS, pool_maxsize=_KEPT_OPEN)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        if "SOCKS" not in type(manager).__name__:
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
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
                    raise TransportError("tls", sent=False, root=_bare(error)) from None
            return self._context


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


class _Adapters:
    """One adapter for each way of verifying, shared by the whole process."""

    def __init__(self) -> None:
        self.forget()
        _threads.on_fork(self.forget)

    def forget(self) -> None:
        """Start anew without closing anything: a forked child's connections are its parent's."""
        self._lock = threading.Lock()
        self._made: dict[Any, _Adapter] = {}

    def get(self, verify: str | bool, cert: Any) -> _Adapter:
        with self._lock:
            if (verify, cert) not in self._made:
                self._made[verify, cert] = _Adapter(verify, cert)
            return self._made[verify, cert]

    def close(self) -> None:
        with self._lock:
            for adapter in self._made.values():
                adapter.close()
            self._made.clear()


_adapters: Final = _Adapters()


@lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    return re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:.%]*:[0-9A-Fa-f:.%]*", host) is not None


def _resolve(host: str, port: int, deadline: Deadline) -> list[Any]:
    """Look the name up on a thread of its own: the system's resolver knows no time-out."""
    if _is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answers.put(error)

    try:
        threading.Thread(target=look_up, name="cometchat-resolver", daemon=True).start()
    except RuntimeError:  # the interpreter is shutting down and refuses new threads
        look_up()
    try:
        found = answers.get(timeout=_left(deadline))
    except queue.Empty:
        raise TransportError("timeout", sent=False) from None
    if isinstance(found, Exception):
        raise TransportError("dns", sent=False, root=found)
    return found


def _first_that_answers(addresses: list[Any], options: Any, deadline: Deadline) -> socket.socket:
    problem: OSError | None = None
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            problem = error
            continue
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(_left(deadline) / (len(addresses) - number))
            sock.connect(address)
            return sock
        except OSError as error:
            problem = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    kind_ = "timeout" if isinstance(problem, TimeoutError) else "connect"
    raise TransportError(kind_, sent=False, root=problem)


# The most telling error of a chain decides; within it, the first of these that fits.
_KINDS: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...]] = (
    (urllib3_errors.ProxyError, "proxy"),
    ((urllib3_errors.SSLError, ssl.SSLError), "tls"),
    (urllib3_errors.NameResolutionError, "dns"),
    (urllib3_errors.NewConnectionError, "connect"),
    ((urllib3_errors.TimeoutError, TimeoutError), "timeout"),
)


def _diagnosed(error: BaseException, progress: _Progress) -> TransportError:
    """Return what went wrong, without the objects that know the request."""
    chain = _chain(error)
    for link in chain:
        if isinstance(link, TransportError):
            return link
    kind = next(
        (kind for types, kind in _KINDS if any(isinstance(link, types) for link in chain)), None
    )
    root = next((link for link in reversed(chain) if isinstance(link, OSError)), None)
    if kind is None:
        kind = "lost" if progress.sent else "connect"
    return TransportError(kind, sent=progress.sent, root=_bare(root))


def _bare(error: BaseException | None) -> BaseException | None:
    if error is None or type(error).__module__.partition(".")[0] in {"requests", "urllib3"}:
        return None
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and everything that led to it; urllib3 keeps causes in three places."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        link = waiting.pop(0)
        if isinstance(link, BaseException) and link not in found:
            found.append(link)
            waiting += [link.__cause__, link.__context__, getattr(link, "reason", None)]
            waiting += [getattr(link, "original_error", None), *link.args]
    return found
