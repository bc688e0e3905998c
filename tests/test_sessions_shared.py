"""Promise S12: several clients or processes of one user share one stored session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from keyring.errors import KeyringLocked

from cometchat_auth import CometChat, KeyringStore
from cometchat_auth.emulator import Emulator

from .keyring_doubles import FakeKeyring, client
from .tools import Diary, error_of, settle

UID, OTHER = "cometchat-uid-1", "cometchat-uid-2"


@attrs.frozen
class Pair:
    """Two clients with one keyring, as two processes are, and what the first one's user hears."""

    keyring: FakeKeyring
    mine: CometChat
    sibling: CometChat
    diary: Diary


@pytest.fixture
def pair(emulator: Emulator) -> Iterator[Pair]:
    """Return two clients that share a keyring."""
    keyring, diary = FakeKeyring(), Diary()
    with client(emulator, keyring) as mine, client(emulator, keyring) as sibling:
        mine.add_login_listener("diary", diary.listener())
        yield Pair(keyring, mine, sibling, diary)


def test_s12_reload_sees_login_switch_and_logout(pair: Pair, emulator: Emulator) -> None:
    """Each `reload()` takes over what the sibling did, and tells listeners of each change once."""
    assert pair.mine.get_logged_in_user() is None
    pair.sibling.login(UID, emulator.auth_key).result()
    assert pair.mine.get_logged_in_user() is None
    for expected in (UID, UID):
        user = pair.mine.reload().result()
        assert user is not None
        assert user.uid == expected
    info = pair.mine.session_info()
    assert (info.verified, info.persisted) == (False, True)
    pair.sibling.login(OTHER, emulator.auth_key).result()
    user = pair.mine.reload().result()
    assert user is not None
    assert user.uid == OTHER
    pair.sibling.logout().result()
    assert pair.mine.reload().result() is None
    assert pair.mine.reload().result() is None
    settle(pair.mine)
    assert pair.diary.names == ["login_success", "login_success", "logout_success"]


def test_s12_first_look_tells_nobody(pair: Pair, emulator: Emulator) -> None:
    """A `reload()` at start-up restores a session; that is no login."""
    pair.sibling.login(UID, emulator.auth_key).result()
    assert pair.mine.reload().result() is not None
    settle(pair.mine)
    assert pair.diary.names == []


def test_s12_check_reads_once_more_before_it_buries(pair: Pair, emulator: Emulator) -> None:
    """If the sibling has logged in anew, that session counts and none is declared dead."""
    pair.mine.login(UID, emulator.auth_key).result()
    emulator.flush_auth_tokens(UID)
    pair.sibling.login(UID, emulator.auth_key).result()
    stored = dict(pair.keyring.items)
    user = pair.mine.check_session().result()
    assert user is not None
    settle(pair.mine)
    assert pair.keyring.items == stored
    assert pair.diary.names == ["login_success", "login_success"]  # a new token
    assert pair.mine.session_info().verified


def test_s12_login_reads_once_more_before_it_mints(pair: Pair, emulator: Emulator) -> None:
    """A login for that user finds the sibling's new session and mints no further token."""
    pair.mine.login(UID, emulator.auth_key).result()
    emulator.flush_auth_tokens(UID)
    pair.sibling.login(UID, emulator.auth_key).result()
    tokens = emulator.auth_tokens(UID)
    assert pair.mine.login(UID, emulator.auth_key).result().uid == UID
    assert emulator.auth_tokens(UID) == tokens


def test_s12_dead_token_given_again(pair: Pair, emulator: Emulator) -> None:
    """A login with one's own dead token fails without removing the sibling's session."""
    token = emulator.create_auth_token(UID)
    pair.mine.login(token).result()
    emulator.flush_auth_tokens(UID)
    pair.sibling.login(OTHER, emulator.auth_key).result()
    stored = dict(pair.keyring.items)
    assert error_of(pair.mine.login(token)).code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
    assert pair.keyring.items == stored
    user = pair.mine.check_session().result()
    assert user is not None
    assert user.uid == OTHER


