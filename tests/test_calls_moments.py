"""The moments at which two things meet, one by one, as races have found them (C1, C3, C8, C9)."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import cometchat_auth
from cometchat_auth import (
    AppSettings,
    CometChat,
    MemoryStore,
)
from cometchat_auth._calls import Call, Job
from cometchat_auth._outbox import Outbox
from cometchat_auth._waits import Flow

from .test_calls_jobs import Outcomes
from .tools import LIMIT, Diary, Reply, ScriptedServer, Seen, error_of, scripted, settle

OURS = str(Path(cometchat_auth.__file__).parent)
ME = b'{"data": {"uid": "u1", "name": "One"}}'


class Gate:
    """A service that holds back every answer until the test lets it go."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self.delete = Reply(body=ME)

    def script(self, seen: Seen) -> Reply:
        """Answer, once the gate is open."""
        self.arrived.release()
        self.open.wait(LIMIT)
        return self.delete if seen.method == "DELETE" else Reply(body=ME)


@pytest.fixture
def gate() -> Gate:
    """Return a closed gate."""
    return Gate()


@pytest.fixture
def server(gate: Gate) -> Iterator[ScriptedServer]:
    """Run the service behind the gate."""
    with scripted(gate.script) as server:
        yield server
        gate.open.set()


@pytest.fixture
def make(server: ScriptedServer) -> Iterator[Callable[..., CometChat]]:
    """Return what makes a client of the service."""
    made: list[CometChat] = []

    def make(**more: Any) -> CometChat:
        more.setdefault("session_store", MemoryStore())
        made.append(CometChat("app", AppSettings.for_emulator(server.url), **more))
        return made[-1]

    yield make
    for client in made:
        client.close()


def _job(outbox: Outbox, flow: Callable[[Job], Flow[Any]], **more: Any) -> tuple[Job, list[Any]]:
    """Return a job whose time is over, and what its one call is told."""
    told: list[Any] = []
    job = Job(flow, outbox, timeout=30, must_run=True, **more)
    job.add(Call(outbox, told.append, told.append))
    job.deadline._end = 0
    return job, told


def _nothing(_: Job) -> Flow[None]:
    yield from ()


def test_c7_a_cancelled_call_whose_time_runs_out_just_then_has_not_failed() -> None:
    """The clock that strikes while a call is being cancelled tells listeners nothing."""
    outbox, events = Outcomes(), Diary()
    failure = events.note("failure")
    job, told = _job(outbox, _nothing, failure=lambda error: [lambda: failure(error)])
    future = job.calls[0].future
    on_cancel = future.on_cancel
    assert on_cancel is not None

    def cancelled() -> None:
        outbox.meanwhile.append(job._expire)
        on_cancel()

    future.on_cancel = cancelled
    assert future.cancel()
    assert events.names == []
    assert [error.code for error in told] == ["CANCELLED"]
    assert outbox.under_way.wait(LIMIT)


def test_c8_work_that_must_be_done_has_time_as_soon_as_it_can_begin() -> None:
    """A worker that takes up a logout just when its time is over finds a new deadline."""
    left: list[float] = []

    def flow(job: Job) -> Flow[None]:
        left.append(job.deadline.remaining())
        yield from ()

    outbox = Outcomes()
    job, told = _job(outbox, flow)
    outbox.meanwhile.append(job._step)
    job._expire()
    assert left[0] > 0
    assert [error.code for error in told] == ["TIMEOUT"]


def test_c8_nobody_joins_a_job_that_a_worker_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that comes between a worker's giving a cancelled job up and its end is not lost."""
    outbox, joined = Outcomes(), list[bool]()
    job, _ = _job(outbox, _nothing)
    first, late = job.calls[0], Call[Any](outbox, None, None)
    on_cancel, first.future.on_cancel = first.future.on_cancel, None
    finish = job._finish

    def finish_late(*args: Any) -> None:
        monkeypatch.setattr(job, "_finish", finish)
        assert on_cancel is not None
        on_cancel()  # of the thread that cancels, which comes only now
        joined.append(job.add(late))
        finish(*args)

    monkeypatch.setattr(job, "_finish", finish_late)
    assert first.future.cancel()
    job._step()
    assert joined == [False]
    assert not late.future.done()


def test_n1_an_impatient_login_does_not_wait_for_the_same_patient_one(
    make: Callable[..., CometChat], gate: Gate
) -> None:
    """A login with less time than the same one under way fails in its own time, and alone."""
    chat = make()
    patient = chat.login("token")
    assert gate.arrived.acquire(timeout=LIMIT)
    assert error_of(chat.login("token", timeout=0.1)).code == "TIMEOUT"
    gate.open.set()
    assert patient.result(LIMIT).uid == "u1"


def test_n1_a_patient_login_does_not_fail_with_the_same_impatient_one(
    make: Callable[..., CometChat], gate: Gate
) -> None:
    """A login with more time than the same one before it does not end when that one's time does."""
    chat = make()
    chat.login("another-token")
    assert gate.arrived.acquire(timeout=LIMIT)
    chat.logout()
    impatient, patient = chat.login("token", timeout=0.1), chat.login("token")
    assert error_of(impatient).code == "TIMEOUT"
    gate.open.set()
    assert patient.result(LIMIT).uid == "u1"


