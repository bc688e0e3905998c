"""The library's threads: six at the most, for the whole process, however many clients there are.

* four request workers, on which calls run up to the next thing they have to wait for;
* one dispatcher, on which the user's callbacks run, first in first out;
* one storage thread, on which session stores are read and written, one call at a time.

All are daemon threads: one that is stuck cannot keep the interpreter from exiting. They are
started when work is handed in and never during exit, when Python refuses new threads. What was
handed in is finished at exit, for at most `DRAIN_LIMIT` seconds.

Every lock of the client's is one that its owner may take again: a signal handler or a destructor
runs in the middle of anything, and may call the client.

There is no timer thread. The `Clock` is kept by whoever has nothing else to do: any of these
threads while it is idle, and any thread that waits for a result.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from . import _locks
from ._crews import Clock, Crew, Pool, Task, Timer

__all__ = ["Task", "Timer"]

T = TypeVar("T")

REQUEST_WORKERS: Final = 4
DRAIN_LIMIT: Final = 5.0  # seconds that a script's last calls are given at exit
COURTESY: Final = 0.01  # seconds by which a thread of the user's lets an idle one go first

_FEW: Final = 64

_log = logging.getLogger("cometchat_auth")


class Living(Generic[T]):
    """Objects that are kept count of for as long as somebody else keeps them.

    Args:
        refer: Makes a weak reference to one.
    """

    def __init__(self, refer: Callable[[T], Callable[[], T | None]]) -> None:
        self._refer = refer
        self._references: list[Callable[[], T | None]] = []
        self._most = _FEW  # how many there may be before the dead are sorted out

    def add(self, item: T) -> None:
        """Add one."""
        self._references.append(self._refer(item))
        if len(self._references) > self._most:
            self._references[:] = [kept for kept in self._references if kept() is not None]
            self._most = max(_FEW, 2 * len(self._references))

    def alive(self) -> list[T]:
        """Return those that are still there."""
        found = [reference() for reference in list(self._references)]
        return [item for item in found if item is not None]


class UnderWay:
    """What one client has under way, so that it can be waited for.

    Three kinds of things begin and end: calls, places in the order of callbacks, and callbacks
    posted to the dispatcher. Each is counted when it begins and when it ends, which costs the
    dispatcher no lock: nobody else counts the callbacks that have ended.

    A fork begins a new era in the child. What ends there after it began in the parent, since a
    callback has forked, counts no longer.

    Attributes:
        reserved: Places taken; `emptied`: those dealt with. Written under the outbox's lock.
        posted: Callbacks posted, likewise; `delivered`: those that have run.
        era: What tells one era from others.
        is_awaited: How many wait; whoever writes a count looks here before it calls `tell`.
    """

    def __init__(self) -> None:
        self.reset()
        _everything.add(self)

    def reset(self) -> None:
        """Start from nothing, as a forked child has to."""
        self.era = self._lock = threading.RLock()
        self._changed: _locks.Condition | None = None  # large, and seldom needed
        self._begun = self._ended = 0
        self.reserved = self.emptied = 0
        self.posted = self.delivered = 0
        self.is_awaited = 0
        self._given_up = False

    def is_over(self) -> bool:
        """Return whether nothing is under way."""
        # What has ended is read first: what begins meanwhile then makes a difference.
        ended = (self._ended, self.emptied, self.delivered)
        return ended == (self._begun, self.reserved, self.posted)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is done in ``with``."""
        era = self.enter()
        try:
            yield
        finally:
            self.leave(era)

    def enter(self) -> object:
        """Count a call that begins; return the era."""
        with self._lock:
            if self._given_up and self.is_over():
                self._given_up = False
            self._begun += 1
        return self._lock

    def leave(self, era: object) -> None:
        """Count one that ends, unless it began in an era that is over."""
        if era is self._lock:
            with self._lock:
                self._ended += 1
            self.tell()

    def tell(self) -> None:
        """Wake those who wait, if there are any and nothing is under way any more."""
        if self.is_awaited and self.is_over():
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._changed is not None:
                self._changed.notify_all()

    def give_up(self) -> None:
        """Let nobody who waits for everything wait for what is under way here."""
        with self._lock:
            self._given_up = True
            self._wake()

    def is_wanted(self) -> bool:
        """Return whether something is under way that has not been given up."""
        return not (self._given_up or self.is_over())

    def wait(self, limit: float, *, wanted: bool = False) -> bool:
        """Wait until nothing is under way; return whether so.

        Args:
            limit: Seconds to wait at most.
            wanted: Whether not to wait for what has been given up.
        """

        def over() -> bool:
            return self.is_over() or (wanted and self._given_up)

        end = time.monotonic() + limit
        with self._lock:
            if self._changed is None:
                self._changed = _locks.Condition(self._lock)
            changed = self._changed
            self.is_awaited += 1
        try:
            while not over() and (left := end - time.monotonic()) > 0:
                CLOCK.run_due()
                with changed:
                    if not over():
                        changed.wait(patience(left))
        except RuntimeError as error:
            _locks.raise_interrupt(error)
            raise
        finally:
            with self._lock:
                self.is_awaited -= 1
        return self.is_over()


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
    _after_fork.add(method)


def start() -> None:
    """Start one thread of each crew, before the work that needs them is accepted.

    Raises:
        RuntimeError: If the interpreter is shutting down.
    """
    if sys.is_finalizing():
        raise RuntimeError("daemon threads do not run any more")
    for crew in (REQUESTS, DISPATCHER, STORAGE):
        crew.ensure()


def can_dispatch() -> bool:
    """Return whether there is a dispatcher's thread or can be one, as until the very end."""
    try:
        DISPATCHER.ensure()
    except RuntimeError:
        return False
    return not sys.is_finalizing()


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
    for part in (REQUESTS, DISPATCHER, STORAGE, CLOCK):
        part.reset()
    for method in _after_fork.alive():
        method()


def wait_for_all(limit: float) -> bool:
    """Wait until nothing is under way for any client, but for what has been given up.

    Args:
        limit: Seconds to wait at most.

    Returns:
        Whether so.
    """
    end = time.monotonic() + limit
    while awaited := next((client for client in _everything.alive() if client.is_wanted()), None):
        if (left := end - time.monotonic()) <= 0:
            return False
        awaited.wait(left, wanted=True)  # and meanwhile something may begin for another one
    return True


def _drain() -> None:
    with contextlib.suppress(KeyboardInterrupt):  # who presses Ctrl-C now does not want to wait
        wait_for_all(DRAIN_LIMIT)


CLOCK: Final = Clock(run_guarded, _wake)
REQUESTS: Final = Pool(REQUEST_WORKERS, "cometchat-request", CLOCK, log_defect, _drain)
DISPATCHER: Final = Crew("cometchat-dispatcher", CLOCK, log_defect, _drain)
STORAGE: Final = Crew("cometchat-storage", CLOCK, log_defect, _drain)
_after_fork: Final = Living[Callable[[], None]](weakref.WeakMethod)
_everything: Final = Living[UnderWay](weakref.ref)

atexit.register(_drain)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
