"""Two desktop applications, scripts and an onlooker on one store; some are killed at random."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import attrs

from .forks import Run
from .places import DYING, Stage
from .rounds import ABORTS, Figures, complaints, one_line

ACTORS: Final = 4
_DESKTOPS: Final = (0, 1)
_SCRIPTS: Final = 2
_ONLOOKER: Final = 3

# What a process may log when another one is just then changing what it reads or writes.
_BUSY: Final = "Could not"


@attrs.frozen
class Write:
    """What a process has stored, or may have.

    Attributes:
        begins: The nanosecond before which it had no effect.
        ends: The one from which it had; infinity if nobody knows that.
        record: A fingerprint, or ``None`` for a logout.
        uid: Whose session, if the fingerprint is not known.
    """

    begins: float
    ends: float
    record: str | None
    uid: str | None = None


def writes_of(run: Run) -> list[Write]:
    """Return what a process has stored, by what it said of its logins and logouts.

    A logout of a client that knows of nobody who is logged in touches nothing.
    """
    found: list[Write] = []
    begun, uid, deletes = math.inf, None, False
    for line in run.lines:
        match line:
            case ["begins", begun, "login" | "logout", uid]:
                deletes = False
            case ["store begins", _, "delete"]:
                deletes = True
            case ["ends", ends, "login", _, record, outcome]:
                sure = ends if outcome in {"saved", "replaced"} else math.inf
                found.append(Write(begun, sure, record))
                begun = math.inf
            case ["ends", ends, "logout", *_]:
                found += [Write(begun, ends, None)] * deletes
                begun = math.inf
            case ["fails", _, "login" | "logout", *_]:
                found.append(Write(begun, math.inf, None, uid))
                begun = math.inf
    if begun < math.inf:
        found.append(Write(begun, math.inf, None, uid))
    return found


def possible(writes: Iterable[Write]) -> list[Write]:
    """Return those that none is known to have come after."""
    writes = list(writes)
    last_begin = max((write.begins for write in writes if write.ends < math.inf), default=0.0)
    return [write for write in writes if write.ends >= last_begin]


class Crowd:
    """Let several processes at one store, again and again.

    Args:
        stage: Where, with `ACTORS` warm interpreters.
        seed: Of all chances.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._chance = random.Random(seed)  # noqa: S311
        self._before = Write(0, 0, None)  # what is stored
        self._threads = ThreadPoolExecutor(ACTORS)
        self.figures = Figures()
        self.figures.counts.update(dict.fromkeys(_ROWS, 0))

    def run(self, rounds: int, longest: float = 1.0) -> Figures:
        """Have that many rounds, and count; those in which the place died are not counted.

        Args:
            rounds: How many.
            longest: Seconds after which desktop applications that were not killed are ended.
        """
        counts = self.figures.counts
        with self._threads:
            while counts["rounds"] < rounds:
                runs, onlooker, look = self._round(self._chance.uniform(0.2, longest))
                problems = self._check(runs, onlooker, look)
                if self._stage.place.died(DYING if problems else 0):
                    self._before = Write(0, 0, None)
                    self.figures.start_anew(self._stage, rounds)
                    continue
                counts["rounds"] += 1
                self.figures.broken += problems
                self._remember(look)
                self._count(runs, onlooker)
        return self.figures

    def _round(self, seconds: float) -> tuple[list[Run], Run, Run]:
        onlooker = self._start("watch", _ONLOOKER)
        desktops = [
            self._start("desktop", actor, **(self._death(seconds) if killed else {}))
            for actor, killed in zip(_DESKTOPS, self._who_is_killed(), strict=True)
        ]
        over = threading.Event()
        scripts = self._threads.submit(self._scripts, over, self._chance.random())
        over.wait(seconds)  # nobody sets it: this is how long they are at it
        over.set()
        for actor in _DESKTOPS:
            self._stage.actors[actor].end()
        runs = [*(desktop.result() for desktop in desktops), *scripts.result()]
        # All but the onlooker have ended: what is stored now stays.
        look = self._stage.run("look", _SCRIPTS)
        self._stage.actors[_ONLOOKER].end()
        return runs, onlooker.result(), look

    def _scripts(self, over: threading.Event, seed: float) -> list[Run]:
        chance, runs = random.Random(seed), []  # noqa: S311
        while not over.is_set():
            death: dict[str, Any] = {}
            if chance.random() < 0.5:
                death = {"kill_at": ["ready"], "delay": chance.uniform(0, 0.1)}
            runs.append(self._stage.run("script", _SCRIPTS, seed=chance.random(), **death))
        return runs

    def _start(self, role: str, actor: int, **options: Any) -> Future[Run]:
        seed = self._chance.random()
        return self._threads.submit(self._stage.run, role, actor, seed=seed, **options)

    def _death(self, seconds: float) -> dict[str, Any]:
        return {"kill_at": ["ready"], "delay": self._chance.uniform(0, seconds)}

    def _who_is_killed(self) -> list[bool]:
        return [self._chance.random() < 0.6 for _ in _DESKTOPS]

    def _check(self, runs: list[Run], onlooker: Run, look: Run) -> list[str]:
        problems = [
            complaint
            for run in [*runs, onlooker, look]
            for complaint in complaints("a process", run)
            if _BUSY not in complaint or run is look
        ]
        problems += [f"left behind: {path}" for path in self._stage.place.leftovers()]
        found, stored = one_line("found", look), one_line("stored", look)
        last = one_line("last", onlooker)
        if found is None or stored is None or last is None:
            return [*problems, "one who looked has found nothing out"]
        uid, record, _, whole = found[2:]
        if not whole or stored[2] != ([] if uid is None else [[uid, record]]):
            problems.append(f"torn: stored is {stored}, found was {found}")
        if last[2] != record:
            problems.append(f"the onlooker's last reload has seen {last}, found was {found}")
        ends = possible([self._before, *(write for run in runs for write in writes_of(run))])
        if not any(write.record == record or (uid and write.uid == uid) for write in ends):
            problems.append(f"lost: found {found}, but expected one of {ends}")
        return problems

    def _remember(self, look: Run) -> None:
        found = one_line("found", look)
        self._before = Write(0, 0, found[3] if found else None)
        self.figures.counts["a session was found"] += self._before.record is not None
        self.figures.counts["none was found"] += self._before.record is None

    def _count(self, runs: list[Run], onlooker: Run) -> None:
        counts = self.figures.counts
        counts["processes"] += len(runs) + 1
        counts["of them killed"] += sum(run.status == -9 for run in runs)
        for run in [*runs, onlooker]:
            for line in run.lines:
                if line[0] == "ends":
                    counts[f"{line[2]}: {line[-1]}"] += 1
                elif line[0] == "fails":
                    counts[f"{line[2]} failed: {line[-1] or line[-2]}"] += 1
        counts["the onlooker's reloads that saw a change"] += sum(
            line[-1] == "news" for line in onlooker.lines if line[0] == "ends"
        )


_ROWS: Final = (
    "rounds",
    ABORTS,
    "processes",
    "of them killed",
    "a session was found",
    "none was found",
    "the onlooker's reloads that saw a change",
)
