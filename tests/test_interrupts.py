"""Ctrl-C in the middle of anything: no lock stays taken, no thread unknown, no work unfinished."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from cometchat_auth import CometChat
from cometchat_auth._answers import Request, outcome
from cometchat_auth._connections import _Idle
from cometchat_auth._crews import Clock, Crew
from cometchat_auth._desk import Desk
from cometchat_auth._locks import Flag, raise_interrupt
from cometchat_auth._secrets import Secret
from cometchat_auth._transport import Answer
from cometchat_auth.cli._import_stop import Stop
from cometchat_auth.emulator import Emulator
from cometchat_auth.emulator._server_workers import Workers
from cometchat_auth.errors import RateLimitError

from .real_parts import require
from .test_cli import run
from .tools import LIMIT

UID = "cometchat-uid-1"


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return run(sys.executable, "-W", "error", "-c", code, *arguments)


def interrupt(*_: Any, **__: Any) -> None:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


# -- Locks --------------------------------------------------------------------------------------

STORM = """
import random, signal, sys, threading
from cometchat_auth._locks import Condition, Flag

class Over(Exception):
    pass

def heard(*_):
    raise Over

signal.signal(signal.SIGALRM, heard)

def condition():
    tested = Condition()
    def use():
        with tested:
            pass
    def is_free():
        return not tested._is_owned()
    return use, is_free

def flag():
    tested = Flag()
    def use():
        tested.wait(0)
    def is_free():
        tested.set()
        return tested.wait(0) and tested.wait(0)
    return use, is_free

for number in range(400):
    use, is_free = {"condition": condition, "flag": flag}[sys.argv[1]]()
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-4))
        while True:
            use()
    except Over:
        pass
    if not is_free():
        print("taken for ever, at", number)
        break
else:
    print("free")
"""


@pytest.mark.parametrize("kind", ["condition", "flag"])
def test_c9_no_lock_stays_taken(kind: str) -> None:
    """However often a signal handler raises inside, the next one finds the lock free."""
    require(None if hasattr(signal, "setitimer") else "there are no alarms")
    done = python(STORM, kind)
    assert (done.stdout, done.stderr) == ("free\n", "")


def test_a_flag_wakes_all_who_wait() -> None:
    """Whoever waits is woken, and whoever comes later does not wait; in vain is for the limit."""
    flag, woken = Flag(), queue.SimpleQueue[bool]()
    assert not flag.wait(0.01)
    waiting = [threading.Thread(target=lambda: woken.put(flag.wait(LIMIT))) for _ in range(5)]
    for thread in waiting:
        thread.start()
    flag.set()
    flag.set()
    assert [woken.get(timeout=LIMIT) for _ in waiting] == [True] * 5
    assert flag.wait()
    assert flag.is_set()
    for thread in waiting:
        thread.join()


def test_what_threading_makes_of_ctrl_c_is_ctrl_c() -> None:
    """An error about a lock in place of a KeyboardInterrupt is one; any other stays an error."""
    try:
        try:
            interrupt()
        finally:
            threading.Lock().release()
    except RuntimeError as error:
        with pytest.raises(KeyboardInterrupt):
            raise_interrupt(error)
    raise_interrupt(RuntimeError("can't start new thread"))


def test_idle_connections_are_a_queue() -> None:
    """The last one put comes first; an empty or full one says so as urllib3 expects it."""
    idle = _Idle(2)
    idle.put("first")
    idle.put("second")
    with pytest.raises(queue.Full):
        idle.put("third", block=False)
    assert idle.qsize() == 2
    assert [idle.get(block=False), idle.get()] == ["second", "first"]
    with pytest.raises(queue.Empty):
        idle.get(block=False)


# -- The client ---------------------------------------------------------------------------------


def test_c9_a_login_cut_short_is_no_obstacle(
    emulator: Emulator, chat: CometChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Ctrl-C comes before a login was begun, the same login again begins it, and both end."""
    with monkeypatch.context() as patched:
        patched.setattr(Desk, "_start_first", interrupt)
        with pytest.raises(KeyboardInterrupt):
            chat.login(UID, emulator.auth_key)
    assert chat.login(UID, emulator.auth_key).result(LIMIT).uid == UID
    chat.logout().result(LIMIT)


