"""What every test finds, and what none may leave behind."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator

from .tools import Diary

if TYPE_CHECKING:
    from .windows_double import CredentialManager

# The library's own threads live as long as the process; anything else has to be gone.
_PERMANENT = ("cometchat-request", "cometchat-dispatcher", "cometchat-storage")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's keyring, proxies and certificates out of it."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for name in ("HOME", "USERPROFILE", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    if find_spec("keyring") is not None:
        monkeypatch.setattr("keyring.core._keyring_backend", None, raising=False)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test reach another machine, not even a name server."""
    real_connect, real_look_up = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise OSError(f"a test tried to reach {address[0]!r}")
        real_connect(self, address)

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_loopback(host):
            raise socket.gaierror(socket.EAI_NONAME, f"a test asked for {host!r}")
        return real_look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def _is_loopback(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    return name in {"localhost", "::1", "0.0.0.0"} or name.startswith("127.")  # noqa: S104


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """See to it that a test leaves no thread and no open socket behind."""
    before = set(threading.enumerate())
    yield
    transport = __import__("sys").modules.get("cometchat_auth._transport")
    if transport is not None:
        transport.close_idle()
    left = [
        thread
        for thread in set(threading.enumerate()) - before
        if not thread.name.startswith(_PERMANENT)
    ]
    for thread in left:
        thread.join(5)
    assert not [thread.name for thread in left if thread.is_alive()]
    gc.collect()  # an unclosed socket warns here, and warnings are errors


@pytest.fixture(scope="module", autouse=True)
def old_objects_aside() -> None:
    """Let the collections after each test pass over what was there before this module's tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run a fresh emulator."""
    with Emulator() as service:
        yield service


@pytest.fixture
def store() -> MemoryStore:
    """Return a store for this test alone."""
    return MemoryStore()


@pytest.fixture
def chat(emulator: Emulator, store: MemoryStore) -> Iterator[CometChat]:
    """Return a client of the emulator whose session is in `store`."""
    with CometChat(
        emulator.app_id, AppSettings.for_emulator(emulator.url), session_store=store
    ) as client:
        yield client


@pytest.fixture
def diary(chat: CometChat) -> Diary:
    """Listen to `chat` and write down every event."""
    diary = Diary()
    chat.add_login_listener("diary", diary.listener())
    return diary


@pytest.fixture(scope="module")
def manager() -> Iterator[CredentialManager]:
    """Put a Credential Manager of this module's own under keyring's back end for Windows."""
    from . import windows_double  # not at the top: there are tests for where keyring is absent

    with pytest.MonkeyPatch.context() as patch:
        yield windows_double.install(patch)
