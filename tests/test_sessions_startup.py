"""Promises S2, S4 and S5: what the first look at the store answers, and what it costs."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from keyring.backends import fail
from keyring.errors import InitError, KeyringLocked, PasswordSetError

from cometchat_auth import CometChat, MemoryStore, SessionStoreError
from cometchat_auth.emulator import Emulator

from .keyring_doubles import SYSTEM_KEYRINGS_ONLY, FakeKeyring, client
from .tools import Diary, error_of, settle

COULD_NOT_LOOK = [
    (lambda: KeyringLocked("locked"), "locked"),
    (lambda: InitError("Prompt dismissed"), "dismissed"),
    (lambda: PasswordSetError("denied"), "denied"),
    (lambda: RuntimeError("bare"), "error"),
]


@pytest.mark.parametrize(("error", "reason"), COULD_NOT_LOOK)
def test_s2_could_not_look(emulator: Emulator, error: Callable[[], Exception], reason: str) -> None:
    """Where nobody could look, that is the answer; nothing is written, deleted or told."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as first:
        first.login("cometchat-uid-1", emulator.auth_key).result()
    stored = dict(keyring.items)
    keyring.calls.clear()
    keyring.fail(error)
    with client(emulator, keyring) as chat:
        chat.add_login_listener("diary", diary.listener())
        with pytest.raises(SessionStoreError) as caught:
            chat.get_logged_in_user()
        assert caught.value.reason == reason
        for call in (chat.check_session, chat.reload):
            problem = error_of(call())
            assert isinstance(problem, SessionStoreError)
            assert problem.reason == reason
        info = chat.session_info()
        assert (info.user, info.persisted, info.reason) == (None, False, reason)
        settle(chat)
        assert set(keyring.calls) == {"get"}
        assert (keyring.items, diary.names) == (stored, [])
        keyring.heal()
        user = chat.reload().result()
        assert user is not None
        assert chat.get_logged_in_user() == user
        settle(chat)
    assert diary.names == []


def test_s2_no_session(chat: CometChat) -> None:
    """A store that could be looked at and is empty is no session, and nothing is wrong."""
    assert chat.get_logged_in_user() is None
    info = chat.session_info()
    assert (info.user, info.verified, info.persisted, info.reason) == (None, False, False, None)


def test_s2_a_failed_reload_forgets_nobody(emulator: Emulator) -> None:
    """Who is logged in stays so while the keyring cannot be looked at."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as chat:
        user = chat.login("cometchat-uid-1", emulator.auth_key).result()
        settle(chat)
        chat.add_login_listener("diary", diary.listener())
        keyring.fail(lambda: KeyringLocked("locked"))
        assert error_of(chat.reload()).reason == "locked"
        assert chat.get_logged_in_user() == user
        assert chat.session_info().reason == "locked"
        settle(chat)
    assert diary.names == []


def test_s4_one_read_at_startup(emulator: Emulator) -> None:
    """A restored session costs one read, however often it is asked for and checked."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as first:
        assert first.get_logged_in_user() is None
        first.login("cometchat-uid-1", emulator.auth_key).result()
        assert keyring.calls == ["get", "set", "get"]  # a look, the item, and is it there?
    assert len(keyring.items) == 1
    keyring.calls.clear()
    with client(emulator, keyring) as chat:
        for _ in range(3):
            assert chat.get_logged_in_user() is not None
            assert chat.session_info().persisted
            assert chat.check_session().result() is not None
    assert keyring.calls == ["get"]


