"""Jobs at the moments when two threads want to end them at once (C1, C8, C9)."""

from __future__ import annotations

import threading
from typing import Any

from cometchat_auth import _threads
from cometchat_auth._calls import Call, Job
from cometchat_auth._waits import Flow, Pause
from cometchat_auth.events import Outbox, Slot

from .tools import LIMIT


class Outcomes(Outbox):
    """An outbox that does something when a place is reserved: between the lock and the end."""

    def __init__(self) -> None:
        super().__init__(lambda function: function(), None)
        self.meanwhile: list[Any] = []

    def reserve(self) -> Slot:
        """Let another thread's step happen here."""
        while self.meanwhile:
            self.meanwhile.pop()()
        return super().reserve()


def _call(outbox: Outbox, told: list[Any]) -> Call[Any]:
    return Call(outbox, told.append, told.append)


def test_c9_a_worker_that_comes_while_a_call_is_cancelled_does_nothing() -> None:
    """A worker that takes the job up while its only call is being cancelled sends nothing."""
    begun: list[Job] = []
    told: list[Any] = []

    def flow(job: Job) -> Flow[None]:
        begun.append(job)
        yield from ()

    outbox = Outcomes()
    job = Job(flow, outbox, timeout=30)
    call = _call(outbox, told)
    job.add(call)
    outbox.meanwhile.append(job._step)
    assert call.future.cancel()
    assert (begun, job.over) == ([], True)
    assert [error.code for error in told] == ["CANCELLED"]
    assert outbox.under_way.wait(LIMIT)


def test_c8_nobody_joins_a_job_that_was_cancelled() -> None:
    """A call that comes while the only one before it is being cancelled is not joined to it."""
    told: list[Any] = []
    joined: list[bool] = []

    def flow(_: Job) -> Flow[None]:
        yield from ()

    outbox = Outcomes()
    job = Job(flow, outbox, timeout=30)
    call, late = _call(outbox, told), _call(outbox, told)
    job.add(call)
    outbox.meanwhile.append(lambda: joined.append(job.add(late)))
    assert call.future.cancel()
    assert joined == [False]
    assert not late.future.done()
    assert outbox.under_way.wait(LIMIT)


def test_c1_a_clock_that_strikes_while_a_worker_runs_ends_nothing() -> None:
    """A job whose time runs out just when a worker has taken it up is left to the worker."""
    _threads.start()
    running, go_on, over = threading.Event(), threading.Event(), threading.Event()
    told: list[Any] = []

    def flow(_: Job) -> Flow[str]:
        running.set()
        go_on.wait(LIMIT)
        yield Pause(0)
        return "value"

    outbox = Outcomes()
    job = Job(flow, outbox, timeout=30, release=lambda _: over.set())
    call = _call(outbox, told)
    job.add(call)
    job.start()
    assert running.wait(LIMIT)
    job.deadline._end = 0
    job._expire()
    assert (told, job.over) == ([], False)
    job.deadline.lift()
    go_on.set()
    assert call.future.result(LIMIT) == "value"
    assert over.wait(LIMIT)
    assert outbox.under_way.wait(LIMIT)
    assert told == ["value"]


def test_c8_work_that_must_be_done_tells_each_thing_once() -> None:
    """A job told too late of its turn says so once, is done all the same, and then tells that."""
    told: list[Any] = []
    events: list[str] = []

    def flow(job: Job) -> Flow[None]:
        job.tell([lambda: events.append("done")])
        yield from ()

    outbox = Outcomes()
    job = Job(
        flow,
        outbox,
        timeout=30,
        failure=lambda _: [lambda: events.append("failure")],
        must_run=True,
    )
    job.add(_call(outbox, told))
    job.deadline._end = 0
    job._expire()
    assert (events, [error.code for error in told], job.over) == (["failure"], ["TIMEOUT"], False)
    job._step()
    assert (events, len(told), job.over) == (["failure", "done"], 1, True)
    assert outbox.under_way.wait(LIMIT)
