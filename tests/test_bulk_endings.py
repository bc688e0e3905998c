"""Imports: however one ends, nothing is lost and nothing is left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth import CometChatException, User
from cometchat_auth.server._journal import Journal
from cometchat_auth.server._outcomes import Outcome

from .bulk_tools import (
    Model,
    busy,
    imported,
    importing,
    people,
    statuses,
    threads,
)
from .tools import LIMIT

needs_signals = pytest.mark.skipif(os.name != "posix", reason="SIGINT cannot be sent there")


class Slow(Model):
    """A service whose answers come when they are let, after the user was created."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.let = threading.Event()

    def send(self, user: User, seconds: float) -> User:
        """Create a user; from the eleventh on the answer waits."""
        created = super().send(user, seconds)
        if int(user.uid[5:]) >= 10:
            self.arrived.put(user.uid)
            assert self.let.wait(LIMIT)
        return created


def known(path: Path, count: int) -> dict[str, str | None]:
    """Return what a journal says of the first users, as the next run would see it."""
    journal = Journal(str(path), "app", "host")
    entries = journal.take([(n, f"user-{n}") for n in range(count)])
    journal.close()
    return {f"user-{n}": entry.state for n, entry in enumerate(entries)}


def half_way(model: Slow, path: Path) -> Generator[Outcome, None, None]:
    """Return an import that has yielded ten outcomes and has four requests under way."""
    work = importing(model, people(5_000), journal=path, in_flight=4)
    for _ in range(10):
        next(work)
    for _ in range(4):
        model.arrived.get(timeout=LIMIT)
    return work


def _close(work: Generator[Outcome, None, None]) -> None:
    work.close()


def _throw(work: Generator[Outcome, None, None]) -> None:
    with pytest.raises(KeyboardInterrupt):
        work.throw(KeyboardInterrupt())


@pytest.mark.parametrize("end", [_close, _throw])
def test_requests_under_way_finish_and_are_noted(
    tmp_path: Path, end: Callable[[Generator[Outcome, None, None]], None]
) -> None:
    """What was under way must be in the journal, what was not sent must be as new."""
    path = tmp_path / "journal"
    model = Slow()
    work = half_way(model, path)
    threading.Timer(0.1, model.let.set).start()
    end(work)
    assert threads() == []
    assert len(model.created) == 14
    states = known(path, 200)
    assert {uid for uid, state in states.items() if state == "created"} == set(model.created)
    assert set(states.values()) == {"created", None}


def test_an_import_that_is_dropped_ends(tmp_path: Path) -> None:
    """Losing the generator must end its threads and let go of the journal."""
    path = tmp_path / "journal"
    model = Slow()
    model.let.set()
    work = half_way(model, path)
    del work
    gc.collect()
    assert threads() == []
    states = known(path, 5_000)
    assert {uid for uid, state in states.items() if state == "created"} == set(model.created)


def test_breaking_out_of_the_loop(tmp_path: Path) -> None:
    """With `closing` the import must have ended when the block has."""
    path = tmp_path / "journal"
    with contextlib.closing(importing(Model(), people(1_000), journal=path)) as outcomes:
        for outcome in outcomes:
            if outcome.number == 10:
                break
    assert threads() == []
    assert list(known(path, 11).values())[1:10] == ["created"] * 9


def test_an_exception_from_on_progress_ends_it(tmp_path: Path) -> None:
    """What the caller's own function raises must come out, and nothing must be left."""
    error = ValueError("mine")

    def told(_: Any) -> None:
        raise error

    path = tmp_path / "journal"
    model = Model({"user-5": [busy(5.0)]})
    with pytest.raises(ValueError, match="mine") as caught:
        imported(model, people(1_000), on_progress=told, journal=path)
    assert caught.value is error
    assert threads() == []
    states = known(path, 1_000)
    assert {uid for uid, state in states.items() if state == "created"} == set(model.created)


def test_ctrl_c_while_rows_are_pulled(tmp_path: Path) -> None:
    """A KeyboardInterrupt inside the caller's rows must end the import at once, and cleanly."""
    path = tmp_path / "journal"
    model = Model()

    def rows() -> Iterator[User]:
        yield from people(1_000)
        raise KeyboardInterrupt

    outcomes: list[Outcome] = []
    with pytest.raises(KeyboardInterrupt):
        outcomes.extend(importing(model, rows(), journal=path))
    assert threads() == []
    states = known(path, 1_000)
    assert {uid for uid, state in states.items() if state == "created"} == set(model.created)


