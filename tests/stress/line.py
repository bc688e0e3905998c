"""Print what a login costs on a line with round trips of 50 ms: by hand, cold and warm.

``python -m tests.stress.line [runs]`` prints medians of interleaved runs, in milliseconds and in
round trips, and for each the ratio to the same two requests made by hand.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final

from cometchat_auth import _transport

from ..fault_places import Certificates
from ..lines import Ends, line, login_by_hand
from ..network import KEY
from ..relay import TRIP
from ..tools import LIMIT

_RUNS: Final = 10


def _by_hand(ends: Ends) -> tuple[float, int]:
    began = time.perf_counter()
    login_by_hand(ends)
    return time.perf_counter() - began, ends.trips.count


def _with_library(ends: Ends, *, warm: bool) -> tuple[float, int]:
    _transport.close_idle()
    with ends.chat() as chat:
        if warm:
            chat.warm_up().result(LIMIT)
            Event().wait(3 * TRIP)  # a person types
        began, before = time.perf_counter(), ends.trips.count
        chat.login("alice", KEY).result(LIMIT)
        return time.perf_counter() - began, ends.trips.count - before


WAYS: Final[dict[str, Callable[[Ends], tuple[float, int]]]] = {
    "by hand": _by_hand,
    "cold": lambda ends: _with_library(ends, warm=False),
    "after warm_up": lambda ends: _with_library(ends, warm=True),
}


def main() -> int:
    """Measure, and print a row for each way."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else _RUNS
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates(Path(folder))
        for way in WAYS.values():  # the first of a process pays for imports
            with line(certificates, trip=0) as ends:
                way(ends)
        for _ in range(runs):
            for name, way in WAYS.items():
                with line(certificates) as ends:
                    found[name].append(way(ends))
    by_hand = statistics.median(seconds for seconds, _ in found["by hand"])
    for name, results in found.items():
        middle = statistics.median(seconds for seconds, _ in results)
        trips = sorted({trips for _, trips in results})
        sys.stdout.write(
            f"{name:<14} {1000 * middle:6.0f} ms  {middle / TRIP:4.1f} x 50 ms  "
            f"round trips counted: {', '.join(map(str, trips))}  "
            f"{middle / by_hand:.2f} of by hand\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
