"""Promises S6, S7, S13 and S14: what ends a session, and what must not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from keyring.errors import KeyringLocked

from cometchat_auth import CometChat, MemoryStore, SessionStoreError
from cometchat_auth.emulator import Emulator

from .keyring_doubles import ChainOf, FakeKeyring, client, same_item
from .tools import Diary, Reply, Seen, error_of, scripted, settle

UID = "cometchat-uid-1"
PORTAL = Reply(200, b"<html>Welcome to the airport's network</html>")
DEAD = Reply(401, b'{"error":{"code":"AUTH_ERR_AUTH_TOKEN_NOT_FOUND","message":"dead"}}')


@contextmanager
def answering(reply: Reply | None) -> Iterator[str]:
    """Run a server that gives this one answer, or with ``None`` none at all; yield its URL."""
    over = threading.Event()

    def script(_: Seen) -> Reply:
        if reply is None:
            over.wait(30)
        return reply or Reply(500)

    with scripted(script) as server:
        try:
            yield server.url
        finally:
            over.set()


@contextmanager
def nobody() -> Iterator[str]:
    """Yield the URL of a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def error_body(code: str) -> bytes:
    """Return an error as the service writes it."""
    return b'{"error":{"code":"%s","message":"no"}}' % code.encode()


STATUSES = (400, 403, 404, 407, 408, 429, 500, 502, 503, 504, 511)
TROUBLES: dict[str, Callable[[], Any]] = {
    "refused": nobody,
    "time-out": lambda: answering(None),
    "portal": lambda: answering(PORTAL),
    "portal-401": lambda: answering(Reply(401, PORTAL.body)),
    "empty": lambda: answering(Reply(200, b"")),
    "null": lambda: answering(Reply(200, b"null")),
    "redirect": lambda: answering(Reply(302, b"", (("Location", "http://127.0.0.1:9/"),))),
    "cut": lambda: answering(Reply(200, PORTAL.body, cut=5)),
    "401-other": lambda: answering(Reply(401, error_body("AUTH_ERR_INVALID_APPID"))),
    "404-uid": lambda: answering(Reply(404, error_body("ERR_UID_NOT_FOUND"))),
    **{
        str(status): partial(answering, Reply(status, error_body("ERR_EXCEPTION")))
        for status in STATUSES
    },
}


