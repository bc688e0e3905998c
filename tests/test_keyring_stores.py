"""The stores: one contract for all, and what the keyring store makes of its back ends."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable

import pytest
from keyring.backends import null
from keyring.errors import (
    InitError,
    KeyringLocked,
    NoKeyringError,
    PasswordDeleteError,
    PasswordSetError,
)

from cometchat_auth import KeyringStore, MemoryStore, SessionStore, SessionStoreError
from cometchat_auth.emulator import Emulator

from .keyring_doubles import ChainOf, FakeKeyring, client

NAME, PROFILE = "cometchat_auth:app:us", "default"


class StoreContract:
    """What every store has to do."""

    def make(self) -> SessionStore:
        """Return an empty store."""
        raise NotImplementedError

    def test_is_a_store(self) -> None:
        """It has what the protocol asks for, and a name for people."""
        store = self.make()
        assert isinstance(store, SessionStore)
        assert isinstance(store.name, str)

    def test_empty(self) -> None:
        """Where nothing is, nothing is found, and deleting it is no error."""
        store = self.make()
        assert store.load(NAME, PROFILE) is None
        store.delete(NAME, PROFILE)
        assert store.load(NAME, PROFILE) is None

    def test_round_trip(self) -> None:
        """What was saved is found, the last of it, and gone when deleted, also twice."""
        store = self.make()
        for record in ('{"a":1}', "x" * 10_000):
            store.save(NAME, PROFILE, record)
            assert store.load(NAME, PROFILE) == record
        store.delete(NAME, PROFILE)
        store.delete(NAME, PROFILE)
        assert store.load(NAME, PROFILE) is None

    @pytest.mark.parametrize("other", [(NAME, "work"), (NAME + "2", PROFILE)])
    def test_s11_apart(self, other: tuple[str, str]) -> None:
        """Apps, regions and profiles do not see each other's records."""
        store = self.make()
        store.save(NAME, PROFILE, "mine")
        assert store.load(*other) is None
        store.save(*other, "theirs")
        store.delete(NAME, PROFILE)
        assert store.load(*other) == "theirs"

    def test_repr_is_harmless(self) -> None:
        """A store does not show what it holds."""
        store = self.make()
        store.save(NAME, PROFILE, "the-record")
        assert "the-record" not in repr(store)


class TestMemoryStore(StoreContract):
    """The store for a process's lifetime."""

    def make(self) -> SessionStore:
        """Return an empty store."""
        return MemoryStore()


class TestKeyringStore(StoreContract):
    """The store for the system's keyring."""

    def make(self) -> SessionStore:
        """Return an empty store."""
        return KeyringStore(FakeKeyring())


class TestChainedKeyringStore(StoreContract):
    """The store for several keyrings in a row."""

    def make(self) -> SessionStore:
        """Return an empty store."""
        return KeyringStore(ChainOf(FakeKeyring(), FakeKeyring()))


class DBusErrorResponse(Exception):
    """Like the one that comes from below keyring."""


class MyNoKeyring(NoKeyringError):
    """Somebody's own kind of it."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (lambda: KeyringLocked("locked"), "locked"),
        (lambda: InitError("Prompt dismissed"), "dismissed"),
        (lambda: InitError("Failed to start"), "error"),
        (lambda: PasswordSetError("no"), "denied"),
        (lambda: PasswordDeleteError("no"), "denied"),
        (lambda: NoKeyringError("none"), "no_keyring"),
        (lambda: MyNoKeyring("none"), "no_keyring"),
        (lambda: DBusErrorResponse("org.freedesktop..."), "error"),
        (lambda: RuntimeError("bare"), "error"),
        (lambda: OSError(5, "lost"), "error"),
        (lambda: ModuleNotFoundError("no", name="keyring"), "no_keyring"),
        (lambda: ModuleNotFoundError("no", name="keyring.backends.bogus"), "error"),
    ],
)
@pytest.mark.parametrize("call", ["load", "save", "delete"])
def test_s9_only_our_exceptions(error: Callable[[], Exception], reason: str, call: str) -> None:
    """Whatever a back end raises comes as our own exception, the back end's as its cause."""
    keyring = FakeKeyring()
    keyring.fail(error)
    arguments = (NAME, PROFILE, "record") if call == "save" else (NAME, PROFILE)
    with pytest.raises(SessionStoreError) as caught:
        getattr(KeyringStore(keyring), call)(*arguments)
    assert caught.value.reason == reason
    assert type(caught.value.__cause__) is type(error())
    assert pickle.loads(pickle.dumps(caught.value)).reason == reason  # noqa: S301


