"""Promises S3 and S6 on Windows: large sessions in parts, whole or not there at every moment."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth import KeyringStore, User
from cometchat_auth._record import decode, encode
from cometchat_auth._secrets import Secret
from cometchat_auth._session import Session

from .keyring_doubles import FakeKeyring
from .windows_double import (
    LIMIT_OF_AN_ITEM,
    CredentialManager,
    Killed,
    WindowsError_,
    empty,
    windows_keyring,
)

NAME, PROFILE = "cometchat_auth:app:us", "default"
# Characters: one item, just one, just two, and many.
SIZES: Final = (400, 1_000, 1_001, 3_200, 10_240)


def session(letter: str, size: int) -> str:
    """Return the record of a session of exactly this size."""

    def record(avatar: str) -> str:
        user = User(f"uid-{letter}", name="Zo\u00eb \u4f60", avatar=f"https://a.example/{avatar}")
        return encode(Session(user, Secret(f"token-of-{letter}"), minted=True, device_id="d"))

    return record(letter * (size - len(record(""))))


def maybe_session(letter: str, size: int | None) -> str | None:
    """Return the record of a session of this size, or ``None`` for none."""
    return None if size is None else session(letter, size)


@pytest.fixture
def store(manager: CredentialManager) -> KeyringStore:
    """Return the store for it, empty."""
    return empty(manager)


def change(store: KeyringStore, record: str | None, profile: str = PROFILE) -> None:
    """Save the record, or delete what is there."""
    if record is None:
        store.delete(NAME, profile)
    else:
        store.save(NAME, profile, record)


def killed(
    store: KeyringStore, manager: CredentialManager, record: str | None, n: int | None
) -> bool:
    """Have the process die after n calls of a change; return whether it came to that."""
    manager.die_after(n)
    try:
        change(store, record)
    except Killed:
        return True
    else:
        return False
    finally:
        manager.die_after(None)


def found(store: KeyringStore) -> str | None:
    """Return the record of the session that the next start finds, or ``None``."""
    record = store.load(NAME, PROFILE)
    try:
        decode(record)
    except ValueError:
        return None
    return record


def test_s3_the_limit_is_real(manager: CredentialManager, store: KeyringStore) -> None:
    """The double refuses what Windows refuses, in keyring's own code, or it would prove nothing."""
    keyring: Any = windows_keyring()
    keyring.set_password(NAME, PROFILE, "x" * (LIMIT_OF_AN_ITEM // 2))
    with pytest.raises(WindowsError_) as caught:
        keyring.set_password(NAME, PROFILE, "x" * (LIMIT_OF_AN_ITEM // 2 + 1))
    assert caught.value.winerror == 1783
    assert list(manager.credentials) == [NAME, f"{PROFILE}@{NAME}"]
    assert found(store) is None


@pytest.mark.parametrize("size", SIZES)
def test_s3_parts_are_small(manager: CredentialManager, store: KeyringStore, size: int) -> None:
    """No item is longer than 1,000 ASCII characters, and a short session is one item."""
    store.save(NAME, PROFILE, session("n", size))
    texts = [text for _, text in manager.credentials.values()]
    assert max(map(len, texts)) <= 1_000
    assert "".join(texts).isascii()
    parts = -(-size // 1_000)
    assert len(texts) == (1 if parts == 1 else parts + 1)
    assert f"{NAME}:part:a:0" in manager.credentials or parts == 1


@pytest.mark.parametrize("size", [1, 999, 1_000, 1_001, 2_560])
def test_s3_any_text(manager: CredentialManager, store: KeyringStore, size: int) -> None:
    """Characters outside of ASCII, and a text that looks like a head, come back as well."""
    store.save(NAME, PROFILE, session("h", 5_000))
    head = manager.credentials[NAME][1]
    for text in ("\U0001f600" * size, "\u00e9" * size, head):
        store.save(NAME, PROFILE, text)
        assert store.load(NAME, PROFILE) == text
    store.delete(NAME, PROFILE)
    assert manager.credentials == {}


# A later save or delete, and the items that there are then.
FOLLOW_UPS = ((None, 0), (session("f", 400), 1), (session("f", 2_100), 4))


@pytest.mark.parametrize("other_profile", [False, True])
@pytest.mark.parametrize("after", [None, *SIZES])
@pytest.mark.parametrize("before", [None, *SIZES])
def test_s3_killed_after_every_call(
    manager: CredentialManager, before: int | None, after: int | None, other_profile: bool
) -> None:
    """Whatever call is the last one, what is found is old or new, whole, and can be cleaned up."""
    old, new = maybe_session("o", before), maybe_session("n", after)
    theirs = session("t", 2_500) if other_profile else None
    point, died = 0, True
    while died:
        store = empty(manager)
        change(store, session("x", 2_500))
        change(store, old)
        change(store, theirs, "work")
        died = killed(store, manager, new, point)
        assert found(store) in ({old, new} if died else {new})  # a save loses nothing either
        left = dict(manager.credentials)
        for record, items in FOLLOW_UPS:
            manager.credentials = dict(left)
            change(store, record)
            assert store.load(NAME, PROFILE) == record
            assert store.load(NAME, "work") == theirs
            change(store, None, "work")
            assert len(manager.credentials) == items  # so nothing of an earlier session
        point += 1
    assert point > 1


@pytest.mark.parametrize("size", [400, 2_100])
def test_s6_killed_in_a_save_and_in_a_logout(manager: CredentialManager, size: int) -> None:
    """What a process killed in a save has left never comes back when a logout is killed, too."""
    point, died = 0, True
    while died:
        store = empty(manager)
        store.save(NAME, PROFILE, session("o", size))
        died = killed(store, manager, session("n", size), point)
        last, left = found(store), dict(manager.credentials)
        for later in range(60):
            manager.credentials = dict(left)
            killed(store, manager, None, later)
            assert found(store) in {last, None}
        assert manager.credentials == {}
        point += 1


@pytest.mark.parametrize("size", SIZES)
def test_s11_first_save_during_another_profiles(manager: CredentialManager, size: int) -> None:
    """A first save is not undone by another profile's in the middle of it."""
    mine, theirs = session("m", size), session("t", 2_100)
    for point in range(60):
        store = empty(manager)
        manager.between[point] = lambda: change(KeyringStore(windows_keyring()), theirs, "work")
        store.save(NAME, PROFILE, mine)
        assert store.load(NAME, PROFILE) == mine


steps = st.tuples(st.none() | st.integers(300, 6_000), st.none() | st.integers(0, 40))


@settings(max_examples=500, deadline=None)
@given(st.lists(steps, max_size=8))
def test_s3_killed_again_and_again(
    manager: CredentialManager, history: list[tuple[int | None, int | None]]
) -> None:
    """However often processes die, what is found is what the last one found, its own, or none."""
    store = empty(manager)
    last: str | None = None
    for number, (size, point) in enumerate(history):
        record = maybe_session("abcdefgh"[number], size)
        died = killed(store, manager, record, point)
        now = found(store)
        assert now in ({last, record, None} if died else {record})
        last = now
    store.delete(NAME, PROFILE)
    assert manager.credentials == {}


@pytest.mark.parametrize("size", SIZES)
def test_s12_read_while_another_process_writes(manager: CredentialManager, size: int) -> None:
    """Whenever a sibling saves in the middle of a look, the old or the new session is found."""
    old, new = session("o", 5_000), session("n", size)
    for point in range(8):
        store = empty(manager)
        store.save(NAME, PROFILE, old)
        manager.die_after(None)
        manager.between[point] = lambda: KeyringStore(windows_keyring()).save(NAME, PROFILE, new)
        assert found(store) in {old, new}


@pytest.mark.parametrize("size", SIZES)
def test_s6_no_copy_of_an_earlier_user(
    manager: CredentialManager, store: KeyringStore, size: int
) -> None:
    """The copy that keyring makes of what it writes over is gone after a save already."""
    for letter in "xyn":
        store.save(NAME, PROFILE, session(letter, size))
    assert "token-of-n" in manager.texts
    assert "token-of-x" not in manager.texts
    assert "token-of-y" not in manager.texts
    store.delete(NAME, PROFILE)
    assert manager.credentials == {}


@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_s8_missing_or_foreign_part(
    manager: CredentialManager, store: KeyringStore, gone: int
) -> None:
    """A session with a part missing, or another's, is none, and the next save replaces it."""
    store.save(NAME, PROFILE, session("n", 3_200))
    name = f"{NAME}:part:a:{gone}"
    kept = manager.credentials.pop(name)
    assert found(store) is None
    manager.credentials[name] = (PROFILE, "?" + kept[1][1:])
    assert found(store) is None
    store.save(NAME, PROFILE, session("f", 400))
    assert len(manager.credentials) == 1


def test_s4_one_item_elsewhere() -> None:
    """Where there is no such limit a session of any size is one item."""
    keyring = FakeKeyring()
    KeyringStore(keyring).save(NAME, PROFILE, session("n", 60_000))
    assert keyring.calls == ["set"]
    assert len(keyring.items) == 1
