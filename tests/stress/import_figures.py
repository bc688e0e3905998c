"""Measure an import, and print the figures.

Run it from the project's folder::

    python -m tests.stress.import_figures memory [--users 1000000]
    python -m tests.stress.import_figures rate [--users 10000] [--rounds 3]

``memory`` imports from and into this process, with a journal. ``rate`` imports into a server on
loopback that answers after 20 ms, side by side with the ideal and with a pool written by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import requests

from cometchat_auth import AppSettings, User
from cometchat_auth.server import CometChatServer, _bulk

from .import_programs import memory, people

LATENCY: Final = 0.02  # seconds; of performance.md, goal B7
IN_FLIGHT: Final = 16
_KEY: Final = "0123456789"
_MARKS: Final = 10  # how often the memory is looked at


def print_memory(users: int) -> None:
    """Import users into nothing, and print how much memory there is in use on the way."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        for run in ("first run", "resumed run"):
            outcomes = _bulk.create(
                people(users),
                lambda user, _: user,
                lambda uid, _: User(uid),
                app_id="app",
                host="host",
                timeout=30.0,
                journal=journal,
            )
            for outcome in outcomes:
                if outcome.number % (users // _MARKS) == 0 or outcome.number == users // 100:
                    seconds = time.monotonic() - began
                    say(f"{run}, row {outcome.number:,}: {memory('VmRSS'):,} KiB, {seconds:.0f} s")
        say(f"journal: {journal.stat().st_size:,} bytes")


def print_rates(users: int, rounds: int) -> None:
    """Print what share of the ideal rate an import and a pool written by hand reach."""
    command = [sys.executable, "-m", "tests.stress.import_figures", "serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        ways: dict[str, Callable[[str, int], None]] = {
            "create_users": by_import,
            "create_users with a journal": by_import_with_journal,
            "pool by hand": by_hand,
        }
        shares: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                began = time.monotonic()
                way(url, users)
                seconds = time.monotonic() - began
                shares[name].append(LATENCY * users / IN_FLIGHT / seconds)
        process.stdin.close()
    for name, found in shares.items():
        every = ", ".join(f"{share:.3f}" for share in found)
        say(f"{name}: {statistics.median(found):.3f} of the ideal ({every})")


def by_import(url: str, users: int, journal: Path | None = None) -> None:
    """Import."""
    server = CometChatServer("app", AppSettings.for_emulator(url), _KEY)
    outcomes = server.create_users(people(users), in_flight=IN_FLIGHT, journal=journal)
    assert sum(outcome.status == "created" for outcome in outcomes) == users


def by_import_with_journal(url: str, users: int) -> None:
    """Import with a journal on disk."""
    with tempfile.TemporaryDirectory() as folder:
        by_import(url, users, Path(folder) / "journal")


def by_hand(url: str, users: int) -> None:
    """Do what a script does that knows nothing of this library."""
    local = threading.local()

    def send(user: User) -> bool:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        body = {"uid": user.uid, "name": user.name, "avatar": user.avatar, "tags": user.tags}
        answer = local.session.post(
            f"{url}/v3.0/users", json=body, headers={"apikey": _KEY}, timeout=30
        )
        return bool(answer.json()["data"]["uid"] == user.uid)

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        assert all(pool.map(send, people(users)))


async def serve() -> None:
    """Answer each request to create a user after a while, until standard input ends."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    async with server:
        say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            user = json.loads(await reader.readexactly(length))
            await asyncio.sleep(LATENCY)
            body = json.dumps({"data": {"uid": user["uid"], "name": user["name"]}}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


def say(text: str) -> None:
    """Print it at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.import_figures")
    parser.add_argument("what", choices=["memory", "rate", "serve"])
    parser.add_argument("--users", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    if chosen.what == "memory":
        print_memory(chosen.users or 1_000_000)
    elif chosen.what == "rate":
        print_rates(chosen.users or 10_000, chosen.rounds)
    else:
        asyncio.run(serve())


if __name__ == "__main__":
    main()
