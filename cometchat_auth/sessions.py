"""Where sessions are kept: the `SessionStore` protocol, the keyring, and memory.

A store keeps texts under a service name and a profile; it knows nothing of what they say. What
the library writes is one line of ASCII JSON, the record, which holds the auth token: a store has
to keep it from other people's eyes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, Final, Protocol, runtime_checkable

from . import _checks
from ._secrets import Secret
from .errors import SESSION_STORE, CometChatException, SessionStoreError
from .models import Session, User

RECORD_FORMAT: Final = 1

# A chain of back ends, or an item in several copies, is deleted copy by copy; this many at most.
_MOST_COPIES: Final = 10


@runtime_checkable
class SessionStore(Protocol):
    """A place for session records.

    Every method may block and may raise: it is called on the library's storage thread, one call
    at a time, and given up after the limits of `AppSettings`. An exception of any kind means
    "could not look" or "could not write"; raise `SessionStoreError` to choose the ``reason``.

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
        self._lock = threading.Lock()

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
            record: str | None = self._keyring().get_password(service_name, profile)
        except Exception as error:
            raise _translated(error, "read") from _bare(error)
        return record

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
            SessionStoreError: If a copy could not be removed.
        """
        try:
            for backend in _chained(self._keyring()):
                for _ in range(_MOST_COPIES):
                    if backend.get_password(service_name, profile) is None:
                        break
                    backend.delete_password(service_name, profile)
        except Exception as error:
            raise _translated(error, "delete from") from _bare(error)

    def _keyring(self) -> Any:
        with self._lock:
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


# The class of keyring's exception (by name, since keyring may be absent) and our reason for it.
_REASONS: Final = {
    "ImportError": "no_keyring",  # keyring is not installed
    "ModuleNotFoundError": "no_keyring",
    "NoKeyringError": "no_keyring",
    "KeyringLocked": "locked",
    "LockedException": "locked",
    "PromptDismissedException": "dismissed",
    "PasswordSetError": "denied",
    "PasswordDeleteError": "denied",
}
_REMEDIES: Final = {
    "no_keyring": "Install or start one (on Linux a Secret Service such as gnome-keyring), "
    "or pass another session_store.",
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
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] != "keyring":
        return "error"  # a back end that is configured but broken
    if type(error).__name__ == "InitError" and "ismiss" in str(error):
        return "dismissed"
    return _REASONS.get(type(error).__name__, "error")


def _bare(error: Exception) -> Exception:
    # Without its traceback: the frames hold open D-Bus connections, and the record.
    error.__context__ = None
    return error.with_traceback(None)


def encode(session: Session) -> str:
    """Return the record for a session: small, ASCII, without an auth key.

    Fields of the record that this version does not know are written back as they were.
    """
    known = {
        "format": RECORD_FORMAT,
        "uid": session.user.uid,
        "authToken": session.token.reveal(),
        "minted": session.minted,
        "deviceId": session.device_id,
        **{field: value for field in _CORE if (value := getattr(session.user, field)) is not None},
    }
    return json.dumps({**session.extra, **known}, ensure_ascii=True, separators=(",", ":"))


def decode(record: object) -> Session:
    """Return the session that a record holds.

    Raises:
        ValueError: If it is not a record that this version understands; its text names what is
            wrong without quoting the record.
    """
    fields = _fields(record)
    token, minted, device_id = (
        fields.pop(key, None) for key in ("authToken", "minted", "deviceId")
    )
    try:
        _checks.credential("authToken", token)
        user = User(fields.pop("uid", None), **_core(fields))
    except (TypeError, CometChatException) as problem:
        raise ValueError(f"its fields are unusable: {problem}") from None
    if not user.uid:
        raise ValueError("it names no user")
    return Session(
        user=user,
        token=Secret(str(token)),
        minted=minted is True,
        device_id=device_id if isinstance(device_id, str) else "",
        extra=fields,
    )


_CORE: Final = ("name", "avatar", "link", "role")


def _fields(record: object) -> dict[str, Any]:
    if not isinstance(record, str):
        raise ValueError(f"it is not a text but a {type(record).__name__}")
    try:
        fields = json.loads(record)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    found = fields.pop("format", None)
    if isinstance(found, bool) or found != RECORD_FORMAT:
        raise ValueError("it has a format that this version does not know")
    return fields


def _core(fields: dict[str, Any]) -> dict[str, Any]:
    """Take the core fields out; one of a wrong type stays with the unknown ones."""
    return {field: fields.pop(field) for field in _CORE if isinstance(fields.get(field), str)}
