"""Promise S1: a keyring call that hangs hangs nobody; and what comes late changes nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    MemoryStore,
    SessionStoreError,
    _threads,
)
from cometchat_auth._storage import Ticket
from cometchat_auth.emulator import Emulator

from .keyring_doubles import IMPATIENT, FakeKeyring, client, gate
from .tools import LIMIT, Diary, error_of, settle

ROOT = Path(__file__).parent.parent
UID = "cometchat-uid-1"


def test_s1_login_works_while_the_keyring_hangs(emulator: Emulator) -> None:
    """A read that never returns is given up, later ones fail at once, a login is in memory."""
    keyring = FakeKeyring()
    with gate() as stuck, client(emulator, keyring, keyring_read_timeout=IMPATIENT) as chat:
        keyring.faults["get"] = stuck
        with pytest.raises(SessionStoreError) as caught:
            chat.get_logged_in_user()
        assert caught.value.reason == "timeout"
        assert chat.session_info().reason == "timeout"
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
        assert keyring.calls == ["get"]  # nobody tried again
        user = chat.login(UID, emulator.auth_key).result(LIMIT)
        assert chat.get_logged_in_user() == user
        info = chat.session_info()
        assert (info.persisted, info.reason) == (False, "timeout")
        keyring.heal()
        stuck.open()
        assert len(keyring.items) == 1  # made up for
        assert chat.session_info().persisted
        assert chat.reload().result(LIMIT) == user


def test_s1_other_clients_go_on(emulator: Emulator) -> None:
    """While one client's keyring hangs another client logs in and out."""
    stuck_keyring, keyring = FakeKeyring(), FakeKeyring()
    with (
        gate() as stuck,
        client(emulator, stuck_keyring, keyring_read_timeout=IMPATIENT) as one,
        client(emulator, keyring) as other,
    ):
        stuck_keyring.faults["get"] = stuck
        with pytest.raises(SessionStoreError):
            one.get_logged_in_user()
        assert other.login(UID, emulator.auth_key).result(LIMIT).uid == UID
        assert other.session_info().reason == "timeout"
        error = error_of(other.logout())
        assert error.details["not_achieved"] == ["store"]
        stuck.open()
        assert keyring.items == {}


def test_s1_one_call_at_a_time_on_a_thread_of_its_own(emulator: Emulator) -> None:
    """All keyring calls of all clients run on the one storage thread."""
    threads: set[str] = set()
    keyring = FakeKeyring()
    for call in ("get", "set", "delete"):
        keyring.faults[call] = lambda: threads.add(threading.current_thread().name)
    with client(emulator, keyring) as one, client(emulator, keyring, profile="b") as other:
        logins = [chat.login(UID, emulator.auth_key) for chat in (one, other)]
        for login in logins:
            login.result(LIMIT)
        one.get_logged_in_user()
        for logout in [one.logout(), other.logout()]:
            logout.result(LIMIT)
    assert threads == {"cometchat-storage"}


def test_s1_late_answer_is_not_believed(emulator: Emulator) -> None:
    """What a read that was given up finds in the end decides nothing, until `reload()`."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as first:
        first.login(UID, emulator.auth_key).result()
    with gate() as stuck, client(emulator, keyring, keyring_read_timeout=IMPATIENT) as chat:
        chat.add_login_listener("diary", diary.listener())
        keyring.faults["get"] = stuck
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
        keyring.heal()
        stuck.open()
        info = chat.session_info()
        assert (info.user, info.persisted, info.reason) == (None, False, "timeout")
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
    with client(emulator, keyring) as chat:
        found = chat.reload().result(LIMIT)
        assert found is not None
        assert found.uid == UID
    assert diary.names == []


def test_s1_fails_fast_until_reload(emulator: Emulator) -> None:
    """After a time-out it takes a `reload()` for the keyring to be looked at again."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as first:
        first.login(UID, emulator.auth_key).result()
    with gate() as stuck, client(emulator, keyring, keyring_read_timeout=1) as chat:
        keyring.faults["get"] = stuck
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
        keyring.heal()
        stuck.open()
        keyring.calls.clear()
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
        assert keyring.calls == []
        user = chat.reload().result(LIMIT)
        assert user is not None
        assert chat.get_logged_in_user() == user
        assert chat.session_info().persisted


def test_c8_late_save_cannot_revive_a_session(emulator: Emulator) -> None:
    """A save that was stuck and returns after the logout leaves nothing in the store."""
    keyring, diary = FakeKeyring(), Diary()
    with gate() as stuck, client(emulator, keyring, keyring_write_timeout=IMPATIENT) as chat:
        chat.add_login_listener("diary", diary.listener())
        keyring.faults["set"] = stuck
        chat.login(UID, emulator.auth_key).result(LIMIT)
        assert chat.session_info().reason == "timeout"
        error = error_of(chat.logout())
        assert (error.reason, error.details["not_achieved"]) == ("timeout", ["store"])
        assert chat.get_logged_in_user() is None
        stuck.open()
        assert keyring.calls.count("set") == 1
        assert keyring.items == {}
        assert chat.reload().result(LIMIT) is None
        settle(chat)
    assert diary.names == ["login_success", "logout_failure"]


def test_c8_last_intent_wins(emulator: Emulator) -> None:
    """Of several changes that a stuck store has missed the last one is made up for."""
    keyring = FakeKeyring()
    with gate() as stuck, client(emulator, keyring, keyring_write_timeout=IMPATIENT) as chat:
        keyring.faults["set"] = stuck
        chat.login(UID, emulator.auth_key).result(LIMIT)
        error_of(chat.logout())
        keyring.heal()
        chat.login("cometchat-uid-2", emulator.auth_key).result(LIMIT)
        stuck.open()
        assert chat.session_info().persisted
    (record,) = keyring.items.values()
    assert "cometchat-uid-2" in record


