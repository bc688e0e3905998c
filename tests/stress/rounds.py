"""One process after the other, each killed at a random moment; then a fresh one looks."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, Final

import attrs

from .forks import Run
from .places import DYING, Stage
from .stores import fingerprint

# From where the delay to the kill is counted, and the longest delay in seconds.
_KILLS: Final[list[tuple[list[str], float]]] = [
    (["ready"], 0.15),
    (["begins", "login"], 0.04),
    (["begins", "logout"], 0.03),
    (["store begins", "save"], 0.01),
    (["store begins", "delete"], 0.01),
    (["store ends", "save"], 0.01),
    (["store ends", "delete"], 0.005),
]
_KILLED: Final = -9

ABORTS: Final = "the keyring aborted by itself (round repeated)"


@attrs.define
class Figures:
    """What has been counted."""

    counts: Counter[str] = attrs.Factory(Counter)
    broken: list[str] = attrs.Factory(list)

    def start_anew(self, stage: Stage, most: int) -> None:
        """Count that the place has died, and make it anew.

        Raises:
            RuntimeError: If it dies all the time.
        """
        self.counts[ABORTS] += 1
        if self.counts[ABORTS] > most:
            raise RuntimeError(f"the keyring has ended by itself {most + 1} times")
        stage.renew()

    def text(self) -> str:
        """Return them for people."""
        counted = [f"  {name:<58}{count:>7}" for name, count in self.counts.items()]
        return "\n".join([*counted, *(f"  BROKEN: {what}" for what in self.broken)])


@attrs.define
class Expected:
    """Which sessions may be found, by what a process has said.

    Attributes:
        records: Fingerprints; ``None`` stands for no session.
        users: Users of whom any session may be found: their login had begun.
        saved: The session that was reported as saved and that no logout has touched.
    """

    records: set[str | None]
    users: set[str] = attrs.Factory(set)
    saved: str | None = None

    def follow(self, line: list[Any]) -> None:
        """Take in what the process said next."""
        match line:
            case ["begins", _, "login", uid]:
                self.users = {uid}
            case ["ends", _, "login", _, record, "saved"]:
                self.records, self.users, self.saved = {record}, set(), record
            case ["ends", _, "login", *_]:  # it could not be saved
                self.records, self.users, self.saved = {*self.records, None}, set(), None
            case ["begins", _, "logout", _]:
                self.records, self.saved = {*self.records, None}, None
            case ["ends", _, "logout", *_]:
                self.records = {None}

    def admits(self, uid: str | None, record: str | None) -> bool:
        """Return whether this may be found."""
        return record in self.records or uid in self.users


class KillRounds:
    """Kill one process after the other.

    Args:
        stage: Where.
        seed: Of all chances.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._chance = random.Random(seed)  # noqa: S311
        self._record: str | None = None  # what is stored, as the last look has found it
        self.figures = Figures()
        self.figures.counts.update(dict.fromkeys(_ROWS, 0))

    def run(self, rounds: int) -> Figures:
        """Kill that many, and count; rounds in which the place died are not counted."""
        counts = self.figures.counts
        while counts["rounds"] < rounds:
            kill_at, longest = self._chance.choice(_KILLS)
            delay = self._chance.uniform(0, self._chance.choice([longest, longest / 20]))
            seed = self._chance.random()
            killed = self._stage.run("alone", seed=seed, kill_at=kill_at, delay=delay)
            found = self._stage.run("look")
            problems = [*self._of_run(killed), *self._of_look(killed, found)]
            if self._stage.place.died(DYING if problems else 0):
                self._record = None
                self.figures.start_anew(self._stage, rounds)
                continue
            counts["rounds"] += 1
            self._count(killed, found)
            self.figures.broken += problems
        return self.figures

    def _of_run(self, run: Run) -> list[str]:
        problems = complaints("the killed process", run)
        if run.status != _KILLED or run.stuck:
            problems.append(f"it was to be killed in its work, but ended with {run.status}")
        problems += [f"a step failed: {line}" for line in run.lines if line[0] == "fails"]
        problems += [f"not saved: {x}" for x in run.lines if x[0] == "ends" and x[-1] not in _GOOD]
        return problems

    def _of_look(self, killed: Run, look: Run) -> list[str]:
        problems = complaints("the next start", look)
        expected = Expected({self._record})
        for line in killed.lines:
            expected.follow(line)
        found = one_line("found", look)
        if found is None:
            return [*problems, "the next start has found nothing out"]
        _, _, uid, record, token, whole = found
        self._record = record
        if not whole:
            problems.append(f"mixed: a session of {uid!r} with another's token")
        stored = one_line("stored", look)
        if stored is None or stored[2] != ([] if uid is None else [[uid, record]]):
            problems.append(f"torn: stored is {stored}, found was {found}")
        if not expected.admits(uid, record):
            problems.append(f"lost: found {found}, expected {expected} after {killed.lines[-6:]}")
        elif uid and record == expected.saved and token not in self._stage.live(uid, fingerprint):
            problems.append(f"lost: the session that was saved is dead at the service: {found}")
        return problems

    def _count(self, killed: Run, look: Run) -> None:
        counts = self.figures.counts
        counts["a session was found"] += self._record is not None
        counts["none was found"] += self._record is None
        step, operation = unfinished(killed, "begins"), unfinished(killed, "store begins")
        if step is not None:
            counts[f"killed in the middle of a {step}"] += 1
        if operation is not None:
            counts[f"killed in the middle of the store's {operation}"] += 1
        for kind, *_, outcome in killed.lines:
            if kind == "ends":
                counts["steps that were completed and reported"] += 1
                counts["of them saved"] += outcome == "saved"
        counts["looks that raised or logged"] += bool(complaints("", look))


_GOOD: Final = {"saved", "out"}
_ROWS: Final = (
    "rounds",
    ABORTS,
    "steps that were completed and reported",
    "of them saved",
    "a session was found",
    "none was found",
    "looks that raised or logged",
)


def complaints(who: str, run: Run) -> list[str]:
    """Return what a program wrote or logged that it should not have."""
    logged = [line[2] for line in run.lines if line[0] in {"log", "disagrees"}]
    noise = [run.noise] if run.noise else []
    stuck = ["it did not come to its end"] if run.stuck else []
    return [f"{who}: {complaint}" for complaint in [*logged, *noise, *stuck]]


def one_line(event: str, run: Run) -> list[Any] | None:
    """Return what a program said of an event that comes once."""
    return next((line for line in run.lines if line[0] == event), None)


def unfinished(run: Run, begins: str) -> str | None:
    """Return what a program had begun and not finished when it was killed."""
    doing: str | None = None
    for event, _, *values in run.lines:
        if event == begins:
            doing = values[0]
        elif event in {begins.replace("begins", "ends"), begins.replace("begins", "fails")}:
            doing = None
    return doing
