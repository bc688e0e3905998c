"""The API keys of one emulated app."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve

from . import _admin_errors, _key_rows
from ._database import AppDatabase
from ._records import KeyRecord, Page

# CometChat's documentation, one page of which says 10.
MAX_KEYS: Final = 25

_KEY_BYTES: Final = 20  # CometChat's documentation: keys are 40 hex digits


def new_key() -> str:
    """Return the value of a new key."""
    return secrets.token_hex(_KEY_BYTES)


class Keys:
    """The API keys of one emulated app; each method acts as a whole.

    Methods that name a key raise ``ServiceError`` (``ERR_APIKEY_NOT_FOUND``) where there is none.

    Args:
        database: The app's part of the database.
        clock: Returns the unix time in seconds.
    """

    def __init__(self, database: AppDatabase, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def page(self, page: Page, scope: str = "", search: str = "") -> tuple[list[KeyRecord], int]:
        """Return one page of the keys, in the order of creation, and how many there are.

        Args:
            page: Which page.
            scope: The scope that the keys have; empty for any.
            search: What the keys' names begin with, in any case.
        """
        with self._database.reading() as database:
            keys = _key_rows.list_all(database)
        wanted = [
            key
            for key in keys
            if scope in {"", key.scope} and key.name.casefold().startswith(search.casefold())
        ]
        return wanted[page.skipped : page.skipped + page.size], len(wanted)

    def read(self, key: str) -> KeyRecord:
        """Return a key."""
        with self._database.reading() as database:
            return _key_rows.read(database, key)

    def create(self, name: str, scope: str) -> KeyRecord:
        """Make a key.

        Raises:
            ServiceError: ``ERR_PLAN_QUOTA_RESTRICTION`` if there are 25 already.
        """
        made = KeyRecord(new_key(), name, scope, int(self._clock()))
        with self._database.transaction() as database:
            if _key_rows.count(database) >= MAX_KEYS:
                raise _admin_errors.too_many("API keys", MAX_KEYS)
            _key_rows.add(database, made)
        return made

    def change(self, key: str, fields: Mapping[str, Any]) -> KeyRecord:
        """Change the ``name``, the ``scope`` or both."""
        with self._database.transaction() as database:
            changed = evolve(_key_rows.read(database, key), **fields)
            _key_rows.change(database, changed)
        return changed

    def delete(self, key: str) -> KeyRecord:
        """Delete a key, which is dead at once."""
        with self._database.transaction() as database:
            found = _key_rows.read(database, key)
            _key_rows.delete(database, key)
        return found
