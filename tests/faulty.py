"""A service on loopback that fails as it is told, by real sockets and real TLS, and counts."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs

from .network import KEY, MINTED, TOKEN, RawServer, http, read_request
from .tools import LIMIT

BOBS: Final = "CANARYbobs4e3f2a1b0c"
PASSWORD: Final = "CANARYproxy7a6b5c4d"
CANARIES: Final = (KEY, TOKEN, MINTED, BOBS, PASSWORD)
DRIP: Final = 0.02  # seconds between two bytes of a server that drips


@attrs.frozen
class Asked:
    """A request as the service has read it."""

    method: str
    path: str
    credential: str
    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> Asked:
        """Return what stands on the wire, in parts."""
        lines = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}
        method, path, _ = lines[0].split(" ")
        return cls(method, path, headers.get("apikey") or headers.get("authtoken") or "", raw)


# What a server does with a request instead of answering it well. It returns whether the
# connection goes on; whether the request was carried out it says by calling `commit`.
Act = Callable[["Service", socket.socket, Asked], bool]


class Service(RawServer):
    """The service, in TLS, as far as the client's calls need it.

    Args:
        context: Its certificate; plain HTTP without.
        act: What it does instead of answering well.
    """

    def __init__(self, context: ssl.SSLContext | None = None, act: Act | None = None) -> None:
        super().__init__(self._requests, context)
        self.act = act
        self.seen: list[Asked] = []
        self.commits: list[Asked] = []

    def commit(self, asked: Asked) -> bytes:
        """Carry a request out and return the good answer to it."""
        self.commits.append(asked)
        return http("200 OK", json.dumps({"data": good_data(asked)}).encode())

    def _requests(self, connection: socket.socket, _: int) -> None:
        while raw := read_request(connection):
            asked = Asked.of(raw)
            self.seen.append(asked)
            if self.act is None:
                connection.sendall(self.commit(asked))
            elif not self.act(self, connection, asked):
                return


def good_data(asked: Asked) -> dict[str, Any]:
    """Return what the service says to a request when all is well."""
    if asked.path.endswith("/auth_tokens"):
        return {"uid": "alice", "authToken": MINTED, "createdAt": 1}
    if asked.method == "DELETE":
        return {"success": True, "message": "ok"}
    uid = "bob" if asked.credential == BOBS else "alice"
    return {"uid": uid, "name": uid.title()}


# -- acts ---------------------------------------------------------------------------------------


# A header, or what makes one when it is needed: for those that hold the time.
Header = str | Callable[[], str]


def answering(status: str, body: bytes, *headers: Header) -> Act:
    """Return the act that answers with this; ``{}`` stands for the credential that was sent."""

    def act(_service: Service, connection: socket.socket, asked: Asked) -> bool:
        now = [part if isinstance(part, str) else part() for part in headers]
        quoted = [part.replace("{}", asked.credential) for part in now]
        filled = body.replace(b"{}", asked.credential.encode())
        connection.sendall(http(status.replace("{}", asked.credential), filled, *quoted))
        return True

    return act


def saying(raw: bytes) -> Act:
    """Return the act that sends these bytes and closes the connection."""

    def act(_service: Service, connection: socket.socket, asked: Asked) -> bool:
        connection.sendall(raw.replace(b"{}", asked.credential.encode()))
        return False

    return act


def dripping(start: bytes, drop: bytes) -> Act:
    """Return the act that sends a beginning, and then one drop after the other."""

    def act(service: Service, connection: socket.socket, asked: Asked) -> bool:
        connection.sendall(start.replace(b"{}", asked.credential.encode()))
        while not service.over.wait(DRIP):
            connection.sendall(drop)
        return False

    return act


def silent(service: Service, _connection: socket.socket, _asked: Asked) -> bool:
    """Never answer."""
    service.over.wait(LIMIT)
    return False


def reset(connection: socket.socket) -> None:
    """Close a connection by a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_before(_service: Service, connection: socket.socket, _asked: Asked) -> bool:
    """Reset the connection without having carried the request out."""
    reset(connection)
    return False


def reset_after(service: Service, connection: socket.socket, asked: Asked) -> bool:
    """Carry the request out, and reset the connection instead of saying so."""
    service.commit(asked)
    reset(connection)
    return False


def close_after(service: Service, _connection: socket.socket, asked: Asked) -> bool:
    """Carry the request out, and close the connection instead of saying so."""
    service.commit(asked)
    return False


def truncated_after(service: Service, connection: socket.socket, asked: Asked) -> bool:
    """Carry the request out, and answer with half of what was announced."""
    connection.sendall(service.commit(asked)[:-12])
    return False


def failing(times: int, act: Act) -> Act:
    """Return the act that does this so many times, and then all is well."""
    left = [times]

    def first(service: Service, connection: socket.socket, asked: Asked) -> bool:
        if left[0]:
            left[0] -= 1
            return act(service, connection, asked)
        connection.sendall(service.commit(asked))
        return True

    return first


# -- places that cannot be reached --------------------------------------------------------------


@contextmanager
def closed_port() -> Iterator[int]:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    yield port


@contextmanager
def full_backlog() -> Iterator[int]:
    """Give a port on which connections are never accepted."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port: int = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port
        for sock in waiting:
            sock.close()


@contextmanager
def name_server() -> Iterator[None]:
    """Let ``nowhere.invalid`` be unknown and ``slow.invalid`` be looked up for ever.

    The one thing here that is not done by a socket: no test may ask a real name server.
    """
    real, released = socket.getaddrinfo, threading.Event()

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "slow.invalid":
            released.wait(LIMIT)
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    socket.getaddrinfo = look_up
    try:
        yield
    finally:
        released.set()
        socket.getaddrinfo = real
