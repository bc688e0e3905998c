"""What a thread waits with for another one, and what Ctrl-C cannot leave locked.

`threading.Condition`, and `Event`, `Future` and `queue.Queue` with it, takes its lock in Python
code. A signal handler that raises just then leaves it taken, and all others wait for ever.
"""

from __future__ import annotations

import contextlib
import operator
import threading
from typing import Any


class Condition(threading.Condition):
    """A condition that is entered and left without a line of Python code."""

    __enter__: Any = property(operator.attrgetter("_lock.__enter__"))
    __exit__: Any = property(operator.attrgetter("_lock.__exit__"))


class Flag:
    """What happens once, and can be waited for."""

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()  # let go when it has happened

    def is_set(self) -> bool:
        """Return whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """Wake whoever waits; twice does no harm."""
        self._is_set = True
        self._let_go()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for at most so many seconds; return whether it has happened."""
        limit = -1 if timeout is None else min(timeout, threading.TIMEOUT_MAX)
        if not self._is_set and self._lock.acquire(timeout=limit):
            self._let_go()  # for whoever else waits
        return self._is_set

    def _let_go(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has been already
            self._lock.release()


def raise_interrupt(error: RuntimeError) -> None:
    """Raise the Ctrl-C in place of what `threading` makes of it in the middle of a wait."""
    if isinstance(error.__context__, KeyboardInterrupt):
        raise error.__context__ from None
