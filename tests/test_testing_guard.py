"""The guard: nothing in the process reaches another host while it is up."""

from __future__ import annotations

import asyncio
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth._guard import _bare, _is_this_machine
from cometchat_auth.emulator import Emulator
from cometchat_auth.testing import Attempt, ForeignHostError, Guard, no_network

from .tools import LIMIT

NOWHERE = "203.0.113.1"  # RFC 5737: an address for documentation, where nobody is
BEYOND = "255.255.255.255"  # nothing can be connected there, and nothing is sent to try
NOBODY = "host.invalid"  # RFC 6761: a name that nobody has


def stream(host: str) -> int:
    """Connect, in the way that the other guard of these tests does not see."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(0.01)
        return connection.connect_ex((host, 9))


def datagram(host: str) -> int:
    """Send a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        return connection.sendto(b"x", (host, 9))


def message(host: str) -> int:
    """Send a datagram in the other way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        return connection.sendmsg([b"x"], [], 0, (host, 9))


@pytest.mark.parametrize(
    ("reach", "host"),
    [
        (stream, NOWHERE),
        (stream, "2001:db8::1"),
        (datagram, NOWHERE),
        (message, NOWHERE),
        (socket.gethostbyname, NOBODY),
        (socket.gethostbyname_ex, NOBODY),
        (socket.gethostbyaddr, NOWHERE),
    ],
)
def test_every_way_out_is_closed(reach: Callable[[str], object], host: str) -> None:
    """Connections, datagrams and look-ups must raise where they are made, and name the host."""
    guard = no_network()
    with pytest.raises(ForeignHostError, match=host), guard:
        reach(host)
    assert [attempt.host for attempt in guard.attempts] == [host]


@pytest.mark.parametrize(
    ("reach", "host"),
    [
        (stream, "127.0.0.1"),
        (stream, "127.1.2.3"),
        (stream, "0.0.0.0"),  # noqa: S104
        (stream, "::1"),
        (datagram, "127.0.0.1"),
        (socket.gethostbyname, "localhost"),
    ],
)
def test_this_machine_can_be_reached(reach: Callable[[str], object], host: str) -> None:
    """Loopback addresses and names must be let through, whether somebody answers or not."""
    guard = no_network()
    with guard, suppress(OSError):
        reach(host)
    assert guard.attempts == ()


def test_the_emulator_can_be_reached(emulator: Emulator) -> None:
    """What runs on this machine, the emulator first of all, must work with the guard up."""
    port = int(emulator.url.rpartition(":")[2])
    with no_network(), socket.create_connection(("localhost", port), LIMIT) as connection:
        connection.sendall(b"GET /v3/me HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 401"


@pytest.mark.parametrize("host", [socket.gethostname(), "LOCALHOST.", "app.localhost", "[::1]", ""])
def test_its_own_names_can_be_looked_up(host: str) -> None:
    """The machine's own name, and every spelling of localhost, must be let through."""
    with no_network() as guard:
        guard.judge(host, None, looked_up=True)


