"""Programs that PyInstaller has made, as people start them: without Python and its packages."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from .desktop.screen import Screen

BUILD_LIMIT: Final = 300.0  # seconds; a large one takes 40 on a machine that has nothing else to do
_PATIENCE: Final = 5.0  # seconds until a key is pressed once more
LIMIT: Final = 30.0  # seconds after which something that must happen has not happened

COMMAND: Final = """\
import logging
from cometchat_auth.__main__ import main
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
main()
"""
"""The command line as a program of somebody's, one that shows what the library logs."""


def available() -> str | None:
    """Return why no program can be made here, or ``None`` if it can."""
    if sys.platform != "linux":
        return "the tests of frozen programs are made for Linux"
    if importlib.util.find_spec("PyInstaller") is None:
        return "the Python package pyinstaller is not installed"
    if shutil.which("objdump") is None:
        return "objdump is not installed (package binutils)"
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return f"{sys.executable} was built without a shared library"
    return None


class Freezer:
    """Makes programs, and keeps them.

    Args:
        folder: For everything that comes of it.
        packages: Where the package is installed.
    """

    def __init__(self, folder: Path, packages: Path) -> None:
        self._folder = folder
        self._packages = packages
        self._made: dict[tuple[Path, str], Path] = {}

    def freeze(self, script: Path, kind: str) -> Path:
        """Make a program of a script, as its author would: without any further option.

        Args:
            script: The script.
            kind: ``onefile`` or ``onedir``.

        Returns:
            The program's file.
        """
        if (script, kind) not in self._made:
            self._made[script, kind] = self._freeze(script, kind)
        return self._made[script, kind]

    def _freeze(self, script: Path, kind: str) -> Path:
        dist = self._folder / kind
        # What was found out about a script holds for both kinds.
        folders = {"distpath": dist, "workpath": self._folder, "specpath": self._folder}
        words = [word for name, folder in folders.items() for word in (f"--{name}", str(folder))]
        done = subprocess.run(
            [sys.executable, "-m", "PyInstaller", "--noconfirm", f"--{kind}", *words, str(script)],
            cwd=self._folder,  # not the sources
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "PYTHONPATH": str(self._packages),
                "PYINSTALLER_CONFIG_DIR": str(self._folder / "config"),
            },
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=BUILD_LIMIT,
        )
        assert done.returncode == 0, done.stderr
        return dist / script.stem / script.stem if kind == "onedir" else dist / script.stem


class FrozenWindow:
    """A frozen desktop program on a screen; to be used in ``with``.

    What its window shows cannot be asked for: it has to be known from the script.

    Args:
        screen: Where.
        env: The program's environment, without the screen.
        program: Its file.
        arguments: What it is given.
    """

    def __init__(self, screen: Screen, env: dict[str, str], program: Path, *arguments: str) -> None:
        self._screen = screen
        self._env = {**env, "DISPLAY": screen.name}
        self._process = subprocess.Popen(
            [str(program), *arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def __enter__(self) -> FrozenWindow:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def wait(self) -> None:
        """Wait until the window is there and hears the keys, or fail with what was said."""
        end = time.monotonic() + LIMIT
        words = ["search", "--onlyvisible", "--name", "^CometChat$", "windowactivate", "--sync"]
        while subprocess.run(
            ["xdotool", *words], env=self._env, capture_output=True, check=False, timeout=LIMIT
        ).returncode:
            try:
                said, _ = self._process.communicate(timeout=0.1)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < end, "there is no window"
            else:
                raise AssertionError(f"the program has ended: {said}")

    def close(self) -> tuple[int, str]:
        """Close the window as a person does; return the exit status and what was said."""
        end = time.monotonic() + LIMIT
        while True:  # a window that has just come up may not have the keyboard yet
            self._screen.press("alt+F4")
            try:
                said, _ = self._process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < end, "the window does not close"
            else:
                return self._process.returncode, said
