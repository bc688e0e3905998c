"""Interrupt an import of many users again and again, and print what came of it.

Run it from the project's folder::

    python -m tests.stress.imports [--users 50000] [--interruptions 10] [--seed N]

A front between the import and the emulator goes away, answers 429 and 503, and cuts connections
before and after the emulator has done what was asked. Half of the interruptions are Ctrl-C, half
are SIGKILL. Exit status 1 says that a promise was broken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from cometchat_auth import AppSettings
from cometchat_auth.server import CometChatServer

from .import_front import Front, Weather
from .import_programs import people

_LIMIT: Final = 1_800.0  # seconds for one run of the import
_FAULTS: Final = 100  # how many faults there are in the whole, about


@attrs.define
class Figures:
    """What came of it.

    Attributes:
        broken: Promises that were not kept.
        counts: Whatever can be counted.
        last: What the last run said.
    """

    broken: list[str] = attrs.Factory(list)
    counts: Counter[str] = attrs.Factory(Counter)
    last: dict[str, Any] = attrs.Factory(dict)

    def hold(self, kept: bool, promise: str) -> None:
        """Note a promise that was not kept."""
        if not kept:
            self.broken.append(promise)

    def text(self) -> str:
        """Return all of it, one line each."""
        lines = [f"  {what}: {count:,}" for what, count in self.counts.items()]
        lines += [f"  last run, {what}: {value}" for what, value in self.last.items()]
        return "\n".join([*lines, *(f"  BROKEN: {promise}" for promise in self.broken)])


class Imports:
    """One import of many users, in as many runs as it takes.

    Args:
        users: How many.
        interruptions: How often it is interrupted.
        seed: Of all chances.
        wait: Seconds of the import's first back-off, and of each wait that it is asked for.
    """

    def __init__(self, users: int, interruptions: int, seed: int, wait: float = 1.0) -> None:
        self._users = users
        self._chance = random.Random(seed)  # noqa: S311
        self._moments = sorted(self._chance.sample(range(1, users), interruptions))
        self._signals = [signal.SIGINT, signal.SIGKILL] * interruptions
        self._weather = Weather(seed, max(40, users // _FAULTS), wait)
        self._wait = wait
        self._figures = Figures()

    def run(self) -> Figures:
        """Run it to its end."""
        began = time.monotonic()
        with (
            tempfile.TemporaryDirectory() as folder,
            _program("emulator", {}) as (_, emulator),
            Front(int(emulator["url"].rpartition(":")[2]), self._weather) as front,
        ):
            journal = Path(folder) / "journal"
            asked = {
                **emulator,
                "url": front.url,
                "journal": str(journal),
                "count": self._users,
                "back_off": self._wait,
            }
            for moment, number in zip(self._moments, self._signals, strict=False):
                self._interrupt(front, asked, moment, number)
                self._check_marks(front, journal)
            self._finish(asked)
            self._check_users(front, emulator)
        self._figures.counts["seconds"] = round(time.monotonic() - began)
        return self._figures

    def _interrupt(self, front: Front, asked: dict[str, Any], moment: int, number: int) -> None:
        with _started("import", asked) as process:
            arrived = front.wait_for(moment, _LIMIT)
            process.send_signal(number)
            out, _ = process.communicate(timeout=_LIMIT)
        name = signal.Signals(number).name
        self._figures.counts[f"interrupted by {name}"] += 1
        self._figures.hold(arrived, f"{name} at {moment}: the import stood still")
        if number == signal.SIGINT:
            self._figures.hold('"interrupted"' in out, f"SIGINT at {moment}: {out!r}")
            self._figures.hold(process.returncode == 0, f"SIGINT at {moment}: no clean end")

    def _check_marks(self, front: Front, journal: Path) -> None:
        """See whether the journal knows of every user that was created."""
        copy = journal.with_name("copy")
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{journal}{end}", f"{copy}{end}")
        with contextlib.closing(sqlite3.connect(copy)) as database:
            states = dict(database.execute("SELECT uid, state FROM rows"))
        for uid in front.posted():
            kept = states.get(uid) in {"sent", "created"}
            self._figures.hold(kept, f"{uid} was created, and the journal says {states.get(uid)}")
        self._figures.counts["marks without an outcome"] += list(states.values()).count("sent")

    def _finish(self, asked: dict[str, Any]) -> None:
        with _program("import", asked) as (_, last):
            self._figures.last = last
        counts = self._figures.counts
        counts["KiB at a tenth of the rows"], counts["KiB at the last row"] = last.pop("resident")
        self._figures.hold(last["in_order"], "an outcome is missing or out of order")
        everybody = {"created": self._users}
        self._figures.hold(last["statuses"] == everybody, f"statuses: {last['statuses']}")

    def _check_users(self, front: Front, emulator: dict[str, str]) -> None:
        settings = AppSettings.for_emulator(emulator["url"])
        server = CometChatServer(emulator["app_id"], settings, emulator["key"])
        names = Counter((u.uid, u.name) for u in server.list_users() if "-uid-" not in u.uid)
        wanted = Counter((u.uid, u.name) for u in people(self._users))
        posted = front.posted()
        counts = self._figures.counts
        counts["users on the server"] = sum(names.values())
        counts["missing"] = len(wanted - names)
        counts["there twice, or not asked for"] = sum((names - wanted).values())
        counts["uids that were created exactly once"] = list(posted.values()).count(1)
        counts["uids that were created more often"] = sum(n > 1 for n in posted.values())
        counts |= {f"requests met by {kind}": n for kind, n in self._weather.seen.items()}
        self._figures.hold(names == wanted, "the users on the server are not those of the rows")
        once = set(posted.values()) == {1} and len(posted) == self._users
        self._figures.hold(once, "not every uid was created by exactly one request")


@contextlib.contextmanager
def _started(name: str, asked: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """Start a program of `import_programs`; the key goes over a pipe."""
    command = [sys.executable, "-m", "tests.stress.import_programs", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()


@contextlib.contextmanager
def _program(
    name: str, asked: dict[str, Any]
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a program, and give it with the first thing that it says."""
    with _started(name, asked) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.imports")
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--interruptions", type=int, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = parser.parse_args()
    sys.stdout.write(f"seed {chosen.seed}\n")
    sys.stdout.flush()
    figures = Imports(chosen.users, chosen.interruptions, chosen.seed).run()
    sys.stdout.write(f"{chosen.users:,} users, interrupted {chosen.interruptions} times:\n")
    sys.stdout.write(f"{figures.text()}\n")
    return 1 if figures.broken else 0


if __name__ == "__main__":
    sys.exit(main())
