"""Callbacks on the thread of a window or an event loop, with the real toolkits (C6)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import cometchat_auth
from cometchat_auth import dispatchers
from cometchat_auth.emulator import Emulator

from . import desktop
from .desktop import screen as screens
from .desktop.screen import Screen
from .real_parts import require
from .tools import LIMIT

# What has no wheels for Linux comes with the distribution, and is for its own Python only.
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDS = {
    "tkinter": (sys.executable, "tkinter"),
    "PySide6": (sys.executable, "PySide6.QtWidgets"),
    "PyQt6": (sys.executable, "PyQt6.QtWidgets"),
    "wx": (SYSTEM_PYTHON, "wx"),
    "gtk3": (SYSTEM_PYTHON, "gi; gi.require_version('Gtk', '3.0')"),
    "gtk4": (SYSTEM_PYTHON, "gi; gi.require_version('Gtk', '4.0')"),
    "asyncio": (sys.executable, "asyncio"),
}
TOOLKITS = ("tkinter", "PySide6", "PyQt6", "wx", "gi", "asyncio")


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    """Have a screen."""
    require(screens.available())
    with Screen() as screen:
        yield screen


def _search_path() -> str:
    """Return where another Python finds the package, these tests, and what both need."""
    places = [Path(__file__).parent.parent, Path(cometchat_auth.__file__).parent.parent]
    for module in ("attrs", "requests"):
        spec = find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        places.append(Path(spec.origin).parent.parent)
    return ":".join(dict.fromkeys(map(str, places)))


def _run(screen: Screen, command: list[str]) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "DISPLAY": screen.name, "PYTHONPATH": _search_path()}
    env["GTK_A11Y"] = "none"  # GTK 4 complains of a missing D-Bus otherwise
    return subprocess.run(
        command, env=env, capture_output=True, check=False, encoding="utf-8", timeout=60
    )


@pytest.mark.parametrize("toolkit", NEEDS)
def test_c6_callbacks_run_on_the_windows_thread(
    toolkit: str, screen: Screen, emulator: Emulator
) -> None:
    """All callbacks run on the loop's thread, in order, and none once its window is closed."""
    python, module = NEEDS[toolkit]
    require(desktop.cannot_import(python, module))
    program = [python, "-X", "faulthandler", "-m", "tests.desktop.programs"]
    service = [emulator.url, emulator.app_id, emulator.auth_key]
    done = _run(screen, [*program, toolkit, *service])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "told": ["login_success", "on_login", "logout_success", "on_logout"],
        "elsewhere": [],
        "storm": True,
        "late": "cometchat-uid-1",
    }


def test_c6_no_toolkit_is_imported_unless_it_is_used() -> None:
    """Importing the dispatchers must import none of the toolkits."""
    code = (
        "import sys, cometchat_auth.dispatchers; "
        f"print([name for name in {TOOLKITS} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_c6_qt_needs_an_object_of_qt() -> None:
    """Anything but a QObject is refused by name."""
    with pytest.raises(TypeError, match="parent must be a QObject, not str"):
        dispatchers.for_qt("window")


def test_c6_asyncio_takes_the_running_loop() -> None:
    """Inside a coroutine the loop need not be given; outside it is missed at once."""

    async def main() -> str:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        post = dispatchers.for_asyncio()
        thread = threading.Thread(
            target=lambda: post(lambda: told.set_result(threading.current_thread().name))
        )
        thread.start()
        name = await asyncio.wait_for(told, LIMIT)
        thread.join(LIMIT)
        return name

    assert asyncio.run(main()) == threading.current_thread().name
    with pytest.raises(RuntimeError):
        dispatchers.for_asyncio()


@pytest.mark.parametrize("binding", ["PySide6", "PyQt6"])
def test_c6_qt_does_not_keep_the_window(screen: Screen, binding: str) -> None:
    """A window lives no longer because its dispatcher does, and is told nothing afterwards."""
    require(desktop.cannot_import(sys.executable, f"{binding}.QtWidgets"))
    code = f"""
import weakref
from {binding}.QtWidgets import QApplication, QWidget
from cometchat_auth.dispatchers import for_qt
app = QApplication([])
window = QWidget()
kept = weakref.ref(window)
post = for_qt(window)
post(lambda: print("must not run"))
del window
app.processEvents()
assert kept() is None
"""
    done = _run(screen, [sys.executable, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_c6_tkinter_ends_with_the_widget_that_was_given(screen: Screen) -> None:
    """Callbacks go on while other widgets are destroyed, and end with the one that was given."""
    require(desktop.cannot_import(sys.executable, "tkinter"))
    code = """
import tkinter, weakref
from cometchat_auth.dispatchers import for_tkinter
root = tkinter.Tk()
frame = tkinter.Frame(root)
child = tkinter.Label(frame)
post = for_tkinter(frame, interval=1)
post(child.destroy)
post(lambda: print("goes on"))
post(frame.destroy)
post(lambda: print("must not run"))
for_tkinter(root, interval=100)(root.destroy)
root.mainloop()
late = lambda: print("must not run either")
kept = weakref.ref(late)
post(late)
del late
assert kept() is None
"""
    done = _run(screen, [sys.executable, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (0, "goes on\n", "")
