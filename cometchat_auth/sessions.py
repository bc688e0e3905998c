"""Where sessions are kept: the `SessionStore` protocol, the keyring, and memory.

A store keeps texts under a service name and a profile; it knows nothing of what they say. What
the library writes is one line of ASCII JSON, the record, which holds the auth token: a store has
to keep it from other people's eyes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol, runtime_checkable

from .errors import SESSION_STORE, SessionStoreError

# A chain of back ends, or an item in several copies, is deleted copy by copy; this many at most.
_MOST_COPIES: Final = 10

# What stands for an item that is there but holds no text.
_NO_TEXT: Final = "\N{REPLACEMENT CHARACTER}"


@runtime_checkable
class SessionStore(Protocol):
    """A place for session records.

    Every method may block and may raise: it is called on the library's storage thread, one call
    at a time, and given up after the limits of `AppSettings`. An exception of any kind means
    "could not look" or "could not write"; raise `SessionStoreError` to choose the ``reason``.

    A store may have an attribute ``persistent``; ``False`` says that what it keeps ends with
    the process.

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
    configured as for any program that uses `keyring`.

    Args:
        backend: A ``keyring.backend.KeyringBackend`` to use instead of the configured one.
    """

    def __init__(self, backend: Any = None) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return f"KeyringStore({self.name})"

    @property
    def name(self) -> str:
        """Return the back end's class, e.g. ``"keyring.backends.SecretService.Keyring"``."""
        if self._backend is None:
            return "keyring"
        return f"{type(self._backend).__module__}.{type(self._backend).__qualname__}"

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record.

        Raises:
            SessionStoreError: If the keyring could not be looked at; ``no_keyring`` if there is
                none.
        """
        try:
            return _held(self._keyring(), service_name, profile)
        except Exception as error:
            raise _translated(error, "read") from _bare(error)

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record.

        Raises:
            SessionStoreError: If the keyring refused it; ``no_keyring`` if there is none.
        """
        try:
            self._keyring().set_password(service_name, profile, record)
        except Exception as error:
            raise _translated(error, "write to") from _bare(error)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove every copy of the record, from each of several chained back ends.

        Raises:
            SessionStoreError: If a copy could not be removed; the others were.
        """
        failures: list[Exception] = []
        try:
            for backend in _chained(self._keyring()):
                try:
                    _delete_copies(backend, service_name, profile)
                except Exception as error:
                    failures.append(error)
        except Exception as error:
            failures.append(error)
        if failures:
            raise _translated(failures[0], "delete from") from _bare(failures[0])

    def _keyring(self) -> Any:
        if self._backend is None:
            import keyring

            self._backend = keyring.get_keyring()
        return self._backend


def _chained(backend: Any) -> Iterator[Any]:
    members = getattr(backend, "backends", None)
    if isinstance(members, (list, tuple)) and members:
        yield from members
    else:
        yield backend


def _held(backend: Any, service_name: str, profile: str) -> str | None:
    """Return what a back end holds, which may be anything."""
    try:
        held: str | None = backend.get_password(service_name, profile)
    except UnicodeDecodeError:
        return _NO_TEXT
    return held


def _delete_copies(backend: Any, service_name: str, profile: str) -> None:
    for _ in range(_MOST_COPIES):
        if _held(backend, service_name, profile) is None:
            return
        try:
            backend.delete_password(service_name, profile)
        except Exception:
            if _held(backend, service_name, profile) is not None:
                raise
            return  # another process was faster


# The class of keyring's exception (by name, since keyring may be absent) and our reason for it.
_REASONS: Final = {
    "NoKeyringError": "no_keyring",
    "KeyringLocked": "locked",
    "LockedException": "locked",
    "PromptDismissedException": "dismissed",
    "PasswordSetError": "denied",
    "PasswordDeleteError": "denied",
}
_REMEDIES: Final = {
    "no_keyring": "Install or start one (on Linux a Secret Service such as gnome-keyring) and "
    "restart this program, or pass another session_store.",
    "locked": "Unlock it, then call reload().",
    "dismissed": "Answer its prompt, then call reload().",
    "denied": "Allow this program to use it, then call reload().",
}


def _translated(error: Exception, attempt: str) -> SessionStoreError:
    reason = _reason(error)
    what = (
        "There is no keyring to keep sessions in."
        if reason == "no_keyring"
        else f"Could not {attempt} the keyring ({type(error).__name__})."
    )
    remedy = _REMEDIES.get(reason, "See the error's __cause__, then call reload().")
    return SessionStoreError(SESSION_STORE, f"{what} {remedy}", reason=reason)


def _reason(error: Exception) -> str:
    if isinstance(error, ImportError):  # of anything else: a back end configured but broken
        return "no_keyring" if error.name == "keyring" else "error"
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if "InitError" in kinds and "ismiss" in str(error):
        return "dismissed"
    return next((_REASONS[kind] for kind in kinds if kind in _REASONS), "error")


def _bare(error: Exception) -> Exception:
    # Without its traceback: the frames hold open D-Bus connections, and the record.
    error.__context__ = None
    return error.with_traceback(None)
