"""The moments at which a fork meets something else, one by one (C9)."""

from __future__ import annotations

import os
import sys

import pytest

from cometchat_auth.emulator import Emulator

from .test_calls_fork import run_beside

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def test_c9_a_fork_while_the_first_call_imports(emulator: Emulator) -> None:
    """A child forked while a worker imports what the first call needs can import it, too."""
    lines = run_beside(
        emulator,
        """
importing, forked_by_now = threading.Event(), threading.Event()

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "requests" and threading.current_thread() is not threading.main_thread():
            importing.set()
            forked_by_now.wait(0.5)

sys.meta_path.insert(0, Slow())
future = chat.login("cometchat-uid-1", key)
importing.wait(10)
child = forked(lambda: say(log_in(make(), "cometchat-uid-2")))
forked_by_now.set()
say(ended(child), future.result(10).uid)
""",
    )
    assert lines == ["told cometchat-uid-2", "cometchat-uid-2", "0 cometchat-uid-1"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere keyring imports what it likes")
def test_c9_a_fork_while_keyring_is_imported(emulator: Emulator) -> None:
    """A child forked while the storage thread imports keyring can import it, too."""
    lines = run_beside(
        emulator,
        """
os.environ.pop("PYTHON_KEYRING_BACKEND", None)
os.environ["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
from cometchat_auth import _keyring_choice
importing, forked_by_now = threading.Event(), threading.Event()
usable = _keyring_choice._usable

def usable_later(kind):
    if threading.current_thread() is thread:
        forked_by_now.wait(10)
    return usable(kind)

_keyring_choice._is_foregone = lambda: True
_keyring_choice._usable = usable_later

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "keyring.backend" and threading.current_thread() is thread:
            importing.set()
            threading.Event().wait(0.5)

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=_keyring_choice.chosen)
thread.start()
importing.wait(10)
child = forked(lambda: say(_keyring_choice.chosen()[0] is not None))
forked_by_now.set()
say(ended(child))
thread.join(10)
""",
    )
    assert lines == ["True", "0"]


def test_c9_a_fork_while_locks_are_held(emulator: Emulator) -> None:
    """No lock of a client that another thread holds at the fork can hold up its child."""
    lines = run_beside(
        emulator,
        """
held, go_on = threading.Event(), threading.Event()

def hold():
    inside = chat._engine
    with inside.state._lock, inside.outbox._lock, inside.desk._lock:
        held.set()
        go_on.wait(10)

thread = threading.Thread(target=hold)
thread.start()
held.wait(10)
child = forked(lambda: say(log_in(chat, "cometchat-uid-2")))
say(ended(child))
go_on.set()
thread.join(10)
""",
    )
    assert lines == ["told cometchat-uid-2", "cometchat-uid-2", "0"]


def test_c9_a_child_cannot_cancel_its_parents_call(emulator: Emulator) -> None:
    """A call made before a fork is its parent's; the child's own last call is made and told."""
    lines = run_beside(
        emulator,
        """
from cometchat_auth import _threads
_threads.start()
go_on = threading.Event()
for _ in range(_threads.REQUEST_WORKERS):
    _threads.REQUESTS.submit(go_on.wait)
waiting = chat.login("cometchat-uid-1", key, on_success=told, on_error=print)
child = os.fork()
if child == 0:
    say("cancelled", waiting.cancel())
    chat.login("cometchat-uid-2", key, on_success=told)
    sys.exit(3)
say(ended(child))
go_on.set()
waiting.result(10)
""",
    )
    assert lines == ["cancelled False", "told cometchat-uid-2", "3", "told cometchat-uid-1"]


@pytest.mark.parametrize("where", ["None", "lambda function: function()"])
def test_c9_a_child_that_returns_from_its_callback_ends(emulator: Emulator, where: str) -> None:
    """A child forked in a callback ends when that returns, after its calls; nothing is told twice.

    It has no main program to go back to, and what its parent had to tell is its parent's affair.
    """
    lines = run_beside(
        emulator,
        f"""
chat = CometChat(app_id, AppSettings.for_emulator(url), session_store=Kept(), dispatcher={where})

def fork(user):
    chat.logout(on_success=lambda _: say("out"))
    child = os.fork()
    signal.alarm(0 if child else 20)
    if child:
        say(ended(child))
        over.set()
    else:
        chat.login("cometchat-uid-2", key, on_success=told)

over = threading.Event()
chat.login("cometchat-uid-1", key, on_success=fork)
over.wait(30)
""",
    )
    assert lines == ["told cometchat-uid-2", "0", "out"]