def test_s4_login_that_changes_nothing_writes_nothing(emulator: Emulator) -> None:
    """A login that finds the live session of that user does not write it again."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as chat:
        chat.login("cometchat-uid-1", emulator.auth_key).result()
        keyring.calls.clear()
        chat.login("cometchat-uid-1", emulator.auth_key).result()
        assert set(keyring.calls) == {"get"}
        assert chat.session_info().persisted


def test_s4_changed_name_is_written_once(emulator: Emulator) -> None:
    """What the service says about the user reaches the store when it has changed."""
    keyring = FakeKeyring()
    emulator.create_user("pat", "Pat")
    with client(emulator, keyring) as chat:
        chat.login("pat", emulator.auth_key).result()
        emulator.delete_user("pat")
        emulator.create_user("pat", "Patricia")
        chat.login("pat", emulator.auth_key).result()
    with client(emulator, keyring) as later:
        user = later.get_logged_in_user()
        assert user is not None
        assert user.name == "Patricia"


@pytest.mark.parametrize(("error", "reason"), COULD_NOT_LOOK)
def test_s4_refused_write(
    emulator: Emulator,
    error: Callable[[], Exception],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A login whose session cannot be stored has succeeded, and says why it will not last."""
    keyring = FakeKeyring()
    keyring.fail(error, "set")
    with client(emulator, keyring) as chat:
        with caplog.at_level(logging.WARNING):
            user = chat.login("cometchat-uid-1", emulator.auth_key).result()
        assert chat.get_logged_in_user() == user
        info = chat.session_info()
        assert (info.persisted, info.reason) == (False, reason)
        assert len(caplog.records) == 1
        keyring.heal()
        assert chat.reload().result() == user  # offers it to the store again
        assert chat.session_info().persisted
    assert len(keyring.items) == 1


@pytest.mark.parametrize("error", [lambda: PasswordSetError("no"), lambda: RuntimeError("no")])
def test_s4_refused_write_leaves_no_earlier_user(
    emulator: Emulator, error: Callable[[], Exception]
) -> None:
    """If the new session cannot be stored, the next start must not find the old one."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as chat:
        chat.login("cometchat-uid-1", emulator.auth_key).result()
        keyring.fail(error, "set")
        assert chat.login("cometchat-uid-2", emulator.auth_key).result().uid == "cometchat-uid-2"
    with client(emulator, keyring) as later:
        assert later.get_logged_in_user() is None


def test_s5_no_keyring(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """Without a keyring everything works in memory, with one warning that names the remedy."""
    keyring = fail.Keyring()  # type: ignore[no-untyped-call]
    with client(emulator, keyring) as chat, caplog.at_level(logging.DEBUG):
        assert chat.get_logged_in_user() is None
        user = chat.login("cometchat-uid-1", emulator.auth_key).result()
        assert chat.get_logged_in_user() == user
        info = chat.session_info()
        assert (info.persisted, info.reason) == (False, "no_keyring")
        assert info.backend == "keyring.backends.fail.Keyring"
        assert chat.reload().result() == user
        assert chat.check_session().result() == user
        assert chat.logout().result() is None
        assert chat.get_logged_in_user() is None
    (warning,) = (entry for entry in caplog.records if entry.levelno >= logging.WARNING)
    assert "gnome-keyring" in warning.getMessage()
    assert "session_store" in warning.getMessage()


def test_s5_memory_store_says_so(chat: CometChat, emulator: Emulator, store: MemoryStore) -> None:
    """A session in a store for the process's lifetime is not called persisted."""
    chat.login("cometchat-uid-1", emulator.auth_key).result()
    info = chat.session_info()
    assert (info.persisted, info.reason, info.backend) == (False, "memory", "memory")
    assert store.load(info.service_name, info.profile) is not None


HEADLESS = (
    SYSTEM_KEYRINGS_ONLY
    + """
import logging, sys
from cometchat_auth import AppSettings, CometChat
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
url, app_id, key = sys.argv[1:]
with CometChat(app_id, AppSettings.for_emulator(url)) as chat:
    assert chat.get_logged_in_user() is None
    chat.login("cometchat-uid-1", key).result()
    print(chat.session_info().reason)
"""
)


def test_s5_nothing_on_disk(emulator: Emulator, tmp_path: Path) -> None:
    """On a machine without D-Bus a login works and its token is in no file and no output."""
    home = tmp_path / "machine"
    home.mkdir()
    names = ("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
    env = dict.fromkeys(names, str(home)) | {"PATH": os.environ["PATH"]}
    env["PYTHONPATH"] = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", HEADLESS, emulator.url, emulator.app_id, emulator.auth_key],
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "no_keyring"
    (token,) = emulator.auth_tokens("cometchat-uid-1")
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    output = (done.stdout + done.stderr).encode()
    assert not [text for text in [*files, output] if token.encode() in text]
    assert emulator.auth_key not in done.stderr
