"""Clients at full speed on one emulator, for as long as you like; prints the figures.

Run it from the project's folder::

    python -m tests.stress.emulator_load [--seconds 30] [--raw 2] [--own 2] [--data FILE]

Each client is a process of its own, and so is the emulator. Exit status 1 says that a call went
wrong, or that the emulator holds more threads or descriptors afterwards than before.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from cometchat_auth import AppSettings, CometChat, MemoryStore, User
from cometchat_auth.server import CometChatServer

from .emulator_process import Address, Caller, EmulatorProcess, Footprint

CALL_LIMIT: Final = 30.0  # seconds
_SHOWN: Final = 5  # problems of each client
_GROWTH: Final = 1  # threads and descriptors: of the connection that was the last to look
_SETTLING: Final = 10.0  # seconds


@attrs.define
class Diary:
    """What one client has met: how long its calls took, in seconds, and what went wrong.

    Attributes:
        seconds: Of each call.
        calls: How many there were, by their names.
        problems: What went wrong.
        took: Seconds from the first call to the last.
    """

    seconds: list[float] = attrs.Factory(list)
    calls: Counter[str] = attrs.Factory(Counter)
    problems: list[str] = attrs.Factory(list)
    took: float = 0.0

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time a call; one that fails is a problem, and raises."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.problems.append(f"{name}: {error!r}")
            raise
        self.seconds.append(time.perf_counter() - began)
        self.calls[name] += 1


@attrs.frozen
class Figures:
    """What a run has come to."""

    diaries: Sequence[Diary]
    before: Footprint
    after: Footprint

    @property
    def problems(self) -> list[str]:
        """Return what went wrong, and what has grown."""
        grown = [
            f"{what}: {getattr(self.before, what)} before, {getattr(self.after, what)} after"
            for what in ("threads", "descriptors")
            if getattr(self.after, what) > getattr(self.before, what) + _GROWTH
        ]
        return [*(problem for diary in self.diaries for problem in diary.problems), *grown]

    @property
    def calls(self) -> Counter[str]:
        """Return how often each call was made."""
        return sum((diary.calls for diary in self.diaries), Counter())

    def text(self) -> str:
        """Return them for people."""
        times = sorted(second for diary in self.diaries for second in diary.seconds)
        parts = [times[int(len(times) * share)] * 1000 for share in (0.5, 0.99)] if times else []
        p50, p99 = parts or (0.0, 0.0)
        pace = sum(len(diary.seconds) / diary.took for diary in self.diaries if diary.took)
        was, now = self.before, self.after
        return "\n".join(
            [
                f"{len(times)} calls, {pace:.0f}/s, "
                f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {max(times, default=0) * 1000:.0f} ms",
                f"memory {was.mebibytes:.1f} -> {now.mebibytes:.1f} MiB, threads {was.threads} -> "
                f"{now.threads}, descriptors {was.descriptors} -> {now.descriptors}",
                ", ".join(f"{name} {count}" for name, count in sorted(self.calls.items())),
                *(f"WRONG: {problem}" for problem in self.problems),
            ]
        )


def raw_round(address: Address, number: int) -> Callable[[Diary], None]:
    """Return one round of calls over a bare connection: a user's life from beginning to end."""
    caller, count = Caller(address), itertools.count()

    def go(diary: Diary) -> None:
        uid = f"raw-{number}-{next(count)}"

        def call(name: str, *args: Any, **more: Any) -> Any:
            with diary.timed(name):
                return caller.call(*args, **more)

        call("create", "POST", "/users", {"uid": uid, "name": uid, "tags": ["load"]})
        minted = call("mint", "POST", f"/users/{uid}/auth_tokens", {"force": True})
        token = minted["data"]["authToken"]
        call("put_me", "PUT", "/me", {"platform": "LOAD"}, token=token)
        read = call("read", "GET", f"/users/{uid}")
        if read["data"]["uid"] != uid:
            diary.problems.append(f"read: {read['data']['uid']} in place of {uid}")
        call("update", "PUT", f"/users/{uid}", {"name": "Else", "metadata": {"n": number}})
        call("list", "GET", "/users?perPage=20&searchKey=raw")
        call("tokens", "GET", f"/users/{uid}/auth_tokens")
        call("logout", "DELETE", "/me", token=token)
        call("delete", "DELETE", f"/users/{uid}", {"permanent": True})

    return go


