"""Where sessions are kept: the `SessionStore` protocol, the keyring, and memory.

A store keeps texts under a service name and a profile; it knows nothing of what they say. What
the library writes is one line of ASCII JSON, the record, which holds the auth token: a store has
to keep it from other people's eyes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from . import _keyring_choice
from ._keyring_errors import bare, translated
from ._parts import Keeper, keeper


@runtime_checkable
class SessionStore(Protocol):
    """A place for session records.

    Any object with a ``name`` and these three methods is one; it need not inherit from this
    class. What it has to do:

    * Keep any text of printable ASCII, of up to 64 KB at least, under the pair of service name
      and profile. Either may hold any printable characters, ``/``, ``@`` and ``:`` among them.
    * ``load`` what was saved last, byte for byte, or ``None`` where nothing is; ``delete`` where
      nothing is without an error. ``load`` must not write, create or delete anything.
    * ``save`` the whole record or fail. If the process ends in the middle, the earlier record,
      the new one or none may be left; something else is taken for none, and logged.
    * Serve several objects, or processes, that use the same place one after the other.
    * Show the record to nobody: not in ``repr``, in a log, or in the text of an exception.

    Every method may block and may raise: it is called on the library's storage thread, one call
    at a time, and given up after the limits of `AppSettings`. An exception of any kind means
    "could not look" or "could not write". Raise `SessionStoreError` to choose the ``reason``,
    which is one of ``"locked"``, ``"dismissed"``, ``"denied"``, ``"no_keyring"``, ``"error"``.

    A store may have an attribute ``persistent``; ``False`` says that what it keeps ends with
    the process.

    `cometchat_auth.testing.SessionStoreContract` holds the tests that every store has to pass::

        class TestMyStore(SessionStoreContract):
            def make_store(self):
                return MyStore()

    Attributes:
        name: What `session_info()` shows as the back end.
    """

    @property
    def name(self) -> str:
        """Return the store's name for people."""
        ...

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or ``None`` if there is none."""
        ...

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record in place of an earlier one."""
        ...

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record and every copy of it; without one do nothing."""
        ...


class MemoryStore:
    """Keep sessions for as long as this object lives; clients may share it."""

    persistent = False
    name = "memory"

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], str] = {}

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._records)} records)"

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or ``None`` if there is none."""
        return self._records.get((service_name, profile))

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record in place of an earlier one."""
        self._records[service_name, profile] = record

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record; without one do nothing."""
        self._records.pop((service_name, profile), None)


class KeyringStore:
    """Keep sessions in the operating system's keyring, through the `keyring` package.

    The keyring is looked for when it is first needed, not before. Which back end that is can be
    configured as for any program that uses `keyring`. One that keeps passwords in a plain file
    is used only if it was configured, not because it happens to be installed.

    A session is one item, except in the Windows Credential Manager, which refuses more than
    1,280 characters: there a longer one is cut into several items.

    Args:
        backend: A ``keyring.backend.KeyringBackend`` to use instead of the configured one.
    """

    def __init__(self, backend: Any = None) -> None:
        self._backend = backend
        self._configured = True

    def __repr__(self) -> str:
        return f"KeyringStore({self.name})"

    @property
    def name(self) -> str:
        """Return the back end's class, e.g. ``"keyring.backends.SecretService.Keyring"``."""
        if self._backend is None:
            return "keyring"
        return f"{type(self._backend).__module__}.{type(self._backend).__qualname__}"

    def backends(self) -> tuple[str, ...]:
        """Return the classes of the back ends: several where they are chained.

        Raises:
            SessionStoreError: If what is configured cannot be used.
        """
        try:
            return tuple(KeyringStore(each).name for each in _chained(self._keyring()))
        except Exception as error:
            raise translated(error, "use") from bare(error)

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, of several chained back ends the first one's.

        Raises:
            SessionStoreError: If the keyring could not be looked at; ``no_keyring`` if there is
                none.
        """
        try:
            for member in self._in_use():
                record = member.load(service_name, profile)
                if record is not None:
                    return record
        except Exception as error:
            raise translated(error, "read") from bare(error)
        return None

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record, of several chained back ends in the first one that can.

        Raises:
            SessionStoreError: If the keyring refused it; ``no_keyring`` if there is none.
        """
        try:
            _save_in_first(self._in_use(), service_name, profile, record)
        except Exception as error:
            raise translated(error, "write to") from bare(error)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove every copy of the record, from each of several chained back ends.

        Raises:
            SessionStoreError: If a copy could not be removed; the others were.
        """
        failures: list[Exception] = []
        try:
            for backend in _chained(self._keyring()):
                try:
                    keeper(backend).delete(service_name, profile)
                except Exception as error:
                    failures.append(error)
        except Exception as error:
            failures.append(error)
        if failures:
            raise translated(failures[0], "delete from") from bare(failures[0])

    def _keyring(self) -> Any:
        if self._backend is None:
            self._backend, self._configured = _keyring_choice.chosen()
        return self._backend

    def _in_use(self) -> list[Keeper]:
        backends = list(_chained(self._keyring()))
        safe = [backend for backend in backends if self._configured or not _is_plain(backend)]
        if not safe:
            from keyring.errors import NoKeyringError

            raise NoKeyringError("There is only a plain file, which nobody has configured.")
        return [keeper(backend) for backend in safe]


def _chained(backend: Any) -> Iterator[Any]:
    members = getattr(backend, "backends", None)
    if isinstance(members, (list, tuple)) and members:
        yield from members
    else:
        yield backend


def _is_plain(backend: Any) -> bool:
    return any(kind.__name__ == "PlaintextKeyring" for kind in type(backend).__mro__)


def _save_in_first(members: list[Keeper], service_name: str, profile: str, record: str) -> None:
    """Save where it is possible, as keyring's own chain does."""
    for member in members[:-1]:
        with contextlib.suppress(NotImplementedError):
            return member.save(service_name, profile, record)
    return members[-1].save(service_name, profile, record)
