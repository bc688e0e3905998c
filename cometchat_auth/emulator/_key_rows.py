"""API keys in the database: how a row becomes a value and back, and which rows a list holds."""

from __future__ import annotations

from typing import Final

from attrs import asdict

from . import _admin_errors
from ._database import Tables
from ._records import KeyRecord

_ADD: Final = """
INSERT INTO keys (key, name, scope, created_at, app) VALUES (:key, :name, :scope, :created_at, :app)
"""
_CHANGE: Final = "UPDATE keys SET name = :name, scope = :scope WHERE app = :app AND key = :key"
_READ: Final = "SELECT key, name, scope, created_at FROM keys WHERE app = :app AND key = :key"
_LIST: Final = "SELECT key, name, scope, created_at FROM keys WHERE app = :app ORDER BY id"


def add(database: Tables, key: KeyRecord) -> None:
    """Add a key.

    Raises:
        sqlite3.IntegrityError: There is such a key already, perhaps in another app.
    """
    database.execute(_ADD, **asdict(key))


def change(database: Tables, key: KeyRecord) -> None:
    """Bring the name and the scope of a key up to date."""
    database.execute(_CHANGE, key=key.key, name=key.name, scope=key.scope)


def read(database: Tables, key: str) -> KeyRecord:
    """Return a key of the app.

    Raises:
        ServiceError: ``ERR_APIKEY_NOT_FOUND`` if it has no such key.
    """
    row = database.execute(_READ, key=key).fetchone()
    if row is None:
        raise _admin_errors.key_not_found(key)
    return KeyRecord(*row)


def count(database: Tables) -> int:
    """Return how many keys the app has."""
    return int(database.execute("SELECT count(*) FROM keys WHERE app = :app").fetchone()[0])


def list_all(database: Tables) -> list[KeyRecord]:
    """Return all keys of the app, in the order of creation."""
    return [KeyRecord(*row) for row in database.execute(_LIST)]


def delete(database: Tables, key: str) -> None:
    """Forget one key."""
    database.execute("DELETE FROM keys WHERE app = :app AND key = :key", key=key)
