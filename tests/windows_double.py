"""keyring's own Windows back end, on a Credential Manager in memory that may die at any moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from keyring.backends import Windows

from cometchat_auth import KeyringStore

# Bytes; CRED_MAX_CREDENTIAL_BLOB_SIZE of wincred.h.
LIMIT_OF_AN_ITEM = 2_560


class Killed(BaseException):
    """What a process notices of SIGKILL: nothing. Nobody may handle this one."""


class WindowsError_(Exception):  # noqa: N801
    """Like ``pywintypes.error``, which is no OSError."""

    def __init__(self, winerror: int, funcname: str, strerror: str) -> None:
        super().__init__(winerror, funcname, strerror)
        self.winerror = winerror
        self.funcname = funcname
        self.strerror = strerror


@attrs.define
class CredentialManager:
    """What `keyring` uses of ``win32cred``.

    Attributes:
        credentials: User name and text by target name.
        calls: How often it was called.
        last_call: The number of the call after which the process is dead, if it is to die.
        died: Whether it came to that.
        between: What another process does before the call of this number.
    """

    credentials: dict[str, tuple[str, str]] = attrs.Factory(dict)
    calls: int = 0
    last_call: int | None = None
    died: bool = False
    between: dict[int, Callable[[], object]] = attrs.Factory(dict)

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_ENTERPRISE = 3
    error = WindowsError_  # of pywintypes

    def CredRead(self, Type: int, TargetName: str) -> dict[str, Any]:  # noqa: N802, N803, ARG002
        """Return a credential."""
        self._call()
        if TargetName not in self.credentials:
            raise WindowsError_(1168, "CredRead", "Element not found.")
        user_name, text = self.credentials[TargetName]
        return {"UserName": user_name, "CredentialBlob": text.encode("utf-16-le")}

    def CredWrite(self, credential: dict[str, Any], Flags: int) -> None:  # noqa: N802, N803, ARG002
        """Write a credential."""
        self._call()
        text = credential["CredentialBlob"]
        if len(text.encode("utf-16-le")) > LIMIT_OF_AN_ITEM:
            raise WindowsError_(1783, "CredWrite", "The stub received bad data.")
        self.credentials[credential["TargetName"]] = (credential["UserName"], text)

    def CredDelete(self, Type: int, TargetName: str) -> None:  # noqa: N802, N803, ARG002
        """Remove a credential."""
        self._call()
        if self.credentials.pop(TargetName, None) is None:
            raise WindowsError_(1168, "CredDelete", "Element not found.")

    def die_after(self, calls: int | None) -> None:
        """Have the process die after this many further calls; ``None``: start one that lives."""
        self.calls, self.last_call, self.died = 0, calls, False

    @property
    def texts(self) -> str:
        """Return all that is stored, in whatever item."""
        return "\n".join(text for _, text in self.credentials.values())

    def _call(self) -> None:
        if self.last_call is not None and self.calls >= self.last_call:
            self.died = True
            raise Killed
        others = self.between.pop(self.calls, None)
        self.calls += 1
        if others is not None:
            others()


def install(patch: pytest.MonkeyPatch) -> CredentialManager:
    """Put an empty Credential Manager under keyring's Windows back end, and return it."""
    manager = CredentialManager()
    patch.setattr(Windows, "win32cred", manager, raising=False)
    patch.setattr(Windows, "pywintypes", manager, raising=False)
    return manager


def windows_keyring() -> Windows.WinVaultKeyring:
    """Return keyring's own back end for Windows."""
    return Windows.WinVaultKeyring()  # type: ignore[no-untyped-call]


def empty(manager: CredentialManager) -> KeyringStore:
    """Empty the Credential Manager, and return a store for it."""
    manager.credentials.clear()
    manager.between.clear()
    manager.die_after(None)
    return KeyringStore(windows_keyring())
