"""A desktop program on a screen, as a person sees and uses it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

import attrs

from .screen import Screen

ROOT: Final = Path(__file__).parent.parent.parent
LIMIT: Final = 20.0  # seconds after which something that must happen has not happened


@attrs.frozen
class Part:
    """Something that can be seen.

    Attributes:
        kind: ``button``, ``field``, ``label``, ``spinner``, ``log`` or ``tab``.
        text: What stands on it; of a field the number of characters in it.
        x: Its middle on the screen.
        y: Its middle on the screen.
        usable: Whether it can be pressed.
    """

    kind: str
    text: str
    x: int
    y: int
    usable: bool


class Window:
    """A program that is running, and what it shows; to be used in ``with``.

    Args:
        screen: Where.
        env: The program's environment, without the screen.
        program: Its file.
        arguments: What it is given.
    """

    def __init__(self, screen: Screen, env: dict[str, str], program: Path, *arguments: str) -> None:
        self.screen = screen
        self.parts: list[Part] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.desktop.watched", str(program), *arguments],
            env={**env, "DISPLAY": screen.name, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._errors: list[str] = []
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._err)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self._reap()

    def see(self, shows: Callable[[Window], object]) -> None:
        """Wait until the window shows something; fail with what it shows if it never does."""
        end = time.monotonic() + LIMIT
        while not shows(self):
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the window shows {self.parts}; {self._errors}") from None
            if not line:
                raise AssertionError(f"the program has ended: {self._errors}")
            self.parts = [Part(**part) for part in json.loads(line)]

    def all(self, kind: str) -> list[Part]:
        """Return everything of a kind that can be seen, from top to bottom."""
        return sorted((part for part in self.parts if part.kind == kind), key=lambda part: part.y)

    def texts(self, kind: str) -> list[str]:
        """Return what stands on everything of a kind."""
        return [part.text for part in self.all(kind)]

    def can_press(self, text: str) -> bool:
        """Return whether there is a button of this name that can be pressed."""
        return any(part.text == text and part.usable for part in self.all("button"))

    def press(self, text: str, *, kind: str = "button", times: int = 1) -> None:
        """Click on a button, or on something else with this text."""
        (part,) = (part for part in self.all(kind) if part.text == text)
        self.screen.click(part.x, part.y, times=times)

    def fill(self, number: int, text: str) -> None:
        """Select what is in a field, delete it and type a text; wait until it is there."""
        field = self.all("field")[number]
        self.screen.click(field.x, field.y, times=3)
        self.screen.press("BackSpace")
        self.see(lambda window: window.texts("field")[number] == "0")
        self.screen.type(text)
        self.see(lambda window: window.texts("field")[number] == str(len(text)))

    def close(self) -> None:
        """Close the window as a person does, by the window manager; wait until it is gone."""
        self.screen.press("alt+F4")
        self.see(lambda window: not window.parts)

    def ended(self) -> tuple[int, str]:
        """Wait until the program has ended; return its exit status and what it complained of."""
        try:
            self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self._reap()
        return self.process.returncode, "".join(self._errors)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _err(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

    def _reap(self) -> None:
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
