"""The programs of `examples`, run as they stand, in processes of their own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cometchat_auth.emulator import Emulator

from .real_parts import require

EXAMPLES: Final = Path(__file__).parent.parent / "examples"
PATIENCE: Final = 50.0  # seconds after which a program has not done what it must do


def needs(*modules: str) -> None:
    """End the test unless the libraries that an example uses are installed."""
    code = f"import {', '.join(modules)}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    require(done.stderr.decode().strip().rpartition("\n")[2] or None if done.returncode else None)


def environment(service: Emulator, **more: str | Path) -> dict[str, str]:
    """Return the environment of a server's program that works with this emulator."""
    return {
        **os.environ,
        "COMETCHAT_APP_ID": service.app_id,
        "COMETCHAT_EMULATOR": service.url,
        "COMETCHAT_REST_API_KEY": service.rest_api_key,
        **{name: str(value) for name, value in more.items()},
    }


def run(
    *command: str | Path, env: dict[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without a terminal."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=EXAMPLES,
        env=env,
        input=stdin,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
        start_new_session=True,
    )


class Running:
    """A program that goes on until it is ended, and what it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._process = process
        self._new: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def see(self, pattern: str) -> re.Match[str]:
        """Wait for a line that nobody has waited for yet and that has this in it."""
        while (line := self._new.get(timeout=PATIENCE)) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the program ended without {pattern!r}, but with {self.text}")

    @property
    def text(self) -> str:
        """Return all that it has written."""
        return "".join(self.lines)

    def end(self) -> int:
        """End it, if it does not end by itself, and return its status."""
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.lines.append(line)
                self._new.put(line)
        self._new.put(None)


@contextmanager
def running(*command: str | Path, env: dict[str, str]) -> Iterator[Running]:
    """Run a program beside the test."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=EXAMPLES,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        program = Running(process)
        try:
            yield program
        finally:
            program.end()
