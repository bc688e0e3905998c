"""B4: how many round trips a login waits for, counted on a line that delays."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from threading import Event
from typing import Final

import pytest

from .fault_places import Certificates
from .lines import Ends, line, login_by_hand
from .network import KEY, TOKEN
from .relay import TRIP
from .tools import LIMIT

# What it costs by hand, cold, and warm: a connection 1, TLS 1.3 another 1 and TLS 1.2 another 2,
# a tunnel 1, each request 1. By hand all of it comes one after the other.
LINES: Final = {
    "TLS 1.3": ({}, 6, 4, 2),
    "TLS 1.2": ({"version": ssl.TLSVersion.TLSv1_2}, 8, 5, 2),
    "through a proxy": ({"proxied": True}, 8, 5, 2),
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a CA of this module's own."""
    return Certificates(tmp_path_factory.mktemp("ca"))


def _settle() -> None:
    """Let what is still on the line arrive, as it does while a person types."""
    Event().wait(3 * TRIP)


def _trips_of_login(ends: Ends, *, warm: bool) -> int:
    with ends.chat() as chat:
        if warm:
            chat.warm_up().result(LIMIT)
            _settle()
        before = ends.trips.count
        assert chat.login("alice", KEY).result(LIMIT).uid == "alice"
        return ends.trips.count - before


def _least(hoped: int, count: Callable[[], int]) -> int:
    """Return the least of up to three counts: a busy machine adds trips, and takes none away."""
    least = count()
    for _ in range(2):
        if least > hoped:
            least = min(least, count())
    return least


@pytest.mark.parametrize("kind", LINES)
def test_b4_by_hand(certificates: Certificates, kind: str) -> None:
    """The counter counts what is known: by hand each connection and request is waited for."""
    how, by_hand, _, _ = LINES[kind]
    with line(certificates, **how) as ends:  # type: ignore[arg-type]
        assert login_by_hand(ends)["uid"] == "alice"
        assert ends.trips.count == by_hand


@pytest.mark.parametrize("kind", LINES)
def test_b4_cold_login(certificates: Certificates, kind: str) -> None:
    """A cold login opens its second connection during the first: it never waits for it."""
    how, _, cold, _ = LINES[kind]

    def trips() -> int:
        with line(certificates, **how) as ends:  # type: ignore[arg-type]
            count = _trips_of_login(ends, warm=False)
            assert ends.connections == 2
        return count

    assert _least(cold, trips) == cold


@pytest.mark.parametrize("kind", LINES)
def test_b4_warm_login(certificates: Certificates, kind: str) -> None:
    """After `warm_up` only the requests are left, on the connections that it has opened.

    That TLS 1.3 sends session tickets meanwhile does not make them look closed.
    """
    how, _, _, warm = LINES[kind]

    def trips() -> int:
        with line(certificates, **how) as ends:  # type: ignore[arg-type]
            count = _trips_of_login(ends, warm=True)
            assert ends.connections == 2
        return count

    assert _least(warm, trips) == warm


def test_b4_login_with_a_token(certificates: Certificates) -> None:
    """A login with a token waits for one connection and one request, and opens no other."""

    def trips() -> int:
        with line(certificates) as ends, ends.chat() as chat:
            assert chat.login(TOKEN).result(LIMIT).uid == "alice"
            assert ends.connections == 1
            return ends.trips.count

    assert _least(3, trips) == 3