def test_s12_dead_token_given_again_alone(pair: Pair, emulator: Emulator) -> None:
    """A login with one's own dead token ends that session: it is the server's own "no"."""
    token = emulator.create_auth_token(UID)
    pair.mine.login(token).result()
    emulator.flush_auth_tokens(UID)
    error_of(pair.mine.login(token))
    settle(pair.mine)
    assert pair.mine.get_logged_in_user() is None
    assert pair.keyring.items == {}
    assert sorted(pair.diary.names) == ["login_failure", "login_success", "logout_success"]


def test_s12_both_dead(pair: Pair, emulator: Emulator) -> None:
    """If the sibling's session is dead as well, nobody is logged in, told once."""
    pair.mine.login(UID, emulator.auth_key).result()
    pair.sibling.login(OTHER, emulator.auth_key).result()
    emulator.flush_auth_tokens(UID)
    emulator.flush_auth_tokens(OTHER)
    assert pair.mine.check_session().result() is None
    settle(pair.mine)
    assert pair.keyring.items == {}
    assert pair.diary.names == ["login_success", "logout_success"]


def test_s12_check_does_not_write_over_a_sibling(pair: Pair, emulator: Emulator) -> None:
    """A mere check of a session leaves a sibling's in the store, and says so."""
    emulator.create_user("pat", "Pat")
    token = emulator.create_auth_token("pat")
    host = pair.mine.session_info().service_name
    old = {"format": 1, "uid": "pat", "authToken": token, "name": "an old name"}
    pair.keyring.items[host, "default"] = json.dumps(old)
    assert pair.mine.reload().result() is not None
    pair.sibling.login(OTHER, emulator.auth_key).result()
    stored = dict(pair.keyring.items)
    checked = pair.mine.check_session().result()
    assert checked is not None
    assert checked.name == "Pat"
    assert pair.keyring.items == stored
    info = pair.mine.session_info()
    assert (info.persisted, info.reason) == (False, "replaced")
    user = pair.mine.reload().result()
    assert user is not None
    assert user.uid == OTHER
    assert pair.mine.session_info().persisted


def test_s12_check_does_not_revive_after_a_siblings_logout(pair: Pair, emulator: Emulator) -> None:
    """A check never puts back what a sibling's logout has removed."""
    token = emulator.create_auth_token(UID)
    host = pair.mine.session_info().service_name
    record = {"format": 1, "uid": UID, "authToken": token, "name": "an old name"}
    pair.keyring.items[host, "default"] = json.dumps(record)
    assert pair.mine.reload().result() is not None
    pair.keyring.items.clear()
    assert pair.mine.check_session().result() is not None
    assert pair.keyring.items == {}
    assert pair.mine.reload().result() is None


def test_s12_fields_of_a_later_version_survive(pair: Pair, emulator: Emulator) -> None:
    """What a sibling of a later version adds to the same session is kept by the next write."""
    emulator.create_user("pat", "Pat")
    token = emulator.create_auth_token("pat")
    pair.mine.login(token).result()
    ((name, record),) = pair.keyring.items.items()
    pair.keyring.items[name] = json.dumps({**json.loads(record), "name": "P", "theme": "dark"})
    user = pair.mine.reload().result()
    assert user is not None
    assert user.name == "Pat"  # which the service said
    assert pair.mine.check_session().result() is not None
    written = json.loads(pair.keyring.items[name])
    assert (written["theme"], written["name"]) == ("dark", "Pat")


def test_s12_unsaved_session_is_not_swapped_for_the_one_it_replaced(
    pair: Pair, emulator: Emulator
) -> None:
    """When B could not be stored and dies, the store's stale A is not taken for a sibling's."""
    pair.mine.login(emulator.create_auth_token(UID)).result()  # not ours to revoke
    pair.keyring.fail(lambda: KeyringLocked("locked"), "set")
    pair.mine.login(OTHER, emulator.auth_key).result()
    assert len(pair.keyring.items) == 1  # still A's: it is locked
    emulator.flush_auth_tokens(OTHER)
    assert pair.mine.check_session().result() is None
    assert pair.mine.get_logged_in_user() is None
    assert pair.keyring.items == {}


def test_s12_no_lock_file(emulator: Emulator, tmp_path: Path) -> None:
    """Nothing is left in the home folder by logging in and out."""
    before = sorted(tmp_path.rglob("*"))
    with client(emulator, KeyringStore(FakeKeyring())) as chat:
        chat.login(UID, emulator.auth_key).result()
        chat.logout().result()
    assert sorted(tmp_path.rglob("*")) == before
