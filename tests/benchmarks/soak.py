"""Half an hour of logins, checks, switches, logouts and faults: does anything pile up?

::

    python -m tests.benchmarks.soak [--minutes 30] [--seed 8]

Several clients, one of them with a real Secret Service, do at random whatever a client can do,
against an emulator in a process of its own whose requests fail now and then. Every minute the
process's memory, threads and descriptors are printed, and the emulator's.
"""

from __future__ import annotations

import argparse
import collections
import gc
import json
import os
import random
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    LoginListener,
    MemoryStore,
    User,
)

from .. import secret_service
from ..secret_service import SecretService
from ..stress.emulator_process import Address, EmulatorProcess
from ._clients import resident
from ._report import say

CLIENTS: Final = 8
DRIVERS: Final = 3  # threads that make calls
_LIMIT: Final = 60.0  # seconds for any call; the library's own limit is shorter
_TIMEOUT: Final = 5.0  # seconds, of each call
# One in so many requests of each kind.
_FAULTS: Final[list[dict[str, Any]]] = [
    {"probability": 0.01, "rate_limit": 1},
    {"probability": 0.02, "status": 503},
    {"probability": 0.01, "cut": "before"},
    {"probability": 0.01, "cut": "after"},
    {"probability": 0.02, "latency": 0.05},
]


@attrs.frozen
class Sample:
    """What there is at one moment.

    Attributes:
        minute: Since the start.
        mebibytes: Memory in use.
        threads: Of this process.
        descriptors: Of this process.
        calls: Made so far.
    """

    minute: float
    mebibytes: float
    threads: int
    descriptors: int
    calls: int


class Soak:
    """Clients that do whatever comes to their minds.

    Args:
        address: The emulator.
        seed: Of the dice.
        keyring: Whether one of them keeps its session in this process's keyring.
    """

    def __init__(self, address: Address, seed: int, *, keyring: bool) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.unexpected: list[BaseException] = []
        self._address = address
        self._dice = random.Random(seed)  # noqa: S311 - no secrets are made
        self._settings = AppSettings.for_emulator(address.url, timeout=_TIMEOUT)
        self._lock = threading.Lock()
        self._created = 0
        self._chats = [
            self._client(None if keyring and n == 0 else MemoryStore()) for n in range(CLIENTS)
        ]

    def _client(self, store: MemoryStore | None) -> CometChat:
        chat = CometChat(
            self._address.app_id,
            self._settings,
            session_store=store,
            on_callback_error=self.unexpected.append,
        )
        chat.add_login_listener("soak", LoginListener(login_success=self._heard))
        return chat

    def _heard(self, _: User) -> None:
        with self._lock:
            self.outcomes["login_success heard"] += 1

    def run(self, until: float) -> None:
        """Do one thing after the other in a few threads until the time is over."""
        drivers = [
            threading.Thread(target=self._drive, args=(until, self._dice.random()))
            for _ in range(DRIVERS)
        ]
        for driver in drivers:
            driver.start()
        for driver in drivers:
            driver.join()

    def _drive(self, until: float, seed: float) -> None:
        dice = random.Random(seed)  # noqa: S311 - no secrets are made
        while time.monotonic() < until:
            place = dice.randrange(CLIENTS)
            if place and dice.random() < 0.01:
                self._chats[place].close()
                self._chats[place] = self._client(MemoryStore())
            self._await(self._something(self._chats[place], dice))

    def _something(self, chat: CometChat, dice: random.Random) -> list[Future[Any]]:
        uid = f"cometchat-uid-{dice.randint(1, 5)}"
        key = self._address.auth_key
        deeds: list[Callable[[], list[Future[Any]]]] = [
            lambda: [chat.login(uid, key)],
            lambda: [chat.login(uid, key), chat.login(uid, key)],
            lambda: [chat.login(uid, key), chat.logout()],
            lambda: [chat.login(uid, "wrong")],
            lambda: [chat.login("nobody", key)],
            lambda: [chat.login("no-such-token")],
            lambda: [chat.check_session()],
            lambda: [chat.reload()],
            lambda: [chat.warm_up()],
            lambda: [chat.logout()],
            lambda: [chat.create_user(self._next_user(), key)],
        ]
        return dice.choice(deeds)()

    def _next_user(self) -> User:
        self._created += 1
        return User(f"soak-{self._created % 50}", "Soak")  # most of them are there already

    def _await(self, futures: list[Future[Any]]) -> None:
        for future in futures:
            try:
                future.result(_LIMIT)
                name = "success"
            except CometChatException as error:
                name = error.code
            except Exception as error:
                self.unexpected.append(error)
                name = type(error).__name__
            with self._lock:
                self.outcomes[name] += 1

    def close(self) -> None:
        """Close all clients."""
        for chat in self._chats:
            chat.close()


def sample(began: float, soak: Soak) -> Sample:
    """Return what there is now."""
    gc.collect()
    return Sample(
        (time.monotonic() - began) / 60,
        resident() / 1024 / 1024,
        threading.active_count(),
        len(list(Path("/proc/self/fd").iterdir())),
        sum(soak.outcomes.values()),
    )


@contextmanager
def _own_keyring() -> Iterator[bool]:
    """Let this process see a Secret Service of its own, if one can be started."""
    if (missing := secret_service.available()) is not None:
        say(f"no client uses a keyring: {missing}")
        yield False
        return
    with SecretService() as service:
        os.environ.update(service.env)
        yield True


def _fail_now_and_then(address: Address) -> None:
    for number, fault in enumerate(_FAULTS):
        body = json.dumps({**fault, "seed": number}).encode()
        request = urllib.request.Request(f"{address.url}/_emulator/faults", body)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - the emulator's own URL
            pass


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=8)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        keyring = stack.enter_context(_own_keyring())
        emulator = stack.enter_context(EmulatorProcess())
        _fail_now_and_then(emulator.address)
        soak = Soak(emulator.address, chosen.seed, keyring=keyring)
        stack.callback(soak.close)
        began = time.monotonic()
        samples: list[Sample] = []
        step = chosen.minutes / 30
        for minute in range(30):
            soak.run(began + 60 * step * (minute + 1))
            samples.append(sample(began, soak))
            say(f"{samples[-1]}  emulator: {emulator.footprint()}")
        for name, count in soak.outcomes.most_common():
            say(f"{count:>8,} {name}")
    _judge(samples)
    if soak.unexpected:
        raise SystemExit(f"unexpected: {soak.unexpected[:5]}")


def _judge(samples: list[Sample]) -> None:
    """Print the middle third beside the last."""
    third = len(samples) // 3
    for what in ("mebibytes", "threads", "descriptors"):
        middle, last = (
            statistics.fmean(getattr(each, what) for each in part)
            for part in (samples[third : 2 * third], samples[-third:])
        )
        say(f"{what}: {middle:.2f} in the middle third, {last:.2f} in the last")


if __name__ == "__main__":
    main()
