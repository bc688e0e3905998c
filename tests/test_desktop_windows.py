"""The two windows of `examples`, used as a person uses them, on a screen of their own (C6).

The programs run as they stand, in processes of their own, under a window manager, with a real
mouse and keyboard, a real Secret Service and a real server.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from cometchat_auth.emulator import Emulator

from . import desktop, secret_service
from .desktop import screen as screens
from .desktop.screen import Screen
from .desktop.window import ROOT, Window
from .real_parts import require
from .secret_service import SecretService
from .tools import Reply, Seen, scripted

UID, NAME = "cometchat-uid-1", "Andrew Joseph"
MODULES = {"tkinter": "tkinter", "pyside6": "PySide6.QtWidgets"}


class Held:
    """A service that holds back every answer until the test lets it go."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.go_on = threading.Event()

    def script(self, seen: Seen) -> Reply:
        """Answer as the service would, in the end."""
        self.requests.append(f"{seen.method} {seen.path}")
        self.go_on.wait(60)
        data = {"uid": UID, "name": NAME, "authToken": f"{UID}_token"}
        return Reply(body=json.dumps({"data": data}).encode())


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    """Have a screen."""
    require(screens.available())
    with Screen() as screen:
        yield screen


@pytest.fixture
def keyring() -> Iterator[SecretService]:
    """Have a keyring."""
    require(secret_service.available())
    with SecretService() as service:
        yield service


@pytest.fixture
def held() -> Iterator[tuple[Held, str]]:
    """Have a service that holds back its answers; return it and its URL."""
    held = Held()
    with scripted(held.script) as server:
        yield held, server.url
        held.go_on.set()


@pytest.fixture(params=sorted(MODULES))
def open_window(
    request: pytest.FixtureRequest, screen: Screen, keyring: SecretService
) -> Callable[[str, str], Window]:
    """Return what opens one of the two windows for an app and a service."""
    require(desktop.cannot_import(sys.executable, MODULES[request.param]))
    program = ROOT / "examples" / f"{request.param}_login.py"
    return lambda app_id, url: Window(screen, keyring.env, program, app_id, url)


Open = Callable[[str, str], Window]


def _asks(window: Window) -> bool:
    return window.can_press("Log in") and not window.all("spinner")


def _fill_in(window: Window, auth_key: str) -> None:
    window.see(_asks)
    window.fill(0, UID)
    window.fill(1, auth_key)


def _shows(text: str, kind: str = "label") -> Callable[[Window], bool]:
    return lambda window: any(text in shown for shown in window.texts(kind))


def test_c6_a_session_outlives_the_window(
    open_window: Open, keyring: SecretService, emulator: Emulator
) -> None:
    """Who has logged in is greeted by the next window at once, until they log out."""
    with open_window(emulator.app_id, emulator.url) as window:
        _fill_in(window, emulator.auth_key)
        window.press("Log in")
        window.see(lambda window: _shows(NAME)(window) and window.can_press("Log out"))
        window.see(_shows(f"login_success: {NAME}", "log"))
        window.close()
        assert window.ended() == (0, "")
    assert len(keyring.items()) == 1
    with open_window(emulator.app_id, emulator.url) as window:
        window.see(lambda window: _shows(NAME)(window) and window.can_press("Log out"))
        assert window.texts("field") == []
        window.press("Log out")
        window.see(_asks)
        window.see(_shows("logout_success", "log"))
        window.close()
        assert window.ended() == (0, "")
    assert keyring.items() == []


def test_c6_a_button_fires_once(open_window: Open, held: tuple[Held, str]) -> None:
    """Ten quick clicks and Return are one login; a spinner turns until it is over."""
    service, url = held
    with open_window("app", url) as window:
        _fill_in(window, "key")
        window.press("Log in", times=10)
        window.see(lambda window: window.all("spinner") and not window.can_press("Log in"))
        window.screen.press("Return")
        service.go_on.set()
        window.see(lambda window: window.can_press("Log out") and not window.all("spinner"))
        window.close()
        assert window.ended() == (0, "")
    assert service.requests == [f"POST /v3.0/users/{UID}/auth_tokens", "PUT /v3.0/me"]


