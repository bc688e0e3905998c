"""A long line on loopback: a TCP relay that delays, and counts round trips on one time line."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import attrs

from .tools import LIMIT

if TYPE_CHECKING:
    from typing_extensions import Self

TRIP: Final = 0.05  # seconds for a round trip


@attrs.define
class Trips:
    """Counts round trips that one program has had to wait for, over all its connections.

    What is sent was sent knowing all that has arrived before; so each chunk from the client
    carries the count so far, and what answers it arrives one trip later. Two connections that
    wait at the same time wait for one trip together.
    """

    count: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def arrived(self, sent_at: int) -> None:
        """Note that the answer to something has reached the client."""
        with self._lock:
            self.count = max(self.count, sent_at + 1)


class _Line:
    """One direction of a connection: what goes in comes out half a round trip later."""

    def __init__(self, target: socket.socket) -> None:
        self._target = target
        self._waiting: queue.SimpleQueue[tuple[float, int, bytes]] = queue.SimpleQueue()

    def put(self, due: float, stamp: int, chunk: bytes) -> None:
        """Put in a chunk; an empty one is the end."""
        self._waiting.put((due, stamp, chunk))

    def deliver(self, over: threading.Event, note: Callable[[int], None]) -> None:
        """Let everything come out in time, until the end."""
        with contextlib.suppress(OSError):
            while not over.is_set():
                due, stamp, chunk = self._waiting.get()
                over.wait(max(0.0, due - time.monotonic()))
                note(stamp)
                if not chunk:
                    break
                self._target.sendall(chunk)
        with contextlib.suppress(OSError):
            self._target.shutdown(socket.SHUT_WR)


class _Server:
    """Remembers what the server knows of the client's time when it answers."""

    def __init__(self) -> None:
        self.stamp = 0

    def note(self, stamp: int) -> None:
        self.stamp = max(self.stamp, stamp)


def _chunks(sock: socket.socket) -> Iterator[bytes]:
    """Yield what comes in, and an empty chunk for the end, whatever ended it."""
    with contextlib.suppress(OSError):
        while chunk := sock.recv(65536):
            yield chunk
    yield b""


class Relay:
    """Relays to a port of this machine; a connection costs a round trip, as TCP's handshake does.

    Args:
        port: Where to.
        trips: Counts, together with other relays of the same client.
        trip: Seconds for a round trip.
    """

    def __init__(self, port: int, trips: Trips, trip: float = TRIP) -> None:
        self._to = port
        self._trips = trips
        self._trip = trip
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the accepting thread
        self._threads[0].join(LIMIT)
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)
        for sock in [*self._sockets, self._listener]:
            sock.close()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._over.is_set():
                near.close()
                return
            self.accepted += 1
            self._relay(near, socket.create_connection(("127.0.0.1", self._to)))

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(sock)
        out, back, server = _Line(far), _Line(near), _Server()
        opened = time.monotonic() + self._trip
        first = self._trips.count + 1  # the connection itself is a trip that is waited for
        self._start(lambda: self._read_client(near, out, opened, first))
        self._start(lambda: out.deliver(self._over, server.note))
        self._start(lambda: self._read_server(far, back, server))
        self._start(lambda: back.deliver(self._over, self._trips.arrived))

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _read_client(self, near: socket.socket, out: _Line, opened: float, first: int) -> None:
        for chunk in _chunks(near):
            stamp = max(self._trips.count, first)
            out.put(max(time.monotonic(), opened) + self._trip / 2, stamp, chunk)

    def _read_server(self, far: socket.socket, back: _Line, server: _Server) -> None:
        for chunk in _chunks(far):
            back.put(time.monotonic() + self._trip / 2, server.stamp, chunk)
