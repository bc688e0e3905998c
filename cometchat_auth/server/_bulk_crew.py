"""The threads of an import: each takes a row, tries it to its end, and puts back what came."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import Final

from .. import _locks
from ..errors import INTERNAL_ERROR, CometChatException
from ._bulk_rows import Row
from ._bulk_tries import Attempt, Result, Way
from ._pace import Gate

# Seconds that the caller's thread waits at once: on Windows Ctrl-C cannot end a longer wait.
POLL: Final = 0.1
_MOMENT: Final = 0.02  # seconds in which results may gather: each wake-up takes the threads' time
_GRACE: Final = 5.0  # seconds beyond a request's own limit


class Crew:
    """Daemon threads that live as long as one import.

    It knows nothing of the import, so that one which is dropped half-way can be collected.

    Args:
        size: How many at most.
        way: How a user is created.
        gate: Says when.
    """

    def __init__(self, size: int, way: Way, gate: Gate) -> None:
        self._size = size
        self._way = way
        self._gate = gate
        self._tasks: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._results: list[Result] = []
        # Rings for the caller's thread when it is let go. No SimpleQueue: up to Python 3.12 its
        # `get` forgets the time-out when a signal comes whose handling takes longer than that.
        self._news = threading.Lock()
        self._news.acquire()
        self._members: list[threading.Thread] = []

    def backlog(self) -> int:
        """Return how many rows nobody has taken up yet."""
        return self._tasks.qsize()

    def hand_in(self, rows: list[Row]) -> None:
        """Give rows to the threads, and start those that are needed.

        Raises:
            CometChatException: If the system allows not a single thread.
        """
        for row in rows:
            self._tasks.put(row)
        for _ in range(min(len(rows), self._size - len(self._members))):
            self._start_one()

    def results(self, *, wait: bool) -> list[Result]:
        """Return what has been put back and not been forgotten; with ``wait`` after a moment.

        They stay here until `forget`, so that none is lost to a Ctrl-C.
        """
        self._news.acquire(timeout=_MOMENT if wait else 0)
        return self._results[:]

    def forget(self, count: int) -> None:
        """Forget the first so many results."""
        del self._results[:count]

    def finish(self) -> None:
        """Wait until each thread has ended, which the end of its request bounds."""
        self._tasks.put(None)
        end = time.monotonic() + self._way.timeout + _GRACE
        for member in self._members:
            while member.is_alive() and time.monotonic() < end:
                member.join(POLL)

    def _start_one(self) -> None:
        name = f"cometchat-import-{len(self._members) + 1}"
        member = threading.Thread(target=self._work, name=name, daemon=True)
        self._members.append(member)  # first: a Ctrl-C may come when it has been started
        try:
            member.start()
        except RuntimeError as error:
            _locks.raise_interrupt(error)  # it has been started
            self._members.pop()
            if not self._members:
                raise _no_thread(error) from error
            self._size = len(self._members)  # fewer do it as well

    def _work(self) -> None:
        while (row := self._tasks.get()) is not None:
            result = self._carry_out(row)
            if result.ending is not None:
                self._gate.stop()  # at once: the caller may be busy with earlier outcomes
            self._results.append(result)
            if len(self._results) >= self._size or self.backlog() < self._size:
                self._ring()
        self._tasks.put(None)  # for the next: there may be one that nobody has counted

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has rung, and nobody has heard it yet
            self._news.release()

    def _carry_out(self, row: Row) -> Result:
        assert row.user is not None
        try:
            return Attempt(row, row.user, self._way, self._gate).run()
        except BaseException as error:  # a defect: it ends the import, in the caller's thread
            return Result(row, None, None, error)


def _no_thread(error: RuntimeError) -> CometChatException:
    return CometChatException(
        INTERNAL_ERROR,
        f"The import cannot start a thread: {error}. Is the program ending, or has it reached "
        "the system's limit?",
    )
