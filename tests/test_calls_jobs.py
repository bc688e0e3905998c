"""Jobs: when two threads want to end one at once, and when nobody has time (C1, C5, C8, C9, N1)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import Any

import pytest

from cometchat_auth import AppSettings, CometChat, MemoryStore, _threads
from cometchat_auth._calls import Call, Job
from cometchat_auth._desk import Desk
from cometchat_auth._outbox import Outbox, Slot
from cometchat_auth._waits import Flow, Pause
from cometchat_auth.events import ListenerBook

from .tools import LIMIT, Reply, Seen, error_of, scripted


class Outcomes(Outbox):
    """An outbox that does something when a place is reserved: between the lock and the end."""

    def __init__(self) -> None:
        super().__init__(lambda function: function(), None)
        self.meanwhile: list[Any] = []
        self.places_before = 0  # places to be reserved first

    def reserve(self) -> Slot:
        """Let another thread's step happen here."""
        self.places_before -= 1
        while self.meanwhile and self.places_before < 0:
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
    outbox.places_before = 1  # that of `cancel` itself
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
    outbox.places_before = 1
    outbox.meanwhile.append(lambda: joined.append(job.add(late)))
    assert call.future.cancel()
    assert joined == [False]
    assert not late.future.done()
    assert outbox.under_way.wait(LIMIT)


def test_c8_a_call_that_joins_while_the_one_before_is_cancelled_gets_its_outcome() -> None:
    """A call that joins just when a worker finds the only one before it cancelled is served."""
    told: list[Any] = []
    outbox = Outcomes()

    def flow(_: Job) -> Flow[str]:
        yield from ()
        return "value"

    job = Job(flow, outbox, timeout=30)
    late = _call(outbox, told)

    class Cancelled(Call[Any]):
        """A call that is cancelled, and joined by another, just when it is about to begin."""

        def begin(self) -> bool:
            if not self.future.cancelled():
                Future.cancel(self.future)
                assert job.add(late)
            return super().begin()

    job.add(Cancelled(outbox, told.append, told.append))
    job._step()
    assert (late.future.result(LIMIT), told, job.over) == ("value", ["value"], True)
    assert outbox.under_way.wait(LIMIT)


def test_c8_a_login_is_not_refused_because_of_one_that_has_just_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A login that comes just when the same login ends is neither joined to it nor refused."""
    outbox, told = Outcomes(), list[Any]()
    desk, go_on, over = Desk(outbox, ListenerBook(), 30), threading.Event(), threading.Event()
    jobs: list[Job] = []

    def flow(job: Job) -> Flow[str]:
        jobs.append(job)
        go_on.wait(LIMIT)
        yield from ()
        return f"value {len(jobs)}"

    def login() -> Future[Any]:
        call = _call(outbox, told)
        return desk.take_turns(call, lambda: desk.job(flow, None, what="same"))

    add = Job.add

    def add_too_late(job: Job, call: Call[Any]) -> bool:
        if jobs and job is jobs[0] and not over.is_set():
            outbox.meanwhile.append(over.set)
            go_on.set()
            assert over.wait(LIMIT)
        return add(job, call)

    first = login()
    while not jobs:
        assert not wait([first], 0.01).done
    monkeypatch.setattr(Job, "add", add_too_late)
    second = login()
    assert [first.result(LIMIT), second.result(LIMIT)] == ["value 1", "value 2"]
    assert outbox.under_way.wait(LIMIT)
    assert told == ["value 1", "value 2"]


def test_c5_ctrl_c_while_a_call_is_cancelled_holds_up_no_callback() -> None:
    """Ctrl-C in the middle of a cancellation leaves no empty place in the order of callbacks."""
    told: list[Any] = []
    outbox = Outcomes()
    call = _call(outbox, told)

    def press() -> None:
        raise KeyboardInterrupt

    call.future.on_cancel = press
    with pytest.raises(KeyboardInterrupt):
        call.future.cancel()
    outbox.send(lambda: told.append("next"))
    assert told == ["next"]


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


@pytest.fixture
def hung() -> Iterator[tuple[str, threading.Event]]:
    """Run a service that does not answer until it is told to; return its URL and what tells it."""
    release = threading.Event()

    def script(_: Seen) -> Reply:
        release.wait(LIMIT)
        return Reply(status=404)

    with scripted(script) as server:
        yield server.url, release
        release.set()


def test_n1_a_call_expires_while_all_workers_and_the_dispatcher_are_busy(
    hung: tuple[str, threading.Event],
) -> None:
    """With every worker at a socket and the dispatcher in a callback a call still expires."""
    url, release = hung
    go_on = threading.Event()
    clients = [
        CometChat("app", AppSettings.for_emulator(url), session_store=MemoryStore())
        for _ in range(_threads.REQUEST_WORKERS + 1)
    ]
    clients[0].login("", on_error=lambda _: go_on.wait(LIMIT))
    busy = [client.login("token", timeout=LIMIT) for client in clients[1:]]
    late = clients[0].login("token", timeout=0.2)
    try:
        assert wait([late], LIMIT / 2).done  # unlike `result` this does not look at the clock
        assert error_of(late).code == "TIMEOUT"
        assert not any(future.done() for future in busy)
    finally:
        go_on.set()
        release.set()
        for client in clients:
            client.close(LIMIT)


def test_c5_what_close_has_waited_for_is_not_waited_for_again(
    hung: tuple[str, threading.Event],
) -> None:
    """What a close has waited for in vain does not hold up the end of the program once more."""
    url, release = hung
    chat = CometChat("app", AppSettings.for_emulator(url), session_store=MemoryStore())
    future = chat.login("token", timeout=LIMIT)
    assert not _threads.wait_for_all(0.1)
    chat.close(0.1)
    assert _threads.wait_for_all(0.1)
    assert not future.done()
    release.set()
    chat.close(LIMIT)
    assert future.done()


def test_c5_ctrl_c_while_a_close_waits(
    hung: tuple[str, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C in a close the end of the program does not wait for that client either."""
    url, release = hung
    chat = CometChat("app", AppSettings.for_emulator(url), session_store=MemoryStore())
    future = chat.login("token", timeout=LIMIT)

    def press(_self: object, _limit: float, **_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_threads.UnderWay, "wait", press)
        with pytest.raises(KeyboardInterrupt):
            chat.close()
    assert _threads.wait_for_all(0.1)
    assert not future.done()
    release.set()
    chat.close(LIMIT)


