"""N1: the time limit holds against everything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cometchat_auth import (
    AppSettings,
    CometChat,
    MemoryStore,
    NoAnswerError,
    _sockets,
    _threads,
)

from .network import CALLS, KEY, TOKEN, RawServer, client, good, http, read_request
from .tools import LIMIT, Reply, Seen, error_of, scripted

Script = Callable[[RawServer, socket.socket], None]


def _silent(server: RawServer, connection: socket.socket) -> None:
    read_request(connection)
    server.over.wait(LIMIT)


def _dripping_head(server: RawServer, connection: socket.socket) -> None:
    read_request(connection)
    while not server.over.wait(0.05):
        connection.sendall(b"H")


def _dripping_headers(server: RawServer, connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not server.over.wait(0.05):
        connection.sendall(b"x")


def _dripping_body(server: RawServer, connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not server.over.wait(0.05):
        connection.sendall(b" ")


def _endless_interim(server: RawServer, connection: socket.socket) -> None:
    read_request(connection)
    while not server.over.wait(0.05):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


_SLOW = [_silent, _dripping_head, _dripping_headers, _dripping_body, _endless_interim]


@pytest.mark.parametrize("script", _SLOW)
@pytest.mark.parametrize("call", ["login_with_key", "login_with_token", "create_user"])
def test_n1_slow_server(script: Script, call: str) -> None:
    """A server that does not come to the point costs the time limit and no more."""
    with RawServer(lambda connection, _: script(server, connection)) as server:
        began = time.monotonic()
        with client(server.url, timeout=0.5) as chat:
            error = error_of(CALLS[call](chat))
        assert error.code == ("OUTCOME_UNKNOWN" if call == "create_user" else "TIMEOUT")
        assert time.monotonic() - began < LIMIT
        assert server.accepted == 1


def test_n1_slow_handshake() -> None:
    """A server that says nothing during the TLS handshake is a time-out; nothing was sent."""
    with RawServer(lambda *_: server.over.wait(LIMIT)) as server:
        url = server.url.replace("http:", "https:")
        with client(url, timeout=0.5) as chat:
            for call in ("login_with_token", "create_user"):
                error = error_of(CALLS[call](chat))
                assert (error.code, error.details) == ("TIMEOUT", {"sent": False})


def test_n1_full_backlog() -> None:
    """A server that never accepts a connection is a time-out."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            waiting.append(sock)
        with client(f"http://127.0.0.1:{port}", timeout=0.5) as chat:
            assert error_of(chat.login(TOKEN)).code == "TIMEOUT"
        for sock in waiting:
            sock.close()


@pytest.fixture
def hung_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let every look-up of a name hang until the test is over."""
    released = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        released.wait(LIMIT)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield released
    released.set()


def test_n1_hung_resolver(hung_resolver: threading.Event) -> None:
    """A name server that never answers is a time-out, not a hang."""
    settings = AppSettings(region="us", timeout=0.5)
    with CometChat("app", settings, session_store=MemoryStore()) as chat:
        error = error_of(chat.login(TOKEN))
        assert (error.code, error.reason) == ("TIMEOUT", "timeout")
        assert not hung_resolver.is_set()


@pytest.mark.skipif(os.name != "posix", reason="has no alarms")
def test_n1_hung_resolver_and_a_slow_signal_handler() -> None:
    """On the main thread a signal whose handling outlasts the time must not take the limit away."""
    program = """
import signal, socket, threading, time
from cometchat_auth import AppSettings, CometChatException
from cometchat_auth.server import CometChatServer
def look_up(*_, **__):
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    threading.Event().wait()
socket.getaddrinfo = look_up
signal.signal(signal.SIGALRM, lambda *_: time.sleep(1.0))
server = CometChatServer("app", AppSettings(region="us", timeout=0.5), "c0ffee")
try:
    server.get_user("kim")
except CometChatException as error:
    print(error.code)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split() == ["TIMEOUT"], done.stderr


def test_n1_waiting_for_a_worker() -> None:
    """A call that waits behind four busy workers ends by itself when its time is over."""
    release = threading.Event()
    busy = threading.Semaphore(0)

    def script(seen: Seen) -> Reply:
        busy.release()
        release.wait(LIMIT)
        return good(seen)

    with scripted(script) as server:
        chats = [client(server.url) for _ in range(_threads.REQUEST_WORKERS)]
        futures = [chat.login(TOKEN) for chat in chats]
        for _ in futures:
            assert busy.acquire(timeout=LIMIT)
        with client(server.url) as late:
            error = error_of(late.login(TOKEN, timeout=0.3))
        assert (error.code, len(server.seen)) == ("TIMEOUT", _threads.REQUEST_WORKERS)
        release.set()
        assert [future.result(LIMIT).uid for future in futures] == ["alice"] * len(chats)
        for chat in chats:
            chat.close()


def test_n1_retries_included() -> None:
    """Back-offs and further tries happen inside the time limit or not at all."""
    with scripted(lambda _: Reply(503, b"", (("Retry-After", "60"),))) as server:
        with client(server.url, timeout=5) as chat:
            error = error_of(chat.login(TOKEN))
        assert (error.retry_after, error.http_status, len(server.seen)) == (60.0, 503, 1)


@pytest.mark.parametrize("chunked", [False, True])
def test_n1_body_is_capped(chunked: bool) -> None:
    """A body larger than any answer of the service is not read to its end."""

    def script(connection: socket.socket, _: int) -> None:
        read_request(connection)
        if chunked:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with RawServer(script) as server, client(server.url) as chat:
        error = error_of(chat.login(TOKEN))
        assert isinstance(error, NoAnswerError)
        assert (error.code, error.reason) == ("ERROR_IO_EXCEPTION", "too_large")
        assert error.http_status == 200


def test_n1_unpacked_body_is_capped() -> None:
    """A small answer that unpacks to a huge one is not unpacked to its end."""
    import gzip

    packed = http("200 OK", gzip.compress(b"x" * 50_000_000), "Content-Encoding: gzip")

    def script(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(packed)

    with RawServer(script) as server, client(server.url) as chat:
        assert error_of(chat.login(TOKEN)).reason == "too_large"


def test_n1_time_left_is_set_before_the_handshake() -> None:
    """A second address has the time that the first has left over, the handshake all of it."""
    from cometchat_auth._waits import Deadline

    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = (socket.AF_INET, socket.SOCK_STREAM, 0, "", listener.getsockname())
        progress = _sockets.Progress(Deadline(30))
        with _sockets.first_that_answers([here, here], (), progress) as sock:
            assert 15 < (sock.gettimeout() or 0) <= 30


@pytest.mark.parametrize("timeout", [1e-9, 1_000_000])
def test_n1_extreme_limits(timeout: float) -> None:
    """The smallest and the largest time limit work as they say."""
    with scripted(good) as server, client(server.url) as chat:
        future = chat.login("alice", KEY, timeout=timeout)
        if timeout < 1:
            assert error_of(future).code == "TIMEOUT"
        else:
            assert future.result(LIMIT).uid == "alice"
