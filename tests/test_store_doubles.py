"""The stores that misbehave, as a user's own tests use them: what a client makes of each."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cometchat_auth import MemoryStore, SessionStore, SessionStoreError
from cometchat_auth.emulator import Emulator
from cometchat_auth.testing import (
    DenyingStore,
    ForgetfulStore,
    FullStore,
    LockedStore,
    SlowStore,
)

from . import secret_service
from .keyring_doubles import IMPATIENT, client
from .tools import error_of

UID = "cometchat-uid-1"
LIMITS = ("keyring_read_timeout", "keyring_write_timeout")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (LockedStore, "locked"),
        (DenyingStore, "denied"),
        (FullStore, "error"),
        (ForgetfulStore, "not_retained"),
    ],
)
def test_s4_login_without_a_usable_store(
    emulator: Emulator, make: type[SessionStore], reason: str
) -> None:
    """A login succeeds whatever the store does, and the reason for what it does is told."""
    with client(emulator, make()) as chat:
        assert chat.login(UID, emulator.auth_key).result().uid == UID
        info = chat.session_info()
        assert (info.persisted, info.reason, info.backend) == (False, reason, make.__name__)


def test_s2_locked_and_unlocked(emulator: Emulator) -> None:
    """A locked store is "could not look"; unlocked it keeps what is then offered to it again."""
    store = LockedStore()
    with client(emulator, store) as chat:
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
        chat.login(UID, emulator.auth_key).result()
        store.unlock()
        assert chat.reload().result() is not None
        assert chat.session_info().persisted
        store.lock()
        assert error_of(chat.logout()).reason == "locked"


def test_s6_store_that_denies_a_logout(emulator: Emulator) -> None:
    """A session in a store that may only be read is found, and cannot be removed from it."""
    memory = MemoryStore()
    with client(emulator, memory) as chat:
        chat.login(UID, emulator.auth_key).result()
        info = chat.session_info()
    name = (info.service_name, info.profile)
    record = memory.load(*name)
    assert record is not None
    with client(emulator, DenyingStore({name: record})) as chat:
        assert chat.get_logged_in_user() is not None
        assert error_of(chat.logout()).details["not_achieved"] == ["store"]
        assert chat.get_logged_in_user() is None


def test_s1_slow_store(emulator: Emulator) -> None:
    """A store that takes its time holds up nothing for longer than its limits."""
    store = SlowStore()
    limits: dict[str, Any] = dict.fromkeys(LIMITS, IMPATIENT)
    try:
        with client(emulator, store, **limits) as chat:
            with pytest.raises(SessionStoreError) as caught:
                chat.get_logged_in_user()
            assert caught.value.reason == "timeout"
            assert chat.login(UID, emulator.auth_key).result().uid == UID
            assert chat.session_info().reason == "timeout"
    finally:
        store.release()


def test_k1_testing_is_not_needed() -> None:
    """Everything but the contract of session stores can be imported where pytest is absent."""
    code = """
import sys
sys.modules["pytest"] = None
import cometchat_auth
for name in cometchat_auth.__all__:
    getattr(cometchat_auth, name)
from cometchat_auth.testing import LockedStore, no_network
try:
    from cometchat_auth.testing import SessionStoreContract
except ImportError as error:
    assert error.name == "pytest"
else:
    raise SystemExit("it was imported")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=secret_service.ROOT, check=False, timeout=60
    )
    assert done.returncode == 0
