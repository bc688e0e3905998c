"""What becomes of clients and calls when the process is forked (C9)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cometchat_auth.emulator import Emulator

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")

# A child that hangs is ended by its alarm, and its parent prints that signal's number.
PRELUDE = """
import multiprocessing, os, random, signal, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener, MemoryStore
url, app_id, key = sys.argv[1:]

class Kept(MemoryStore):
    pass  # served on the storage thread, as a keyring is

def make():
    return CometChat(app_id, AppSettings.for_emulator(url), session_store=Kept())

def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())

def told(user):
    say("told", user.uid)

def forked(work):
    if child := os.fork():
        return child
    status = 1
    try:
        signal.alarm(20)
        work()
        status = 0
    finally:
        os._exit(status)

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def log_in(chat, uid):
    heard = threading.Event()
    chat.add_login_listener("child", LoginListener(login_success=lambda _: heard.set()))
    chat.logout().exception(10)
    user = chat.login(uid, key, on_success=told).result(10)
    heard.wait(10)
    chat.close()
    return user.uid

chat = make()
"""


def run_beside(emulator: Emulator, code: str) -> list[str]:
    """Run a script beside the emulator and return the lines that it and its children print."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code, emulator.url, emulator.app_id, emulator.auth_key],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def test_c9_a_forked_child_works(emulator: Emulator) -> None:
    """After a fork the child logs in with threads and connections of its own."""
    lines = run_beside(
        emulator,
        """
told(chat.login("cometchat-uid-1", key).result(10))
child = os.fork()
chat.login("cometchat-uid-2" if child == 0 else "cometchat-uid-3", key, on_success=told)
chat.close()
if child:
    sys.exit(ended(child))
""",
    )
    assert sorted(lines) == [f"told cometchat-uid-{number}" for number in (1, 2, 3)]


def test_c9_a_forked_child_finishes_its_last_call(emulator: Emulator) -> None:
    """A child that falls off its end with a call under way makes and tells it, as any script."""
    lines = run_beside(
        emulator,
        """
chat.login("cometchat-uid-1", key).result(10)
child = os.fork()
if child == 0:
    chat.login("cometchat-uid-2", key, on_success=told)
    sys.exit(3)
say(ended(child))
""",
    )
    assert lines == ["told cometchat-uid-2", "3"]


def test_c9_forks_while_calls_are_under_way(emulator: Emulator) -> None:
    """Forked a hundred times in the middle of calls, each child logs in with old and new clients.

    What its parent has under way it may not wait for, nor cancel: that is a clear error.
    """
    lines = run_beside(
        emulator,
        """
stop = threading.Event()
latest = []

def busy(number):
    while not stop.is_set():
        chat.add_login_listener(f"busy {number}", LoginListener(login_success=bool))
        latest[:] = [chat.login("cometchat-uid-1", key), chat.check_session(), chat.reload()]
        for future in latest[:]:
            future.exception(10)
        chat.logout().exception(10)

def work():
    before, done = latest[:], []
    for future in before:
        try:
            done.append("cancelled" if future.cancel() else type(future.result(10)).__name__)
        except CometChatException as error:
            done.append(error.code)
    say("parent's", *done)
    say("old", log_in(chat, "cometchat-uid-2"))
    say("new", log_in(make(), "cometchat-uid-3"))

chat.login("cometchat-uid-1", key).result(10)
threads = [threading.Thread(target=busy, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
for _ in range(100):
    for _ in range(random.randrange(10_000)):
        pass
    say("child", ended(forked(work)))
stop.set()
for thread in threads:
    thread.join(20)
say("joined", *[thread.is_alive() for thread in threads])
""",
    )
    counted = Counter(line for line in lines if not line.startswith("parent's"))
    assert counted == {
        "child 0": 100,
        "told cometchat-uid-2": 100,
        "old cometchat-uid-2": 100,
        "told cometchat-uid-3": 100,
        "new cometchat-uid-3": 100,
        "joined False False False": 1,
    }
    words = {word for line in lines if line.startswith("parent's") for word in line.split()[1:]}
    assert words <= {"WOULD_BLOCK_FOREVER", "LOGIN_IN_PROGRESS", "User", "NoneType"}


def test_c9_a_fork_from_inside_a_callback(emulator: Emulator) -> None:
    """A child forked by a callback, on the dispatcher, logs in and is told; its parent goes on."""
    lines = run_beside(
        emulator,
        """
def work():
    say("old", log_in(chat, "cometchat-uid-2"))
    say("new", log_in(make(), "cometchat-uid-3"))

def fork(user):
    say("child", ended(forked(work)))
    over.set()

over = threading.Event()
chat.login("cometchat-uid-1", key, on_success=fork)
over.wait(60)
chat.logout(on_success=lambda _: say("then out")).result(10)
chat.close()
""",
    )
    assert lines == [
        "told cometchat-uid-2",
        "old cometchat-uid-2",
        "told cometchat-uid-3",
        "new cometchat-uid-3",
        "child 0",
        "then out",
    ]


@pytest.mark.parametrize("place", ["main", "callback"])
def test_c9_multiprocessing_with_fork(emulator: Emulator, place: str) -> None:
    """Processes of `multiprocessing` that are forked log in with old and new clients."""
    lines = run_beside(
        emulator,
        f"""
def old(uid):
    signal.alarm(20)
    return log_in(chat, uid)

def new(uid):
    signal.alarm(20)
    return log_in(make(), uid)

def start(_):
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=work, args=("cometchat-uid-2",), daemon=True) for work in (old, new)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    say("ended", *[process.exitcode for process in processes])
    with context.Pool(2) as pool:
        say("pool", *pool.map(new, ["cometchat-uid-3", "cometchat-uid-4"]))
    over.set()

over = threading.Event()
user = chat.login("cometchat-uid-1", key).result(10)
if "{place}" == "main":
    start(user)
else:
    chat.logout(on_success=start)
    over.wait(60)
""",
    )
    assert sorted(lines) == [
        "ended 0 0",
        "pool cometchat-uid-3 cometchat-uid-4",
        "told cometchat-uid-2",
        "told cometchat-uid-2",
        "told cometchat-uid-3",
        "told cometchat-uid-4",
    ]
