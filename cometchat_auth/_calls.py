"""From a method of the client to its outcome: futures, jobs, and exactly one outcome for each.

A `Call` is what a user asked for: a future and two callbacks. A `Job` is the work: a flow, run
on the request workers. Two identical logins are two calls that share one job.
"""

from __future__ import annotations

import enum
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FuturesTimeout  # its own class in Python 3.10
from typing import Any, Generic, TypeVar

from . import _locks, _threads
from ._outbox import Outbox
from ._waits import Deadline, Flow, Wait
from .errors import (
    CANCELLED,
    CLIENT_CLOSED,
    INTERNAL_ERROR,
    TIMEOUT,
    WOULD_BLOCK_FOREVER,
    CallCancelledError,
    ClientClosedError,
    CometChatException,
    NoAnswerError,
)
from .events import Delivery

T = TypeVar("T")


class CallFuture(Future[T]):
    """A future whose done-callbacks run where all callbacks of its client run."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._condition = _locks.Condition()
        self._outbox = outbox
        self._process = os.getpid()
        self.on_cancel: Callable[[], None] | None = None

    def result(self, timeout: float | None = None) -> T:
        """Return the outcome, or raise it, as ``concurrent.futures.Future`` does.

        Raises:
            CometChatException: ``WOULD_BLOCK_FOREVER`` on a thread that would have to do the
                work it waits for, and in a forked child for a call of its parent.
        """
        self._wait(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the call raised, or ``None``, as ``concurrent.futures.Future`` does."""
        self._wait(timeout)
        return super().exception(0)

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Have a function called with this future when it is done, on the dispatcher."""
        super().add_done_callback(lambda _: self._outbox.send(lambda: fn(self)))

    def cancel(self) -> bool:
        """Cancel the call if it has not begun; nothing is sent then."""
        if os.getpid() != self._process:
            return False  # it is the affair of this process's parent
        slot = self._outbox.reserve()  # nobody is told before it is out of others' way
        try:
            cancelled = super().cancel()
            with self._condition:
                on_cancel, self.on_cancel = self.on_cancel, None
            if cancelled and on_cancel is not None:
                on_cancel()
        finally:  # after Ctrl-C too: a place that stays empty would hold up all that follow
            self._outbox.fill(slot, [])
        return cancelled

    def _wait(self, timeout: float | None) -> None:
        if self.done():
            return
        if _threads.REQUESTS.is_member() or _threads.STORAGE.is_member():
            raise _would_block(
                "This thread does the work that would be waited for. Wait on a thread of your own."
            )
        if os.getpid() != self._process:
            raise _would_block(
                "The call was made before this process was forked, and is its parent's affair. "
                "Call again here."
            )
        if sys.is_finalizing():
            raise _would_block("The interpreter is ending, and nobody works any more.")
        end = None if timeout is None else time.monotonic() + timeout
        while not self.done():
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            try:
                super().exception(_threads.patience(left))
            except (CancelledError, FuturesTimeout):
                _threads.CLOCK.run_due()
            except RuntimeError as error:
                _locks.raise_interrupt(error)
                raise


class Call(Generic[T]):
    """One call of a method, as its caller sees it.

    Args:
        outbox: The way to the caller's callbacks.
        on_success: Called with the value.
        on_error: Called with the exception.
    """

    def __init__(
        self,
        outbox: Outbox,
        on_success: Callable[[T], object] | None,
        on_error: Callable[[CometChatException], object] | None,
    ) -> None:
        self.future: CallFuture[T] = CallFuture(outbox)
        self._on_success = on_success
        self._on_error = on_error
        self._lock = threading.RLock()
        self._begun: bool | None = None

    def begin(self) -> bool:
        """Mark the future as running; return whether it had not been cancelled."""
        with self._lock:
            if self._begun is None:
                self._begun = self.future.set_running_or_notify_cancel()
                if self._begun:
                    self.future.on_cancel = None  # or who keeps the future would keep the job
            return self._begun

    def resolve(self, value: Any, error: CometChatException | None) -> list[Delivery]:
        """Resolve the future and return the callback that is due, if any."""
        if not self.begin():
            return []  # cancelled meanwhile, and told so
        if error is None:
            self.future.set_result(value)
            return [] if self._on_success is None else [_bound(self._on_success, value)]
        self.future.set_exception(error)
        return self.refused(error)

    def refused(self, error: CometChatException) -> list[Delivery]:
        """Return the error callback, if there is one."""
        return [] if self._on_error is None else [_bound(self._on_error, error)]


def _bound(callback: Callable[[Any], object], argument: Any) -> Delivery:
    return lambda: callback(argument)


class Stage(enum.Enum):
    """How far a job has come."""

    WAITING = enum.auto()  # for its turn, or for a worker
    RUNNING = enum.auto()  # on a worker
    PARKED = enum.auto()  # its flow waits for something
    DONE = enum.auto()


class Job:
    """A flow on its way through the request workers, and the calls that wait for it.

    Args:
        flow: Makes the flow; called when the job begins, with the job.
        outbox: The way to the user's callbacks.
        timeout: Seconds for waiting and network together.
        failure: Returns what listeners are told if it fails.
        release: Called when the job is over, before any future is resolved.
        what: What tells it from others, e.g. whose login it is.
        must_run: Whether it is carried out even if its time runs out while it waits.
    """

    def __init__(
        self,
        flow: Callable[[Job], Flow[Any]],
        outbox: Outbox,
        *,
        timeout: float,
        failure: Callable[[CometChatException], list[Delivery]] | None = None,
        release: Callable[[Job], None] | None = None,
        what: Hashable = None,
        must_run: bool = False,
    ) -> None:
        self.deadline = Deadline(timeout)
        self.what = what
        self.calls: list[Call[Any]] = []
        self.has_turn = False  # kept by the lane
        self._make_flow = flow
        self._flow: Flow[Any] | None = None
        self._outbox = outbox
        self._failure = failure
        self._release = release
        self._must_run = must_run
        self._told: list[Delivery] = []
        self._lock = threading.RLock()
        self._stage = Stage.WAITING
        self._parked_at: Wait | None = None
        self._timer: _threads.Timer | None = None
        self._detached = False  # whether the calls were told, but the work is still to be done
        self._abandoned = False  # whether every call was cancelled before the work began
        self._era = outbox.under_way.enter()

    def add(self, call: Call[Any]) -> bool:
        """Let a call share the outcome; return whether it was not too late."""
        with self._lock:
            if self.over or self._detached:
                return False
            call.future.on_cancel = lambda: self._cancelled(call)
            self.calls.append(call)
        return True

    @property
    def over(self) -> bool:
        """Return whether nothing more comes of it, even if its calls are still being told."""
        return self._stage is Stage.DONE or self._abandoned

    def tell(self, deliveries: list[Delivery]) -> None:
        """Note what listeners have to be told before the calls' own callbacks."""
        self._told += deliveries

    def drop(self) -> None:
        """Forget the job before it has begun and before any call waits for it."""
        self._finish(None, None)

    def await_turn(self) -> None:
        """Let the clock run while the job waits behind others."""
        self._arm()

    def start(self) -> None:
        """Hand the job to a worker."""
        if not _threads.REQUESTS.submit_and_tell(self._step):
            self._arm()

    def _step(self) -> None:
        """Run the flow up to its next wait; on a worker."""
        with self._lock:
            if self.over or self._stage is not Stage.WAITING:
                return  # or has been started twice
            fresh = self._flow is None
            self._stage = Stage.RUNNING
            self._disarm()
            calls = list(self.calls)
        begun = [call.begin() for call in calls]
        if fresh and calls and not any(begun) and self._nobody_waits(calls):
            self._finish(None, None)
            return
        try:
            if self._flow is None:
                self._flow = self._make_flow(self)
            while (wait := next(self._flow)).is_over():
                pass
        except StopIteration as stop:
            self._finish(stop.value, None)
        except CometChatException as error:
            self._finish(None, error)
        except BaseException as error:
            self._finish(None, _internal(error))
        else:
            self._park(wait)

    def _nobody_waits(self, cancelled: list[Call[Any]]) -> bool:
        """Return whether no other call has joined meanwhile; none can from now on, if so."""
        with self._lock:
            self._abandoned = not self._detached and all(call in cancelled for call in self.calls)
            return self._abandoned

    def _park(self, wait: Wait) -> None:
        with self._lock:
            self._stage, self._parked_at = Stage.PARKED, wait
        wait.arm(lambda: self._resume(wait))

    def _resume(self, wait: Wait) -> None:
        """Go on after a wait; being told more than once does no harm."""
        with self._lock:
            if self._stage is not Stage.PARKED or self._parked_at is not wait:
                return
            self._stage, self._parked_at = Stage.WAITING, None
        self.start()

    def _arm(self) -> None:
        with self._lock:
            left = self.deadline.remaining()
            if self._stage is Stage.WAITING and not self._detached and left != math.inf:
                self._disarm()
                self._timer = _threads.CLOCK.after(left, self._expire)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        """End a job whose time has run out while it waited for a worker or its turn."""
        if self.deadline.remaining():
            self._arm()
        else:
            self._finish(None, _waited_too_long(self.deadline), only_waiting=True)

    def _cancelled(self, call: Call[Any]) -> None:
        error = CallCancelledError(CANCELLED, "The call was cancelled before it began.")
        with self._lock:
            if call in self.calls:
                self.calls.remove(call)
            waiting = self._stage is Stage.WAITING and not self._detached
            self._abandoned |= not self.calls and self._flow is None and waiting
        call.begin()  # wakes those who wait for a cancelled future
        slot = self._outbox.reserve()
        if self._abandoned:
            self._finish(None, None)
        self._outbox.fill(slot, call.refused(error))

    def _finish(
        self, value: Any, error: CometChatException | None, *, only_waiting: bool = False
    ) -> None:
        """Tell everyone, in the one order: state is committed, futures, listeners, callbacks."""
        with self._lock:
            waiting = self._stage is Stage.WAITING and not self._abandoned
            if self._stage is Stage.DONE or (only_waiting and not waiting):
                return
            goes_on = self._must_run and waiting and error is not None
            if goes_on:
                self.deadline = Deadline(self.deadline.seconds)
            else:
                self._stage = Stage.DONE
            calls, self.calls = self.calls, []
            self._detached = self._detached or goes_on
            self._disarm()
            flow = self._flow
        slot = self._outbox.reserve()
        if not goes_on and flow is not None:
            flow.close()
        # What a flow that goes on has to tell is told when it has come to its end.
        told = [] if goes_on else self._told
        if error is not None and self._failure is not None:
            told = told + self._failure(error)
        if not goes_on and self._release is not None:
            self._release(self)
        for call in calls:
            told = told + call.resolve(value, error)
        self._outbox.fill(slot, told)
        if not goes_on:
            self._outbox.under_way.leave(self._era)


def settle(
    outbox: Outbox, call: Call[Any], error: CometChatException, told: list[Delivery]
) -> None:
    """End a call that never becomes a job."""
    error.with_traceback(None)  # its frames hold the arguments, credentials among them
    slot = outbox.reserve()
    try:
        told = told + call.resolve(None, error)
    finally:  # after Ctrl-C too
        outbox.fill(slot, told)


def _would_block(why: str) -> CometChatException:
    return CometChatException(WOULD_BLOCK_FOREVER, why)


def _waited_too_long(deadline: Deadline) -> NoAnswerError:
    return NoAnswerError(
        TIMEOUT,
        f"The call's {deadline.seconds:g} s were over before it was its turn. "
        "Make fewer calls at once, or give a longer timeout.",
        retryable=True,
        reason="timeout",
    )


def _internal(error: BaseException) -> CometChatException:
    problem = CometChatException(
        INTERNAL_ERROR,
        f"A defect of this library: {type(error).__name__}. Please report it with the log.",
    )
    _threads.log_defect(error)
    return problem


def closed(why: str = "The client was closed; make a new one.") -> ClientClosedError:
    """Return the error for a call that comes too late."""
    return ClientClosedError(CLIENT_CLOSED, why)