def own_round(address: Address, number: int) -> Callable[[Diary], None]:
    """Return the same life, with this project's client and its server's side."""
    settings = AppSettings.for_emulator(address.url)
    chat = CometChat(address.app_id, settings, session_store=MemoryStore())
    server = CometChatServer(address.app_id, settings, address.rest_api_key)
    count = itertools.count()

    def go(diary: Diary) -> None:
        uid = f"own-{number}-{next(count)}"
        with diary.timed("CometChat.create_user"):
            chat.create_user(User(uid, uid), address.auth_key).result(CALL_LIMIT)
        with diary.timed("CometChat.login"):
            user = chat.login(uid, address.auth_key).result(CALL_LIMIT)
        if user.uid != uid:
            diary.problems.append(f"login: {user.uid} in place of {uid}")
        with diary.timed("CometChat.check_session"):
            chat.check_session().result(CALL_LIMIT)
        with diary.timed("CometChatServer.update_user"):
            server.update_user(uid, name="Else")
        with diary.timed("CometChat.logout"):
            chat.logout().result(CALL_LIMIT)
        with diary.timed("CometChatServer.delete_user"):
            server.delete_user(uid, permanent=True)

    return go


def client(kind: str, address: Address, number: int, seconds: float) -> Diary:
    """Be a client: live one life after the other until the time is over, or something is wrong."""
    make = {"raw": raw_round, "own": own_round}[kind]
    go, diary = make(address, number), Diary()
    began = time.monotonic()
    while time.monotonic() < began + seconds and len(diary.problems) < _SHOWN:
        try:
            go(diary)
        except Exception as error:
            if not diary.problems:
                diary.problems.append(repr(error))
            break
    diary.took = time.monotonic() - began
    return diary


def load(kinds: Sequence[str], seconds: float, data: Path | None = None) -> Figures:
    """Have clients at full speed on one emulator.

    Args:
        kinds: Of each client: ``raw`` or ``own``.
        seconds: How long.
        data: The emulator's data file, if it is to have one.
    """
    with EmulatorProcess(data) as emulator:
        _run(kinds, emulator.address, 0.2)
        before = emulator.footprint()
        diaries = _run(kinds, emulator.address, seconds)
        return Figures(diaries, before, _settled(emulator, before))


def _run(kinds: Sequence[str], address: Address, seconds: float) -> list[Diary]:
    """Run clients, each in a process of its own, until they and their connections are gone."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(kinds), spawn) as pool:
        clients = [
            pool.submit(client, kind, address, number, seconds) for number, kind in enumerate(kinds)
        ]
        return [future.result() for future in clients]


def _settled(emulator: EmulatorProcess, before: Footprint) -> Footprint:
    """Return the footprint once the emulator has noticed that its clients are gone."""
    end = time.monotonic() + _SETTLING
    while True:
        caller = Caller(emulator.address)
        caller.call("GET", "/users?perPage=1")
        caller.close()
        now = emulator.footprint()
        if now.descriptors <= before.descriptors or time.monotonic() > end:
            return now


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.emulator_load")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--raw", type=int, default=2, help="clients with a bare connection")
    parser.add_argument("--own", type=int, default=2, help="clients with this project's client")
    parser.add_argument("--data", type=Path, help="data file of the emulator")
    chosen = parser.parse_args()
    figures = load(["raw"] * chosen.raw + ["own"] * chosen.own, chosen.seconds, chosen.data)
    sys.stdout.write(figures.text() + "\n")
    return 1 if figures.problems else 0


if __name__ == "__main__":
    sys.exit(main())
