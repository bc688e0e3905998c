"""Promises S3, S4 and S6 on Windows, from the client's side."""

from __future__ import annotations

import contextlib

import pytest

from cometchat_auth import CometChat, KeyringStore, SessionStoreError, User
from cometchat_auth.emulator import Emulator

from .keyring_doubles import client
from .windows_double import CredentialManager, WindowsError_, empty, windows_keyring

SMALL = "cometchat-uid-1"
BIG = User(
    "big",
    name="Zo\u00eb \u4f60\u597d \U0001f600",
    avatar="https://a.example/" + "x" * 2_982,
    link="https://b.example/" + "y" * 2_982,
    metadata={"note": "z" * 4_000},
)


@pytest.fixture
def service(emulator: Emulator, manager: CredentialManager) -> Emulator:
    """Return an emulator that knows the big user; the Credential Manager is empty."""
    empty(manager)
    with windows_client(emulator) as chat:
        chat.create_user(BIG, emulator.auth_key).result()
    return emulator


def windows_client(emulator: Emulator) -> CometChat:
    """Return a client with a store of its own, as a process has it."""
    return client(emulator, KeyringStore(windows_keyring()))


def test_s3_large_session(manager: CredentialManager, service: Emulator) -> None:
    """A user with avatar and link of 3,000 characters and a name in any script is found again."""
    with windows_client(service) as chat:
        chat.login(BIG.uid, service.auth_key).result()
        assert chat.session_info().persisted
    assert len(manager.credentials) > 6
    with windows_client(service) as later:
        user = later.get_logged_in_user()
        assert user is not None
        assert (user.name, user.avatar, user.link) == (BIG.name, BIG.avatar, BIG.link)
        assert later.check_session().result() is not None
        assert later.session_info().persisted
        assert later.logout().result() is None
    assert manager.credentials == {}


def test_s4_nothing_changed_nothing_written(manager: CredentialManager, service: Emulator) -> None:
    """A start, a check and a login that change nothing leave every item as it was."""
    with windows_client(service) as chat:
        chat.login(BIG.uid, service.auth_key).result()
    stored = dict(manager.credentials)
    with windows_client(service) as later:
        assert later.get_logged_in_user() is not None
        assert later.check_session().result() is not None
        later.login(BIG.uid, service.auth_key).result()
    assert manager.credentials == stored


def test_s6_switch_leaves_nothing_of_the_first_user(
    manager: CredentialManager, service: Emulator
) -> None:
    """After a switch of user no item holds the earlier user's token."""
    for first, second in ((BIG.uid, SMALL), (SMALL, BIG.uid), (SMALL, "cometchat-uid-2")):
        empty(manager)
        token = service.create_auth_token(first)
        with windows_client(service) as chat:
            chat.login(token).result()
            assert token in manager.texts
            chat.login(second, service.auth_key).result()
            assert token not in manager.texts


def change(chat: CometChat, last_thing: str, auth_key: str) -> None:
    """Do what the process dies in; what becomes of the call nobody learns."""
    if last_thing == "logout":
        chat.logout().exception()
    else:
        chat.login(SMALL if last_thing == "switch" else BIG.uid, auth_key).exception()


@pytest.mark.parametrize("last_thing", ["login", "switch", "logout"])
def test_s3_killed_after_every_call(
    manager: CredentialManager, service: Emulator, last_thing: str
) -> None:
    """The client that starts next finds the old user, the new one or nobody, and can log in."""
    expected = {"login": {BIG.uid}, "switch": {BIG.uid, SMALL}, "logout": {BIG.uid}}[last_thing]
    point, died = 0, True
    while died:
        empty(manager)
        with windows_client(service) as chat:
            if last_thing != "login":
                chat.login(BIG.uid, service.auth_key).result()
            manager.die_after(point)
            change(chat, last_thing, service.auth_key)
        died = manager.died
        manager.die_after(None)
        with windows_client(service) as later:
            user = later.get_logged_in_user()
            assert user is None or user.uid in expected
            later.login("cometchat-uid-2", service.auth_key).result()
            assert later.session_info().persisted
        assert len(manager.credentials) == 1
        point += 1
    assert point > 10


def test_s6_one_refusal_spares_nothing_else(manager: CredentialManager) -> None:
    """Whichever call of a delete is refused, the rest goes; it is told, and can be repeated."""

    def refuse() -> None:
        raise WindowsError_(5, "CredDelete", "Access is denied.")

    for point in range(20):
        store = empty(manager)
        store.save("service", "default", "x" * 2_500)
        manager.die_after(None)
        manager.between[point] = refuse
        with contextlib.suppress(SessionStoreError):
            store.delete("service", "default")
            assert manager.between or not manager.credentials
        assert len(manager.credentials) < 4
        store.delete("service", "default")
        assert manager.credentials == {}
