"""What a thousand clients, and thousands of calls, leave behind: nothing (C10)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

ROOT = Path(__file__).parent.parent

# What a process in which clients come and go knows how to do, and to count.
PRELUDE = """
import collections, gc, json, os, sys, threading, tracemalloc
from concurrent.futures import CancelledError, wait
from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener, MemoryStore
from cometchat_auth import _threads, _transport
url, app_id, key, *rest = sys.argv[1:]
settings = AppSettings.for_emulator(url)
UID = "cometchat-uid-1"
COUNTED = {"CometChat", "Job", "Call", "CallFuture", "Outbox", "Desk", "Flows", "Vault", "Timer",
           "Session", "Slot", "Ticket", "Deadline", "CometChatException", "generator"}

class Kept(MemoryStore):
    pass  # served on the storage thread, as a keyring is

def make(**more):
    return CometChat(app_id, settings, session_store=Kept(), **more)

def fill_the_house():
    # Four calls at once: every thread is started, and every connection opened that is kept.
    for _ in range(20):
        clients = [make() for _ in range(8)]
        wait([client.login(UID, key) for client in clients])

def descriptors():
    kinds = collections.Counter()
    for name in os.listdir("/proc/self/fd"):
        try:
            kinds[os.readlink(f"/proc/self/fd/{name}").split(":")[0]] += 1
        except OSError:
            pass  # the one of the listing itself
    return kinds

def objects():
    names = (cls.__name__ for one in gc.get_objects() for cls in type(one).__mro__)
    return {name: count for name, count in collections.Counter(names).items() if name in COUNTED}

def figures():
    assert _threads.wait_for_all(60)  # a busy machine takes long over a thousand logins
    told = threading.Event()
    _threads.DISPATCHER.submit(told.set)  # the last callback's frame has ended
    told.wait()
    _transport.close_idle()  # how many of the four kept open are open just now is chance
    gc.collect()
    kinds = descriptors()
    return {
        "threads": threading.active_count(),
        "sockets": kinds["socket"],
        "descriptors": sum(kinds.values()),
        "timers": len(_threads.CLOCK._timers),
        "forks": len(_threads._after_fork.alive()),
        **objects(),
    }
"""

WAYS = """
def fail(*_):
    raise ValueError("a bug of the application")

def ended():
    chat = make()
    chat.login(UID, key).result()
    chat.logout().result()
    chat.close()

def dropped():
    make().login(UID, key).result()

def pending():
    make().login(UID, key, on_success=print_nothing)

def failed():
    chat = make()
    chat.login("no-token").exception()
    try:
        chat.login(UID, "0" * 40).result()
    except CometChatException:
        pass

def cancelled():
    chat = make()
    first = chat.warm_up()
    for future in [chat.login(UID, key) for _ in range(3)]:
        future.cancel()
    first.exception()

def raising():
    chat = make(on_callback_error=fail)
    chat.add_login_listener("bad", LoginListener(login_success=fail, login_failure=fail))
    chat.login("", on_error=fail)
    chat.login(UID, key, on_success=fail).add_done_callback(fail)

def impatient():
    chat = make()
    for _ in range(3):
        chat.check_session(timeout=0.001)
    chat.login(UID, key, timeout=0.002).exception()

def refused():
    with make() as chat:
        chat.login(UID, key)
        chat.login("other-token")
    chat.login(UID, key, on_error=print_nothing)

def print_nothing(_):
    pass
"""

ONE_WAY = """
way, clients = globals()[rest[0]], int(rest[1])
fill_the_house()
for _ in range(50):
    way()
before = figures()
for _ in range(clients):
    way()
print(json.dumps([before, figures()]))
"""

THREADS = """
clients = [make() for _ in range(1000)]
before = threading.active_count()
futures = [client.login(UID, key) for client in clients]
most = 0
while wait(futures, 0.01).not_done:
    most = max(most, threading.active_count())
most = max(most, threading.active_count())
print(json.dumps([before, most, sum(future.exception() is not None for future in futures)]))
"""

ONE_CLIENT = """
fill_the_house()
chat = make(on_callback_error=fail)

def rounds(count):
    for number in range(count):
        chat.add_login_listener("listener", LoginListener(login_failure=fail))
        futures = [
            chat.login(UID, key, on_success=fail),
            chat.login(UID, key),
            chat.login("other"),
            chat.login(""),
            chat.check_session(),
            chat.reload(),
            chat.check_session(timeout=0.0001),
        ]
        futures[4].cancel()
        futures[0].add_done_callback(fail)
        chat.get_logged_in_user()
        wait(futures)
        if number % 10 == 0:
            chat.logout().exception()
        chat.remove_login_listener("listener")

def kept():
    assert chat._engine.outbox.under_way.wait(10)
    inside = chat._engine
    return [len(chat._book._listeners), len(inside.outbox._slots), len(inside.desk._lane)]

rounds(100)
before = figures()
tracemalloc.start()
rounds(30)
figures()
begin = tracemalloc.get_traced_memory()[0]
rounds(500)
after = figures()
grown = tracemalloc.get_traced_memory()[0] - begin
print(json.dumps([before, after, kept(), grown]))
"""


def _run(emulator: Emulator, code: str, *args: str) -> Any:
    """Run a script beside the emulator and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, emulator.url, emulator.app_id, emulator.auth_key, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc"
)


def test_c10_a_thousand_clients_take_six_threads(emulator: Emulator) -> None:
    """A thousand clients cost at most six threads besides the caller's; none until asked."""
    before, most, failed = _run(emulator, PRELUDE + THREADS)
    assert (before, failed) == (1, 0)
    assert most <= 7


@needs_proc
@pytest.mark.parametrize(
    "way",
    ["ended", "dropped", "pending", "failed", "cancelled", "raising", "impatient", "refused"],
)
def test_c10_a_thousand_clients_leave_nothing(emulator: Emulator, way: str) -> None:
    """A thousand clients that came and went leave no thread, socket, descriptor or object."""
    before, after = _run(emulator, PRELUDE + WAYS + ONE_WAY, way, "1000")
    assert {name: count for name, count in after.items() if count > before.get(name, 0)} == {}


@needs_proc
def test_c10_thousands_of_calls_leave_nothing(emulator: Emulator) -> None:
    """Thousands of calls of one client leave neither timer, listener nor place in an order."""
    before, after, kept, grown = _run(emulator, PRELUDE + WAYS + ONE_CLIENT)
    assert {name: count for name, count in after.items() if count > before.get(name, 0)} == {}
    assert kept == [0, 0, 0]
    # Python 3.10 keeps a frame of every function that has run; it is no more after 3,000 rounds.
    limit = 20_000 if sys.version_info >= (3, 11) else 150_000
    assert grown < limit, "bytes that 3,500 calls have left"
