"""The keyring store: what it makes of its back ends and their exceptions."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from functools import partial

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import null
from keyring.errors import (
    InitError,
    KeyringLocked,
    NoKeyringError,
    PasswordDeleteError,
    PasswordSetError,
)

from cometchat_auth import KeyringStore, SessionStoreError
from cometchat_auth.emulator import Emulator

from .keyring_doubles import ChainOf, FakeKeyring, client

NAME, PROFILE = "cometchat_auth:app:us", "default"


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


class PlaintextKeyring(FakeKeyring):
    """A keyring in a plain file, by its name."""


def detected(monkeypatch: pytest.MonkeyPatch, *installed: KeyringBackend) -> KeyringBackend:
    """Let keyring find these by itself, and return the one that it takes: the first."""
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr("keyring.backend.get_all_keyring", lambda: list(installed))
    monkeypatch.setattr("keyring.core._keyring_backend", installed[0])
    return installed[0]


def test_s5_plain_file_that_is_only_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain file that nobody has configured is no keyring: nothing is written to it or read."""
    plain = PlaintextKeyring()
    plain.items[NAME, PROFILE] = "record"
    detected(monkeypatch, plain)
    store = KeyringStore()
    for call in (store.load, partial(store.save, record="record")):
        with pytest.raises(SessionStoreError) as caught:
            call(NAME, PROFILE)
        assert caught.value.reason == "no_keyring"
    assert plain.calls == []
    store.delete(NAME, PROFILE)  # from when it was configured, perhaps
    assert plain.items == {}


def test_s5_plain_file_in_a_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a chain that keyring has found by itself, a plain file is left out."""
    refusing, plain = FakeKeyring(), PlaintextKeyring()
    refusing.fail(NotImplementedError, "set")
    detected(monkeypatch, ChainOf(refusing, plain))
    with pytest.raises(SessionStoreError):
        KeyringStore().save(NAME, PROFILE, "record")
    assert plain.items == {}


@pytest.mark.parametrize("how", ["environment", "set_keyring", "argument"])
def test_s5_plain_file_that_was_configured(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Whoever configures a keyring in a plain file gets it."""
    detected(monkeypatch, PlaintextKeyring())
    plain = PlaintextKeyring()
    store = KeyringStore(plain if how == "argument" else None)
    if how == "environment":
        monkeypatch.setattr("keyring.core._keyring_backend", None)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{__name__}.PlaintextKeyring")
    elif how == "set_keyring":
        monkeypatch.setattr("keyring.core._keyring_backend", plain)
    store.save(NAME, PROFILE, "record")
    assert store.load(NAME, PROFILE) == "record"


def test_s3_chain_saves_in_the_first_that_can() -> None:
    """A back end that only reads is passed over, as keyring's own chain does."""
    reading, writing = FakeKeyring(), FakeKeyring()
    reading.fail(NotImplementedError, "set")
    store = KeyringStore(ChainOf(reading, writing))
    store.save(NAME, PROFILE, "record")
    assert store.load(NAME, PROFILE) == "record"
    assert (len(reading.items), len(writing.items)) == (0, 1)


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
