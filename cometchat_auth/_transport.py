"""One request, one answer, within a deadline."""

from __future__ import annotations

import functools
import os
import ssl
from collections.abc import Callable, Mapping
from http.client import BadStatusLine, LineTooLong, RemoteDisconnected, UnknownProtocol
from typing import Any, Final, TypeVar

import attrs
import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3 import exceptions as urllib3_errors
from urllib3.util import Timeout

from ._connections import Adapter, adapter, close_idle
from ._secrets import Secret
from ._sockets import Progress, TransportError
from ._timed import current
from ._waits import Deadline

__all__ = ["Answer", "Line", "TransportError", "close_idle", "connect", "line_to", "send"]

T = TypeVar("T")

# Answers about users take a few kilobytes; a page of 1,000 users with 5 KB of metadata each, the
# largest that the service's limits allow, about 6 MB.
ANSWER_LIMIT: Final = 8 * 1024 * 1024  # bytes


@attrs.frozen
class Answer:
    """What came back.

    Attributes:
        status: The status.
        headers: Whatever the case of their names.
        body: As much of it as `ANSWER_LIMIT` allows.
        whole: Whether that is all of it.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    whole: bool = True


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


def line_to(
    url: str, proxies: Mapping[str, str] | None, verify: bool | str, cert: Any = None
) -> Line:
    """Return how a URL is reached: what was given, else what the environment says."""
    if proxies is None:
        # Plain http is for this machine only: a proxy could read the credential, and its own
        # "localhost" would be another machine.
        proxies = {} if url.startswith("http://") else get_environ_proxies(url)
    if verify is True:
        env = os.environ
        verify = (
            env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
        )
    return Line(dict(proxies), verify, cert)


def send(
    method: str,
    base: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    credential: tuple[str, Secret],
    hidden: tuple[Secret, ...] = (),
    line: Line,
    deadline: Deadline,
) -> Answer:
    """Send one request and return its answer; redirects are answers like any other.

    Args:
        method: The method.
        base: The URL up to the path that is asked for.
        path: That path, quoted.
        headers: All but the one with the credential.
        body: The body, if there is one.
        credential: The name of the header that carries the key or token, and the key or token.
        hidden: Further credentials in it, which no log may show.
        line: How the host is reached.
        deadline: Bounds everything from the look-up of the name to the body's last byte.

    Raises:
        TransportError: If there is no answer.
    """

    def exchange(adapter: Adapter, progress: Progress) -> Answer:
        left = progress.left()
        name, secret = credential
        response = adapter.send(
            _prepared(method, base, path, {**headers, name: secret.reveal()}, body),
            stream=True,
            timeout=Timeout(connect=left, read=left),  # type: ignore[arg-type]
            verify=line.verify,
            cert=line.cert,
            proxies=line.proxies,
        )
        try:
            return _answer(response)
        finally:
            response.close()

    return _watched(exchange, base, line, Progress(deadline, [credential[1], *hidden]))


def connect(base: str, *, line: Line, deadline: Deadline) -> None:
    """Open a connection for later requests, unless an idle one is there.

    Raises:
        TransportError: If it cannot be opened.
    """

    def open_one(adapter: Adapter, progress: Progress) -> None:
        progress.left()
        pool: Any = adapter.get_connection_with_tls_context(
            _prepared("GET", base, "", {}, None), line.verify, proxies=line.proxies, cert=line.cert
        )
        if (select_proxy(base, line.proxies) or "").lower().startswith("socks"):
            return  # its connections know nothing of the deadline before there is a request
        connection = pool._get_conn()
        try:
            if not connection.is_connected:
                _open(pool, connection)
        except BaseException:
            connection.close()
            raise
        finally:
            pool._put_conn(connection)

    _watched(open_one, base, line, Progress(deadline))


def _open(pool: Any, connection: Any) -> None:
    if pool.proxy is not None and pool.scheme == "https":
        pool._prepare_proxy(connection)  # the tunnel, and what is inside it
    else:
        connection.connect()


def _watched(task: Callable[[Adapter, Progress], T], url: str, line: Line, progress: Progress) -> T:
    """Do something within the deadline; whatever goes wrong is a `TransportError`."""
    current.progress = progress
    try:
        return task(adapter(line.verify, line.cert), progress)
    except Exception as error:
        problem = _diagnosed(error, progress, select_proxy(url, line.proxies) or "")
    finally:
        current.progress = None
    raise problem


def _prepared(
    method: str, base: str, path: str, headers: Mapping[str, str], body: bytes | None
) -> requests.PreparedRequest:
    # Without a session there is nobody to read ~/.netrc, follow a redirect or keep a cookie.
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.url = _normal(base) + path
    request.prepare_headers(headers)
    request.prepare_body(body, None)
    return request


@functools.lru_cache(maxsize=64)
def _normal(base: str) -> str:
    """Return a URL as requests sends it, found out once: it takes a quarter of a request's time."""
    return str(requests.Request("GET", base).prepare().url).rstrip("/")


def _answer(response: requests.Response) -> Answer:
    body = bytearray()
    try:
        while len(body) <= ANSWER_LIMIT and (
            chunk := response.raw.read(65536, decode_content=True)
        ):
            body += chunk
    except urllib3_errors.DecodeError:
        body.clear()  # not what its Content-Encoding says: status and headers remain
    whole = len(body) <= ANSWER_LIMIT
    return Answer(response.status_code, response.headers, bytes(body[:ANSWER_LIMIT]), whole)


# The most telling error of a chain decides; within it, the first of these that fits. Where the
# kind is empty, or none fits, it is the question how far the request had come.
_KINDS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((ssl.SSLCertVerificationError,), "tls"),
    ((TimeoutError, urllib3_errors.TimeoutError), "timeout"),
    ((urllib3_errors.ProxyError, requests.exceptions.InvalidProxyURL), "proxy"),
    ((RemoteDisconnected, ssl.SSLEOFError, ssl.SSLZeroReturnError), ""),
    ((BadStatusLine, LineTooLong, UnknownProtocol), "not_http"),
    ((ssl.SSLError, urllib3_errors.SSLError), "tls"),
)


def _diagnosed(error: BaseException, progress: Progress, proxy: str) -> TransportError:
    """Return what went wrong, without the objects that know the request."""
    chain = _chain(error)
    where = proxy.rpartition("@")[2].rpartition("//")[2]  # without its password
    for link in chain:
        if isinstance(link, TransportError):
            return TransportError(link.kind, sent=link.sent, root=_bare(link.root), proxy=where)
    root = next((link for link in reversed(chain) if isinstance(link, OSError)), None)
    kind = next((kind for types, kind in _KINDS if any(isinstance(x, types) for x in chain)), "")
    if not kind and progress.sent:
        kind = "lost"
    elif not kind:
        # Without an error of the system's, the proxy's URL itself could not be used.
        kind = "proxy" if proxy and _bare(root) is None else "connect"
    return TransportError(kind, sent=progress.sent, root=_bare(root), proxy=where)


def _bare(error: BaseException | None) -> BaseException | None:
    """Return the error alone: without its causes, and without frames that hold headers."""
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
