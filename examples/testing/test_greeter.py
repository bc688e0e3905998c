"""Tests of `greeter.py` with pytest, which finds the fixtures by itself."""

from __future__ import annotations

from typing import Any

import pytest
from greeter import greet, greet_with

from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator, Fault
from cometchat_auth.testing import LockedStore


def test_nobody(cometchat_client: CometChat) -> None:
    """Without a session one is asked to log in."""
    assert greet(cometchat_client) == "Please log in."


def test_login(cometchat_emulator: Emulator, cometchat_client: CometChat) -> None:
    """Whoever logs in is greeted by name."""
    cometchat_emulator.create_user("ann", "Ann")
    token = cometchat_emulator.create_auth_token("ann")
    assert greet_with(cometchat_client, token) == "Hello, Ann!"
    assert cometchat_emulator.requests[-1].call == "put_me"


def test_session_is_kept(cometchat_emulator: Emulator) -> None:
    """The next start finds the session, without the network."""
    settings, store = AppSettings.for_emulator(cometchat_emulator.url), MemoryStore()
    token = cometchat_emulator.create_auth_token("cometchat-uid-1")
    with CometChat(cometchat_emulator.app_id, settings, session_store=store) as chat:
        greet_with(chat, token)
    cometchat_emulator.requests.clear()
    with CometChat(cometchat_emulator.app_id, settings, session_store=store) as chat:
        assert greet(chat) == "Hello, Andrew Joseph!"
    assert len(cometchat_emulator.requests) == 0


@pytest.mark.parametrize("fault", [{"cut": "before"}, {"status": 503}, {"rate_limit": 60}])
def test_a_service_that_fails(cometchat_emulator: Emulator, fault: dict[str, Any]) -> None:
    """While the service is down, later is worth a try."""
    settings = AppSettings.for_emulator(cometchat_emulator.url, timeout=0.5)
    token = cometchat_emulator.create_auth_token("cometchat-uid-1")
    cometchat_emulator.faults.add(Fault(**fault))
    with CometChat(cometchat_emulator.app_id, settings, session_store=MemoryStore()) as chat:
        assert greet_with(chat, token) == "Please try again later."


def test_one_failure(cometchat_emulator: Emulator, cometchat_client: CometChat) -> None:
    """A service that fails once is asked again, and nobody notices."""
    token = cometchat_emulator.create_auth_token("cometchat-uid-1")
    cometchat_emulator.faults.add(Fault(call="put_me", status=503, times=1))
    assert greet_with(cometchat_client, token) == "Hello, Andrew Joseph!"
    assert [entry.status for entry in cometchat_emulator.requests] == [503, 200]


def test_a_dead_token(cometchat_emulator: Emulator, cometchat_client: CometChat) -> None:
    """A token that was revoked is said to be of no use."""
    token = cometchat_emulator.create_auth_token("cometchat-uid-1")
    cometchat_emulator.revoke_auth_token(token)
    assert greet_with(cometchat_client, token) == "Please ask for a new token."


def test_a_locked_keyring() -> None:
    """A keyring that is locked is told from one that is empty."""
    with CometChat("app", AppSettings(region="us"), session_store=LockedStore()) as chat:
        assert greet(chat) == "The keyring is locked."
