"""A forwarder that records what passes through it, byte for byte as far as HTTP lets it."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

# Seconds that the target may take to answer.
TARGET_TIME_LIMIT: Final = 30.0
# Seconds between two looks of the accepting thread at whether it is to stop.
POLL: Final = 0.02

Headers = list[tuple[str, str]]


@attrs.frozen
class Exchange:
    """One request that passed, and the status it was answered with."""

    method: str
    path: str
    """Path and query as they were on the wire, undecoded."""
    headers: Headers
    """Names in the spelling of the wire, in its order."""
    body: bytes
    status: int

    def header(self, name: str) -> str | None:
        """Return the value of a header, however it is spelled, or ``None``."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Recorder:
    """Forwards from a port of its own to a target, and records; to be used in ``with``.

    Requests and answers pass unchanged, ``Host`` included; only an answer in chunks is put
    together. Where the target does not answer, the forwarder does, with status 502.
    """

    def __init__(self, target_url: str) -> None:
        """Prepare to forward.

        Args:
            target_url: Where to, e.g. ``http://127.0.0.1:8080``; without a path.
        """
        target = urlsplit(target_url)
        self._server = _Server((target.hostname or "127.0.0.1", target.port or 80))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL,), name="recorder"
        )

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.disconnect()
        self._server.server_close()
        if self._server.failures and error is None:
            raise self._server.failures[0]

    @property
    def url(self) -> str:
        """Return the address to send to instead of the target's."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def exchanges(self) -> list[Exchange]:
        """Return what was answered so far, in the order in which the requests arrived."""
        return self._server.book.exchanges()

    def clear(self) -> None:
        """Forget what was recorded."""
        self._server.book.clear()


class _Book:
    """Keeps exchanges in the order of arrival, though answers come in any order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrived = 0
        self._answered: dict[int, Exchange] = {}

    def arrive(self) -> int:
        with self._lock:
            self._arrived += 1
            return self._arrived

    def answer(self, number: int, exchange: Exchange) -> None:
        with self._lock:
            self._answered[number] = exchange

    def exchanges(self) -> list[Exchange]:
        with self._lock:
            return [self._answered[number] for number in sorted(self._answered)]

    def clear(self) -> None:
        with self._lock:
            self._answered.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() joins them

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.book = _Book()
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)

    def disconnect(self) -> None:
        """Wake the threads that wait for another request on a kept-alive connection."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client may have gone already
                    connection.shutdown(socket.SHUT_RD)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def __getattr__(self, name: str) -> Any:
        # The base class looks for do_GET, do_PUT and so on: all of them are the same here.
        if name.startswith("do_"):
            return self._forward
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _forward(self) -> None:
        number = self.server.book.arrive()
        path = self.requestline.split(" ")[1]
        headers = list(self.headers.items())
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            status, reason, answer_headers, answer = self._ask_target(path, headers, body)
        except (OSError, HTTPException):
            answer_headers = [("Content-Length", "0")]
            status, reason, answer = 502, "Bad Gateway", b""
        exchange = Exchange(self.command, path, headers, body, status)
        self.server.book.answer(number, exchange)
        self._answer(f"HTTP/1.1 {status} {reason}", answer_headers, answer)

    def _ask_target(
        self, path: str, headers: Headers, body: bytes
    ) -> tuple[int, str, Headers, bytes]:
        connection = HTTPConnection(*self.server.target, timeout=TARGET_TIME_LIMIT)
        try:
            connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            answer = response.read()
            return response.status, response.reason, _framed(response, answer), answer
        finally:
            connection.close()

    def _answer(self, status_line: str, headers: Headers, body: bytes) -> None:
        lines = [status_line, *(f"{name}: {value}" for name, value in headers), "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)
        if any((n.lower(), v.lower()) == ("connection", "close") for n, v in headers):
            self.close_connection = True


def _framed(response: HTTPResponse, body: bytes) -> Headers:
    """Return the answer's headers, with a length in place of chunks or the connection's end."""
    headers = response.getheaders()
    names = {name.lower() for name, _ in headers}
    if "content-length" in names or response.status in {204, 304}:
        return headers
    kept = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
    return [*kept, ("Content-Length", str(len(body)))]
