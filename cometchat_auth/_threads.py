"""The library's threads: six at the most, for the whole process, however many clients there are.

* four request workers, on which calls run up to the next thing they have to wait for;
* one dispatcher, on which the user's callbacks run, first in first out;
* one storage thread, on which session stores are read and written, one call at a time.

All are daemon threads: one that is stuck cannot keep the interpreter from exiting. They are
started when work is handed in and never during exit, when Python refuses new threads. What was
handed in is finished at exit, for at most `DRAIN_LIMIT` seconds.

There is no timer thread. The `Clock` is kept by whoever has nothing else to do: any of these
threads while it is idle, and any thread that waits for a result.
"""

from __future__ import annotations

import atexit
import contextlib
import heapq
import itertools
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Final

Task = Callable[[], object]

REQUEST_WORKERS: Final = 4
DRAIN_LIMIT: Final = 5.0  # seconds that a script's last calls are given at exit
COURTESY: Final = 0.01  # seconds by which a thread of the user's lets an idle one go first

_log = logging.getLogger("cometchat_auth")


class Timer:
    """A task and the moment from which it is due; `cancel` may come too late."""

    __slots__ = ("task", "when")

    def __init__(self, when: float, task: Task) -> None:
        self.when = when
        self.task: Task | None = task

    def cancel(self) -> None:
        """Forget the task."""
        self.task = None


class Clock:
    """Tasks for later. They must be short and must not raise."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake  # lets idle threads look at the clock again
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a forked child has to."""
        self._lock = threading.Lock()
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()

    def after(self, seconds: float, task: Task) -> Timer:
        """Have the task run once, in so many seconds, on some thread of the library."""
        timer = Timer(time.monotonic() + max(0.0, seconds), task)
        with self._lock:
            self._drop_cancelled()
            heapq.heappush(self._timers, (timer.when, next(self._count), timer))
            earliest = self._timers[0][2] is timer
        if earliest:
            self._wake()
        return timer

    def due_in(self) -> float | None:
        """Return the seconds until the next task is due, or ``None`` if there is none."""
        with self._lock:
            self._drop_cancelled()
            if not self._timers:
                return None
            return max(0.0, self._timers[0][0] - time.monotonic())

    def run_due(self) -> None:
        """Run what is due."""
        while (task := self._next_due()) is not None:
            run_guarded(task)

    def _next_due(self) -> Task | None:
        with self._lock:
            self._drop_cancelled()
            if not self._timers or self._timers[0][0] > time.monotonic():
                return None
            return heapq.heappop(self._timers)[2].task

    def _drop_cancelled(self) -> None:
        while self._timers and self._timers[0][2].task is None:
            heapq.heappop(self._timers)


