"""Calls, servers and answers that the tests of the network layer share."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from cometchat_auth import AppSettings, CometChat, MemoryStore, User

from .tools import LIMIT, Reply, Seen

if TYPE_CHECKING:
    from typing_extensions import Self

KEY: Final = "CANARYkey0f5e1c2b3a4d"
TOKEN: Final = "CANARYtoken9d8c7b6a5"
MINTED: Final = "CANARYminted1a2b3c4d"

Call = Callable[[CometChat], Any]

CALLS: Final[dict[str, Call]] = {
    "login_with_key": lambda chat: chat.login("alice", KEY),
    "login_with_token": lambda chat: chat.login(TOKEN),
    "logout": lambda chat: chat.logout(),
    "check_session": lambda chat: chat.check_session(),
    "create_user": lambda chat: chat.create_user(User("alice", "Alice"), KEY),
}
NEEDS_SESSION: Final = {"logout", "check_session"}


def client(url: str, *, admin: str | None = None, **settings: Any) -> CometChat:
    """Return a client of a server on this machine that keeps its session in memory."""
    where = {"client_host": f"{url}/v3.0", "admin_host": f"{admin or url}/v3.0"}
    return CometChat("app", AppSettings(**{**where, **settings}), session_store=MemoryStore())


def data(value: Any, status: int = 200) -> Reply:
    """Return an answer in the service's envelope."""
    return Reply(status, json.dumps({"data": value}).encode())


def refusal(code: str, status: int, message: str = "No.", **more: Any) -> Reply:
    """Return an error in the service's envelope."""
    body = {"error": {"code": code, "message": message, **more}}
    return Reply(status, json.dumps(body).encode())


def good(seen: Seen) -> Reply:
    """Answer as the service does when all is well."""
    if seen.path.endswith("/auth_tokens"):
        return data({"uid": "alice", "authToken": MINTED, "createdAt": 1})
    if seen.method == "DELETE":
        return data({"success": True, "message": "ok"})
    return data({"uid": "alice", "name": "Alice"})


class RawServer:
    """A TCP server on loopback; each connection is handed to the script on its own thread.

    Args:
        script: Called with the connection and its number, from 0.
        context: Speaks TLS if given; a handshake that fails is counted, not raised.
    """

    def __init__(
        self, script: Callable[[socket.socket, int], object], context: ssl.SSLContext | None = None
    ) -> None:
        self.accepted = 0
        self.over = threading.Event()
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        if not self.over.is_set():
            self.stop()

    def stop(self) -> None:
        """Hang up on everyone and listen no more."""
        self.over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the accepting thread
        self._threads[0].join(LIMIT)
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(LIMIT)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.over.is_set():
                connection.close()
                return
            # Or an answer waits for the client's acknowledgement of TLS's session tickets.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.accepted))
            self.accepted += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            if not self.over.is_set():  # or nobody would end this connection any more
                self._script(connection, number)
        except OSError:
            return  # the client hung up, as it may
        finally:
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request with its body; empty if the client has closed the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := connection.recv(65536)):
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length and (chunk := connection.recv(65536)):
        body += chunk
    return head + b"\r\n\r\n" + body


def http(status: str, body: bytes, *headers: str) -> bytes:
    """Return an answer as it stands on the wire."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


ME: Final = http("200 OK", b'{"data": {"uid": "alice", "name": "Alice"}}')


def serve_me(connection: socket.socket, _number: int = 0) -> None:
    """Answer every request on a connection with the user's own data."""
    while read_request(connection):
        connection.sendall(ME)