def test_c8_a_late_logout_that_fails_is_told(make: Callable[..., CometChat], gate: Gate) -> None:
    """A logout that had no time before its turn and then was refused leaves no wrong last event."""
    gate.delete = Reply(status=400, body=b'{"error": {"code": "ERR_X", "message": "no"}}')
    chat, diary = make(), Diary()
    chat.add_login_listener("diary", diary.listener())
    chat.login("token")
    assert gate.arrived.acquire(timeout=LIMIT)
    assert error_of(chat.logout(timeout=0.1)).code == "TIMEOUT"
    gate.open.set()
    assert chat.check_session().result(LIMIT) is None
    settle(chat)
    assert diary.names == ["logout_failure", "login_success", "logout_failure"]
    assert diary.entries[-1][1].details["not_achieved"] == ["server"]


class Kept(MemoryStore):
    """A store that is served on the storage thread, as a keyring is."""


def test_c8_a_first_look_that_was_slow_does_not_undo_a_login(
    make: Callable[..., CometChat], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a first look finds is not believed if somebody has logged in meanwhile."""
    gate.open.set()
    chat = make(session_store=Kept())
    look_again, save = chat._engine.state.look_again, chat._engine.state.vault.save
    saving, looked = threading.Event(), threading.Event()

    def save_later(*args: Any, **more: Any) -> Flow[None]:
        saving.set()
        looked.wait(LIMIT)
        yield from save(*args, **more)

    def look_late(**more: Any) -> Flow[Any]:
        chat._engine.state.look_again = look_again  # type: ignore[method-assign]
        chat.login("token")
        assert saving.wait(LIMIT)
        found = yield from look_again(**more)
        looked.set()
        return found

    monkeypatch.setattr(chat._engine.state.vault, "save", save_later)
    monkeypatch.setattr(chat._engine.state, "look_again", look_late)
    chat.get_logged_in_user()
    chat.check_session().result(LIMIT)
    user = chat.get_logged_in_user()
    assert user is not None


def test_c10_a_future_that_is_kept_keeps_neither_call_nor_client(
    make: Callable[..., CometChat], gate: Gate
) -> None:
    """Whoever keeps a future keeps its value, not the job behind it with its credentials."""
    gate.open.set()
    future: Any = make().login("token")
    future.result(LIMIT)
    assert future.on_cancel is None


class Interrupter:
    """Acts once in the middle of what this thread does, as a signal handler does.

    Args:
        after: At which of the moments: a function of the library's begins or ends, or has called
            one of Python's.
        act: What to do.
    """

    def __init__(self, after: int, act: Callable[[], object]) -> None:
        self.left = after
        self._act = act

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Be told of a moment."""
        if event != "c_call" and frame.f_code.co_filename.startswith(OURS):
            self.left -= 1
            if self.left < 0:
                sys.setprofile(None)
                self._act()


@pytest.mark.parametrize("kind", [Kept, MemoryStore])
def test_c3_a_signal_handler_may_call_at_any_moment(kind: type[MemoryStore]) -> None:
    """Whatever a thread is in the middle of, a handler's calls are accepted, made and told once."""
    for moment in itertools.count():
        told: list[object] = []
        chat = CometChat("app", AppSettings(region="us"), session_store=kind())
        chat.reload().result(LIMIT)

        def act(chat: CometChat = chat, tell: Callable[[object], None] = told.append) -> None:
            chat.reload(on_success=tell, on_error=tell)
            chat.reload(on_success=tell, on_error=tell).cancel()
            chat.session_info()

        interrupter = Interrupter(moment, act)
        before = sys.getprofile()
        sys.setprofile(interrupter)
        try:
            act()
            chat.login("", on_error=told.append)
        finally:
            sys.setprofile(before)
        assert chat._engine.outbox.under_way.wait(LIMIT), f"moment {moment}"
        interrupted = interrupter.left < 0
        assert len(told) == (5 if interrupted else 3), f"moment {moment}"
        chat.close()
        if not interrupted:
            break
    assert moment > 100


def _ctrl_c() -> None:
    raise KeyboardInterrupt


def test_c8_ctrl_c_at_any_moment_of_a_call_stops_no_later_one() -> None:
    """A call that Ctrl-C has cut short while it was being accepted is in nobody's way."""
    for moment in itertools.count():
        told: list[object] = []
        chat = CometChat("app", AppSettings(region="us"), session_store=Kept())
        chat.reload().result(LIMIT)
        interrupter = Interrupter(moment, _ctrl_c)
        before = sys.getprofile()
        with contextlib.suppress(KeyboardInterrupt):
            try:
                sys.setprofile(interrupter)
                chat.reload()
            finally:
                sys.setprofile(before)
        chat.reload(on_success=told.append).result(LIMIT)
        settle(chat)
        assert told == [None], f"moment {moment}"
        chat.close(0.001)
        if interrupter.left >= 0:
            break
    assert moment > 30


AT_THE_END = """
import builtins, threading
from cometchat_auth import AppSettings, CometChat, MemoryStore
chat = CometChat("app", AppSettings(region="us"), session_store=MemoryStore())

class Window:
    def __init__(self):
        self.chat, self.say = chat, print

    def __del__(self):
        future = self.chat.logout(on_error=lambda error: self.say("told", error.code, flush=True))
        self.say("raised", future.exception().code, flush=True)

def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")
"""
LATE = "chat.reload().result()\nbuiltins.window = Window()"
NO_THREADS = "threading.Thread.start = refuse\nWindow()"


@pytest.mark.parametrize("end", [LATE, NO_THREADS], ids=["late", "no threads"])
def test_c5_a_call_that_comes_too_late_for_any_thread(end: str) -> None:
    """When no thread runs any more, or can be started, a call is refused and told.

    That is so in a destructor that runs when the interpreter has ended, and on Python 3.12 in
    handlers at exit.
    """
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END + end],
        cwd=Path(OURS).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert sorted(done.stdout.splitlines()) == ["raised CLIENT_CLOSED", "told CLIENT_CLOSED"]