def test_c6_closed_while_a_login_runs(
    open_window: Open, keyring: SecretService, held: tuple[Held, str]
) -> None:
    """A window that is closed while a login runs is gone at once; the login is still stored."""
    service, url = held
    with open_window("app", url) as window:
        _fill_in(window, "key")
        window.press("Log in")
        window.see(lambda window: window.all("spinner"))
        window.close()
        service.go_on.set()
        assert window.ended() == (0, "")
    (item,) = keyring.items()
    assert UID in item.secret


def test_c6_closed_while_the_service_hangs(
    open_window: Open, keyring: SecretService, held: tuple[Held, str]
) -> None:
    """A login that never comes to its end does not keep the program from ending."""
    _, url = held
    with open_window("app", url) as window:
        _fill_in(window, "key")
        window.press("Log in")
        window.see(lambda window: window.all("spinner"))
        window.close()
        assert window.ended() == (0, "")
    assert keyring.items() == []


def test_c6_a_window_says_what_went_wrong(open_window: Open, emulator: Emulator) -> None:
    """What cannot be used or is refused stands in the window, and one can try again."""
    token = emulator.create_auth_token(UID)
    with open_window(emulator.app_id, emulator.url) as window:
        window.see(_asks)
        window.press("Log in")
        window.see(lambda window: _asks(window) and _shows("uid is required")(window))
        _fill_in(window, "0" * 40)
        window.press("Log in")
        window.see(lambda window: _asks(window) and _shows("does not exist")(window))
        window.see(_shows("login_failure: AUTH_ERR_APIKEY_NOT_FOUND", "log"))
        window.press("Auth token", kind="tab")
        window.see(lambda window: len(window.all("field")) == 1)
        window.fill(0, token)
        window.screen.press("Return")
        window.see(lambda window: _shows(NAME)(window) and window.can_press("Log out"))
        assert not _shows("does not exist")(window)
        window.close()
        assert window.ended() == (0, "")


def test_c6_a_session_that_the_service_has_ended(
    open_window: Open, keyring: SecretService, emulator: Emulator
) -> None:
    """A window that finds a session which is dead on the service asks anew."""
    with open_window(emulator.app_id, emulator.url) as window:
        _fill_in(window, emulator.auth_key)
        window.press("Log in")
        window.see(lambda window: window.can_press("Log out"))
        window.close()
        window.ended()
    emulator.delete_user(UID)
    with open_window(emulator.app_id, emulator.url) as window:
        window.see(lambda window: _asks(window) and _shows("logout_success", "log")(window))
        assert _shows(f"found the session of {NAME}", "log")(window)
        window.close()
        assert window.ended() == (0, "")
    assert keyring.items() == []


def test_c6_a_locked_keyring(open_window: Open, keyring: SecretService, emulator: Emulator) -> None:
    """A window says that the keyring is locked, and one can log in all the same."""
    keyring.lock()
    with open_window(emulator.app_id, emulator.url) as window:
        window.see(lambda window: _asks(window) and _shows("(locked)")(window))
        _fill_in(window, emulator.auth_key)
        window.press("Log in")
        window.see(lambda window: window.can_press("Log out"))
        window.close()
        assert window.ended()[0] == 0


def test_c6_a_keyring_that_hangs(
    open_window: Open, keyring: SecretService, emulator: Emulator
) -> None:
    """While the keyring does not answer the window is there and alive, and then says so."""
    keyring.freeze_daemon()
    try:
        with open_window(emulator.app_id, emulator.url) as window:
            window.see(lambda window: window.all("spinner") and "Auth token" in window.texts("tab"))
            window.press("Auth token", kind="tab")
            window.see(lambda window: len(window.all("field")) == 1 and window.all("spinner"))
            window.see(lambda window: _asks(window) and _shows("(timeout)")(window))
            window.close()
            assert window.ended() == (0, "")
    finally:
        keyring.thaw_daemon()
