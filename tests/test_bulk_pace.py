"""Imports: when the next request may start."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable

import pytest

from cometchat_auth import AuthenticationError, User
from cometchat_auth.server import _pace
from cometchat_auth.server._pace import Gate, Ticket

from .bulk_tools import (
    Model,
    away,
    busy,
    imported,
    importing,
    lost,
    people,
    refusal,
    statuses,
    until_it_ends,
)
from .tools import LIMIT


class Times:
    """A monotonic clock that stands, and a gate whose waits only move it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Gate]) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(_pace.random, "uniform", lambda *_: 1.0)  # type: ignore[attr-defined]
        self.gate = make()
        self.gate._bell = self  # type: ignore[assignment]

    def get(self, timeout: float) -> None:
        """Wait, in no time."""
        self.now += timeout
        raise queue.Empty

    def enter(self) -> Ticket:
        """Enter, in no time."""
        ticket = self.gate.enter()
        assert ticket is not None
        return ticket


def test_the_gate_closes_for_as_long_as_the_service_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may start before Retry-After is over, and the longest one counts."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    first, second = times.enter(), times.enter()
    times.gate.close(first, busy(15.0))
    times.gate.close(second, busy(20.0))
    assert times.gate.waiting() == (20.0, "ERR_TOO_MANY_REQUESTS")
    assert times.enter().began == 1_020.0
    assert times.gate.waiting() == (0.0, None)


def test_a_service_that_asks_for_no_wait_is_not_hammered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Retry-After is 0, or a date gone by, each further round must wait twice as long."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    waits: list[float] = []
    for _ in range(10):
        ticket = times.enter()
        times.gate.close(ticket, busy(0.0))
        waits.append(times.gate.waiting()[0])
        times.now += waits[-1]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0])


def test_back_off_doubles_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many failures of one cause must close the gate once, each further round for twice as long."""
    times = Times(monkeypatch, lambda: Gate(10_000.0))
    waits: list[float] = []
    for _ in range(8):
        tickets = [times.enter() for _ in range(16)]
        began = times.now
        for ticket in tickets:
            times.gate.close(ticket, away())
        waits.append(times.enter().began - began)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_an_answer_ends_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer the next failure must wait as shortly as the first one."""
    times = Times(monkeypatch, lambda: Gate(10_000.0))
    for _ in range(4):
        times.gate.close(times.enter(), away())
    times.gate.answered(times.enter())
    times.gate.close(times.enter(), refusal("ERR_X", 502))
    assert times.gate.waiting() == (1.0, "ERR_X")


def test_who_fails_alone_waits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others are answered meanwhile, a failure must keep only its own row waiting."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    ticket, other = times.enter(), times.enter()
    times.now += 1
    times.gate.answered(other)
    assert not times.gate.close(ticket, away("lost"))
    assert times.now == 1_002.0
    assert times.gate.waiting() == (0.0, None)
    assert times.enter().began == 1_002.0


def test_one_who_is_told_to_wait_speaks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429, or a 503 with Retry-After, must keep all waiting, although others are answered."""
    for error in (busy(15.0), refusal("ERR_BUSY", 503, after=15.0)):
        times = Times(monkeypatch, lambda: Gate(60.0))
        ticket, other = times.enter(), times.enter()
        times.now += 1
        times.gate.answered(other)
        times.gate.close(ticket, error)
        assert times.enter().began == 1_016.0


def test_others_go_on_beside_one_whose_connection_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one row waits to be tried again the others must be sent, and the end must end it."""
    monkeypatch.setattr(_pace, "FIRST_BACK_OFF", 10 * LIMIT)
    sent = threading.Event()

    class Crossing(Model):
        def send(self, user: User, seconds: float) -> User:
            if user.uid == "user-0":
                assert sent.wait(LIMIT)
                raise lost()
            try:
                return super().send(user, seconds)
            finally:
                if user.uid == "user-50":
                    sent.set()

    model = Crossing({"user-99": [refusal("AUTH_ERR_APIKEY_NOT_FOUND", 401)]})
    outcomes, error = until_it_ends(importing(model, people(100), in_flight=2))
    assert statuses(outcomes) == ["unknown", *["created"] * 98]
    assert isinstance(error, AuthenticationError)


def test_the_last_try_is_made_when_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience must be used to its end, and not be overstepped by a long back-off."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    tries = []
    while True:
        ticket = times.enter()
        tries.append(ticket.began - 1_000.0)
        if times.gate.close(ticket, away()):
            break
    assert tries == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 60.0]


def test_silence_begins_after_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that began long ago must not count where others have been answered since."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    slow = times.enter()
    times.now += 100
    times.gate.answered(times.enter())
    assert not times.gate.close(slow, away("timeout"))
    late = times.enter()
    times.now += 59
    assert times.gate.close(late, away("timeout"))


def test_asked_waits_are_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of patience must start when the wait that the service asked for is over."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    early, ticket = times.enter(), times.enter()
    times.gate.close(ticket, busy(500.0))
    times.now += 300
    assert not times.gate.close(early, away("timeout"))
    assert times.enter().began == 1_500.0


def test_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rate no minute may see more requests, and they must not come in bursts."""
    times = Times(monkeypatch, lambda: Gate(60.0, 120.0))
    assert [times.enter().began for _ in range(5)] == [1_000.0 + n / 2 for n in range(5)]
    times.now += 100
    assert [times.enter().began for _ in range(3)] == [1_102.0 + n / 2 for n in range(3)]


def test_a_very_long_wait_is_waited_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait of 31 years must not be more than the system can count."""
    times = Times(monkeypatch, lambda: Gate(60.0))
    waited: list[float] = []
    times.gate.close(times.enter(), busy(1_000_000_000.0))

    def get(timeout: float) -> None:
        waited.append(timeout)
        times.gate._stopped = True
        raise queue.Empty

    times.get = get  # type: ignore[method-assign]
    assert times.gate.enter() is None
    assert waited == [60.0]


def test_stopping_sends_everybody_away() -> None:
    """Whoever waits at the gate must be let go at once when the import ends."""
    gate = Gate(60.0)
    ticket = gate.enter()
    assert ticket is not None
    gate.close(ticket, busy(10_000.0))
    left: list[Ticket | None] = []
    waiting = [threading.Thread(target=lambda: left.append(gate.enter())) for _ in range(8)]
    for thread in waiting:
        thread.start()
    gate.stop()
    for thread in waiting:
        thread.join(LIMIT)
    assert left == [None] * 8
    assert gate.waiting() == (0.0, None)


def test_all_threads_wait_together() -> None:
    """After one 429 no thread may send anything before the wait is over."""
    began: list[float] = []

    class Timed(Model):
        def send(self, user: User, seconds: float) -> User:
            began.append(time.monotonic())
            return super().send(user, seconds)

    model = Timed({"user-100": [busy(0.5)]})
    assert len(imported(model, people(400), in_flight=8)) == 400
    gaps = [after - before for before, after in itertools.pairwise(began)]
    assert max(gaps) >= 0.4  # all were still, not only the one who was told