def test_c2_a_thread_whose_start_was_cut_short_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """If Ctrl-C comes when a thread has just been started, no second one is started beside it."""
    start, told = threading.Thread.start, queue.SimpleQueue[str]()

    def start_and_press(thread: threading.Thread) -> None:
        start(thread)
        told.get(timeout=LIMIT)
        raise KeyboardInterrupt

    class Telling(Crew):
        def _enroll(self, thread: threading.Thread) -> None:
            super()._enroll(thread)
            told.put(thread.name)

    clock = Clock(lambda _: None, lambda: None)
    crew = Telling("test-crew", clock, interrupt, lambda: None)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start_and_press)
        with pytest.raises(KeyboardInterrupt):
            crew._start("test-crew")
    done = threading.Event()
    crew.submit(done.set)
    assert done.wait(LIMIT)
    assert [thread.name for thread in threading.enumerate()].count("test-crew") == 1
    tasks, members = crew._queue, crew._members
    crew.reset()
    tasks.put(None)
    for member in members:
        member.join(LIMIT)


def test_n3_a_date_is_measured_by_the_clock_that_made_it() -> None:
    """A wait until a date does not depend on this machine's clock, which may be an hour wrong."""
    request = Request("log in", "PUT", "http://x", "/me", {}, ("authToken", Secret("")), None, True)
    headers = {
        "Date": "Fri, 01 Jan 2021 12:00:00 GMT",
        "Retry-After": "Fri, 01 Jan 2021 12:00:07 GMT",
    }
    with pytest.raises(RateLimitError) as caught:
        outcome(request, Answer(429, headers, b""), lambda _: None)
    assert caught.value.retry_after == 7.0
    headers = {"Date": "Fri, 01 Jan 2021 12:00:00 GMT", "X-Rate-Limit-Reset": "1609502409"}
    with pytest.raises(RateLimitError) as caught:
        outcome(request, Answer(429, headers, b""), lambda _: None)
    assert caught.value.retry_after == 9.0


# -- The command line ---------------------------------------------------------------------------


def test_a_second_ctrl_c_before_the_first_was_noticed_is_none() -> None:
    """Two quick ones stop an import cleanly; one after the word about it, or a third, at once."""
    said: list[str] = []
    with Stop(lambda: said.append("stopping")) as stop:
        stop._heard(signal.SIGINT, None)
        stop._heard(signal.SIGINT, None)
        with pytest.raises(KeyboardInterrupt):
            stop._heard(signal.SIGINT, None)
        assert said == []
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        assert said == ["stopping"]
        with pytest.raises(KeyboardInterrupt):
            stop._heard(signal.SIGTERM, None)


def test_ctrl_c_while_the_commands_are_imported_is_no_traceback() -> None:
    """Whoever changes their mind at once sees the prompt again, and nothing else."""
    done = python(
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'cometchat_auth.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from cometchat_auth.__main__ import main\n"
        "main()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


# -- The emulator -------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before the workers", "with the first", "while it starts"])
def test_an_emulators_start_that_is_cut_short_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """If Ctrl-C comes in the middle of a start, nothing is left of it; the next one serves."""
    emulator = Emulator()
    with monkeypatch.context() as patched:
        if moment == "before the workers":
            patched.setattr(Workers, "start", interrupt)
        elif moment == "with the first":
            patched.setattr(Workers, "_start_one", interrupt)
        else:
            patched.setattr(threading.Event, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            emulator.start()
    with emulator:
        assert requests.get(f"{emulator.url}/openapi.json", timeout=LIMIT).status_code == 200


def test_an_emulators_stop_that_is_cut_short_is_made_up_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If Ctrl-C comes in the middle of a stop, the next start serves, and the next stop stops."""
    emulator = Emulator().start()
    with monkeypatch.context() as patched:
        patched.setattr(Workers, "stop", interrupt)
        with pytest.raises(KeyboardInterrupt):
            emulator.stop()
    with emulator:
        assert requests.get(f"{emulator.url}/openapi.json", timeout=LIMIT).status_code == 200


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_second_signal_does_not_cost_the_export(tmp_path: Path, name: str) -> None:
    """What the emulator knows is written down although somebody is impatient."""
    require(None if hasattr(signal, "SIGALRM") else "signals cannot be sent there")
    program = (
        "import os, signal, sys\n"
        "from cometchat_auth.emulator import Emulator, _command\n"
        "for number in (signal.SIGINT, signal.SIGTERM):\n"
        "    signal.signal(number, signal.default_int_handler)\n"
        "stop = Emulator.stop\n"
        "def pressed(self):\n"
        "    os.kill(os.getpid(), getattr(signal, sys.argv[2]))\n"
        "    stop(self)\n"
        "Emulator.stop = pressed\n"
        "values = {'export': sys.argv[1]}\n"
        "_command.finish(_command.start(values), values)\n"
        "print('done')\n"
    )
    file = tmp_path / "users.json"
    done = python(program, str(file), name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert len(json.loads(file.read_text())["apps"]["emulator-app"]["users"]) == 5