@pytest.mark.parametrize("call", ["check_session", "login"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_s7_only_the_servers_no_ends_a_session(emulator: Emulator, trouble: str, call: str) -> None:
    """No trouble on the way to the service touches memory or store, or tells of a logout."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as first:
        user = first.login(UID, emulator.auth_key).result()
    with TROUBLES[trouble]() as url, client(emulator, keyring, url=url, timeout=0.4) as chat:
        same_item(keyring, chat)
        chat.add_login_listener("diary", diary.listener())
        restored = chat.get_logged_in_user()
        stored = dict(keyring.items)
        keyring.calls.clear()
        error_of(chat.check_session() if call == "check_session" else chat.login(UID, "key"))
        settle(chat)
        assert keyring.items == stored
        assert not {"set", "delete"} & set(keyring.calls)
        assert restored is not None
        assert restored.uid == user.uid
        assert chat.get_logged_in_user() == restored
        assert set(diary.names) <= {"login_failure"}


def test_s7_the_servers_no_ends_it(chat: CometChat, emulator: Emulator, diary: Diary) -> None:
    """A token that the service says is dead is cleared everywhere, and told once."""
    chat.login(UID, emulator.auth_key).result()
    emulator.flush_auth_tokens(UID)
    assert chat.check_session().result() is None
    assert chat.check_session().result() is None
    settle(chat)
    assert chat.get_logged_in_user() is None
    assert chat.reload().result() is None
    assert diary.names == ["login_success", "logout_success"]


LOGOUT_TROUBLES: dict[str, tuple[Callable[[], Any], bool]] = {
    "offline": (nobody, False),
    "401 token dead": (lambda: answering(DEAD), True),
    "401 other": (lambda: answering(Reply(401, error_body("AUTH_ERR_INVALID_APPID"))), False),
    "404": (lambda: answering(Reply(404, error_body("ERR_API_NOT_FOUND"))), False),
    "500": (lambda: answering(Reply(500, error_body("ERR_EXCEPTION"))), False),
    "portal": (lambda: answering(PORTAL), False),
}


@pytest.mark.parametrize("trouble", LOGOUT_TROUBLES)
def test_s6_logged_out_whatever_the_server_says(emulator: Emulator, trouble: str) -> None:
    """After a logout no copy yields the token; what the server did not confirm is in the error."""
    first, second, diary = FakeKeyring(), FakeKeyring(), Diary()
    with client(emulator, first) as maker:
        maker.login(UID, emulator.auth_key).result()
    make, confirmed = LOGOUT_TROUBLES[trouble]
    with make() as url, client(emulator, ChainOf(first, second), url=url, timeout=0.4) as chat:
        same_item(first, chat)
        second.items.update(first.items)
        name = (chat._engine.state.vault.service_name, chat._engine.state.vault.profile)
        chat.add_login_listener("diary", diary.listener())
        assert chat.get_logged_in_user() is not None
        if confirmed:
            chat.logout().result()
        else:
            error = error_of(chat.logout())
            assert error.details["not_achieved"] == ["server"]
            assert error.message.endswith(
                "Have your server end the user's tokens: flush_auth_tokens."
            )
            assert "Try again" not in error.message
            assert not error.retryable  # the token is forgotten: another logout sends nothing
        settle(chat)
        assert chat.get_logged_in_user() is None
        assert name not in first.items
        assert name not in second.items
        assert chat.logout().result() is None  # again: nobody is logged in
        settle(chat)
    assert diary.names == ["logout_success" if confirmed else "logout_failure"]


def test_s6_store_refuses(emulator: Emulator) -> None:
    """A session that the store would not give up is not found again by this client."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as chat:
        chat.login(UID, emulator.auth_key).result()
        settle(chat)
        chat.add_login_listener("diary", diary.listener())
        keyring.fail(lambda: KeyringLocked("locked"))
        error = error_of(chat.logout())
        assert isinstance(error, SessionStoreError)
        assert (error.reason, error.details["not_achieved"]) == ("locked", ["store"])
        assert error_of(chat.logout()).details["not_achieved"] == ["store"]  # tried again
        assert error_of(chat.reload()).reason == "locked"
        keyring.heal()
        assert chat.reload().result() is None
        assert chat.get_logged_in_user() is None
        assert keyring.items == {}
        settle(chat)
    assert diary.names == ["logout_failure", "logout_failure"]


def test_s6_second_logout_clears_what_the_first_could_not(emulator: Emulator) -> None:
    """Logging out again, with the keyring unlocked, removes what is still stored."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as chat:
        chat.login(UID, emulator.auth_key).result()
        keyring.fail(lambda: KeyringLocked("locked"))
        assert error_of(chat.logout()).reason == "locked"
        keyring.heal()
        assert chat.logout().result() is None
        assert keyring.items == {}


def test_s6_owed_deletion_spares_a_later_login(emulator: Emulator) -> None:
    """What another process has stored since a logout that failed is its own, and is found."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as chat, client(emulator, keyring) as sibling:
        chat.login(UID, emulator.auth_key).result()
        keyring.fail(lambda: KeyringLocked("locked"))
        assert error_of(chat.logout()).reason == "locked"
        keyring.heal()
        theirs = sibling.login("cometchat-uid-2", emulator.auth_key).result()
        found = chat.reload().result()
        assert found is not None
        assert found.uid == theirs.uid
        assert len(keyring.items) == 1


def test_s6_after_could_not_look(emulator: Emulator) -> None:
    """A logout clears a store that could not be read before."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as first:
        first.login(UID, emulator.auth_key).result()
    keyring.fail(lambda: RuntimeError("once"), "get")
    with client(emulator, keyring) as chat:
        with pytest.raises(SessionStoreError):
            chat.get_logged_in_user()
        original = keyring.faults["get"]

        def once() -> None:
            keyring.heal()
            original()

        keyring.faults["get"] = once
        chat.logout().result()
        assert keyring.items == {}


def test_s13_dead_session_heals(emulator: Emulator) -> None:
    """A login for the user whose stored token is dead mints a new one; one event."""
    keyring, diary = FakeKeyring(), Diary()
    emulator.create_user("pat", "Pat")
    with client(emulator, keyring) as first:
        first.login("pat", emulator.auth_key).result()
    emulator.delete_user("pat")
    emulator.create_user("pat", "Pat again")
    with client(emulator, keyring) as chat:
        chat.add_login_listener("diary", diary.listener())
        assert chat.get_logged_in_user() is not None
        assert chat.login("PAT", emulator.auth_key).result().name == "Pat again"
        settle(chat)
        assert diary.names == ["login_success"]
        (token,) = emulator.auth_tokens("pat")
        assert token in next(iter(keyring.items.values()))
        chat.login("pat", emulator.auth_key).result()  # alive: verified, nothing told
        settle(chat)
        assert emulator.auth_tokens("pat") == [token]
    assert diary.names == ["login_success"]


BAD_LOGINS: dict[str, Callable[[CometChat, str], Any]] = {
    "bad token": lambda chat, _: chat.login("no-such-token"),
    "unusable token": lambda chat, _: chat.login("two words"),
    "bad key": lambda chat, _: chat.login("cometchat-uid-2", "no-such-key"),
    "unknown uid": lambda chat, key: chat.login("no-such-uid", key),
    "bad uid": lambda chat, _: chat.login("../me", "key"),
    "nothing": lambda chat, _: chat.login("", None),
}


@pytest.mark.parametrize("attempt", BAD_LOGINS)
def test_s14_failed_login_touches_nothing(emulator: Emulator, attempt: str) -> None:
    """A refused login leaves the session that is there, in memory, store and service."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as chat:
        user = chat.login(UID, emulator.auth_key).result()
        settle(chat)
        stored = dict(keyring.items)
        chat.add_login_listener("diary", diary.listener())
        error_of(BAD_LOGINS[attempt](chat, emulator.auth_key))
        settle(chat)
        assert chat.get_logged_in_user() == user
        assert keyring.items == stored
        assert chat.check_session().result() == user
    assert diary.names == ["login_failure"]


@pytest.mark.parametrize("trouble", ["refused", "time-out", "500", "portal", "cut"])
def test_s14_login_as_another_that_fails(emulator: Emulator, trouble: str) -> None:
    """A login of B that does not get through leaves A logged in."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as first:
        first.login(UID, emulator.auth_key).result()
    with TROUBLES[trouble]() as url, client(emulator, keyring, url=url, timeout=0.4) as chat:
        same_item(keyring, chat)
        chat.add_login_listener("diary", diary.listener())
        stored = dict(keyring.items)
        error_of(chat.login("cometchat-uid-2", "key"))
        error_of(chat.login("a-token-of-b"))
        settle(chat)
        user = chat.get_logged_in_user()
        assert user is not None
        assert user.uid == UID
        assert keyring.items == stored
    assert diary.names == ["login_failure", "login_failure"]


def test_s14_login_of_b_never_yields_a(emulator: Emulator) -> None:
    """A service that answers the login of one user with another is not believed."""
    body = b'{"data":{"uid":"a","name":"A","authToken":"token-of-a"}}'
    with answering(Reply(200, body)) as url, client(emulator, MemoryStore(), url=url) as chat:
        assert error_of(chat.login("b", "key")).reason == "unexpected"
        assert chat.get_logged_in_user() is None


def test_s14_switch_of_user(emulator: Emulator) -> None:
    """A login of B while A is logged in is B, in one event, and A's minted token is ended."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as chat:
        chat.add_login_listener("diary", diary.listener())
        chat.login(UID, emulator.auth_key).result()
        assert chat.login("cometchat-uid-2", emulator.auth_key).result().uid == "cometchat-uid-2"
        settle(chat)
        chat.close()
        assert emulator.auth_tokens(UID) == []
    assert diary.names == ["login_success", "login_success"]
    assert "cometchat-uid-2" in next(iter(keyring.items.values()))
