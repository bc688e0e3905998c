"""Kill processes at random on one keyring, for as long as you like, and print the figures.

Run it from the project's folder::

    python -m tests.stress.kills --rounds 500 [--crowd 60] [--seed N] [--store file|keyring]

Exit status 1 says that a promise was broken.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from cometchat_auth.emulator import Emulator

from ..secret_service import available
from .crowd import ACTORS, Crowd
from .places import FilePlace, KeyringPlace, Place, Stage
from .rounds import Figures, KillRounds

OpenPlace = Callable[[], AbstractContextManager[Place]]

PLACES: Final[dict[str, OpenPlace]] = {"file": FilePlace, "keyring": KeyringPlace}


def kill_one_by_one(open_place: OpenPlace, rounds: int, seed: int) -> Figures:
    """Kill one process after the other, and have a fresh one look at what is left.

    Args:
        open_place: Where.
        rounds: How many.
        seed: Of all chances.
    """
    with Emulator() as emulator, Stage(open_place, emulator) as stage:
        return KillRounds(stage, seed).run(rounds)


def kill_in_a_crowd(open_place: OpenPlace, rounds: int, seed: int) -> Figures:
    """Have two desktop applications, scripts and an onlooker on one store, and kill some.

    Args:
        open_place: Where.
        rounds: How many.
        seed: Of all chances.
    """
    with Emulator() as emulator, Stage(open_place, emulator, ACTORS) as stage:
        return Crowd(stage, seed).run(rounds)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.kills")
    parser.add_argument("--rounds", type=int, default=500, help="processes killed one by one")
    parser.add_argument("--crowd", type=int, default=60, help="rounds with several processes")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--store", choices=PLACES, action="append")
    chosen = parser.parse_args()
    say(f"seed {chosen.seed}")
    broken = 0
    for name in chosen.store or PLACES:
        if name == "keyring" and (missing := available()):
            say(f"{name}: not run, {missing}")
            continue
        for what, kill, rounds in (
            ("one by one", kill_one_by_one, chosen.rounds),
            ("in a crowd", kill_in_a_crowd, chosen.crowd),
        ):
            began = time.monotonic()
            figures = kill(PLACES[name], rounds, chosen.seed)
            say(f"{name}, {what}, {time.monotonic() - began:.0f} s:\n{figures.text()}")
            broken += len(figures.broken)
    return 1 if broken else 0


def say(text: str) -> None:
    """Print it at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
