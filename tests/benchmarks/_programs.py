"""Programs that are measured: whole processes, and workers that do something again and again.

A worker is any program, in any language, that first prints a line, then for every number it reads
does its work so often and prints the seconds of each time as a JSON list.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import attrs

from ._measure import Kind, Round, Way

ROOT: Final = Path(__file__).parent.parent.parent


@attrs.frozen
class Talk:
    """What is said to a program that runs, line by line.

    Attributes:
        first: The line that it said by itself.
    """

    first: str
    _requests: IO[str]
    _answers: IO[str]

    def ask(self, line: str) -> str:
        """Send a line, and return the next one that comes."""
        self._requests.write(f"{line}\n")
        self._requests.flush()
        return self._answers.readline()


def worker(name: str, kind: Kind, command: Sequence[str], times: int) -> Way:
    """Return the way that a worker program goes, so many times in each round."""

    @contextmanager
    def opened() -> Iterator[Round]:
        with started(command) as talk:
            yield lambda: json.loads(talk.ask(str(times)))

    return Way(name, kind, opened)


@contextmanager
def started(command: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[Talk]:
    """Run a program until the end of ``with``, once it has printed its first line.

    Raises:
        RuntimeError: If it ends before that.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=env
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        if not first:
            raise RuntimeError(f"{command} ended before it was ready")
        yield Talk(first, process.stdin, process.stdout)
        process.stdin.close()  # it ends by itself then


def whole(
    name: str, kind: Kind, command: Sequence[str], env: Mapping[str, str] | None = None
) -> Way:
    """Return the way of a whole process, from its start to its end, once in each round."""
    # Users' programs find their modules compiled.
    cached = {k: v for k, v in (env or os.environ).items() if k != "PYTHONDONTWRITEBYTECODE"}

    @contextmanager
    def opened() -> Iterator[Round]:
        def turn() -> Sequence[float]:
            began = time.perf_counter()
            subprocess.run(command, check=True, cwd=ROOT, env=cached, stdout=subprocess.DEVNULL)
            return [time.perf_counter() - began]

        yield turn

    return Way(name, kind, opened)


@contextmanager
def serving(name: str, *arguments: str) -> Iterator[str]:
    """Run a server of this package until the end of ``with``; give its URL."""
    with started(module(name, *arguments)) as talk:
        yield talk.first


def module(name: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """Return the command that runs a module of this package."""
    return [python, "-m", f"tests.benchmarks.{name}", *arguments]
