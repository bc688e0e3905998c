"""A forward proxy on loopback, which can be told to misbehave."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

from .network import ME, RawServer, read_request
from .tools import LIMIT

# What a proxy does when it is asked for a tunnel to this host and port.
Refuse = Callable[["Proxy", socket.socket, str, int], object]


class Proxy(RawServer):
    """A forward proxy: CONNECT, and plain requests with a whole URL.

    Args:
        status: What it answers a CONNECT with; it forwards only where that is a success.
        context: Speaks TLS itself if given.
        refuse: What to do instead of opening a tunnel.
        spared: The port to which tunnels are opened whatever else is asked of it.
    """

    def __init__(
        self,
        status: str = "200 OK",
        context: ssl.SSLContext | None = None,
        *,
        refuse: Refuse | None = None,
        spared: int | None = None,
    ) -> None:
        super().__init__(self._forward, context)
        self.asked: list[bytes] = []
        self._status = status
        self._refuse = refuse
        self._spared = spared

    def _forward(self, connection: socket.socket, _: int) -> None:
        head = read_request(connection)
        self.asked.append(head)
        if not head:
            return
        method, target = head.split(b"\r\n")[0].split()[:2]
        host, _colon, port = target.decode().rpartition(":")
        if method != b"CONNECT":
            connection.sendall(ME)
        elif port == str(self._spared):
            tunnel(connection, host, int(port))
        elif self._refuse is not None:
            self._refuse(self, connection, host, int(port))
        elif self._status.startswith("200"):
            tunnel(connection, host, int(port))
        else:
            connection.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())


def tunnel(connection: socket.socket, host: str, port: int) -> None:
    """Say that the tunnel is there, and let everything pass until both ends are done."""
    with socket.create_connection((host, port)) as far:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        back = threading.Thread(target=_pump, args=(far, connection))
        back.start()
        _pump(connection, far)
        back.join(LIMIT)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
    except OSError:
        pass  # one end was reset: then the other one has to end as well
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
