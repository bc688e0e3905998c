"""Kill an emulator while clients write to it, again and again on one data file.

Run it from the project's folder::

    python -m tests.stress.emulator_kill [--rounds 100] [--clients 4] [--seed N]

After each kill another emulator opens the file: every write that was answered must be there, the
one that was under way wholly or not at all. Exit status 1 says that something was lost or torn.
"""

from __future__ import annotations

import argparse
import http.client
import random
import secrets
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

import attrs

from .emulator_ledger import ABSENT, ACTIVE, DEACTIVATED, Known, Ledger, look
from .emulator_process import Address, Caller, EmulatorProcess
from .rounds import Figures

LONGEST: Final = 0.4  # seconds from the first write to the kill
MOST_USERS: Final = 12  # of each client
_GONE: Final = (OSError, http.client.HTTPException)
_IMMEDIATE: Final = 0.02  # seconds; half of the kills come that soon


@attrs.define
class Writer:
    """A client that writes at random, and notes what was answered.

    Attributes:
        number: Tells its users from those of others.
        chance: Decides what it writes.
        ledger: What it was answered.
    """

    number: int
    chance: random.Random
    ledger: Ledger = attrs.Factory(Ledger)
    error: Exception | None = None

    @property
    def prefix(self) -> str:
        """Return how the uids of its users begin."""
        return f"w{self.number}-"

    def write(self, address: Address, first: threading.Event) -> None:
        """Write until the emulator is gone."""
        with closing(Caller(address)) as caller:
            try:
                while True:
                    self._step(caller)
                    first.set()
            except _GONE:
                first.set()
            except Exception as error:
                self.error = error
                first.set()

    def _step(self, caller: Caller) -> None:
        users = self.ledger.users
        uid = f"{self.prefix}{self.chance.randrange(MOST_USERS)}"
        known = users.get(uid, Known())
        match known.standing:
            case "absent":
                self._create(caller, uid)
            case "deactivated":
                self.ledger.make(
                    uid,
                    lambda: caller.call("PUT", "/users", {"uidsToActivate": [uid]}),
                    attrs.evolve(known, standing=ACTIVE),
                )
            case _:
                steps = (self._update, self._mint, self._mint, self._revoke, self._delete)
                self.chance.choice(steps)(caller, uid, known)

    def _create(self, caller: Caller, uid: str) -> None:
        mark = self.chance.randrange(1_000_000)
        body = {"uid": uid, **_marked(mark)}
        self.ledger.make(uid, lambda: caller.call("POST", "/users", body), Known(ACTIVE, mark))

    def _update(self, caller: Caller, uid: str, known: Known) -> None:
        mark = self.chance.randrange(1_000_000)
        self.ledger.make(
            uid,
            lambda: caller.call("PUT", f"/users/{uid}", _marked(mark)),
            attrs.evolve(known, mark=mark),
        )

    def _mint(self, caller: Caller, uid: str, known: Known) -> None:
        if len(known.tokens) > MOST_USERS:
            return
        path = f"/users/{uid}/auth_tokens"
        answer = self.ledger.make(
            uid, lambda: caller.call("POST", path, {"force": True}), attrs.evolve(known, minted=1)
        )
        tokens = known.tokens | {answer["data"]["authToken"]}
        self.ledger.users[uid] = attrs.evolve(known, tokens=tokens)

    def _revoke(self, caller: Caller, uid: str, known: Known) -> None:
        if not known.tokens:
            return
        token = self.chance.choice(sorted(known.tokens))
        self.ledger.make(
            uid,
            lambda: caller.call("DELETE", f"/users/{uid}/auth_tokens/{token}"),
            attrs.evolve(known, tokens=known.tokens - {token}),
        )

    def _delete(self, caller: Caller, uid: str, known: Known) -> None:
        permanent = self.chance.random() < 0.5
        standing = ABSENT if permanent else DEACTIVATED
        after = Known() if permanent else Known(standing, known.mark)
        self.ledger.make(
            uid,
            lambda: caller.call("DELETE", f"/users/{uid}", {"permanent": permanent}),
            after,
        )


def _marked(mark: int) -> dict[str, object]:
    return {"name": f"mark {mark}", "statusMessage": str(mark), "metadata": {"mark": mark}}


class Killing:
    """Kills on one data file.

    Args:
        data: The file.
        clients: How many write at once.
        seed: Of all chances.
    """

    def __init__(self, data: Path, clients: int, seed: int) -> None:
        self._data = data
        self._chance = random.Random(seed)  # noqa: S311
        self._writers = [
            Writer(number, random.Random(self._chance.random()))  # noqa: S311
            for number in range(clients)
        ]
        self._address: Address | None = None
        self.figures = Figures(Counter({"rounds": 0, "writes answered": 0, "in doubt": 0}))

    def run(self, rounds: int) -> Figures:
        """Kill that many times, and look what is left each time."""
        for _ in range(rounds):
            self._kill()
            self._look()
            self.figures.counts["rounds"] += 1
        self.figures.broken += self._damage()
        return self.figures

    def _kill(self) -> None:
        before = sum(writer.ledger.answers for writer in self._writers)
        with EmulatorProcess(self._data) as emulator:
            self._same_app(emulator.address)
            first = threading.Event()
            threads = [
                threading.Thread(target=writer.write, args=(emulator.address, first))
                for writer in self._writers
            ]
            for thread in threads:
                thread.start()
            first.wait()
            longest = self._chance.choice([LONGEST, _IMMEDIATE])
            threading.Event().wait(self._chance.uniform(0, longest))  # for the moment to come
            emulator.kill()
            for thread in threads:
                thread.join()
        counts = self.figures.counts
        counts["writes answered"] += sum(w.ledger.answers for w in self._writers) - before
        counts["in doubt"] += sum(w.ledger.doubtful is not None for w in self._writers)
        self.figures.broken += [repr(w.error) for w in self._writers if w.error is not None]

    def _look(self) -> None:
        with EmulatorProcess(self._data) as emulator, closing(Caller(emulator.address)) as caller:
            self._same_app(emulator.address)
            for writer in self._writers:
                found, torn = look(caller, writer.prefix)
                self.figures.broken += [*torn, *writer.ledger.compare(found)]

    def _same_app(self, address: Address) -> None:
        """Note if the app's id or a key is another one than before."""
        was, self._address = self._address, address
        if was is not None and attrs.evolve(was, url="") != attrs.evolve(address, url=""):
            self.figures.broken.append("the app's id or its keys are others than before")

    def _damage(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file."""
        with closing(sqlite3.connect(self._data)) as connection:
            verdict = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        return [] if verdict == ["ok"] else [f"the file is damaged: {verdict}"]


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.emulator_kill")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        figures = Killing(Path(folder) / "data.sqlite", chosen.clients, chosen.seed).run(
            chosen.rounds
        )
    took = time.monotonic() - began
    sys.stdout.write(f"seed {chosen.seed}, {took:.0f} s\n{figures.text()}\n")
    return 1 if figures.broken else 0


if __name__ == "__main__":
    sys.exit(main())
