"""A program at a pseudo-terminal, and its screen as the person in front of it sees it."""

from __future__ import annotations

import codecs
import errno
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from .tools import LIMIT

ROOT: Final = Path(__file__).parent.parent

# Only a process that leads a session may take a terminal as its own; it then becomes the program.
# Who runs the tests may ignore Ctrl-C, as a shell's background job does; at a terminal nobody does.
_TAKE_TERMINAL: Final = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def _without_size(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that does not overrule the terminal's own size."""
    return {name: value for name, value in env.items() if name not in {"COLUMNS", "LINES"}}


def available() -> str | None:
    """Return why there are no pseudo-terminals here, or ``None`` if there are."""
    return None if os.name == "posix" else "pseudo-terminals are a matter of POSIX"


class Terminal:
    """A program and its terminal; to be used in ``with``, which ends it.

    What the program writes is taken in only while one waits, with `wait_for` or `finish`.

    Args:
        command: The program and its arguments.
        env: Its whole environment; ``TERM`` is added.
        columns: The terminal's width in characters.
        lines: Its height; what scrolls off the top is in `written` only.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        columns: int = 100,
        lines: int = 50,
    ) -> None:
        import pyte

        self.written = b""
        """Everything that the program has written so far, escape sequences included."""
        self._screen: Any = pyte.Screen(columns, lines)
        self._stream: Any = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._keyboard, inner = _open(columns, lines)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _TAKE_TERMINAL, *command],
                stdin=inner,
                stdout=inner,
                stderr=inner,
                cwd=ROOT,
                env={**_without_size(os.environ if env is None else env), "TERM": "xterm-256color"},
                start_new_session=True,
            )
        except BaseException:
            os.close(self._keyboard)
            raise
        finally:
            os.close(inner)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._keyboard)

    @property
    def pid(self) -> int:
        """Return the program's process id."""
        return self._process.pid

    @property
    def screen(self) -> str:
        """Return what is on the screen: its lines, without the empty ones below the last."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n")

    def type(self, text: str) -> None:
        r"""Press keys: ``"\n"`` is Return, ``"\x03"`` Ctrl-C, ``"\x04"`` Ctrl-D."""
        os.write(self._keyboard, text.encode())

    def wait_for(self, text: str, limit: float = LIMIT) -> str:
        """Wait until the screen shows a text in one line, and return the screen.

        Raises:
            AssertionError: If the program ends, or the limit in seconds is over, before that.
        """
        deadline = time.monotonic() + limit
        while text not in self.screen:
            assert self._take_in(deadline), f"no {text!r} on the screen:\n{self.screen}"
        return self.screen

    def finish(self, limit: float = LIMIT) -> int:
        """Wait for the program's end, take in the rest, and return its exit code.

        Raises:
            AssertionError: If it goes on beyond the limit in seconds.
        """
        deadline = time.monotonic() + limit
        while self._take_in(deadline):
            pass
        try:
            return self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on; the screen:\n{self.screen}") from None

    def press_until_it_ends(self, key: str, limit: float = LIMIT) -> int:
        """Press a key, again every 2 s, until the program ends; return its exit code.

        Raises:
            AssertionError: If it goes on beyond the limit in seconds.
        """
        deadline = time.monotonic() + limit
        while True:
            self.type(key)
            again = min(deadline, time.monotonic() + 2)
            while self._take_in(again):
                pass
            if time.monotonic() < again or again == deadline:
                return self.finish(max(0.0, deadline - time.monotonic()))

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def resize(self, columns: int, lines: int) -> None:
        """Change the window's size; the program hears of it."""
        _set_size(self._keyboard, columns, lines)
        self._screen.resize(lines, columns)

    def _take_in(self, deadline: float) -> bool:
        """Take in what has been written; false if nothing more comes, or not in time."""
        ready, _, _ = select.select([self._keyboard], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._keyboard, 65536)
        except OSError as error:
            if error.errno != errno.EIO:  # how Linux says that nobody has the terminal any more
                raise
            data = b""
        self.written += data
        self._stream.feed(self._decoder.decode(data))
        return bool(data)


def _open(columns: int, lines: int) -> tuple[int, int]:
    import pty

    keyboard, inner = pty.openpty()
    _set_size(inner, columns, lines)
    return keyboard, inner


def _set_size(terminal: int, columns: int, lines: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
