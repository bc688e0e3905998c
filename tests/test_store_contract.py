"""The contract of session stores, kept by every store that there is."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth import KeyringStore, MemoryStore, SessionStore
from cometchat_auth.testing import (
    DenyingStore,
    ForgetfulStore,
    FullStore,
    LockedStore,
    SessionStoreContract,
    SlowStore,
)

from . import macos_double, windows_double
from .keyring_doubles import ChainOf, FakeKeyring
from .real_parts import require


class TestMemoryStore(SessionStoreContract):
    """The store for a process's lifetime."""

    def make_store(self) -> SessionStore:
        """Return an empty store."""
        return MemoryStore()


class _KeyringContract(SessionStoreContract):
    """What is in a keyring is still there for the next program."""

    def reopen(self, store: SessionStore) -> SessionStore | None:
        """Return another store for the same back end."""
        assert isinstance(store, KeyringStore)
        return KeyringStore(store._backend)


class TestKeyringStore(_KeyringContract):
    """The store for the system's keyring."""

    def make_store(self) -> SessionStore:
        """Return an empty store."""
        return KeyringStore(FakeKeyring())


class TestChainedKeyringStore(_KeyringContract):
    """The store for several keyrings in a row."""

    def make_store(self) -> SessionStore:
        """Return an empty store."""
        return KeyringStore(ChainOf(FakeKeyring(), FakeKeyring()))


class TestWindows(_KeyringContract):
    """The store for the Windows Credential Manager; nothing at all may be left in that."""

    @pytest.fixture
    def store(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionStore]:
        """Return an empty store, and look afterwards what is left of its records."""
        manager = windows_double.install(monkeypatch)
        store = KeyringStore(windows_double.windows_keyring())
        yield store
        for target, (user_name, _) in list(manager.credentials.items()):
            service_name = target.rpartition(f"{user_name}@")[2].partition(":part:")[0]
            store.delete(service_name, user_name)
        assert manager.credentials == {}


class TestWindowsInAChain(TestWindows):
    """The same, as one of several keyrings in a row."""

    @pytest.fixture
    def store(self, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
        """Return an empty store."""
        windows_double.install(monkeypatch)
        return KeyringStore(ChainOf(windows_double.windows_keyring(), FakeKeyring()))


class TestMacOS(_KeyringContract):
    """The store for the macOS keychain."""

    @pytest.fixture
    def store(self, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
        """Return an empty store."""
        macos_double.install(monkeypatch)
        return KeyringStore(macos_double.macos_keyring())


@pytest.mark.filterwarnings("ignore:PBKDF2:DeprecationWarning")  # about keyrings.alt itself
@pytest.mark.parametrize("kind", ["alt.file.PlaintextKeyring", "alt.file.EncryptedKeyring"])
class TestFiles(_KeyringContract):
    """The stores for the files of keyrings.alt."""

    @pytest.fixture
    def store(self, kind: str, tmp_path: Path) -> SessionStore:
        """Return an empty store."""
        return KeyringStore(file_keyring(kind, tmp_path))


class TestCryptFile(_KeyringContract):
    """The store for the file of keyrings.cryptfile, with its key derivation made cheap."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> SessionStore:
        """Return an empty store."""
        cheap = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
        return KeyringStore(file_keyring("cryptfile.cryptfile.CryptFileKeyring", tmp_path, **cheap))


def file_keyring(kind: str, folder: Path, **options: int) -> Any:
    """Return a keyring in a file, as somebody who has configured one gets it."""
    module, _, name = f"keyrings.{kind}".rpartition(".")
    try:
        keyring = getattr(importlib.import_module(module), name)()
    except ModuleNotFoundError as error:
        require(str(error))
    vars(keyring).update(options, file_path=str(folder / name))
    if name != "PlaintextKeyring":
        keyring.keyring_key = "a password"
    return keyring


@pytest.mark.parametrize("kind", [FullStore, DenyingStore, ForgetfulStore, LockedStore, SlowStore])
def test_doubles_are_stores(kind: type) -> None:
    """The stores that misbehave have what the protocol asks for, and a name."""
    store = kind()
    assert isinstance(store, SessionStore)
    assert (store.name, repr(store)) == (kind.__name__, f"{kind.__name__}()")


class TestUnlockedStore(SessionStoreContract):
    """A store that was locked is like any other when it is unlocked."""

    def make_store(self) -> SessionStore:
        """Return an empty store."""
        store = LockedStore()
        store.unlock()
        return store


class TestReleasedStore(SessionStoreContract):
    """A store that was slow is like any other when it is released."""

    def make_store(self) -> SessionStore:
        """Return an empty store."""
        store = SlowStore()
        store.release()
        return store
