"""Keyrings that do what the real ones do at their worst, and clients that use them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from keyring.backend import KeyringBackend

from cometchat_auth import AppSettings, CometChat, KeyringStore, SessionStore, _threads
from cometchat_auth.emulator import Emulator

from .tools import LIMIT

# Seconds; for settings of clients whose store never answers.
IMPATIENT = 0.05

# The beginning of a program that does not see keyrings in files, such as those of keyrings.alt,
# which this suite has installed beside the system's own.
SYSTEM_KEYRINGS_ONLY = """
import keyring.backend
installed = keyring.backend.get_all_keyring()
keyring.backend.get_all_keyring = lambda: [
    backend for backend in installed if type(backend).__module__.startswith("keyring.")
]
"""


class FakeKeyring(KeyringBackend):
    """A keyring in memory that counts calls, and fails where it was told to.

    Attributes:
        items: What is stored: (service name, user name) to text.
        calls: ``get``, ``set`` and ``delete`` in the order in which they came.
        faults: What to do first in a ``get``, ``set`` or ``delete``.
    """

    priority: Any = -1  # never chosen by itself

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.items: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        self.faults: dict[str, Callable[[], object]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return the item."""
        self._called("get")
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store the item."""
        self._called("set")
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Remove the item."""
        self._called("delete")
        del self.items[service, username]

    def fail(self, error: Callable[[], BaseException], *calls: str) -> None:
        """Have these calls (all, if none is named) raise from now on."""

        def fault() -> None:
            raise error()

        for call in calls or ("get", "set", "delete"):
            self.faults[call] = fault

    def heal(self) -> None:
        """Have all calls work again."""
        self.faults.clear()

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if what in self.faults:
            self.faults[what]()


class ChainOf(KeyringBackend):
    """Keyrings one behind the other, as keyring's own chainer has them."""

    priority: Any = -1

    def __init__(self, *backends: KeyringBackend) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backends = list(backends)

    def get_password(self, service: str, username: str) -> str | None:
        """Return the first copy."""
        found = (backend.get_password(service, username) for backend in self.backends)
        return next((item for item in found if item is not None), None)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store it in the first."""
        self.backends[0].set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        """Remove it from the first."""
        self.backends[0].delete_password(service, username)


class Gate:
    """Holds up whoever comes until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        """Wait here."""
        self.reached.set()
        self._open.wait(6 * LIMIT)

    def open_only(self) -> None:
        """Let everybody through."""
        self._open.set()

    def open(self) -> None:
        """Let everybody through, and return when the storage thread has caught up."""
        self.open_only()
        done = threading.Event()
        _threads.STORAGE.submit(done.set)
        assert done.wait(LIMIT)


@contextmanager
def gate() -> Iterator[Gate]:
    """Make a gate that is open afterwards in any case."""
    gate = Gate()
    try:
        yield gate
    finally:
        gate.open()


def client(
    emulator: Emulator,
    keyring: KeyringBackend | SessionStore,
    *,
    url: str | None = None,
    profile: str = "default",
    **settings: Any,
) -> CometChat:
    """Return a client of the emulator, or of another server, whose session is kept there."""
    store = KeyringStore(keyring) if isinstance(keyring, KeyringBackend) else keyring
    return CometChat(
        emulator.app_id,
        AppSettings.for_emulator(url or emulator.url, **settings),
        session_store=store,
        profile=profile,
    )


def same_item(keyring: FakeKeyring, chat: CometChat) -> None:
    """Let what is stored be found under this client's name as well, whatever its host."""
    (record,) = keyring.items.values()
    info = chat._engine.state.vault
    keyring.items[info.service_name, info.profile] = record
