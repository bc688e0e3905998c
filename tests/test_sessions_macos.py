"""Promises S2 and S4 on macOS: one item, one prompt, and no for an answer."""

from __future__ import annotations

import pytest

from cometchat_auth import KeyringStore, SessionStoreError, User
from cometchat_auth.emulator import Emulator

from .keyring_doubles import client
from .macos_double import Keychain, install, macos_keyring
from .tools import error_of

UID, OTHER = "cometchat-uid-1", "cometchat-uid-2"
INVALID_OWNER_EDIT = -25244

STATUSES = [
    (-128, "dismissed"),
    (-25293, "denied"),
    (-25308, "locked"),
    (-67030, "denied"),
    (INVALID_OWNER_EDIT, "denied"),
]


@pytest.fixture
def keychain(monkeypatch: pytest.MonkeyPatch) -> Keychain:
    """Put an empty keychain under keyring's back end for macOS."""
    return install(monkeypatch)


def test_s4_one_item_one_prompt(keychain: Keychain, emulator: Emulator) -> None:
    """A large session is one item, and a start asks the person at the screen once."""
    big = User("big", name="Zo\u00eb", avatar="https://a.example/" + "x" * 2_982)
    with client(emulator, macos_keyring()) as chat:
        chat.create_user(big, emulator.auth_key).result()
        chat.login("big", emulator.auth_key).result()
        assert chat.session_info().persisted
    assert len(keychain.items) == 1
    keychain.foreign = True
    keychain.calls.clear()
    with client(emulator, macos_keyring()) as later:
        for _ in range(3):
            assert later.get_logged_in_user() is not None
            assert later.check_session().result() is not None
    assert (keychain.prompts, keychain.calls) == (1, ["copy"])


def test_s4_item_of_another_build(keychain: Keychain, emulator: Emulator) -> None:
    """An item that this program may not replace leaves the login successful, with the reason."""
    with client(emulator, macos_keyring()) as first:
        first.login(UID, emulator.auth_key).result()
    stored = dict(keychain.items)
    keychain.statuses["delete"] = INVALID_OWNER_EDIT
    with client(emulator, macos_keyring()) as chat:
        assert chat.login(OTHER, emulator.auth_key).result().uid == OTHER
        user, info = chat.get_logged_in_user(), chat.session_info()
        assert user is not None
        assert user.uid == OTHER
        assert (info.persisted, info.reason) == (False, "denied")
        assert keychain.items == stored
        error = error_of(chat.logout())  # what it could not remove it does not keep quiet
        assert (error.reason, error.details["not_achieved"]) == ("denied", ["store"])


@pytest.mark.parametrize(("status", "reason"), STATUSES)
def test_s2_denied_read(keychain: Keychain, emulator: Emulator, status: int, reason: str) -> None:
    """A no to the prompt is "could not look": nothing is written, deleted or forgotten."""
    with client(emulator, macos_keyring()) as first:
        first.login(UID, emulator.auth_key).result()
    stored = dict(keychain.items)
    keychain.statuses["copy"] = status
    keychain.calls.clear()
    with client(emulator, macos_keyring()) as chat:
        with pytest.raises(SessionStoreError) as caught:
            chat.get_logged_in_user()
        assert caught.value.reason == reason
        assert error_of(chat.check_session()).reason == reason
        assert set(keychain.calls) == {"copy"}
        assert keychain.items == stored
        keychain.statuses.clear()
        user = chat.reload().result()
        assert user is not None
        assert user.uid == UID


@pytest.mark.parametrize(("status", "reason"), [*STATUSES, (-34018, "denied")])
@pytest.mark.parametrize("call", ["add", "delete"])
def test_s9_refused_write(keychain: Keychain, call: str, status: int, reason: str) -> None:
    """Whatever status ends a write, it is our exception with the reason, and keyring's beneath."""
    store = KeyringStore(macos_keyring())
    store.save("cometchat_auth:app:us", "default", "record")
    keychain.statuses[call] = status
    with pytest.raises(SessionStoreError) as caught:
        store.save("cometchat_auth:app:us", "default", "another")
    assert caught.value.reason == reason
    assert type(caught.value.__cause__).__module__ == "keyring.errors"
