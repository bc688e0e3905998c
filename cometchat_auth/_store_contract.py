"""The tests that every session store has to pass."""

from __future__ import annotations

import threading
from typing import Final

import pytest

from .sessions import SessionStore

SERVICE_NAME: Final = "cometchat_auth:contract-test:us"
PROFILE: Final = "default"

# Characters; on both sides of the limits at which Windows needs a record to be cut.
_SIZES: Final = (2, 999, 1_000, 1_001, 1_280, 1_281, 2_560, 10_240, 65_536)
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
_PROFILES: Final = ("work", "default 2", "a:b/c\\d%e", "default@cometchat_auth", "Zo\u00eb", "[x]")

# Seconds within which a store has to answer another thread.
_LIMIT: Final = 30.0


def record(size: int, letter: str = "") -> str:
    """Return a text like a session's record: one line of printable ASCII.

    Args:
        size: Its length in characters, 2 or more.
        letter: What it is filled with; by default every printable character in turn.
    """
    filling = letter or _PRINTABLE
    return "{" + (filling * (size // len(filling) + 1))[: size - 2] + "}"


class SessionStoreContract:
    """The tests that every session store has to pass; inherit from it in a test module.

    For example::

        from cometchat_auth.testing import SessionStoreContract

        class TestMyStore(SessionStoreContract):
            def make_store(self):
                return MyStore()

    Where making one needs fixtures, override the fixture ``store`` instead. A store whose records
    outlive the object should also override `reopen`.
    """

    def make_store(self) -> SessionStore:
        """Return an empty store."""
        raise NotImplementedError("make_store() has to return an empty session store")

    def reopen(self, store: SessionStore) -> SessionStore | None:  # noqa: ARG002
        """Return another object for the same place, or ``None`` if there can be none."""
        return None

    @pytest.fixture
    def store(self) -> SessionStore:
        """Return an empty store."""
        return self.make_store()

    def test_is_a_store(self, store: SessionStore) -> None:
        """It has the methods of the protocol, and a name for people."""
        assert isinstance(store, SessionStore), "load, save, delete or name is missing"
        assert isinstance(store.name, str), "the name is not a text"
        assert store.name, "the name is empty"
        assert isinstance(getattr(store, "persistent", True), bool), "persistent is no bool"

    def test_empty(self, store: SessionStore) -> None:
        """Where nothing is, nothing is found, and deleting it is no error."""
        assert store.load(SERVICE_NAME, PROFILE) is None, "an empty store has to load None"
        store.delete(SERVICE_NAME, PROFILE)
        assert store.load(SERVICE_NAME, PROFILE) is None

    @pytest.mark.parametrize("size", _SIZES)
    def test_round_trip(self, store: SessionStore, size: int) -> None:
        """A record of any size and any printable ASCII comes back, and is gone when deleted."""
        saved = record(size)
        store.save(SERVICE_NAME, PROFILE, saved)
        assert store.load(SERVICE_NAME, PROFILE) == saved, "what was saved did not come back"
        assert store.load(SERVICE_NAME, PROFILE) == saved, "it comes back only once"
        store.delete(SERVICE_NAME, PROFILE)
        assert store.load(SERVICE_NAME, PROFILE) is None, "it is still there after delete()"

    @pytest.mark.parametrize("before", [100, 5_000])
    @pytest.mark.parametrize("after", [100, 4_000, 6_000])
    def test_replaced(self, store: SessionStore, before: int, after: int) -> None:
        """The record saved last counts, and no earlier one is left when that is deleted."""
        for saved in (record(before, "x"), record(after, "y"), record(after, "z")):
            store.save(SERVICE_NAME, PROFILE, saved)
            assert store.load(SERVICE_NAME, PROFILE) == saved, "not what was saved last"
        store.delete(SERVICE_NAME, PROFILE)
        assert store.load(SERVICE_NAME, PROFILE) is None, "an earlier record came back"

    def test_saved_again(self, store: SessionStore) -> None:
        """The same record may be saved twice, and is deleted by one delete."""
        for _ in range(2):
            store.save(SERVICE_NAME, PROFILE, record(5_000))
        assert store.load(SERVICE_NAME, PROFILE) == record(5_000)
        store.delete(SERVICE_NAME, PROFILE)
        assert store.load(SERVICE_NAME, PROFILE) is None, "a copy is left after delete()"

    def test_deleted_twice(self, store: SessionStore) -> None:
        """A second delete does nothing, and a later save works."""
        store.save(SERVICE_NAME, PROFILE, record(100))
        store.delete(SERVICE_NAME, PROFILE)
        store.delete(SERVICE_NAME, PROFILE)
        store.save(SERVICE_NAME, PROFILE, record(200))
        assert store.load(SERVICE_NAME, PROFILE) == record(200)

    @pytest.mark.parametrize(
        "other",
        [
            (SERVICE_NAME.replace(":us", ":eu"), PROFILE),
            (SERVICE_NAME.replace(":us", ":127.0.0.1:8080"), PROFILE),
            *((SERVICE_NAME, profile) for profile in _PROFILES),
        ],
    )
    @pytest.mark.parametrize("size", [100, 5_000])
    def test_apart(self, store: SessionStore, other: tuple[str, str], size: int) -> None:
        """Apps, regions and profiles do not see each other's records, whatever their names."""
        mine, theirs = record(size, "m"), record(size, "t")
        store.save(SERVICE_NAME, PROFILE, mine)
        assert store.load(*other) is None, "one name finds the record of another"
        store.save(*other, theirs)
        assert store.load(SERVICE_NAME, PROFILE) == mine, "one name overwrites another"
        assert store.load(*other) == theirs
        store.delete(SERVICE_NAME, PROFILE)
        assert store.load(SERVICE_NAME, PROFILE) is None
        assert store.load(*other) == theirs, "one name deletes another"
        store.delete(*other)
        assert store.load(*other) is None

    def test_any_thread(self, store: SessionStore) -> None:
        """What one thread has saved another one finds and deletes."""
        store.save(SERVICE_NAME, PROFILE, record(5_000))
        found: list[str | None] = []

        def other_thread() -> None:
            found.append(store.load(SERVICE_NAME, PROFILE))
            store.delete(SERVICE_NAME, PROFILE)

        thread = threading.Thread(target=other_thread, daemon=True)
        thread.start()
        thread.join(_LIMIT)
        assert found == [record(5_000)], "another thread does not find the record"
        assert store.load(SERVICE_NAME, PROFILE) is None, "another thread could not delete it"

    def test_reopened(self, store: SessionStore) -> None:
        """Another object for the same place finds what was saved, and can delete it."""
        second = self.reopen(store)
        if second is None:
            pytest.skip("records of this store end with the object, or reopen() is missing")
        store.save(SERVICE_NAME, PROFILE, record(5_000))
        assert second.load(SERVICE_NAME, PROFILE) == record(5_000), "the record was not kept"
        second.delete(SERVICE_NAME, PROFILE)
        assert store.load(SERVICE_NAME, PROFILE) is None, "it remembers what is gone"

    def test_shows_nothing(self, store: SessionStore) -> None:
        """A store does not show what it holds."""
        store.save(SERVICE_NAME, PROFILE, '{"authToken":"the-token"}')
        assert "the-token" not in f"{store!r} {store} {store.name}", "it shows the record"