class Crew:
    """Daemon threads that take tasks from one queue, first in first out."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self.reset()

    def reset(self) -> None:
        """Forget threads and tasks, as a forked child has to: it has neither."""
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._members: list[threading.Thread] = []
        self._idle = 0
        self._backlog = 0

    def ensure(self) -> None:
        """Start the first thread if there is none yet.

        Raises:
            RuntimeError: If the interpreter is shutting down.
        """
        if not self._members:
            with self._lock:
                if not self._members:
                    self._start()
                    self._idle += 1

    def submit(self, task: Task) -> bool:
        """Hand in a task; return whether a thread is free for it at once."""
        with self._lock:
            served = self._claim()
            if not served:
                self._backlog += 1
        self._queue.put(task)
        return served

    def submit_if_free(self, task: Task) -> bool:
        """Hand in a task only if a thread is free for it; return whether it was."""
        with self._lock:
            served = self._claim()
        if served:
            self._queue.put(task)
        return served

    def poke(self) -> None:
        """Have an idle thread look at the clock again."""
        self._queue.put(None)

    def is_member(self) -> bool:
        """Return whether the caller's thread is one of these."""
        return threading.current_thread() in self._members

    def _claim(self) -> bool:
        if self._idle:
            self._idle -= 1
            return True
        if len(self._members) < self._size:
            return self._start()
        return False

    def _start(self) -> bool:
        suffix = f"-{len(self._members) + 1}" if self._size > 1 else ""
        thread = threading.Thread(
            target=self._work, args=(self._queue,), name=f"{self._name}{suffix}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            if not self._members:  # nobody at all to do it: the interpreter is shutting down
                raise
            return False
        self._members.append(thread)
        return True

    def _work(self, tasks: queue.SimpleQueue[Task | None]) -> None:
        process = os.getpid()
        while tasks is self._queue:
            try:
                task = tasks.get(timeout=CLOCK.due_in())
            except queue.Empty:
                CLOCK.run_due()
                continue
            if task is None:
                continue
            run_guarded(task)
            del task  # or an idle thread would keep the last call's objects alive
            with self._lock:
                if tasks is not self._queue:
                    break
                if self._backlog:
                    self._backlog -= 1
                else:
                    self._idle += 1
        if os.getpid() != process:
            # A child that a callback has forked and not ended: there is nobody else to end it.
            _drain()
            os._exit(0)


class InFlight:
    """A count of things under way that can be waited for.

    Each belongs to an era. A fork begins a new one in the child: what is left there after it was
    entered in the parent, since a callback has forked, counts no longer.

    Args:
        whole: The count of which this is one part. For as long as anything is under way here it
            counts as one thing there.
    """

    def __init__(self, whole: InFlight | None = None) -> None:
        self._whole = whole
        self.reset()

    def reset(self) -> None:
        """Start from nothing, as a forked child has to."""
        self._count = 0
        self._given_up = False
        self._changed = threading.Condition(threading.Lock())

    @property
    def era(self) -> object:
        """Return what tells this era from others."""
        return self._changed

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is done in ``with``."""
        era = self.enter()
        try:
            yield
        finally:
            self.leave(era)

    def enter(self) -> object:
        """Count one more; return the era."""
        with self._changed:
            self._count += 1
            if self._count == 1 and self._whole is not None:
                self._whole.enter()
        return self._changed

    def leave(self, era: object = None) -> None:
        """Count one less, unless it was entered in an era that is over."""
        if era is not None and era is not self._changed:
            return
        with self._changed:
            self._count -= 1
            if self._count == 0:
                self._changed.notify_all()
                if self._whole is not None and not self._given_up:
                    self._whole.leave()
                self._given_up = False

    def give_up(self) -> None:
        """Let nobody who waits for the whole wait for what is under way here."""
        with self._changed:
            if self._count and self._whole is not None and not self._given_up:
                self._given_up = True
                self._whole.leave()

    def wait(self, limit: float) -> bool:
        """Wait until nothing is under way, for at most so many seconds; return whether so."""
        end = time.monotonic() + limit
        while self._count > 0 and (left := end - time.monotonic()) > 0:
            CLOCK.run_due()
            with self._changed:
                if self._count > 0:
                    self._changed.wait(patience(left))
        return self._count <= 0


def patience(limit: float | None) -> float | None:
    """Return for how many seconds a thread may sleep before it has to look at the clock.

    Args:
        limit: Seconds after which it will stop waiting anyway, or ``None``.
    """
    due = CLOCK.due_in()
    bounds = [limit, None if due is None else due + COURTESY]
    if DISPATCHER.is_member():
        # An idle dispatcher would be woken for a new timer; one that waits inside a callback
        # cannot be, so it looks by itself.
        bounds.append(0.05)
    return min((bound for bound in bounds if bound is not None), default=None)


def on_fork(method: Callable[[], None]) -> None:
    """Have a bound method called in a forked child, as long as its object lives."""
    _after_fork.append(weakref.WeakMethod(method))
    if len(_after_fork) % 1024 == 0:
        _after_fork[:] = [reference for reference in _after_fork if reference() is not None]


def start() -> None:
    """Start one thread of each crew, before the work that needs them is accepted.

    Raises:
        RuntimeError: If the interpreter is shutting down.
    """
    for crew in (REQUESTS, DISPATCHER, STORAGE):
        crew.ensure()


def run_guarded(task: Task) -> None:
    """Run a task of the library's own; a defect in it must not end the thread.

    Raises:
        KeyboardInterrupt: If Ctrl-C was pressed while the main thread ran it; another thread
            runs it once more then.
    """
    try:
        task()
    except BaseException as error:
        in_main = threading.current_thread() is threading.main_thread()
        if isinstance(error, KeyboardInterrupt) and in_main:
            REQUESTS.submit(task)
            raise
        log_defect(error)


def log_defect(error: BaseException) -> None:
    """Log what should never have been raised."""
    _log.error("a task of cometchat_auth failed; this is a defect of the library", exc_info=error)


def _wake() -> None:
    for crew in (REQUESTS, DISPATCHER, STORAGE):
        crew.poke()


def _reset_in_child() -> None:
    for part in (REQUESTS, DISPATCHER, STORAGE, CLOCK, IN_FLIGHT):
        part.reset()
    for reference in _after_fork:
        if (method := reference()) is not None:
            method()


def _drain() -> None:
    with contextlib.suppress(KeyboardInterrupt):  # who presses Ctrl-C now does not want to wait
        IN_FLIGHT.wait(DRAIN_LIMIT)


REQUESTS: Final = Crew("cometchat-request", REQUEST_WORKERS)
DISPATCHER: Final = Crew("cometchat-dispatcher", 1)
STORAGE: Final = Crew("cometchat-storage", 1)
CLOCK: Final = Clock(_wake)
IN_FLIGHT: Final = InFlight()
_after_fork: Final[list[weakref.WeakMethod[Callable[[], None]]]] = []

atexit.register(_drain)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
