"""Promise K2: programs that PyInstaller has made, of one file and of one folder, without options.

They run without this Python, on a virtual screen, with a real Secret Service and a real emulator.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import pytest

from cometchat_auth.emulator import Emulator

from . import desktop, frozen_tools, packages, secret_service
from .desktop import screen as screens
from .desktop.screen import Screen
from .desktop.window import ROOT, Part, Window
from .frozen_tools import COMMAND, LIMIT, Freezer, FrozenWindow
from .real_parts import require
from .secret_service import SecretService

pytestmark = pytest.mark.timeout(500)  # beside other tests on a small machine

UID = "cometchat-uid-1"
MODULES = {"tkinter": "tkinter", "pyside6": "PySide6.QtWidgets"}

# Each example and each kind once, since a build takes half a minute; or all four if asked for.
WINDOWS = [("tkinter", "onefile"), ("pyside6", "onedir")]
if os.environ.get("COMETCHAT_TEST_ALL_FROZEN"):
    WINDOWS = [(name, kind) for name in sorted(MODULES) for kind in ("onedir", "onefile")]

_WHO = """
import sys
from cometchat_auth import AppSettings, CometChat
settings = AppSettings.for_emulator(sys.argv[2], keyring_read_timeout=20)
with CometChat(sys.argv[1], settings) as chat:
    print(chat.get_logged_in_user().uid)
"""


@pytest.fixture(scope="module")
def freezer(tmp_path_factory: pytest.TempPathFactory) -> Freezer:
    """Install the package, and make programs that use it."""
    require(frozen_tools.available())
    folder = tmp_path_factory.mktemp("frozen")
    packages.install(packages.build(folder / "tree", "--wheel"), folder / "packages")
    return Freezer(folder, folder / "packages")


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


@pytest.fixture(scope="module")
def command(freezer: Freezer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the frozen command line."""
    script = tmp_path_factory.mktemp("script") / "command.py"
    script.write_text(COMMAND)
    return str(freezer.freeze(script, "onedir"))


Places = tuple[Part, Part, Part]


@pytest.fixture(scope="module")
def places(screen: Screen) -> Callable[[str, SecretService], Places]:
    """Return what tells where the two fields and the button are, by looking at the script."""
    found: dict[str, Places] = {}

    def look(name: str, keyring: SecretService) -> Places:
        if name not in found:
            program = ROOT / "examples" / f"{name}_login.py"
            with Window(screen, keyring.env, program, "app", "http://127.0.0.1:9") as window:
                window.see(lambda window: window.can_press("Log in") and not window.all("spinner"))
                (button,) = (part for part in window.all("button") if part.text == "Log in")
                uid, key = window.all("field")
                found[name] = uid, key, button
        return found[name]

    return look


def _log_in(screen: Screen, places: Places, emulator: Emulator) -> None:
    """Fill in the form and press the button until the service has heard of it."""
    for field, text in zip(places, (UID, emulator.auth_key), strict=False):
        screen.click(field.x, field.y)
        screen.type(text)
    end = time.monotonic() + LIMIT
    while True:
        screen.click(places[2].x, places[2].y)
        try:
            emulator.requests.wait(2, timeout=1)
        except TimeoutError:
            assert time.monotonic() < end, "nobody has logged in"
        else:
            return


def _asked(emulator: Emulator) -> list[tuple[str, str, int | None]]:
    return [(entry.method, entry.path, entry.status) for entry in emulator.requests]


@pytest.mark.parametrize(("name", "kind"), WINDOWS)
def test_k2_a_frozen_window_keeps_the_session_where_the_script_does(
    name: str,
    kind: str,
    freezer: Freezer,
    screen: Screen,
    keyring: SecretService,
    places: Callable[[str, SecretService], Places],
    emulator: Emulator,
) -> None:
    """Who logs in in a frozen program is found by it again, and by a script that asks for it."""
    require(desktop.cannot_import(sys.executable, MODULES[name]))
    program = freezer.freeze(ROOT / "examples" / f"{name}_login.py", kind)
    form = places(name, keyring)
    env = {key: value for key, value in keyring.env.items() if key != "PYTHONPATH"}
    service = (emulator.app_id, emulator.url)
    with FrozenWindow(screen, env, program, *service) as window:
        window.wait()
        _log_in(screen, form, emulator)
        assert window.close() == (0, "")
    assert _asked(emulator) == [
        ("POST", f"/v3.0/users/{UID}/auth_tokens", 200),
        ("PUT", "/v3.0/me", 200),
    ]
    (item,) = keyring.items()
    assert keyring.run(_WHO, *service).stdout.strip() == UID
    emulator.requests.clear()
    with FrozenWindow(screen, env, program, *service) as window:
        window.wait()
        emulator.requests.wait(1, timeout=LIMIT)
        assert window.close() == (0, "")
    assert _asked(emulator) == [("PUT", "/v3.0/me", 200)]
    assert keyring.items() == [item]


def _doctor(keyring: SecretService, *argv: str) -> dict[str, Any]:
    """Return what the doctor finds, without what differs from one run to the next."""
    report = json.loads(keyring.run([*argv, "doctor", "--json"]).stdout)
    assert report["ok"], report
    found = {section["title"]: section["facts"] for section in report["sections"]}
    del found["Keyring"]["trial_took_ms"]
    found["Keyring"].get("made_of", []).sort()  # those of equal rank come as they like
    assert found.pop("Network")["ca_certificates"].endswith("certifi/cacert.pem")
    return found


def test_k2_the_frozen_doctor_finds_what_the_script_finds(
    command: str, keyring: SecretService
) -> None:
    """Versions, configuration and keyring back end must be those of the command as installed."""
    assert _doctor(keyring, command) == _doctor(keyring, sys.executable, "-m", "cometchat_auth")


def test_k2_the_frozen_command_line_has_all_commands(command: str, keyring: SecretService) -> None:
    """Each command, which is imported when it is asked for, must have been taken along."""
    overview = keyring.run([command, "--help"]).stdout
    names = re.findall(r"^  ([a-z-]+)  +[A-Z]", overview.partition("Commands:")[2], re.M)
    assert len(names) >= 10
    for name in names:
        assert f"Usage: cometchat-auth {name}" in keyring.run([command, name, "--help"]).stdout


def test_k2_x3_the_frozen_demo_runs_and_warns_of_the_auth_key_once(
    command: str, keyring: SecretService
) -> None:
    """The demo must run to its end; that a program uses an auth key is worth one warning."""
    done = keyring.run([command, "demo"])
    assert "It finds 'kevin'" in done.stdout
    assert "Done in" in done.stdout
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("WARNING cometchat_auth A frozen application uses an auth key")
    assert keyring.items() == []


def test_k2_the_frozen_emulator_shows_its_dashboard(command: str, keyring: SecretService) -> None:
    """The dashboard's pages, and what they look like, must have been taken along."""
    with subprocess.Popen(
        [command, "emulator", "--json", "--port", "0"],
        env=keyring.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["dashboard_url"]
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:  # noqa: S310 - loopback
                page = answer.read().decode()
            (style,) = re.findall(r'href="([^"]+\.css[^"]*)"', page)
            with urllib.request.urlopen(urljoin(url, style), timeout=LIMIT) as answer:  # noqa: S310
                assert answer.headers.get_content_type() == "text/css"
        finally:
            process.terminate()
    assert process.returncode == 0
