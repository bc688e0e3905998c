"""Places between a client and the service where things go wrong, each by a real socket."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import trustme

from . import faulty
from .faulty import PASSWORD, Act, Service
from .network import RawServer, http
from .proxy import Proxy, Refuse, tunnel
from .tools import LIMIT


class Certificates:
    """A CA whose certificate is in a file, and servers' certificates."""

    def __init__(self, folder: Path) -> None:
        ca, other = trustme.CA(), trustme.CA()
        self.file = str(folder / "ca.pem")
        ca.cert_pem.write_to_path(self.file)
        self.good = _context(ca, "127.0.0.1")
        self.wrong_host = _context(ca, "other.example.com")
        self.untrusted = _context(other, "127.0.0.1")


def _context(ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


@attrs.frozen
class Place:
    """Where the fault is: a URL, who counts there, and the settings that lead there."""

    url: str
    service: Service | None = None
    settings: dict[str, Any] = attrs.Factory(dict)


# Makes the place of a fault; the healthy service is the other host of the same client.
Make = Callable[[Certificates, Service], AbstractContextManager[Place]]


@attrs.frozen
class Fault:
    """One thing that goes wrong, and what a bystander would say of it.

    Attributes:
        name: For people.
        how: ``unknown`` (host name), ``unreachable``, ``untrusted``, ``barred`` (by the proxy),
            ``mute`` (nothing was sent yet), ``silent`` (the request was), ``lost``, ``not_http``,
            ``answer``, ``fine``.
        make: Makes it so.
        status: Of the answer.
        body: What the answer's body is; see `fault_rules`.
        code: The service's own, where it speaks.
        wait: Seconds that the answer asks to wait, ``None`` where nobody can tell.
        commits: Whether the service carries the request out all the same.
    """

    name: str
    how: str
    make: Make
    status: int | None = None
    body: str = ""
    code: str | None = None
    wait: float | None = None
    commits: bool = False


# -- places -------------------------------------------------------------------------------------


def named(url: str) -> Make:
    """Return what makes a place that goes by this URL, wherever that may lead."""

    @contextmanager
    def make(_: Certificates, __: Service) -> Iterator[Place]:
        yield Place(url)

    return make


def at_port(port: Callable[[], AbstractContextManager[int]]) -> Make:
    """Return what makes a place on this port."""

    @contextmanager
    def make(_: Certificates, __: Service) -> Iterator[Place]:
        with port() as number:
            yield Place(f"https://127.0.0.1:{number}")

    return make


def without_tls(script: Callable[[RawServer, Any], object]) -> Make:
    """Return what makes a server that was expected to speak TLS, and does this instead."""

    @contextmanager
    def make(_: Certificates, __: Service) -> Iterator[Place]:
        with RawServer(lambda connection, _number: script(server, connection)) as server:
            yield Place(server.url.replace("http:", "https:"))

    return make


def served(act: Act | None, certificate: str = "good") -> Make:
    """Return what makes a service that fails like this, or only has this certificate."""

    @contextmanager
    def make(certificates: Certificates, _: Service) -> Iterator[Place]:
        with Service(getattr(certificates, certificate), act) as service:
            yield Place(service.url, service)

    return make


def proxied(refuse: Refuse | None = None, status: str = "200 OK") -> Make:
    """Return what makes a proxy that misbehaves only on the way to the faulty host."""

    @contextmanager
    def make(certificates: Certificates, healthy: Service) -> Iterator[Place]:
        with ExitStack() as stack:
            service = stack.enter_context(Service(certificates.good))
            proxy = Proxy(status, refuse=refuse, spared=healthy.port)
            stack.enter_context(proxy)
            url = proxy.url.replace("//", f"//me:{PASSWORD}@")
            yield Place(service.url, service, {"proxies": {"https": url}})

    return make


@contextmanager
def no_proxy_there(certificates: Certificates, _: Service) -> Iterator[Place]:
    """Make a place behind a proxy that is not running."""
    with faulty.closed_port() as port, Service(certificates.good) as service:
        proxies = {"https://localhost": f"http://me:{PASSWORD}@127.0.0.1:{port}"}
        # A proxy can be for one host name only: the faulty host goes by its other one.
        yield Place(service.url.replace("127.0.0.1", "localhost"), service, {"proxies": proxies})


def slowly(proxy: RawServer, connection: Any, host: str, port: int) -> None:
    """Open the tunnel after a while."""
    proxy.over.wait(0.05)
    tunnel(connection, host, port)


def mute(server: RawServer, _connection: Any, *_target: object) -> None:
    """Say nothing."""
    server.over.wait(LIMIT)


def drip_to_connect(server: RawServer, connection: Any, *_target: object) -> None:
    """Begin to open the tunnel, and never come to an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not server.over.wait(faulty.DRIP):
        connection.sendall(b"x")


def plain_answer(_: RawServer, connection: Any) -> None:
    """Answer as a server does that speaks no TLS."""
    connection.recv(65536)
    connection.sendall(http("400 Bad Request", b"<html>plain HTTP"))
