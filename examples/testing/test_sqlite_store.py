"""`sqlite_store.py` keeps the contract of session stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_store import SqliteStore

from cometchat_auth import SessionStore
from cometchat_auth.testing import SessionStoreContract


class TestSqliteStore(SessionStoreContract):
    """Each test of the contract, with a store in a folder of its own."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> SqliteStore:
        """Return the store to be tested."""
        self.path = tmp_path / "sessions.sqlite"
        return SqliteStore(self.path)

    def reopen(self, store: SessionStore) -> SqliteStore:  # noqa: ARG002
        """Return another object for the same file, as the next start has."""
        return SqliteStore(self.path)