# An import in a process of its own, which says what it hears and how it ends.
PROGRAM = """
import signal, sys, threading
from cometchat_auth.server._bulk_crew import Crew
from tests.bulk_tools import Model, busy, importing, people
finish = Crew.finish
def ending(crew):
    print("ending", flush=True)
    finish(crew)
Crew.finish = ending
def heard(*_):
    print("heard", flush=True)
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, heard)
kind, path = sys.argv[1:]
class Service(Model):
    def send(self, user, seconds):
        created = super().send(user, seconds)
        if user.uid == "user-50" and kind != "waiting":
            print("there", flush=True)
            if kind == "hanging":
                threading.Event().wait(600)
        return created
said = []
def told(progress):
    if progress.waiting and not said:
        said.append(print("there", flush=True))
model = Service({"user-50": [busy(600.0)]} if kind == "waiting" else None)
try:
    for outcome in importing(model, people(1_000_000), journal=path, on_progress=told):
        pass
except KeyboardInterrupt:
    print(*model.created, flush=True)
"""


@contextlib.contextmanager
def started(kind: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start an import in another process, and wait until it is in the middle of it."""
    command = [sys.executable, "-c", PROGRAM, kind, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said(process, "there")
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], line: str) -> None:
    """Wait for what the process says next."""
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"


@needs_signals
@pytest.mark.parametrize("kind", ["running", "waiting"])
def test_ctrl_c_gets_through_at_once(tmp_path: Path, kind: str) -> None:
    """One Ctrl-C must end an import that runs or waits, and everything done must be noted."""
    path = tmp_path / "journal"
    with started(kind, path) as process:
        process.send_signal(signal.SIGINT)
        said(process, "heard")
        said(process, "ending")
        out, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
    created = set(out.split())
    assert len(created) >= 35  # the fiftieth was met, with at most 15 before it under way
    states = known(path, len(created) + 1_000)
    assert {uid for uid, state in states.items() if state == "created"} == created


@needs_signals
def test_a_signal_that_is_handled_slowly_does_not_stop_the_figures() -> None:
    """While the import waits a handler may take long: `on_progress` must still be called."""
    program = """
import signal, sys, time
from tests.bulk_tools import Model, busy, importing, people
signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.05))
figures = []
def told(progress):
    figures.append(progress)
    if len(figures) == 10:
        raise KeyboardInterrupt
    signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    list(importing(Model({"user-0": [busy(600.0)]}), people(1), on_progress=told))
except KeyboardInterrupt:
    print("ended")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split() == ["ended"], done.stderr


@needs_signals
def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    """While a request hangs a second Ctrl-C must end it; the mark of that request must remain."""
    path = tmp_path / "journal"
    with started("hanging", path) as process:
        process.send_signal(signal.SIGINT)
        said(process, "heard")
        said(process, "ending")
        process.send_signal(signal.SIGINT)
        said(process, "heard")
        process.communicate(timeout=LIMIT)
        assert process.returncode == 0
    assert known(path, 51)["user-50"] == "sent"


@needs_signals
def test_sigkill_leaves_a_mark_for_everything_that_was_sent(tmp_path: Path) -> None:
    """After a SIGKILL each user that may be there must be marked, and the next run find out."""
    path = tmp_path / "journal"
    with started("hanging", path) as process:
        process.kill()
        process.wait()
    assert known(path, 51)["user-50"] == "sent"
    model = Model()
    model.users = {user.uid: user for user in people(51)}
    outcomes = imported(model, people(100), journal=path)
    assert statuses(outcomes) == ["created"] * 100
    assert not outcomes[50].resumed
    assert model.of("user-50") == ["look"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_an_import_does_not_go_on_in_a_forked_child(tmp_path: Path) -> None:
    """A child must be told at once, and the parent's import and journal stay as they are."""
    program = """
import os, sys, warnings
from tests.bulk_tools import Model, importing, people
warnings.simplefilter("ignore", DeprecationWarning)
work = importing(Model(), people(1_000), journal=sys.argv[1])
next(work)
if not (child := os.fork()):
    try:
        list(work)
    except Exception as error:
        print(error.code, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(os.path.exists(f"{sys.argv[1]}-wal"), len(list(work)))
"""
    path = tmp_path / "journal"
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split() == ["WOULD_BLOCK_FOREVER", "True", "999"], done.stderr
    assert set(known(path, 1_000).values()) == {"created"}


def test_as_many_threads_as_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no more threads can be started the import must do with those it has."""
    start = threading.Thread.start
    allowed = ["first", "second"]

    def start_some(self: threading.Thread) -> None:
        if not allowed:
            raise RuntimeError("can't start new thread")
        allowed.pop()
        start(self)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    assert statuses(imported(Model(), people(100))) == ["created"] * 100
    with pytest.raises(CometChatException, match="cannot start a thread") as caught:
        imported(Model(), people(100))
    assert isinstance(caught.value.__cause__, RuntimeError)
