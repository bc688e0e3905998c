"""End scripts in every way, in every situation, and print how each of them has ended.

Run it from the project's folder::

    python -m tests.stress.exits

Exit status 1 says that promise C5 was broken.
"""

from __future__ import annotations

import http.client
import math
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import attrs

from cometchat_auth._record import decode
from cometchat_auth.emulator import Emulator

from ..secret_service import ROOT
from ..tools import Reply, Script, Seen, scripted
from .endings import AT_EXIT, CELLS, ENDINGS, HEAVY, PRELUDE, SITUATIONS, SOON, Cell, Span
from .stores import FileStore

LATE: Final = 0.7  # seconds that the slow server takes for each of a login's two answers
LIMIT: Final = 45.0  # seconds; a script that has not ended by then is killed
IDLE_LIMIT: Final = 0.5  # seconds; promised
MOST_PRESSES: Final = 4  # of Ctrl-C
PATIENCE: Final = 2.0  # seconds after which Ctrl-C is pressed again


@attrs.frozen
class Outcome:
    """How a script has ended.

    Attributes:
        status: Its exit status, or the negative number of the signal that ended it.
        presses: How often Ctrl-C had to be pressed until it was heard.
        closing: Seconds in ``close()``.
        seconds: Seconds from the end of the main thread's code, or Ctrl-C, to the process's end.
        out: What was printed.
        error: What was written to stderr.
        stored: Whose session is stored.
        leaked: Whether a key or a token was printed.
    """

    status: int
    presses: int
    closing: float
    seconds: float
    out: str
    error: str
    stored: str | None
    leaked: bool


@attrs.frozen
class Expected:
    """How a script should end; the attributes are those of `Outcome`."""

    status: tuple[int, ...]
    closing: Span
    seconds: Span
    out: str
    error: str
    stored: str | None

    @classmethod
    def of(cls, cell: Cell) -> Expected:
        """Return how the script of a cell should end."""
        what, ending = SITUATIONS[cell.situation], ENDINGS[cell.ending]
        out, stored = what.out, what.stored
        if ending.closes and what.closed is not None:
            out, stored = what.closed
        return cls(
            status=ending.status,
            closing=what.takes if ending.closes else (0.0, 0.0),
            seconds=SOON if ending.closes or cell.ending == AT_EXIT else what.takes,
            out=out,
            error=ending.error,
            stored=stored,
        )

    def problems(self, found: Outcome) -> list[str]:
        """Return what is not as expected."""
        good = {
            f"status {found.status}, not {self.status}": found.status in self.status,
            f"{found.closing:.2f} s in close()": _within(found.closing, self.closing),
            f"Ctrl-C pressed {found.presses} times in vain": found.presses < MOST_PRESSES,
            f"{found.seconds:.2f} s to the end": _within(found.seconds, self.seconds),
            f"printed {found.out!r}, not {self.out!r}": found.out == self.out,
            f"stderr {found.error!r}": re.fullmatch(self.error, found.error) is not None,
            f"stored {found.stored}, not {self.stored}": found.stored == self.stored,
            "a key or a token was printed": not found.leaked,
        }
        return [problem for problem, as_expected in good.items() if not as_expected]


def _within(seconds: float, span: Span) -> bool:
    return span[0] <= seconds <= span[1]


@attrs.frozen
class Services:
    """The servers: one that is good, one that is slow, and one that never answers."""

    app_id: str
    auth_key: str
    urls: dict[str, str]


@contextmanager
def services() -> Iterator[Services]:
    """Run the servers."""
    with (
        Emulator() as emulator,
        scripted(_late(emulator)) as slow,
        socket.create_server(("127.0.0.1", 0), backlog=100) as hung,  # accepted by nobody
    ):
        never = f"http://127.0.0.1:{hung.getsockname()[1]}"
        urls = {"good": emulator.url, "slow": slow.url, "hung": never}
        yield Services(emulator.app_id, emulator.auth_key, urls)


def _late(emulator: Emulator) -> Script:
    host = emulator.url.partition("//")[2]

    def relay(seen: Seen) -> Reply:
        threading.Event().wait(LATE)
        with closing(http.client.HTTPConnection(host, timeout=LIMIT)) as connection:
            connection.request(seen.method, seen.path, seen.body, seen.headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read())

    return relay


def run_cells(service: Services, folder: Path) -> dict[Cell, Outcome]:
    """Run the scripts of all cells: many at a time that mostly wait, few others, some alone."""

    def run_cell(cell: Cell) -> Outcome:
        url = service.urls[SITUATIONS[cell.situation].server]
        place = folder / str(CELLS.index(cell))
        return run(cell.script(), url, service, place, interrupted=ENDINGS[cell.ending].interrupted)

    with ThreadPoolExecutor(8) as waiting, ThreadPoolExecutor(2) as busy:
        running = {
            cell: (busy if SITUATIONS[cell.situation].takes == SOON else waiting).submit(
                run_cell, cell
            )
            for cell in CELLS
            if cell.situation != HEAVY
        }
    found = {cell: future.result() for cell, future in running.items()}
    return {cell: found[cell] if cell in found else run_cell(cell) for cell in CELLS}


def unheard(found: dict[Cell, Outcome]) -> list[str]:
    """Return the endings for which in no situation at all one Ctrl-C was enough."""
    interrupted = [name for name, ending in ENDINGS.items() if ending.interrupted]
    heard = {cell.ending for cell, outcome in found.items() if outcome.presses == 1}
    return [name for name in interrupted if name not in heard]