@pytest.mark.parametrize(
    "backend", ["nonsense", "", "no.such.Module", "keyring.backends.fail.Nothing"]
)
def test_s9_broken_configuration(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configured back end that cannot be loaded is an error with the cause, not a crash."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(SessionStoreError) as caught:
        KeyringStore().load(NAME, PROFILE)
    assert caught.value.reason == "error"
    assert caught.value.__cause__ is not None


def test_s9_keyring_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package there is no keyring, which is not an error of the program."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SessionStoreError) as caught:
        KeyringStore().load(NAME, PROFILE)
    assert caught.value.reason == "no_keyring"


def test_s6_every_copy_is_deleted() -> None:
    """Each of several chained back ends gives up its copy."""
    first, second = FakeKeyring(), FakeKeyring()
    for keyring in (first, second):
        keyring.items[NAME, PROFILE] = "record"
    KeyringStore(ChainOf(first, second)).delete(NAME, PROFILE)
    assert first.items == second.items == {}


def test_s6_one_refusal_spares_no_other_copy() -> None:
    """A back end that will not delete is reported, and the others delete nevertheless."""
    first, second = FakeKeyring(), FakeKeyring()
    for keyring in (first, second):
        keyring.items[NAME, PROFILE] = "record"
    first.fail(NotImplementedError, "delete")
    with pytest.raises(SessionStoreError):
        KeyringStore(ChainOf(first, second)).delete(NAME, PROFILE)
    assert second.items == {}


def test_s6_another_process_was_faster() -> None:
    """An item that vanishes while it is being deleted has been deleted."""
    keyring = FakeKeyring()
    keyring.items[NAME, PROFILE] = "record"

    def vanish() -> None:
        keyring.items.clear()
        raise PasswordDeleteError("not found")

    keyring.faults["delete"] = vanish
    KeyringStore(keyring).delete(NAME, PROFILE)


def test_s8_item_that_is_no_text() -> None:
    """Bytes that are no text are there, are no record, can be replaced and deleted."""
    keyring = FakeKeyring()
    keyring.items[NAME, PROFILE] = "?"

    def decode() -> None:
        if (NAME, PROFILE) in keyring.items:
            b"\xff\xfe\xff".decode()

    keyring.faults["get"] = decode
    store = KeyringStore(keyring)
    held = store.load(NAME, PROFILE)
    assert held is not None
    assert not held.startswith("{")
    store.delete(NAME, PROFILE)
    assert store.load(NAME, PROFILE) is None


def test_s10_back_end_that_forgets(emulator: Emulator) -> None:
    """A save that is not there afterwards is noticed and told."""
    with client(emulator, null.Keyring()) as chat:  # type: ignore[no-untyped-call]
        chat.login("cometchat-uid-1", emulator.auth_key).result()
        info = chat.session_info()
    assert info.user is not None
    assert (info.persisted, info.reason) == (False, "not_retained")
    assert info.backend == "keyring.backends.null.Keyring"


def test_s11_two_clients_one_keyring(emulator: Emulator) -> None:
    """Profiles of one keyring hold sessions of their own, under the documented name."""
    keyring = FakeKeyring()
    with client(emulator, keyring) as one, client(emulator, keyring, profile="work") as other:
        one.login("cometchat-uid-1", emulator.auth_key).result()
        assert other.get_logged_in_user() is None
        other.login("cometchat-uid-2", emulator.auth_key).result()
        assert one.logout().result() is None
        host = emulator.url.removeprefix("http://")
        assert list(keyring.items) == [(f"cometchat_auth:{emulator.app_id}:{host}", "work")]
        info = other.session_info()
        assert (info.service_name, info.profile) == next(iter(keyring.items))


def test_store_without_a_name(emulator: Emulator) -> None:
    """A user's own store that lacks a name does not break what tells about it."""

    class Nameless:
        def load(self, *_: str) -> str | None:
            return None

        save = delete = load

    with client(emulator, Nameless()) as chat:  # type: ignore[arg-type]
        assert str(chat.session_info().backend).endswith("Nameless")
