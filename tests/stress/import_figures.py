"""Measure an import, and print the figures.

Run it from the project's folder::

    python -m tests.stress.import_figures memory [--users 1000000]
    python -m tests.stress.import_figures rate [--users 10000] [--rounds 3]

``memory`` imports from and into this process, with a journal. ``rate`` imports into a server on
loopback that answers after 20 ms, side by side with the ideal, with a pool written by hand, and
with bare sockets that send prepared bytes: no client of that server can do better.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs
import requests

from cometchat_auth import AppSettings, User
from cometchat_auth.models import user_to_wire
from cometchat_auth.server import CometChatServer, _bulk

from .emulator_pace import exchange, request
from .emulator_process import ROOT
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
    """Print what share of the ideal rate each way reaches."""
    for name, rates in measure(users, rounds).items():
        every = ", ".join(f"{rate.share:.3f}" for rate in rates)
        share = statistics.median(rate.share for rate in rates)
        cost = statistics.median(rate.cost for rate in rates) * 1e6
        say(f"{name}: {share:.3f} of the ideal ({every}); {cost:.0f} us of the processor a user")


@attrs.frozen
class Rate:
    """How quickly users were created.

    Attributes:
        share: Of the ideal rate: the server's latency is all that a request takes.
        cost: Seconds of this process's processor for each user.
    """

    share: float
    cost: float


def measure(users: int, rounds: int) -> dict[str, list[Rate]]:
    """Return the rates of each way to create users; the ways take turns."""
    found: dict[str, list[Rate]] = {name: [] for name in WAYS}
    with serving() as url:
        for _ in range(rounds):
            for name, way in WAYS.items():
                began, busy = time.monotonic(), time.process_time()
                way(url, users)
                seconds, busy = time.monotonic() - began, time.process_time() - busy
                found[name].append(Rate(LATENCY * users / IN_FLIGHT / seconds, busy / users))
    return found


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Give the URL of a server in a process of its own that answers after a while."""
    command = [sys.executable, "-m", "tests.stress.import_figures", "serve"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


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


def by_sockets(url: str, users: int) -> None:
    """Send the same bytes again and again, and look at nothing but the answers' length."""
    place, body = urlsplit(url), json.dumps(user_to_wire(next(people(1)))).encode()
    wire = request("POST", "/users", f"apikey: {_KEY}", body)

    def send(_: int) -> None:
        with socket.create_connection((place.hostname, place.port), timeout=30) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(users // IN_FLIGHT):
                exchange(line, wire)

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(send, range(IN_FLIGHT)))


WAYS: Final[dict[str, Callable[[str, int], None]]] = {
    "create_users": by_import,
    "create_users with a journal": by_import_with_journal,
    "pool by hand": by_hand,
    "bare sockets": by_sockets,
}


class _Slow(socketserver.StreamRequestHandler):
    """Answers each request to create a user after a while."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer until the client has gone."""
        with contextlib.suppress(ConnectionError):
            while (length := self._read_head()) is not None:
                user = self.rfile.read(length)
                time.sleep(LATENCY)
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(user) + 10)
                self.wfile.write(b'%s{"data": %s}' % (head, user))

    def _read_head(self) -> int | None:
        """Return the length of the body that follows, or ``None`` at the end."""
        length = None
        while (line := self.rfile.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length


class _SlowServer(socketserver.ThreadingTCPServer):
    """A thread for each connection: they sleep side by side, to the tenth of a millisecond."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def serve() -> None:
    """Answer until standard input ends."""
    with _SlowServer(("127.0.0.1", 0), _Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"http://127.0.0.1:{server.server_address[1]}")
        sys.stdin.read()
        server.shutdown()


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
        serve()


if __name__ == "__main__":
    main()