def test_sockets_of_the_file_system_are_no_hosts() -> None:
    """A connection that goes by a path must be let through."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("this system has no such sockets")
    with no_network(), socket.socket(socket.AF_UNIX) as connection:
        assert connection.connect_ex("/nonexistent/socket") != 0


def test_what_is_swallowed_comes_up_at_the_end() -> None:
    """Leaving the block must raise what was tried, on a thread too, each place once."""

    def reach() -> None:
        with suppress(BaseException):
            stream(NOWHERE)

    def twice() -> None:
        reach()
        thread = threading.Thread(target=reach)
        thread.start()
        thread.join()

    with pytest.raises(ForeignHostError) as caught, no_network(who="The program"):
        twice()
    assert str(caught.value).count(f"The program tried to reach {NOWHERE} (port 9)") == 1


def test_an_event_loop_is_guarded() -> None:
    """What asyncio does on its own threads must be refused as well."""

    async def look_up() -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, socket.gethostbyname, NOBODY)

    with pytest.raises(ForeignHostError, match=NOBODY), no_network():
        asyncio.run(look_up())


def test_what_comes_of_it_does_not_hide_it() -> None:
    """If something else fails in the block, the attempt must be told, and the rest be its cause."""

    def fail() -> None:
        with suppress(BaseException):
            stream(NOWHERE)
        raise ValueError("a consequence")

    with pytest.raises(ForeignHostError) as caught, no_network():
        fail()
    assert isinstance(caught.value.__context__, ValueError)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, pytest.skip.Exception])
def test_an_interruption_goes_on(interruption: type[BaseException]) -> None:
    """What is no failure of the program must not be turned into one."""

    def interrupt() -> None:
        with suppress(BaseException):
            stream(NOWHERE)
        raise interruption

    with pytest.raises(interruption), no_network():
        interrupt()


def test_it_is_down_afterwards() -> None:
    """After the block, also after an error, everything must be as before."""
    guard = no_network()
    with pytest.raises(ForeignHostError), guard:
        stream(BEYOND)
    assert stream(BEYOND) != 0
    assert len(guard.attempts) == 1
    assert "down" in repr(guard)


def test_the_innermost_decides() -> None:
    """A guard within another must be able to allow more, and the outer one be back afterwards."""
    outer, inner = no_network(), no_network([BEYOND])
    with outer:
        with inner:
            assert stream(BEYOND) != 0
        with pytest.raises(ForeignHostError):
            stream(BEYOND)
        assert len(outer.attempts) == 1
        outer.forget()
    assert inner.attempts == ()


def test_allowed_hosts_can_be_reached_by_name_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allowing a name must allow the addresses that it has, and no others."""
    table = {"db.invalid": BEYOND}

    def look_up(host: str, *_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (table[host], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with no_network(["DB.invalid."]) as guard:
        assert stream(BEYOND) != 0
        with pytest.raises(ForeignHostError):
            stream(NOWHERE)
        guard.forget()


def test_an_allowed_name_that_is_not_found_allows_nothing() -> None:
    """A name without an address must not fail the guard itself."""
    with no_network([NOBODY]) as guard:
        with pytest.raises(ForeignHostError):
            stream(NOWHERE)
        guard.forget()


def test_whoever_wants_to_know_is_told_at_once() -> None:
    """``on_attempt`` must be called with each attempt before it is refused."""
    told: list[Attempt] = []
    with Guard("It", on_attempt=told.append) as guard:
        with pytest.raises(ForeignHostError):
            stream(NOWHERE)
        assert told == [Attempt(NOWHERE, 9, "It")]
        guard.forget()


def test_the_error_survives_pickling() -> None:
    """An error from a worker process must arrive as it is."""
    error = ForeignHostError(str(Attempt(NOWHERE, None, "It")))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own making
    assert (type(again), str(again)) == (ForeignHostError, str(error))
    assert "(port" not in str(error)


def test_many_threads_at_once() -> None:
    """Guards that come and go on other threads must not disturb one another."""

    def come_and_go() -> None:
        for _ in range(200):
            with no_network(), closing(socket.socket()) as connection:
                connection.connect_ex(("127.0.0.1", 9))

    with no_network():
        threads = [threading.Thread(target=come_and_go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        with pytest.raises(ForeignHostError), no_network():
            stream(NOWHERE)


def test_it_needs_neither_pytest_nor_anything_else_replaced() -> None:
    """Without pytest it must work, and refuse also what was imported before it was up."""
    program = f"""
import sys
sys.modules["pytest"] = None
from socket import getaddrinfo, create_connection, socket
before = vars(socket).copy()
from cometchat_auth.testing import ForeignHostError, LockedStore, no_network
for reach in (lambda: getaddrinfo("{NOBODY}", 443), lambda: create_connection(("{NOWHERE}", 9))):
    try:
        with no_network():
            reach()
    except ForeignHostError as error:
        print(error)
assert vars(socket) == before
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[5] for line in done.stdout.splitlines()] == [NOBODY, NOWHERE]


@given(st.ip_addresses())
def test_loopback_is_told_by_the_address(address: Any) -> None:
    """Of all addresses exactly loopback's, and those for all of a machine's own, are its own."""
    own = address.is_loopback or address.is_unspecified
    inner = getattr(address, "ipv4_mapped", None)
    assert _is_this_machine(_bare(str(address))) == (own or bool(inner and inner.is_loopback))


@given(st.text())
def test_any_text_is_this_machine_or_another(host: str) -> None:
    """Whatever a program takes for a host must be judged, not stumbled over."""
    assert _is_this_machine(_bare(host)) in {True, False}
