"""A virtual screen with a window manager, and a hand on its mouse and keyboard."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final

START_LIMIT: Final = 20.0  # seconds; for the screen and for its window manager

_PROGRAMS: Final = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "import": "imagemagick",
}


def available() -> str | None:
    """Return why there can be no virtual screen here, or ``None`` if there can."""
    if sys.platform != "linux":
        return "a virtual screen is a matter of Linux"
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            return f"{program} is not installed (package {package})"
    return None


class Screen:
    """A screen of 800 by 800 points; to be used in ``with``.

    Programs see it when the environment variable ``DISPLAY`` has the value of `name`.
    """

    def __init__(self) -> None:
        self.name = ""
        self._stack = ExitStack()

    def __enter__(self) -> Screen:
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="screen-")))
            self.name = self._start_screen(stack)
            self._start_window_manager(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def click(self, x: int, y: int, *, times: int = 1) -> None:
        """Click with the left button at a place; several times as fast as can be."""
        repeat = ["--repeat", str(times), "--delay", "0"]
        self._xdotool("mousemove", str(x), str(y), "click", *repeat, "1")

    def type(self, text: str) -> None:
        """Press the keys that make up a text."""
        self._xdotool("type", "--delay", "1", "--clearmodifiers", text)

    def press(self, *keys: str) -> None:
        """Press keys by their names, such as ``Return`` or ``alt+F4``."""
        self._xdotool("key", "--clearmodifiers", *keys)

    def picture(self, path: Path) -> None:
        """Take a picture of the whole screen; what shows the background is cut off."""
        self._run("import", "-window", "root", "-trim", "+repage", str(path))

    def _xdotool(self, *words: str) -> None:
        self._run("xdotool", *words)

    def _run(self, *words: str) -> None:
        subprocess.run(words, env=self._env(), check=True, timeout=START_LIMIT)

    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "DISPLAY": self.name, "HOME": str(self._folder)}

    def _start_screen(self, stack: ExitStack) -> str:
        reader, writer = os.pipe()
        stack.callback(os.close, reader)
        words = ["-displayfd", str(writer), "-screen", "0", "800x800x24", "-nolisten", "tcp"]
        with open(writer, "wb"):  # closed here once the screen has it
            screen = subprocess.Popen(
                ["Xvfb", "-r", *words],  # no key repeats itself, however late it is let go
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[writer],
            )
        stack.callback(_end, screen)
        return f":{_line(reader, 'Xvfb')}"

    def _start_window_manager(self, stack: ExitStack) -> None:
        pipe = self._folder / "ready"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, reader)
        manager = subprocess.Popen(
            ["openbox", "--sm-disable", "--startup", f"sh -c 'echo ready >{pipe}'"],
            env=self._env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(_end, manager)
        _line(reader, "openbox")


def _line(descriptor: int, program: str) -> str:
    """Return what a program says when it is ready."""
    ready, _, _ = select.select([descriptor], [], [], START_LIMIT)
    if not ready or not (said := os.read(descriptor, 64).decode().strip()):
        raise RuntimeError(f"{program} did not start within {START_LIMIT:g} s")
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
