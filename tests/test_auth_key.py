"""Promise X3: the auth key is for development, and stays out of the store."""

from __future__ import annotations

import sys

import pytest

from cometchat_auth import CometChat, MemoryStore, User
from cometchat_auth.emulator import Emulator

from .tools import LIMIT


def test_x3_auth_key_is_never_stored(
    chat: CometChat, emulator: Emulator, store: MemoryStore
) -> None:
    """After a login with the auth key the store holds the session, and no trace of the key."""
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    (record,) = store._records.values()
    assert emulator.auth_tokens("cometchat-uid-1")[0] in record
    assert emulator.auth_key not in record


def test_x3_frozen_application_is_warned_once(
    chat: CometChat,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A frozen application that passes the auth key gets one warning, which does not show it."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    chat.login(emulator.create_auth_token("cometchat-uid-1")).result(LIMIT)
    assert caplog.records == []
    chat.login("cometchat-uid-2", emulator.auth_key).result(LIMIT)
    chat.create_user(User("kim", "Kim"), emulator.auth_key).result(LIMIT)
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "auth key" in warnings[0].getMessage()
    assert emulator.auth_key not in caplog.text


def test_x3_a_script_is_not_warned(
    chat: CometChat, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A script that runs from its source may use the auth key without being told off."""
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
