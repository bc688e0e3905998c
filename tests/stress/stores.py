"""Stores for the processes that are killed, and a way to see everything that is in them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from cometchat_auth import KeyringStore, SessionStore

Say = Callable[..., None]

KEYRING = "keyring"


class FileStore:
    """Keep records in plain files, each replaced in one step; for tests only.

    Args:
        folder: An existing folder, which holds nothing else.
    """

    name = "plain files of a test"

    def __init__(self, folder: Path) -> None:
        self._records = folder / "records"
        self._half_written = folder / "half-written"
        for part in (self._records, self._half_written):
            part.mkdir(exist_ok=True)

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or ``None`` if there is none."""
        try:
            return self._path(service_name, profile).read_text("utf-8")
        except FileNotFoundError:
            return None

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record in place of an earlier one."""
        handle, path = tempfile.mkstemp(dir=self._half_written)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(record)
        os.replace(path, self._path(service_name, profile))

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record; without one do nothing."""
        self._path(service_name, profile).unlink(missing_ok=True)

    def everything(self) -> list[str]:
        """Return all records."""
        return [path.read_text("utf-8") for path in self._records.iterdir()]

    def _path(self, service_name: str, profile: str) -> Path:
        return self._records / fingerprint(f"{service_name}\n{profile}")


class Reporting:
    """A store that says what is asked of it, before and after.

    Args:
        store: The store that does it.
        say: How to say it.
    """

    def __init__(self, store: SessionStore, say: Say) -> None:
        self._store = store
        self._say = say

    @property
    def name(self) -> str:
        """Return the name of the store that does it."""
        return self._store.name

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or ``None`` if there is none."""
        with self._told("load"):
            return self._store.load(service_name, profile)

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record in place of an earlier one."""
        with self._told("save"):
            self._store.save(service_name, profile, record)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record and every copy of it."""
        with self._told("delete"):
            self._store.delete(service_name, profile)

    @contextlib.contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        self._say("store begins", operation)
        try:
            yield
        except Exception as error:
            self._say("store fails", operation, f"{error!r} from {error.__cause__!r}")
            raise
        self._say("store ends", operation)


def fingerprint(text: str) -> str:
    """Return a short text that stands for a longer one."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_store(place: str) -> SessionStore:
    """Return the store at a place: `KEYRING`, or a folder."""
    return KeyringStore() if place == KEYRING else FileStore(Path(place))


def everything(place: str) -> list[str]:
    """Return every record that is stored at a place, whatever its name."""
    if place != KEYRING:
        return FileStore(Path(place)).everything()
    import secretstorage  # not at the top: it is not everywhere

    with contextlib.closing(secretstorage.dbus_init()) as connection:
        items = secretstorage.get_default_collection(connection).get_all_items()
        return [item.get_secret().decode("utf-8", "replace") for item in items]
