"""The threads that answer requests, and others that stand in where a request has to wait."""

from __future__ import annotations

import itertools
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from ._server_line import Hangup

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_WORKERS: Final = 10
_STAND_INS: Final = 256  # requests that may wait in faults at the same time; one more is cut
_GRACE_SECONDS: Final = 0.1  # in which requests under way may finish when the server stops
_NAME: Final = "cometchat-emulator"


class Workers:
    """The threads that answer requests; has the methods that Cheroot asks of a thread pool.

    Args:
        put_back: Takes a connection that is to be watched for its next request.
    """

    def __init__(self, put_back: Callable[[Any], None]) -> None:
        self._put_back = put_back
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._busy: set[Any] = set()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._closed = False
        self._over = False

    def start(self) -> None:
        """Start the threads."""
        with self._lock:
            for _ in range(_WORKERS):
                self._start_one()

    def put(self, conn: Any) -> None:
        """Have the request on a connection answered."""
        self._queue.put(conn)

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """Have another thread do the work of this one, which is going to wait.

        Raises:
            Hangup: Too many wait already, or the server stops.
        """
        with self._lock:
            full = len(self._threads) >= _WORKERS + _STAND_INS
            if not full and not self._closed:
                self._start_one()
        if full:
            _LOGGER.warning("A connection was cut: %d others wait in faults.", _STAND_INS)
        if full or self._closed:
            raise Hangup
        try:
            yield
        finally:
            self._queue.put(None)  # whoever takes it was one too many

    def stop(self, _timeout: float | None = None) -> None:
        """End the threads; a request that outlasts the time of grace is cut off."""
        with self._lock:
            self._closed = True
            threads = self._threads.copy()
        for _ in threads:
            self._queue.put(None)
        deadline = time.monotonic() + _GRACE_SECONDS
        threads = {thread for thread in threads if thread.ident is not None}  # Ctrl-C: not started
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._over = True
        for conn in self._busy.copy():
            with suppress(OSError):
                conn.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()

    def _start_one(self) -> None:
        name = f"{_NAME}-worker-{next(self._numbers)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work(self) -> None:
        while (conn := self._queue.get()) is not None:
            self._busy.add(conn)
            try:
                self._answer(conn)
            finally:
                self._busy.discard(conn)
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _answer(self, conn: Any) -> None:
        """Answer the next request on a connection; whatever happens, the thread lives on."""
        keep = False
        try:
            keep = not self._over and conn.communicate()
        except ConnectionError:
            _LOGGER.debug("A client closed its connection before it had its answer.")
        except Exception:
            _LOGGER.exception("The emulator failed on a connection.")
        finally:
            if keep:
                self._put_back(conn)
            else:
                conn.close()
