"""The faults that an emulator has at the moment, and which of them a request meets."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

from attrs import define, frozen

from ._faults import Fault
from ._faults_match import Sighting


@frozen
class ActiveFault:
    """A fault as it stands.

    Attributes:
        id: Its id.
        fault: The fault itself.
        matched: How many requests matched it.
        hits: How many of them failed.
        spent: Whether as many have failed as were to fail.
    """

    id: int
    fault: Fault
    matched: int = 0
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Return whether as many requests have failed as were to fail."""
        return self.fault.times is not None and self.hits >= self.fault.times


@frozen
class Chosen:
    """The fault that one request meets.

    Attributes:
        id: Its id.
        fault: The fault itself.
        wait: Seconds to wait first.
    """

    id: int
    fault: Fault
    wait: float


@define
class _Running:
    """A fault with its dice and its counts."""

    id: int
    fault: Fault
    dice: random.Random
    matched: int = 0
    hits: int = 0

    def meet(self, seen: Sighting) -> Chosen | None:
        """Count a request if it matches, and return what it meets."""
        fault = self.fault
        if self.snapshot().spent or not fault.matches(seen):
            return None
        self.matched += 1
        if self.matched <= fault.skip:
            return None
        # Both are thrown for every request, so that one does not shift the other's sequence.
        chance, more = self.dice.random(), self.dice.random()
        if chance >= fault.probability:
            return None
        self.hits += 1
        return Chosen(self.id, fault, fault.latency + more * fault.jitter)

    def snapshot(self) -> ActiveFault:
        """Return the fault as it stands."""
        return ActiveFault(self.id, self.fault, self.matched, self.hits)


class Faults:
    """The faults of an emulator; may be changed at any time, by any thread.

    Where several faults match a request, it meets the first one, in the order of adding, that is
    not spent, does not skip it, and whose dice say so.

    A request that waits in a fault holds up no other: up to 256 wait at the same time, and one
    more has its connection cut. It waits no longer than its client does, or the emulator runs.
    """

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._last = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> int:
        """Have a fault from the next request on.

        Returns:
            Its id, to remove it by; ids are never used again.
        """
        if not isinstance(fault, Fault):
            raise TypeError(f"fault must be a Fault, not {type(fault).__name__}.")
        dice = random.Random(fault.seed)  # noqa: S311
        with self._lock:
            self._last += 1
            self._running = [*self._running, _Running(self._last, fault, dice)]
            return self._last

    def remove(self, id: int) -> None:  # noqa: A002
        """Have a fault no longer; requests that it has caught stay caught.

        Raises:
            LookupError: There is no fault of this id.
        """
        with self._lock:
            left = [running for running in self._running if running.id != id]
            if len(left) == len(self._running):
                raise LookupError(f"There is no fault of the id {id}.")
            self._running = left

    def get(self, id: int) -> ActiveFault:  # noqa: A002
        """Return a fault as it stands.

        Raises:
            LookupError: There is no fault of this id.
        """
        for active in self:
            if active.id == id:
                return active
        raise LookupError(f"There is no fault of the id {id}.")

    def clear(self) -> None:
        """Have no fault any more."""
        with self._lock:
            self._running = []

    def choose(self, seen: Sighting) -> Chosen | None:
        """Return the fault that a request meets, and count it; ``None`` if it meets none."""
        if not self._running:
            return None
        with self._lock:
            for running in self._running:
                chosen = running.meet(seen)
                if chosen is not None:
                    return chosen
        return None

    def __iter__(self) -> Iterator[ActiveFault]:
        with self._lock:
            return iter([running.snapshot() for running in self._running])

    def __len__(self) -> int:
        return len(self._running)

    def __repr__(self) -> str:
        return f"<Faults: {len(self)}>"
