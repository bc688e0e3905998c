"""Processes at a low price: a warm interpreter that forks one program after the other.

The warm interpreter is started by `ForkServer` and serves until its input ends. It runs one
program at a time, kills it when asked to, and hands back what it wrote.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import IO, Any, Final

import attrs

from ..secret_service import ROOT

TIME_LIMIT: Final = 60.0  # seconds; for a program that should have come to its end
_WARM: Final = "warm\n"
_END: Final = "end"


@attrs.frozen
class Run:
    """What a program has done.

    Attributes:
        lines: What it said: event, time in nanoseconds, values.
        noise: What else it wrote: tracebacks.
        status: Its exit status, or the negative number of the signal that ended it.
        stuck: Whether it had to be killed because it did not end.
    """

    lines: list[list[Any]]
    noise: str
    status: int
    stuck: bool


class ForkServer:
    """A warm interpreter; to be used in ``with``.

    Args:
        env: Its environment.
    """

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._server: subprocess.Popen[str] | None = None
        self._writing = threading.Lock()

    def __enter__(self) -> ForkServer:
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=self._env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == _WARM
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        with self._server as server:  # which waits for it
            self._input(server).close()

    def run(self, **request: object) -> Run:
        """Run a program to its end and return what it did.

        Args:
            **request: What `programs.run` takes; and ``kill_at``, an event and its first value,
                with ``delay``, the seconds after it when the program is killed.
        """
        self._send(json.dumps(request))
        assert self._server is not None
        assert self._server.stdout is not None
        answer = self._server.stdout.readline()
        assert answer, "the warm interpreter has died"
        return Run(**json.loads(answer))

    def end(self) -> None:
        """Ask the program that runs now, if one does, to come to its end (SIGTERM).

        One that is not ready yet is asked when it is.
        """
        self._send(_END)

    def _send(self, line: str) -> None:
        assert self._server is not None
        with self._writing:
            self._input(self._server).write(line + "\n")
            self._input(self._server).flush()

    @staticmethod
    def _input(server: subprocess.Popen[str]) -> IO[str]:
        assert server.stdin is not None
        return server.stdin


# What follows runs in the warm interpreter.


class Lines:
    """Lines from a pipe, without waiting for them."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.ended = False
        self._rest = b""

    def read(self) -> list[str]:
        """Read once, which waits if there is nothing, and return the lines that are complete."""
        chunk = os.read(self.pipe, 65536)
        self.ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self.ended and self._rest:
            lines.append(self._rest)
        return [line.decode("utf-8", "replace") for line in lines]


class Watcher:
    """Reads what a program writes, and ends it when it is time."""

    def __init__(self, pid: int, output: Lines, orders: Lines, request: dict[str, Any]) -> None:
        self._pid = pid
        self._output = output
        self._orders = orders
        self._to_end = request.get("to_end", False)
        self._ready = False
        self._kill_at = request.get("kill_at")
        self._delay = float(request.get("delay", 0))
        self._end = time.monotonic() + TIME_LIMIT
        self._stuck = True
        self._said: list[list[Any]] = []
        self._noise: list[str] = []

    def watch(self) -> dict[str, Any]:
        """Stay with the program to its end, and return the fields of a `Run`."""
        while not self._output.ended:
            pipes = [self._output.pipe] + [self._orders.pipe] * (not self._orders.ended)
            ready, _, _ = select.select(pipes, [], [], max(0.0, self._end - time.monotonic()))
            if not ready:
                self._kill()
            if self._orders.pipe in ready:
                self._obey()
            if self._output.pipe in ready:
                self._listen()
        _, status = os.waitpid(self._pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return {
            "lines": self._said,
            "noise": "\n".join(self._noise),
            "status": code,
            "stuck": self._stuck and code == -signal.SIGKILL,
        }

    def _listen(self) -> None:
        for line in self._output.read():
            try:
                said = json.loads(line)
            except ValueError:
                self._noise.append(line)
                continue
            self._said.append(said)
            if said[0] == "ready":
                self._ready = True
                self._ask()
            if self._kill_at is not None and [said[0], *said[2:3]] == self._kill_at:
                self._kill_at, self._stuck = None, False
                self._end = time.monotonic() + self._delay

    def _obey(self) -> None:
        orders = list(self._orders.read())
        if self._orders.ended:
            self._kill()
        elif orders:
            self._to_end = True
            self._ask()

    def _ask(self) -> None:
        if self._to_end and self._ready:
            os.kill(self._pid, signal.SIGTERM)

    def _kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self._end = time.monotonic() + TIME_LIMIT


def _fork(request: dict[str, Any], orders: Lines) -> dict[str, Any] | None:
    """Fork; return what the program did, or ``None`` in the program itself."""
    output, end = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(output)
        for stream in (1, 2):
            os.dup2(end, stream)
        os.close(end)
        return None
    os.close(end)
    try:
        return Watcher(pid, Lines(output), orders, request).watch()
    finally:
        os.close(output)


def _serve() -> dict[str, Any] | None:
    """Serve until the input ends; return a request in the process that is to carry it out."""
    orders = Lines(0)
    while not orders.ended:
        lines = orders.read()
        request = next((json.loads(line) for line in lines if line != _END), None)
        if request is None:
            continue  # what was to end has just done so by itself
        request["to_end"] = lines[-1] == _END
        answer = _fork(request, orders)
        if answer is None:
            return dict(request)
        os.write(1, json.dumps(answer).encode() + b"\n")
    return None


def _main() -> None:
    import keyring
    import requests  # noqa: F401

    from . import programs

    keyring.get_keyring()  # leaves nothing open
    os.write(1, _WARM.encode())
    if (request := _serve()) is not None:
        programs.run(request)


if __name__ == "__main__":
    _main()
