"""How quick the emulator is, beside an empty route of the same framework on the same server.

Run it from the project's folder, on a machine that does nothing else::

    python -m tests.stress.emulator_pace [--seconds 2] [--rounds 5] [--clients 4] [--starts 11]

It prints what goal B9 of the project asks for; nothing fails for being slow.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

import attrs

from .emulator_process import ROOT, Address, Caller, EmulatorProcess

UID: Final = "cometchat-uid-1"
OTHER: Final = "cometchat-uid-2"  # whose tokens, beyond the 100th, push out older ones

_FLOOR: Final = """
import json, sys
from flask import Flask
from cometchat_auth.emulator._server import Server
app = Flask(__name__)
app.add_url_rule("/v3/users/<uid>", view_func=lambda uid: {}, endpoint="empty")
server = Server("127.0.0.1", 0, app)
server.start()
told = {"url": f"http://127.0.0.1:{server.port}", "app_id": "", "auth_key": "", "rest_api_key": ""}
print(json.dumps(told), flush=True)
sys.stdin.read()
server.stop()
"""

# Seconds to the first answer: from the program's first line, and the processor's in all.
_START: Final = """
import time
began = time.perf_counter()
import json, http.client
{make}
connection = http.client.HTTPConnection("127.0.0.1", port)
connection.request("GET", "/v3/users/x", headers={{"apikey": key}})
connection.getresponse().read()
told = [time.perf_counter() - began, time.process_time()]
connection.close()
server.stop()
print(json.dumps(told))
"""
_STARTS: Final = {
    "emulator": """
from cometchat_auth.emulator import Emulator
server = Emulator().start()
port, key = int(server.url.rsplit(":", 1)[1]), server.rest_api_key
""",
    "empty route": """
from flask import Flask
from cheroot import wsgi
import threading
app = Flask(__name__)
app.add_url_rule("/v3/users/<uid>", view_func=lambda uid: {}, endpoint="empty")
server = wsgi.Server(("127.0.0.1", 0), app)
server.prepare()
threading.Thread(target=server.serve, daemon=True).start()
port, key = server.bind_addr[1], ""
""",
}


def requests_of(address: Address) -> dict[str, bytes]:
    """Return the requests to send to an emulator, by what they are called."""
    with closing(Caller(address)) as caller:
        minted = caller.call("POST", f"/users/{UID}/auth_tokens", {"force": True})
    token = minted["data"]["authToken"]
    key = f"apikey: {address.rest_api_key}"
    return {
        "GET /users/{uid}": request("GET", f"/users/{UID}", key),
        "GET /me": request("GET", "/me", f"authToken: {token}"),
        "POST /users/{uid}/auth_tokens": request("POST", f"/users/{OTHER}/auth_tokens", key, b"{}"),
        "PUT /me": request("PUT", "/me", f"authToken: {token}", b'{"platform": "PYTHON"}'),
    }


def request(method: str, path: str, header: str, body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    head = f"{method} /v3{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def hammer(url: str, wire: bytes, seconds: float) -> int:
    """Send the same request again and again on one connection, and return how often.

    Raises:
        AssertionError: An answer was not 200.
    """
    place = urlsplit(url)
    end, count = time.monotonic() + seconds, 0
    with socket.create_connection((place.hostname, place.port or 80), timeout=30) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < end:
            exchange(line, wire)
            count += 1
    return count


def exchange(line: socket.socket, wire: bytes) -> None:
    """Send a request on a connection, and read its answer.

    Raises:
        AssertionError: It was not 200.
    """
    line.sendall(wire)
    head, length = _head(line)
    if not head.startswith(b"HTTP/1.1 200"):
        raise AssertionError(head[:40])
    while length > 0:
        length -= len(line.recv(length))


def _head(line: socket.socket) -> tuple[bytes, int]:
    """Return an answer's head, and how much of its body is yet to be read."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += line.recv(65536)
    head, _, rest = text.partition(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length:")
    return head, int(length.split(b"\r\n")[0]) - len(rest)


@attrs.frozen
class Pace:
    """How quickly one kind of request is answered.

    Attributes:
        rate: Requests a second.
        share: That, as a part of the empty route's.
        cost: Seconds of the processor for each.
        cost_share: That of the empty route as a part of it: what ``share`` is where nothing else
            runs on the machine.
    """

    rate: float
    share: float
    cost: float
    cost_share: float


def paces(seconds: float, rounds: int, clients: int) -> Iterator[tuple[str, Pace]]:
    """Yield the pace of each kind of request, beside the empty route; medians of the rounds.

    Both servers run all the time, and take turns.
    """
    spawn = multiprocessing.get_context("spawn")
    with (
        EmulatorProcess() as emulator,
        EmulatorProcess(code=_FLOOR) as floor,
        ProcessPoolExecutor(clients, spawn) as pool,
    ):

        def run(server: EmulatorProcess, wire: bytes) -> tuple[float, float]:
            before, url = server.processor(), server.address.url
            futures = [pool.submit(hammer, url, wire, seconds) for _ in range(clients)]
            count = sum(future.result() for future in futures)
            return count / seconds, (server.processor() - before) / count

        empty = request("GET", f"/users/{UID}", "apikey: none")
        run(floor, empty)
        for name, wire in requests_of(emulator.address).items():
            yield name, _median([(run(emulator, wire), run(floor, empty)) for _ in range(rounds)])


def _median(pairs: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> Pace:
    rows = [
        (rate, rate / floor_rate, cost, floor_cost / cost)
        for (rate, cost), (floor_rate, floor_cost) in pairs
    ]
    return Pace(*map(statistics.median, zip(*rows, strict=True)))


def starts(times: int) -> Iterator[tuple[str, float, float]]:
    """Yield how long it takes to the first answer, and the processor's part of that.

    The first counts from the program's first line; the second from the start of the interpreter,
    and is hardly disturbed by what else the machine does.
    """
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in _STARTS}
    for _ in range(times):
        for name, make in _STARTS.items():
            code = _START.format(make=make)
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
            )
            whole, processor = json.loads(done.stdout)
            took[name].append((whole, processor))
    for name, pairs in took.items():
        yield name, *(statistics.median(column) for column in zip(*pairs, strict=True))


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.emulator_pace")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--starts", type=int, default=11)
    chosen = parser.parse_args()
    for name, whole, processor in starts(chosen.starts):
        say(f"{name:<32}first answer after {whole:.3f} s; {processor:.3f} s of the processor")
    for name, pace in paces(chosen.seconds, chosen.rounds, chosen.clients):
        say(
            f"{name:<32}{pace.rate:>6.0f}/s, {pace.share:.2f} of the empty route; "
            f"{pace.cost * 1e6:.0f} us of the processor, {pace.cost_share:.2f}"
        )


def say(text: str) -> None:
    """Tell whoever runs this."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