def test_c5_ctrl_c_while_the_main_thread_keeps_the_clock() -> None:
    """Ctrl-C in a task that the main thread happens to run is not lost, nor is the task."""
    _threads.start()
    tries: list[str] = []
    done = threading.Event()

    def task() -> None:
        tries.append(threading.current_thread().name)
        if len(tries) == 1:
            raise KeyboardInterrupt
        done.set()

    with pytest.raises(KeyboardInterrupt):
        _threads.run_guarded(task)
    assert done.wait(LIMIT)
    assert tries[1].startswith("cometchat-request")


def test_c8_a_close_waits_for_a_call_that_is_just_being_accepted(
    hung: tuple[str, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that found the client open is over when a close at the same moment returns."""
    url, release = hung
    chat = CometChat("app", AppSettings.for_emulator(url), session_store=MemoryStore())
    accepting, go_on = threading.Event(), threading.Event()
    make, futures = chat._engine.desk.job, list[Future[Any]]()

    def slowly(*args: Any, **options: Any) -> Job:
        accepting.set()
        go_on.wait(LIMIT)
        return make(*args, **options)

    monkeypatch.setattr(chat._engine.desk, "job", slowly)
    calling = threading.Thread(target=lambda: futures.append(chat.login("token")))
    closing = threading.Thread(target=chat.close, args=(LIMIT,))
    calling.start()
    assert accepting.wait(LIMIT)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    go_on.set()
    release.set()
    for thread in (calling, closing):
        thread.join(LIMIT)
    assert futures[0].done()


@pytest.mark.parametrize("told_by", ["on_error", "done-callback"])
def test_c3_who_is_told_of_a_cancelled_call_may_wait_for_the_next_one(
    hung: tuple[str, threading.Event], told_by: str
) -> None:
    """A cancelled call is out of the way of those behind it before anybody is told of it."""
    url, release = hung
    chat = CometChat(
        "app",
        AppSettings.for_emulator(url),
        session_store=MemoryStore(),
        dispatcher=lambda function: function(),
    )
    outcomes: list[Any] = []

    def act(_: object) -> None:
        release.set()
        outcomes.append(after.result(LIMIT))

    chat.login("token")
    cancelled = chat.logout(on_error=act if told_by == "on_error" else None)
    if told_by == "done-callback":
        cancelled.add_done_callback(act)
    after = chat.check_session()
    assert cancelled.cancel()
    assert outcomes == [None]
    chat.close(LIMIT)


def test_c8_a_first_look_in_memory_does_not_undo_what_a_login_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who looks for the first time while somebody logs in believes the login, not the look."""
    store, looked, go_on = MemoryStore(), threading.Event(), threading.Event()
    load = MemoryStore.load

    def slowly(self: MemoryStore, service_name: str, profile: str) -> str | None:
        record = load(self, service_name, profile)
        if not looked.is_set():
            looked.set()
            go_on.wait(LIMIT)
        return record

    monkeypatch.setattr(MemoryStore, "load", slowly)
    with scripted(lambda _: Reply(body=b'{"data": {"uid": "u1", "name": "One"}}')) as server:
        settings = AppSettings.for_emulator(server.url)
        with CometChat("app", settings, session_store=store) as chat:
            looking = threading.Thread(target=chat.get_logged_in_user)
            looking.start()
            assert looked.wait(LIMIT)
            login = chat.login("token")
            wait([login], 0.2)
            go_on.set()
            assert login.result(LIMIT).uid == "u1"
            looking.join(LIMIT)
            assert chat.session_info().reason == "memory"


def test_c5_what_is_under_way_is_waited_for_until_it_is_over_or_given_up() -> None:
    """Calls, places and callbacks count until each is over; what is given up is not waited for."""
    one, other = _threads.UnderWay(), _threads.UnderWay()
    eras = [one.enter(), one.enter(), other.enter()]
    assert not one.wait(0.01)
    assert not _threads.wait_for_all(0.01)
    other.leave(eras.pop())
    one.give_up()
    one.give_up()
    assert _threads.wait_for_all(0.01)
    assert not one.wait(0.01)
    for era in eras:
        one.leave(era)
    assert one.wait(0.01)
    one.leave(object())  # of an era that a fork has ended
    assert one.wait(0.01)
    era = one.enter()
    assert not _threads.wait_for_all(0.01)
    one.leave(era)
    one.reserved += 1
    assert not _threads.wait_for_all(0.01)
    one.emptied += 1
    one.posted += 1
    assert not _threads.wait_for_all(0.01)
    one.delivered += 1
    assert _threads.wait_for_all(0.01)
