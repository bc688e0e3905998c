"""The defects of the official JavaScript SDK 4.2.0 that were observed, and are not here."""

from __future__ import annotations

from typing import Any

import pytest

from cometchat_auth import AppSettings, CometChat, MemoryStore, NoAnswerError
from cometchat_auth.emulator import Emulator

from .tools import LIMIT, Diary, Reply, Seen, error_of, scripted, settle

UID = "cometchat-uid-1"


def test_defect_1_a_bad_token_destroys_no_good_session(
    chat: CometChat, emulator: Emulator, store: MemoryStore, diary: Diary
) -> None:
    """A login with a bad token leaves whoever is logged in logged in, here and in the store."""
    user = chat.login(UID, emulator.auth_key).result(LIMIT)
    before = dict(store._records)
    assert error_of(chat.login("a-bad-token")).code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
    settle(chat)
    assert chat.get_logged_in_user() == user
    assert store._records == before
    assert chat.check_session().result(LIMIT) is not None
    assert diary.names == ["login_success", "login_failure"]


def test_defect_2_logout_failure_fires(chat: CometChat, emulator: Emulator, diary: Diary) -> None:
    """A logout that the service did not confirm fires `logout_failure`, and only that."""
    chat.login(UID, emulator.auth_key).result(LIMIT)
    emulator.stop()
    error = error_of(chat.logout(timeout=2))
    settle(chat)
    assert diary.entries[1:] == [("logout_failure", error)]


def test_defect_3_logging_out_nobody_is_silent(diary: Diary) -> None:
    """With nobody logged in a logout succeeds, sends nothing and fires nothing."""
    with scripted(lambda _: Reply(500)) as server:
        chat = CometChat("app", AppSettings.for_emulator(server.url), session_store=MemoryStore())
        chat.add_login_listener("diary", diary.listener())
        assert chat.logout().result(LIMIT) is None
        settle(chat)
        assert server.seen == []
    assert diary.names == []


@pytest.mark.parametrize(
    "uid", ["../users/x?y=", "a/b", "a%2fb", "..", ".", "a b", "a#b", "ü", "a\nb", "a" * 101]
)
def test_defect_4_a_uid_cannot_change_the_path(uid: str) -> None:
    """A uid that could change the path is refused before the key is sent anywhere."""
    with scripted(lambda _: Reply(500)) as server:
        chat = CometChat("app", AppSettings.for_emulator(server.url), session_store=MemoryStore())
        assert error_of(chat.login(uid, "key")).code in {"INVALID_UID", "ERROR_UID_EXCEEDED"}
        assert server.seen == []


def test_defect_5_html_is_an_error_and_logs_nobody_in() -> None:
    """A 502 with HTML is a clear error, and the next login asks the service again."""
    html = Reply(502, b"<html><h1>Bad Gateway</h1></html>", (("Content-Type", "text/html"),))
    with scripted(lambda _: html) as server:
        settings = AppSettings.for_emulator(server.url)
        with CometChat("app", settings, session_store=MemoryStore()) as chat:
            for _ in range(2):
                sent = len(server.seen)
                error = error_of(chat.login("u1", "key"))
                assert isinstance(error, NoAnswerError)
                assert (error.code, error.http_status) == ("ERROR_JSON_EXCEPTION", 502)
                assert "Bad Gateway" in error.message
                assert len(server.seen) > sent
            assert chat.get_logged_in_user() is None


def test_defect_6_a_login_checks_the_cached_session(
    chat: CometChat, emulator: Emulator, diary: Diary
) -> None:
    """A login for the cached uid asks the service, and heals a session that was revoked."""
    chat.login(UID, emulator.auth_key).result(LIMIT)
    emulator.flush_auth_tokens(UID)
    assert chat.login(UID, emulator.auth_key).result(LIMIT).uid == UID
    assert chat.check_session().result(LIMIT) is not None
    settle(chat)
    assert diary.names == ["login_success", "login_success"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_defect_7_redirects_are_not_followed(status: int) -> None:
    """No key and no token follows a redirect to whatever host it names."""
    with scripted(lambda _: Reply(200, b'{"data": {}}')) as thief:

        def script(seen: Seen) -> Reply:
            return Reply(status, b"", (("Location", thief.url + seen.path),))

        with scripted(script) as server:
            settings = AppSettings.for_emulator(server.url)
            with CometChat("app", settings, session_store=MemoryStore()) as chat:
                calls: list[Any] = [chat.login("u1", "key"), chat.login("token")]
                errors = [error_of(call) for call in calls]
        assert thief.seen == []
    assert {error.reason for error in errors} <= {"redirect", None}
    assert "redirect" in {error.reason for error in errors}
