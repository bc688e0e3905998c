"""The connection that a request came in on, for whoever has to treat it badly."""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

LINE: Final = "cometchat_emulator.line"  # its key in the WSGI environment

_LOOK_UP_SECONDS: Final = 3600.0  # between two looks at nothing, in a wait without end

# On, and 0 seconds: closing throws away what is unsent and sends a reset.
_NO_LINGER: Final = struct.pack("HH" if hasattr(socket, "SO_EXCLUSIVEADDRUSE") else "ii", 1, 0)


class Hangup(ConnectionResetError):
    """The connection is at its end: cut, left by its client, or closed by the server's stop."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "The connection was cut.")


class Line:
    """The connection of one request, past WSGI.

    Args:
        request: Cheroot's request.
        standing_in: Makes a context in which another thread does this one's work.
    """

    def __init__(
        self, request: Any, standing_in: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._request = request
        self._standing_in = standing_in

    def wait(self, seconds: float | None) -> None:
        """Wait, for ever if ``None``, without holding up other connections.

        Raises:
            Hangup: The client left, or the server stopped.
        """
        with self._standing_in():
            self._watch(seconds)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send bytes one by one, and wait before each.

        Raises:
            OSError: The client left, or the server stopped.
        """
        with self._standing_in():
            for number in range(len(data)):
                self._watch(seconds)
                self.send(data[number : number + 1])

    def send(self, data: bytes) -> None:
        """Send bytes as they are; the answer is none of the server's business any more."""
        self._request.sent_headers = True
        self._request.close_connection = True
        self._request.conn.wfile.write(data)

    def cut(self, *, reset: bool) -> Hangup:
        """Have the connection end as soon as what this returns is raised."""
        self._request.sent_headers = True
        if reset:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self._request.conn.reset = True
        return Hangup()

    @property
    def _socket(self) -> socket.socket:
        found: socket.socket = self._request.conn.socket
        return found

    def _watch(self, seconds: float | None) -> None:
        """Wait, but not for a client that left; a server that stops looks like one."""
        end = None if seconds is None else time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while (left := _left(end)) > 0:
                if selector.select(left):
                    self._hear()

    def _hear(self) -> None:
        """Take in what the client sent before it had its answer.

        Raises:
            Hangup: It was the end, or the client sends more than is kept.
        """
        rfile = self._request.conn.rfile
        try:
            before = len(rfile.peek(0)) if rfile.has_data() else 0
            if len(rfile.peek(before + 1)) > before:
                return
        except OSError:
            pass
        raise Hangup


def _left(end: float | None) -> float:
    return _LOOK_UP_SECONDS if end is None else end - time.monotonic()


def line_of(environ: Mapping[str, Any]) -> Line:
    """Return the connection that a request came in on."""
    line: Line = environ[LINE]
    return line
