"""Work is written as flows: generators that yield what they have to wait for.

Nothing waits on a request worker but a socket. A flow that has to wait for a store, for the end
of a back-off or for its turn yields a `Wait`; its worker goes on to other calls, and the flow is
resumed when there is something to go on with. Where there are no workers (server side, or a
method that returns at once) `drive` runs the same flow on the caller's own thread.
"""

from __future__ import annotations

import abc
import math
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import attrs

from . import _locks, _threads

T = TypeVar("T")


class Wait(abc.ABC):
    """Something that a flow waits for."""

    def is_over(self) -> bool:
        """Return whether there is nothing left to wait for."""
        return False

    @abc.abstractmethod
    def arm(self, resume: Callable[[], None]) -> None:
        """Have ``resume`` called, from any thread, when the wait is over; twice does no harm."""

    @abc.abstractmethod
    def block(self) -> None:
        """Wait here and now."""


Flow = Generator[Wait, None, T]


@attrs.frozen
class Pause(Wait):
    """A while.

    Attributes:
        seconds: How long.
    """

    seconds: float

    def arm(self, resume: Callable[[], None]) -> None:
        """Resume after the pause."""
        _threads.CLOCK.after(self.seconds, resume)

    def block(self) -> None:
        """Sleep for the pause."""
        time.sleep(self.seconds)


def drive(flow: Flow[T]) -> T:
    """Run a flow to its end on this thread, waiting where it waits."""
    try:
        while True:
            next(flow).block()
    except StopIteration as stop:
        value: T = stop.value
        return value


class Deadline:
    """What is left of a call's time: the wall clock, less the time spent on the store."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._paused_at: float | None = None

    def remaining(self) -> float:
        """Return the seconds that are left, at least 0."""
        paused_at = self._paused_at  # once: another thread may let the clock run just now
        return max(0.0, self._end - (time.monotonic() if paused_at is None else paused_at))

    def pause(self) -> None:
        """Stop the clock: what is waited for now has a limit of its own."""
        if self._paused_at is None:
            self._paused_at = time.monotonic()

    def resume(self) -> None:
        """Let the clock run again."""
        if self._paused_at is not None:
            self._end += time.monotonic() - self._paused_at
            self._paused_at = None

    def lift(self) -> None:
        """Take the limit away: what was to be reached in time has been."""
        self._end = math.inf


def paused(deadline: Deadline, flow: Generator[Wait, None, T]) -> Generator[Wait, Any, T]:
    """Run a flow with the clock stopped."""
    deadline.pause()
    try:
        return (yield from flow)
    finally:
        deadline.resume()


class Elsewhere(Wait):
    """A task that another request worker does meanwhile.

    Args:
        task: What to do; what it raises is raised by `take`.
    """

    def __init__(self, task: Callable[[], object]) -> None:
        self._task = task
        self._done = _locks.Flag()
        self._error: BaseException | None = None
        self._resume: Callable[[], None] | None = None
        self._lock = threading.RLock()
        _threads.REQUESTS.submit(self._run)

    def is_over(self) -> bool:
        """Return whether the task is done."""
        return self._done.is_set()

    def arm(self, resume: Callable[[], None]) -> None:
        """Resume when the task is done."""
        with self._lock:
            if not self._done.is_set():
                self._resume = resume
                return
        resume()

    def block(self) -> None:
        """Wait for the task."""
        self._done.wait()

    def take(self) -> None:
        """Raise what the task raised, if it did."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._task()
        except BaseException as error:
            self._error = error
        with self._lock:
            self._done.set()
            resume, self._resume = self._resume, None
        if resume is not None:
            resume()
