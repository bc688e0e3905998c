"""Session stores are read and written on one thread, and nobody waits for it without a limit.

Keyrings have no time-outs: a call may hang for ever, or until a person answers a prompt. Such a
call is abandoned by those who wait for it. Until it returns every further call is refused at
once; what was to be written meanwhile is written when it does, so that nothing that the user
wanted gone stays stored.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

from . import _locks, _threads
from ._waits import Wait
from .errors import SESSION_STORE, WOULD_BLOCK_FOREVER, CometChatException, SessionStoreError

T = TypeVar("T")

_log = logging.getLogger("cometchat_auth")


class _Inside(threading.local):
    """Whether a thread is inside a store, which may call the client that is waiting for it."""

    store = False


_inside = _Inside()


class Ticket(Generic[T], Wait):
    """One operation on a store, handed to the storage thread.

    Args:
        operation: What to do there.
        limit: Seconds to wait for it.
        in_time: What to do there with what it returned, unless it was given up by then: a late
            answer must not change what has been decided without it.
        postpone_as: For an operation that has to be made up for if it could not be done in
            time: whose it is. Of several with the same owner the last one is made up for.
        here: Do it here and now: it cannot block, and must not wait behind one that does.

    Raises:
        CometChatException: ``WOULD_BLOCK_FOREVER`` inside a store.
    """

    def __init__(
        self,
        operation: Callable[[], T],
        limit: float,
        *,
        in_time: Callable[[T], object] | None = None,
        postpone_as: Hashable = None,
        here: bool = False,
    ) -> None:
        if _inside.store:
            raise _would_block()
        self.operation = operation
        self.limit = limit
        self._in_time = in_time
        self.postpone_as = postpone_as
        self.given_up = False
        self.over = False
        self._done = _locks.Flag()
        self._value: T
        self._error: BaseException | None = None
        self._resume: Callable[[], None] | None = None
        self._timer: _threads.Timer | None = None
        if here:
            with STORAGE.here:
                self.carry_out()
                self.confirm()
            self.finish()
        else:
            STORAGE.submit(self)

    def is_over(self) -> bool:
        """Return whether the operation has ended."""
        return self._done.is_set()

    def arm(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` when the operation is over, or the limit is."""
        self._timer = _threads.CLOCK.after(self.limit, self._ring)
        with STORAGE.lock:
            if not self._done.is_set():
                self._resume = resume
                return
        self._timer.cancel()
        resume()

    def block(self) -> None:
        """Wait for the operation, at most until the limit."""
        if _threads.STORAGE.is_member():
            STORAGE.give_up(self)
            raise _would_block()
        self._done.wait(self.limit)

    def take(self) -> T:
        """Return what the operation returned.

        Raises:
            SessionStoreError: If it raised one, or is not over: ``timeout``; it is abandoned then.
        """
        if not self._done.is_set() and STORAGE.give_up(self):
            raise timed_out(self.limit)
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def carry_out(self) -> None:
        """Run the operation; called on the storage thread."""
        try:
            self._value = _inside_store(self.operation)
        except BaseException as error:
            self._error = error

    def confirm(self) -> None:
        """Act on what the operation returned; called on the storage thread."""
        if self._in_time is not None and self._error is None:
            self._in_time(self._value)

    def finish(self, error: BaseException | None = None) -> None:
        """Wake whoever waits."""
        with STORAGE.lock:
            self.over = True
            self._error = self._error or error
            self._done.set()
            resume, self._resume = self._resume, None
        if self._timer is not None:
            self._timer.cancel()
        if resume is not None:
            resume()

    def _ring(self) -> None:
        with STORAGE.lock:
            resume = self._resume
        if resume is not None:
            resume()


class Storage:
    """The storage thread's list of what is running, what was given up and what is to make up."""

    def __init__(self) -> None:
        self.reset()
        _threads.on_fork(self.reset)

    def reset(self) -> None:
        """Start anew, as a forked child has to."""
        self.lock = threading.RLock()
        self.here = threading.RLock()  # what is done on the spot is one operation at a time, too
        self._running: Ticket[Any] | None = None
        self._making_up = False
        self._stuck = False
        self._postponed: dict[Hashable, Callable[[], object]] = {}

    def submit(self, ticket: Ticket[Any]) -> None:
        """Hand an operation to the storage thread, or refuse it if that is stuck."""
        with self.lock:
            stuck = self._stuck
            if stuck:
                self._postpone(ticket)
        if stuck:
            ticket.finish(timed_out(ticket.limit, stuck=True))
            return
        try:
            _threads.STORAGE.submit(lambda: self._run(ticket))
        except RuntimeError as error:
            ticket.finish(_no_thread(error))

    def give_up(self, ticket: Ticket[Any]) -> bool:
        """Stop waiting for an operation: the running one is stuck then, a waiting one is dropped.

        Returns:
            Whether it was given up; ``False`` if it has just come to its end.
        """
        with self.lock:
            if ticket.over:
                return False
            running = self._running is ticket
            if running or self._making_up:  # what is made up for has nobody else to give it up
                self._stuck = True
            if not running and not ticket.given_up:
                self._postpone(ticket)
            ticket.given_up = True
            return True

    def _postpone(self, ticket: Ticket[Any]) -> None:
        if ticket.postpone_as is not None:
            self._postponed.pop(ticket.postpone_as, None)
            self._postponed[ticket.postpone_as] = ticket.operation

    def _run(self, ticket: Ticket[Any]) -> None:
        if self._begin(ticket):
            ticket.carry_out()
            with self.lock:
                ticket.over = True
                self._running, self._stuck = None, False
            if not ticket.given_up:
                ticket.confirm()
            ticket.finish()
        self._make_up()

    def _begin(self, ticket: Ticket[Any]) -> bool:
        with self.lock:
            if ticket.given_up:
                return False
            if ticket.postpone_as is not None:  # newer than what was to be made up for
                self._postponed.pop(ticket.postpone_as, None)
            self._running = ticket
            return True

    def _make_up(self) -> None:
        """Do what could not be done in time."""
        while (operation := self._next_postponed()) is not None:
            try:
                _inside_store(operation)
            except SessionStoreError as error:
                _log.warning("The session store failed in the end, too. %s", error.message)
            except BaseException as error:
                _threads.log_defect(error)
            with self.lock:
                self._making_up, self._stuck = False, False

    def _next_postponed(self) -> Callable[[], object] | None:
        with self.lock:
            for owner in self._postponed:
                self._making_up = True
                return self._postponed.pop(owner)
            return None


def _inside_store(operation: Callable[[], T]) -> T:
    _inside.store = True
    try:
        return operation()
    finally:
        _inside.store = False


def _would_block() -> CometChatException:
    return CometChatException(
        WOULD_BLOCK_FOREVER,
        "A session store called the client that was waiting for it. "
        "Hand the call to another thread.",
    )


def timed_out(limit: float, *, stuck: bool = False) -> SessionStoreError:
    """Return the error for a store that did not answer."""
    what = (
        "The session store is still busy with an earlier call that did not return."
        if stuck
        else f"The session store did not answer within {limit:g} s."
    )
    return SessionStoreError(
        SESSION_STORE,
        f"{what} Is the system's keyring waiting for a password? "
        "Unlock it, then call reload(), or pass another session_store.",
        reason="timeout",
        retryable=True,
    )


def _no_thread(error: RuntimeError) -> SessionStoreError:
    problem = SessionStoreError(
        SESSION_STORE,
        "The interpreter is shutting down; the session store is closed.",
        reason="error",
    )
    problem.__cause__ = error
    return problem


STORAGE: Final = Storage()
