"""Session stores that misbehave, for tests of programs that have to live with them."""

from __future__ import annotations

import threading

from .errors import SESSION_STORE, SessionStoreError
from .sessions import MemoryStore


class _Misbehaving:
    """A store in memory that passes for one that lasts; what is wrong with it is in subclasses."""

    persistent = True

    def __init__(self) -> None:
        self._inner = MemoryStore()

    def __repr__(self) -> str:
        return f"{self.name}()"

    @property
    def name(self) -> str:
        """Return the class's name."""
        return type(self).__name__

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or ``None`` if there is none."""
        return self._inner.load(service_name, profile)

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record in place of an earlier one."""
        self._inner.save(service_name, profile, record)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record; without one do nothing."""
        self._inner.delete(service_name, profile)


class LockedStore(_Misbehaving):
    """A store that cannot be read or written until it is unlocked: ``reason="locked"``."""

    def __init__(self) -> None:
        super().__init__()
        self._locked = True

    def lock(self) -> None:
        """Refuse everything from now on."""
        self._locked = True

    def unlock(self) -> None:
        """Work from now on."""
        self._locked = False

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record.

        Raises:
            SessionStoreError: If the store is locked.
        """
        self._check()
        return super().load(service_name, profile)

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record.

        Raises:
            SessionStoreError: If the store is locked.
        """
        self._check()
        super().save(service_name, profile, record)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record.

        Raises:
            SessionStoreError: If the store is locked.
        """
        self._check()
        super().delete(service_name, profile)

    def _check(self) -> None:
        if self._locked:
            raise _refusal("The store is locked.", "locked")


class DenyingStore(_Misbehaving):
    """A store that can be read but does not let this program write: ``reason="denied"``.

    Args:
        holding: What it holds from the start, by service name and profile.
    """

    def __init__(self, holding: dict[tuple[str, str], str] | None = None) -> None:
        super().__init__()
        for (service_name, profile), record in (holding or {}).items():
            self._inner.save(service_name, profile, record)

    def save(self, *_: str) -> None:
        """Keep nothing.

        Raises:
            SessionStoreError: Always.
        """
        raise _refusal("The store may not be written to.", "denied")

    def delete(self, service_name: str, profile: str) -> None:
        """Remove nothing; where nothing is there is nothing to deny.

        Raises:
            SessionStoreError: If there is a record.
        """
        if self.load(service_name, profile) is not None:
            raise _refusal("Nothing may be removed from the store.", "denied")


class FullStore(_Misbehaving):
    """A store without room for another record; it can be read and cleared: ``reason="error"``."""

    def save(self, *_: str) -> None:
        """Keep nothing.

        Raises:
            SessionStoreError: Always.
        """
        raise _refusal("The store is full.", "error")


class ForgetfulStore(_Misbehaving):
    """A store that takes every record and keeps none: ``reason="not_retained"``."""

    def save(self, *_: str) -> None:
        """Forget the record, without a word."""


class SlowStore(_Misbehaving):
    """A store that takes its time, and works: ``reason="timeout"`` if nobody waits so long.

    Args:
        seconds: How long each call takes.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._released = threading.Event()

    def release(self) -> None:
        """Answer at once from now on, those who are waiting included; to be called at the end."""
        self._released.set()

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, after a while."""
        self._released.wait(self._seconds)
        return super().load(service_name, profile)

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record, after a while."""
        self._released.wait(self._seconds)
        super().save(service_name, profile, record)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record, after a while."""
        self._released.wait(self._seconds)
        super().delete(service_name, profile)


def _refusal(message: str, reason: str) -> SessionStoreError:
    return SessionStoreError(SESSION_STORE, message, reason=reason)
