"""A front before the emulator that spoils some requests and counts what gets through."""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from ..network import http, read_request
from ..tools import LIMIT

if TYPE_CHECKING:
    from typing_extensions import Self

# What can happen to a request.
FAULTS: Final = ("429", "503", "503 later", "502", "cut before", "cut after", "away")
_MOST: Final = 8  # requests in a row that one fault hits
_LOOK: Final = 0.05  # seconds after which the accepting thread looks whether it is to go away


def _answers(wait: float) -> dict[str, bytes]:
    later = f"Retry-After: {wait:.0f}"
    busy = b'{"error": {"code": "ERR_BUSY", "message": "Later."}}'
    return {
        "429": http("429 Too Many Requests", b"", later),
        "503": http("503 Service Unavailable", b"<html>overloaded</html>"),
        "503 later": http("503 Service Unavailable", busy, later),
        "502": http("502 Bad Gateway", b"<html>bad gateway</html>"),
    }


@attrs.define
class Weather:
    """Says what happens to each request, by chance.

    Attributes:
        seed: Of all chances.
        every: How many requests there are between two faults, on average.
        wait: Seconds of each ``Retry-After``, and for which nobody listens when it is away.
    """

    seed: int
    every: int
    wait: float = 1.0
    seen: Counter[str] = attrs.field(factory=Counter)
    _chance: random.Random = attrs.field(init=False)
    _kind: str = ""
    _left: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def __attrs_post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311

    def next(self) -> str:
        """Return what happens to this request; empty for nothing."""
        with self._lock:
            if not self._left:
                if self._chance.random() >= 1 / self.every:
                    return ""
                self._kind = self._chance.choice(FAULTS)
                self._left = 1 if self._kind == "away" else self._chance.randint(1, _MOST)
            self._left -= 1
            self.seen[self._kind] += 1
            return self._kind


class Front:
    """Passes requests on to the emulator, unless the weather is against it.

    Args:
        target: The emulator's port.
        weather: What happens to the requests.
    """

    def __init__(self, target: int, weather: Weather) -> None:
        self._target = target
        self._weather = weather
        self._answers = _answers(weather.wait)
        self._changed = threading.Condition()
        self._posted: Counter[str] = Counter()
        self._over = threading.Event()
        self._away = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = self._listen(0)
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._threads[0].join(LIMIT)
        self._hang_up()
        for thread in self._threads:
            thread.join(LIMIT)
        self._listener.close()

    def posted(self) -> Counter[str]:
        """Return for each uid how many requests to create it the emulator has carried out."""
        with self._changed:
            return self._posted.copy()

    def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until so many users have been created; return whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._posted) >= count, seconds)

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(_LOOK)
        return listener

    def _accept(self) -> None:
        while not self._over.is_set():
            if self._away.is_set():
                self._listener.close()
                self._hang_up()
                self._over.wait(self._weather.wait)
                self._listener = self._listen(self._port)
                self._away.clear()
            with contextlib.suppress(TimeoutError):
                self._take(self._listener.accept()[0])

    def _take(self, connection: socket.socket) -> None:
        self._open.add(connection)
        thread = threading.Thread(target=self._serve, args=(connection,))
        thread.start()
        serving = [thread for thread in self._threads[1:] if thread.is_alive()]
        self._threads = [self._threads[0], *serving, thread]

    def _serve(self, connection: socket.socket) -> None:
        # An importer that is killed breaks its connections; so does the front itself.
        with (
            connection,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target)) as emulator,
        ):
            while _is_whole(raw := read_request(connection)):
                if not self._pass_on(raw, connection, emulator):
                    break
        self._open.discard(connection)

    def _pass_on(self, raw: bytes, connection: socket.socket, emulator: socket.socket) -> bool:
        fate = self._weather.next()
        if fate in self._answers:
            connection.sendall(self._answers[fate])
            return True
        if fate == "away":
            self._away.set()
        if fate in {"away", "cut before"}:
            return False
        emulator.sendall(raw)
        answer = read_request(emulator)
        self._note(raw, answer)
        if fate == "cut after":
            return False
        connection.sendall(answer)
        return True

    def _note(self, raw: bytes, answer: bytes) -> None:
        if raw.startswith(b"POST ") and answer.startswith(b"HTTP/1.1 200 "):
            with self._changed:
                self._posted[json.loads(raw.partition(b"\r\n\r\n")[2])["uid"]] += 1
                self._changed.notify_all()

    def _hang_up(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _is_whole(raw: bytes) -> bool:
    """Return whether it is a request in full: one that was cut would keep the emulator waiting."""
    head, _, body = raw.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
    return bool(head) and len(body) == (int(length[1]) if length else 0)
