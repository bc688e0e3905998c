"""The programs of the tutorial, run as its reader runs them, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cometchat_auth.emulator import Emulator

from . import desktop, secret_service
from .desktop import screen as screens
from .desktop.screen import Screen
from .desktop.window import Window
from .example_programs import EXAMPLES, needs, running
from .real_parts import require
from .secret_service import SecretService

FOLDER = EXAMPLES / "tutorial"
UID, NAME = "cometchat-uid-1", "Andrew Joseph"


@pytest.fixture(scope="module")
def keyring() -> Iterator[SecretService]:
    """Have a keyring."""
    require(secret_service.available())
    with SecretService() as service:
        yield service


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    """Have a screen."""
    require(screens.available())
    with Screen() as screen:
        yield screen


class Reader:
    """Whoever reads the tutorial: with a keyring, and with the variables that it has them set."""

    def __init__(self, keyring: SecretService, emulator: Emulator) -> None:
        self.keyring = keyring
        self.env = {
            **keyring.env,
            # At once: looking through all that the tests have installed takes time.
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
            "COMETCHAT_EMULATOR": emulator.url,
            "COMETCHAT_AUTH_KEY": emulator.auth_key,
            "COMETCHAT_REST_API_KEY": emulator.rest_api_key,
        }

    def runs(self, program: str, *arguments: str) -> list[str]:
        """Run a program, and return the lines that it prints."""
        before = self.keyring.env
        self.keyring.env = self.env
        try:
            done = self.keyring.run([sys.executable, str(FOLDER / program), *arguments])
        finally:
            self.keyring.env = before
        assert done.stderr == ""
        return done.stdout.splitlines()


@pytest.fixture
def reader(keyring: SecretService, emulator: Emulator) -> Reader:
    """Be a reader."""
    return Reader(keyring, emulator)


def says(text: str) -> Callable[[Window], bool]:
    """Return what looks for a text in a window whose button can be pressed."""
    return lambda window: (
        any(text in shown for shown in window.texts("label"))
        and any(part.usable for part in window.all("button"))
    )


@contextmanager
def opened(screen: Screen, env: dict[str, str], program: str) -> Iterator[Window]:
    """Run one of the programs, and wait until its window has the keyboard."""
    with Window(screen, env, FOLDER / program) as window:
        window.see(lambda window: window.parts)
        search = ("search", "--sync", "--onlyvisible", "--name", "^Chat$")
        screen._xdotool(*search, "windowactivate", "--sync")
        yield window


def enter(window: Window, number: int, text: str) -> None:
    """Put a text into a field in place of what is there."""
    field = window.all("field")[number]
    window.screen.click(field.x, field.y)
    window.screen.press("End", *["BackSpace"] * int(field.text))
    window.see(lambda window: window.texts("field")[number] == "0")
    window.screen.type(text)
    window.see(lambda window: window.texts("field")[number] == str(len(text)))


def test_scripts(reader: Reader) -> None:
    """The scripts say what the page shows: the session of the first is found by the second."""
    logged_in = f"{NAME} is logged in as {UID}."
    assert reader.runs("first_login.py") == [logged_in]
    assert reader.runs("session.py") == [f"{NAME} was logged in already."]
    assert reader.runs("session.py", "out") == ["Nobody is logged in now."]
    assert reader.runs("session.py") == [
        f"{NAME} has logged in.",
        "The next start will find the session.",
    ]
    assert reader.runs("listener.py") == [
        "login_failure: ERR_UID_NOT_FOUND",
        "login_success: George Alan",
        "logout_success",
    ]
    assert reader.keyring.items() == []
    page = (FOLDER.parent.parent / "docs" / "tutorial.rst").read_text("utf-8")
    for line in (logged_in, "Nobody is logged in now.", "login_success: George Alan"):
        assert f"\n    {line}\n" in page


@pytest.mark.parametrize(
    ("program", "module"),
    [("window.py", "tkinter"), ("window_pyside6.py", "PySide6.QtWidgets")],
)
def test_windows(program: str, module: str, reader: Reader, screen: Screen) -> None:
    """Both windows log in, say what went wrong, and greet whoever has logged in before."""
    require(desktop.cannot_import(sys.executable, module))
    with opened(screen, reader.env, program) as window:
        window.see(says("Nobody is logged in."))
        enter(window, 0, "nobody")
        window.press("Log in")
        window.see(says("does not exist"))
        enter(window, 0, UID)
        window.press("Log in")
        window.see(says(f"{NAME} is logged in."))
        window.close()
        assert window.ended() == (0, "")
    with opened(screen, reader.env, program) as window:
        window.see(says(f"{NAME} is logged in."))
        window.press("Log out")
        window.see(says("Nobody is logged in."))
        window.close()
        assert window.ended() == (0, "")


@contextmanager
def backend_for(reader: Reader) -> Iterator[str]:
    """Run the tutorial's server, and return its URL."""
    needs("flask")
    env = {**reader.env, "PYTHONPATH": f"{FOLDER}:{reader.env['PYTHONPATH']}"}
    command = ("-m", "flask", "--app", "backend", "run", "--port", "0")
    with running(*command, env=env) as program:
        yield program.see(r"Running on (http://127\.0\.0\.1:\d+)")[1]


def test_program(reader: Reader, screen: Screen, emulator: Emulator) -> None:
    """The program logs in with a password, stays logged in, and does not survive its tokens."""
    require(desktop.cannot_import(sys.executable, "tkinter"))
    program = "app.py"
    with backend_for(reader) as reader.env["BACKEND"]:
        del reader.env["COMETCHAT_AUTH_KEY"]
        with opened(screen, reader.env, program) as window:
            window.see(says("Please log in."))
            enter(window, 0, "andrew")
            enter(window, 1, "wrong")
            window.press("Log in")
            window.see(says("Wrong name or password."))
            enter(window, 1, "correct horse")
            window.press("Log in")
            window.see(says(f"{NAME} is logged in."))
            window.close()
            assert window.ended() == (0, "")
        emulator.flush_auth_tokens(UID)
        with opened(screen, reader.env, program) as window:
            window.see(says("Please log in."))
            enter(window, 0, "nobody")
            enter(window, 1, "")
            window.press("Log in")
            window.see(says("Wrong name or password."))
            window.close()
            assert window.ended() == (0, "")
    assert reader.keyring.items() == []


def test_program_without_its_server(reader: Reader, screen: Screen) -> None:
    """Where the server does not answer the program says so, and lives on."""
    require(desktop.cannot_import(sys.executable, "tkinter"))
    reader.env["BACKEND"] = "http://127.0.0.1:9"  # where nobody listens
    with opened(screen, reader.env, "app.py") as window:
        window.see(says("Please log in."))
        window.press("Log in")
        window.see(says("Are you online?"))
        window.close()
        assert window.ended() == (0, "")


def test_no_key_is_in_the_program() -> None:
    """What is handed out holds no key, and no way to use one."""
    text = Path(FOLDER / "app.py").read_text("utf-8")
    assert "AUTH_KEY" not in text
    assert "REST_API" not in text
