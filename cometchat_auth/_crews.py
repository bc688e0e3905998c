"""Threads that take tasks from a queue, and the clock that they keep while they are idle."""

from __future__ import annotations

import heapq
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from . import _locks

Task = Callable[[], object]


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
    """Tasks for later. They must be short and must not raise.

    Args:
        run: Runs a task that is due.
        wake: Lets idle threads look at the clock again.
    """

    def __init__(self, run: Callable[[Task], None], wake: Callable[[], None]) -> None:
        self._run = run
        self._wake = wake
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a forked child has to."""
        self._lock = threading.RLock()
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
        if not self._timers:
            return None
        with self._lock:
            self._drop_cancelled()
            if not self._timers:
                return None
            return max(0.0, self._timers[0][0] - time.monotonic())

    def run_due(self) -> None:
        """Run what is due."""
        while (task := self._next_due()) is not None:
            self._run(task)

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
    """A daemon thread that takes tasks from a queue, first in first out.

    Args:
        name: The thread's.
        clock: Kept while there is nothing else to do.
        failed: Called with what a task has raised; it does not end the thread.
        orphaned: Called at the end of a thread that a fork has left alone in the child.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        failed: Callable[[BaseException], None],
        orphaned: Callable[[], None],
    ) -> None:
        self._name = name
        self._clock = clock
        self._failed = failed
        self._orphaned = orphaned
        self.reset()

    def reset(self) -> None:
        """Forget threads and tasks, as a forked child has to: it has neither."""
        self._lock = threading.RLock()
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._members: list[threading.Thread] = []

    def ensure(self) -> None:
        """Start the first thread if there is none yet.

        Raises:
            RuntimeError: If the interpreter is shutting down.
        """
        if not self._members:
            with self._lock:
                if not self._members:
                    self._start(self._name)

    def submit(self, task: Task) -> None:
        """Hand in a task."""
        if not self._members:
            self.ensure()
        self._queue.put(task)

    def poke(self) -> None:
        """Have an idle thread look at the clock again."""
        self._queue.put(None)

    def is_member(self) -> bool:
        """Return whether the caller's thread is one of these."""
        return threading.current_thread() in self._members

    def _start(self, name: str) -> bool:
        thread = threading.Thread(target=self._work, args=(self._queue,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            _locks.raise_interrupt(error)
            if not self._members:  # nobody at all to do it: the interpreter is shutting down
                raise
            return False
        self._enroll(thread)
        return True

    def _enroll(self, thread: threading.Thread) -> None:
        if thread not in self._members:
            self._members.append(thread)

    def _work(self, tasks: queue.SimpleQueue[Task | None]) -> None:
        process = os.getpid()
        with self._lock:  # Ctrl-C may have cut short whoever started it
            if tasks is self._queue:
                self._enroll(threading.current_thread())
        while tasks is self._queue:
            task = self._next(tasks)
            if task is not None:
                try:  # here, since a call more is dear to a thread that has slept
                    task()
                except BaseException as error:
                    self._failed(error)
                del task  # or an idle thread would keep the last call's objects alive
                self._over(tasks)
        if os.getpid() != process:
            # A child that a callback has forked and not ended: there is nobody else to end it.
            self._orphaned()
            os._exit(0)

    def _next(self, tasks: queue.SimpleQueue[Task | None]) -> Task | None:
        """Return the next task, or keep the clock until there is one; ``None`` to ask again."""
        try:
            return tasks.get_nowait()
        except queue.Empty:
            pass
        try:
            return tasks.get(timeout=self._clock.due_in())
        except queue.Empty:
            self._clock.run_due()
            return None

    def _over(self, tasks: queue.SimpleQueue[Task | None]) -> None:
        """Be told that a thread has done a task from this queue."""


class Pool(Crew):
    """Several such threads, each started when all others are busy; it knows whether one is free.

    Args:
        size: How many at most.
        *args: As for `Crew`.
    """

    def __init__(self, size: int, *args: Any) -> None:
        self._size = size
        super().__init__(*args)

    def reset(self) -> None:
        """Forget threads and tasks, as a forked child has to: it has neither."""
        super().reset()
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
                    self._start_next()
                    self._idle += 1

    def submit(self, task: Task) -> None:
        """Hand in a task."""
        self.submit_and_tell(task)

    def submit_and_tell(self, task: Task) -> bool:
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

    def _claim(self) -> bool:
        if self._idle:
            self._idle -= 1
            return True
        return len(self._members) < self._size and self._start_next()

    def _start_next(self) -> bool:
        return self._start(f"{self._name}-{len(self._members) + 1}")

    def _over(self, tasks: queue.SimpleQueue[Task | None]) -> None:
        with self._lock:
            if tasks is not self._queue:  # in a forked child
                return
            if self._backlog:
                self._backlog -= 1
            else:
                self._idle += 1
