"""Where a client's calls are accepted, refused, and take their turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from . import _checks, _threads
from ._calls import Call, Job, closed, settle
from ._outbox import Outbox
from ._waits import Flow
from .errors import LOGIN_IN_PROGRESS, CometChatException, LoginInProgressError
from .events import Delivery, ListenerBook

T = TypeVar("T")

MakeFlow = Callable[[Job], Flow[Any]]

LOGOUT: Final = "logout"  # what tells a logout from the logins in the lane


class Desk:
    """The calls of one client: those under way, and the lane of those that change who is logged in.

    One job of the lane runs at a time. A login joins the same login before it; another one is
    refused. A logout waits for its turn, and what comes after it waits for the logout.

    Args:
        outbox: The way to the user's callbacks.
        book: Who is told of failures.
        timeout: Seconds for a call that says nothing else.
    """

    def __init__(self, outbox: Outbox, book: ListenerBook, timeout: float) -> None:
        self._outbox = outbox
        self._book = book
        self._timeout = timeout
        self._closed = False
        self.reset()

    def reset(self) -> None:
        """Forget the calls under way, as a forked child has to: they are its parent's."""
        self._lock = threading.RLock()
        self._lane: deque[Job] = deque()
        self._outbox.reset()

    def close(self) -> None:
        """Accept no further calls."""
        with self._lock:
            self._closed = True

    def require_open(self) -> None:
        """Raise `ClientClosedError` after `close`."""
        if self._closed:
            raise closed()

    def call(
        self,
        on_success: Callable[[T], object] | None,
        on_error: Callable[[CometChatException], object] | None,
    ) -> Call[T]:
        """Return a call of a method of this client's."""
        return Call(self._outbox, on_success, on_error)

    def logout_job(self, flow: MakeFlow, timeout: float | None) -> Job:
        """Return the job of a logout; see `job`."""
        return self.job(flow, timeout, failure="logout_failure", what=LOGOUT, must_run=True)

    def job(
        self,
        flow: MakeFlow,
        timeout: float | None,
        *,
        failure: str | None = None,
        what: Hashable = None,
        must_run: bool = False,
    ) -> Job:
        """Return a job.

        Args:
            flow: Makes its flow.
            timeout: Seconds, or ``None`` for the client's.
            failure: The event that tells listeners of its failure.
            what: What makes two logins the same, or `LOGOUT`.
            must_run: Whether it is carried out even if its time runs out while it waits.

        Raises:
            InvalidParameterError: If the time-out cannot be used.
            ClientClosedError: If the interpreter is shutting down.
        """
        limit = self._timeout if timeout is None else _checks.seconds("timeout", timeout)
        _start_threads()
        return Job(
            flow,
            self._outbox,
            timeout=limit,
            failure=None if failure is None else self._telling(failure),
            release=self._leave_lane,
            what=what,
            must_run=must_run,
        )

    def run(self, call: Call[T], prepared: Callable[[], Job]) -> Future[T]:
        """Start a job that need not wait for others."""
        # Counted before it is asked whether the client is open: a close waits.
        with self._outbox.under_way.counted():
            try:
                self.require_open()
                job = prepared()
            except CometChatException as error:
                settle(self._outbox, call, error, [])
            else:
                job.add(call)
                job.start()
        return call.future

    def take_turns(
        self, call: Call[T], prepared: Callable[[], Job], *, failure: str | None = None
    ) -> Future[T]:
        """Let a job take its turn in the lane."""
        with self._outbox.under_way.counted():
            try:
                self.require_open()
                self._queue(call, prepared())
            except LoginInProgressError as error:
                settle(self._outbox, call, error, [])
            except CometChatException as error:
                told = self._book.audience(failure, error) if failure else []
                settle(self._outbox, call, error, told)
        return call.future

    def spawn(self, flow: MakeFlow) -> None:
        """Run a flow in the background whose outcome nobody waits for."""
        self.job(flow, None, must_run=True).start()

    def _telling(self, event: str) -> Callable[[CometChatException], list[Delivery]]:
        return lambda error: self._book.audience(event, error)

    def _queue(self, call: Call[Any], job: Job) -> None:
        with self._lock:
            shared = self._shared(call, job)
            if shared is None:
                job.add(call)
                self._lane.append(job)
        if shared is not None:
            job.drop()
            self._start_first()  # Ctrl-C may have cut short whoever was to start it
            if not shared:
                raise _login_in_progress()
            return
        self._start_first()
        if not job.has_turn:
            job.await_turn()

    def _shared(self, call: Call[Any], job: Job) -> bool | None:
        """Let a login join the same login before it; ``None`` if there is none in its way."""
        if job.what in {None, LOGOUT}:
            return None
        for other in reversed(list(self._lane)):
            if other.what == LOGOUT:
                return None
            if other.what == job.what:
                # With another limit of time it takes a turn of its own: neither may end the other.
                if other.deadline.seconds == job.deadline.seconds and other.add(call):
                    return True
            elif other.what is not None and not other.over:
                return False
        return None

    def _leave_lane(self, job: Job) -> None:
        with self._lock:
            if job not in self._lane:
                return
            self._lane.remove(job)
        self._start_first()

    def _start_first(self) -> None:
        """Start the first job in the lane unless somebody has."""
        with self._lock:
            first = self._lane[0] if self._lane else None
            if first is None or first.has_turn:
                return
            try:
                first.has_turn = True
                first.start()
            except BaseException:  # Ctrl-C: whoever comes next starts it, once more perhaps
                first.has_turn = False
                raise


def _login_in_progress() -> LoginInProgressError:
    return LoginInProgressError(
        LOGIN_IN_PROGRESS,
        "Another login is under way. Wait for its outcome, or call logout() first.",
    )


def _start_threads() -> None:
    try:
        _threads.start()
    except RuntimeError:
        raise closed(
            "No thread can be started, so nothing can be sent: the interpreter is shutting down, "
            "or the system has no more threads to give."
        ) from None