def test_c8_postponed_behind_another_clients_slow_call(emulator: Emulator) -> None:
    """A delete that was given up while it waited behind others is made up for as well."""
    slow, keyring = FakeKeyring(), FakeKeyring()
    with (
        gate() as stuck,
        client(emulator, keyring, keyring_write_timeout=IMPATIENT) as chat,
        client(emulator, slow) as other,
    ):
        chat.login(UID, emulator.auth_key).result(LIMIT)
        slow.faults["get"] = stuck
        looking = other.reload()
        assert stuck.reached.wait(LIMIT)
        assert error_of(chat.logout()).reason == "timeout"
        stuck.open()
        assert looking.result(LIMIT) is None
        assert keyring.items == {}


def test_storage_make_up_that_hangs() -> None:
    """While something is being made up for and hangs, waiting is limited and nothing is lost."""
    done: list[str] = []
    with gate() as first, gate() as second:
        running = Ticket(first, IMPATIENT)
        assert first.reached.wait(LIMIT)
        running.block()
        assert _reason(running) == "timeout"
        assert _reason(Ticket(second, IMPATIENT, postpone_as="one")) == "timeout"
        first.open_only()
        assert second.reached.wait(LIMIT)
        waiting = Ticket(lambda: done.append("waiting"), IMPATIENT, postpone_as="two")
        waiting.block()
        assert _reason(waiting) == "timeout"
        refused = Ticket(lambda: done.append("refused"), LIMIT, postpone_as="three")
        assert refused.over  # at once: it is stuck
        assert _reason(refused) == "timeout"
        second.open()
        assert done == ["waiting", "refused"]
        after = Ticket(lambda: "fine", LIMIT)
        after.block()
        assert after.take() == "fine"


def _reason(ticket: Ticket[None]) -> str | None:
    with pytest.raises(SessionStoreError) as caught:
        ticket.take()
    return caught.value.reason


def test_s1_store_that_waits_for_its_own_client(emulator: Emulator) -> None:
    """A store that asks the client that waits for it gets an error instead of hanging."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as chat:
        codes: list[str] = []

        def ask() -> None:
            keyring.heal()
            try:
                chat.get_logged_in_user()
            except CometChatException as error:
                codes.append(error.code)

        keyring.faults["get"] = ask
        assert chat.get_logged_in_user() is None
        assert codes == ["WOULD_BLOCK_FOREVER"]


class Kept(MemoryStore):
    """A store that is served on the storage thread, as a keyring is."""


@pytest.mark.parametrize("kind", [Kept, MemoryStore])
@pytest.mark.parametrize("method", ["get_logged_in_user", "session_info"])
def test_s1_store_that_always_asks_its_own_client(
    method: str, kind: type[MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that asks its client whenever it is asked is not asked again because of that."""
    store, asked = kind(), list[object]()

    def load(*_: str) -> None:
        asked.append(getattr(chat, method)())

    monkeypatch.setattr(store, "load", load)
    with CometChat("app", AppSettings(region="us"), session_store=store) as chat:
        info = chat.session_info()
        _threads.STORAGE.submit((done := threading.Event()).set)
        assert done.wait(LIMIT)
        if method == "session_info":
            assert (len(asked), info.reason) == (1, None)
        else:
            assert (len(asked), info.reason) == (0, "error")
            with pytest.raises(SessionStoreError) as caught:
                chat.get_logged_in_user()
            assert getattr(caught.value.__cause__, "code", None) == "WOULD_BLOCK_FOREVER"


IMPORTS = """
import sys
from cometchat_auth import AppSettings, CometChat
chat = CometChat("app", AppSettings(region="us"))
chat.add_login_listener("id", type("L", (), {"login_success": print})())
import threading
assert not {"keyring", "requests"} & set(sys.modules), sys.modules.keys()
assert threading.active_count() == 1
"""

STUCK = """
import sys, threading, time
from cometchat_auth import AppSettings, CometChat, SessionStoreError

class Stuck:
    name = "stuck"
    def load(self, service_name, profile):
        threading.Event().wait()
    save = delete = load

chat = CometChat("app", AppSettings(region="us", keyring_read_timeout=0.2), session_store=Stuck())
try:
    chat.get_logged_in_user()
except SessionStoreError as error:
    print(error.reason)
sys.stdout.flush()
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_s1_import_and_construction_touch_nothing() -> None:
    """Neither import nor construction imports keyring or requests, or starts a thread."""
    done = _python(IMPORTS)
    assert done.returncode == 0, done.stderr


def test_s1_exit_with_the_call_still_stuck() -> None:
    """The interpreter ends well within the drain limit while a keyring call hangs."""
    begun = time.monotonic()
    done = _python(STUCK)
    taken = time.monotonic() - begun
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "timeout", "")
    assert taken < _threads.DRAIN_LIMIT


def test_s1_memory_does_not_wait_for_a_stuck_keyring(emulator: Emulator) -> None:
    """While a keyring hangs, a client whose sessions are in memory only notices nothing."""
    release = threading.Event()

    class Hanging(MemoryStore):
        """A store that does not answer until the test is over."""

        def load(self, service_name: str, profile: str) -> str | None:
            """Hang."""
            release.wait(LIMIT)
            return super().load(service_name, profile)

    settings = AppSettings.for_emulator(emulator.url, keyring_read_timeout=0.1)
    stuck = CometChat(emulator.app_id, settings, session_store=Hanging())
    with pytest.raises(SessionStoreError):
        stuck.get_logged_in_user()
    with CometChat(emulator.app_id, settings, session_store=MemoryStore()) as chat:
        assert chat.get_logged_in_user() is None
        chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
        assert chat.session_info().reason == "memory"
    release.set()
