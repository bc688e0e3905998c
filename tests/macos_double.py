"""keyring's own macOS back end, on a keychain in memory that asks and refuses as Apple's does."""

from __future__ import annotations

import pytest
from keyring.backends import macOS

NOT_FOUND = -25300


class KeychainError(Exception):
    """Like ``keyring.backends.macOS.api.Error``."""


class KeychainNotFound(KeychainError):
    """There is no such item."""


class KeychainDenied(KeychainError):
    """The person at the screen has said no."""


class SecAuthFailure(KeychainError):
    """The program is not who it should be."""


_KINDS = {
    NOT_FOUND: (KeychainNotFound, "Item not found"),
    -128: (KeychainDenied, "Keychain Access Denied"),
    -25293: (SecAuthFailure, "Security Auth Failure: make sure executable is signed"),
    -67030: (SecAuthFailure, "Security Auth Failure: make sure executable is signed"),
}


class Keychain:
    """What `keyring` uses of the Security framework.

    Attributes:
        items: What is stored, by service and account.
        foreign: Whether the items were made by another program, or an earlier build of this
            one: then each read asks the person at the screen.
        prompts: How often that was.
        calls: ``copy``, ``add`` and ``delete`` in the order in which they came.
        statuses: What a ``copy``, ``add`` or ``delete`` that finds or makes an item answers; 0
            by default.
    """

    Error = KeychainError
    NotFound = KeychainNotFound
    KeychainDenied = KeychainDenied
    SecAuthFailure = SecAuthFailure

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}
        self.foreign = False
        self.prompts = 0
        self.calls: list[str] = []
        self.statuses: dict[str, int] = {}

    def find_generic_password(self, _: object, service: str, username: str) -> str:
        """Return an item's text."""
        self._call("copy", found=(service, username) in self.items)
        return self.items[service, username]

    def set_generic_password(self, _: object, service: str, username: str, password: str) -> None:
        """Remove the item and add it anew, as keyring does."""
        if (service, username) in self.items:
            self.delete_generic_password(_, service, username)
        self._call("add", found=True)
        self.items[service, username] = password

    def delete_generic_password(self, _: object, service: str, username: str) -> None:
        """Remove an item."""
        self._call("delete", found=(service, username) in self.items)
        del self.items[service, username]

    def _call(self, what: str, *, found: bool) -> None:
        self.calls.append(what)
        self.prompts += what == "copy" and found and self.foreign
        status = self.statuses.get(what, 0) if found else NOT_FOUND
        if status:
            kind, text = _KINDS.get(status, (KeychainError, "Unknown Error"))
            raise kind(status, text)


def install(patch: pytest.MonkeyPatch) -> Keychain:
    """Put an empty keychain under keyring's macOS back end, and return it."""
    keychain = Keychain()
    patch.setattr(macOS, "api", keychain, raising=False)
    return keychain


def macos_keyring() -> macOS.Keyring:
    """Return keyring's own back end for macOS."""
    return macOS.Keyring()  # type: ignore[no-untyped-call]