def run(
    script: str, url: str, service: Services, folder: Path, *, interrupted: bool = False
) -> Outcome:
    """Run a script to its end.

    Args:
        script: Its text.
        url: The server it asks.
        service: Whose app it uses.
        folder: Where it keeps its session and notes when its code has ended; may be new.
        interrupted: Whether to press Ctrl-C when it is ready.
    """
    (folder / "kept").mkdir(parents=True, exist_ok=True)
    arguments = [url, service.app_id, service.auth_key, str(folder)]
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what is read up to "ready" must not swallow what comes after it
    ) as process:
        presses = _press_ctrl_c(process) if interrupted else []
        out, error = (text.decode("utf-8", "replace") for text in _to_the_end(process))
        ended = time.monotonic()
    marks = _marks(folder)
    sessions = [decode(record) for record in FileStore(folder / "kept").everything()]
    secrets = [service.auth_key, *(session.token.reveal() for session in sessions)]
    return Outcome(
        process.returncode,
        presses=len(presses),
        closing=marks[-1] - marks[0],
        seconds=ended - (presses or marks)[-1],
        out=out.removeprefix("heard\n"),
        error=error,
        stored=sessions[0].user.uid if sessions else None,
        leaked=any(secret in out + error for secret in secrets),
    )


def _environment() -> dict[str, str]:
    others = re.compile(r".*_proxy|PYTHONUNBUFFERED", re.IGNORECASE)
    own = {name: text for name, text in os.environ.items() if not others.fullmatch(name)}
    return {**own, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


def _press_ctrl_c(process: subprocess.Popen[bytes]) -> list[float]:
    """Press Ctrl-C when a script is ready, and again if nothing happens; return the times.

    Python may miss a signal that comes in the very moment in which its main thread begins to wait.
    """
    assert process.stdout is not None
    if select.select([process.stdout], [], [], LIMIT)[0]:
        process.stdout.readline()
    times: list[float] = []
    while len(times) < MOST_PRESSES:
        times.append(time.monotonic())
        process.send_signal(signal.SIGINT)
        if select.select([process.stdout], [], [], PATIENCE)[0]:  # "heard", or the end
            break
    return times


def _to_the_end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


def _marks(folder: Path) -> list[float]:
    """Return when a script began to close its client, if it did, and when its code had ended."""
    try:
        return [float(line) for line in (folder / "marks").read_text("utf-8").split()]
    except FileNotFoundError:
        return [math.nan]  # which is within no span


_IDLE: Final = f"""{PRELUDE}chat = client()
chat.login(uid, key).result()
pathlib.Path(folder, "modules").write_text(" ".join(sys.modules))
mark()
"""
_BARE: Final = f"""{PRELUDE}
for module in pathlib.Path(folder, "modules").read_text().split():
    with contextlib.suppress(ImportError):
        __import__(module)
mark()
"""


def idle_exit(service: Services, folder: Path, runs: int = 15) -> tuple[float, float]:
    """Return the seconds that the exit takes with an idle client, and without one.

    The scripts without a client import the same modules. Medians of runs side by side.
    """
    idle, bare = [], []
    for number in range(runs):
        place = folder / f"idle-{number}"
        idle.append(run(_IDLE, service.urls["good"], service, place).seconds)
        bare.append(run(_BARE, service.urls["good"], service, place).seconds)
    return statistics.median(idle), statistics.median(bare)


_ROW: Final = "{:<24} {:<17} {:>6} {:>6} {:>6} {:>8}  {:<20} {:<22} {:<15} {}"
_HEAD: Final = ("situation", "ending", "status", "close", "end", "expected", "stdout", "stderr")


def row(cell: Cell, found: Outcome) -> str:
    """Return a line of the table, and one more for each problem."""
    expected = Expected.of(cell)
    problems = expected.problems(found)
    low, high = expected.seconds
    line = _ROW.format(
        cell.situation,
        cell.ending,
        found.status,
        f"{found.closing:.2f}" if ENDINGS[cell.ending].closes else "-",
        f"{found.seconds:.2f}",
        f"{low:g}-{high:g}",
        _short(found.out),
        _short(found.error[found.error.rstrip().rfind("\n") + 1 :]),
        found.stored or "-",
        "BROKEN" if problems else "ok",
    )
    return "\n".join([line, *(f"    {problem}" for problem in problems)])


def _short(text: str) -> str:
    counted = [f"{n} x {line}" if n > 1 else line for line, n in Counter(text.splitlines()).items()]
    return "; ".join(counted) or "-"


def main() -> int:
    """Run everything and print it."""
    with services() as service, tempfile.TemporaryDirectory() as folder:
        idle, bare = idle_exit(service, Path(folder))
        found = run_cells(service, Path(folder))
    broken = [cell for cell in CELLS if Expected.of(cell).problems(found[cell])]
    deaf = unheard(found)
    again = sum(outcome.presses - 1 for outcome in found.values() if outcome.presses)
    slowest = max(outcome.seconds for outcome in found.values())
    lines = [
        _ROW.format(*_HEAD, "stored", ""),
        *(row(cell, found[cell]) for cell in CELLS),
        f"exit with an idle client {idle * 1000:.0f} ms, without one {bare * 1000:.0f} ms, "
        f"ratio {idle / bare:.2f}; at most {IDLE_LIMIT:g} s are promised",
        *(f"{ending}: BROKEN, once was never enough" for ending in deaf),
        f"{len(CELLS)} cells, {len(CELLS) - len(broken)} as expected, {len(broken)} not; "
        f"the slowest end took {slowest:.2f} s; Ctrl-C pressed again {again} times",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if broken or deaf or idle > IDLE_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
