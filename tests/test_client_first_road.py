"""The main job: log in, stay logged in, log out."""

from __future__ import annotations

from cometchat_auth import AppSettings, CometChat, MemoryStore, User
from cometchat_auth.emulator import Emulator

from .tools import Diary, error_of, settle


def test_login_with_auth_key(chat: CometChat, emulator: Emulator, diary: Diary) -> None:
    """A login with uid and auth key yields the user and is told once."""
    user = chat.login("cometchat-uid-1", emulator.auth_key).result()
    settle(chat)
    assert user.uid == "cometchat-uid-1"
    assert chat.get_logged_in_user() == user
    assert diary.names == ["login_success"]


def test_restored(chat: CometChat, emulator: Emulator, store: MemoryStore) -> None:
    """A second client with the same store finds the session without asking the service."""
    chat.login("cometchat-uid-1", emulator.auth_key).result()
    with CometChat(
        emulator.app_id, AppSettings.for_emulator(emulator.url), session_store=store
    ) as second:
        user = second.get_logged_in_user()
        assert user is not None
        assert user.uid == "cometchat-uid-1"
        assert not second.session_info().verified


def test_logout(chat: CometChat, emulator: Emulator, diary: Diary) -> None:
    """A logout ends the session here and on the service."""
    chat.login("cometchat-uid-1", emulator.auth_key).result()
    (token,) = emulator.auth_tokens("cometchat-uid-1")
    assert chat.logout().result() is None
    settle(chat)
    assert chat.get_logged_in_user() is None
    assert error_of(chat.login(token)).code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
    assert diary.names[:2] == ["login_success", "logout_success"]


def test_create_user(chat: CometChat, emulator: Emulator) -> None:
    """A created user comes back as the service keeps it, and can log in."""
    user = User(uid="Kevin", name="Kevin", metadata={"team": 7}, tags=["vip"])
    created = chat.create_user(user, emulator.auth_key).result()
    assert (created.uid, created.metadata, created.tags) == ("kevin", {"team": 7}, ("vip",))
    assert chat.login("KEVIN", emulator.auth_key).result().uid == "kevin"
