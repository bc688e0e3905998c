"""B5: from the moment in which a callback is posted to the one in which it runs."""

from __future__ import annotations

from typing import Final

from ._measure import Goal, Kind, Table, interleaved
from ._options import Options
from ._programs import module, worker
from .handoffs import WAYS

FLOOR: Final = "SimpleQueue and a thread"
OURS: Final = "cometchat_auth"
_MOST_PER_CALLBACK: Final = 2.0  # microseconds: 500,000 a second

_KINDS: Final[dict[str, Kind]] = {FLOOR: "floor", OURS: "ours"}


def measure(options: Options) -> list[Table]:
    """Time hand-offs to a receiver that waits, to one that has slept, and very many."""
    busy = _table(options, "B5a", "busy", "A callback's way to its thread", 200)
    busy.goals.append(Goal("at most 1.3 of SimpleQueue", busy.row(OURS).ratio, 1.3))
    idle = _table(options, "B5b", "idle", "The same, idle for 5 ms before", 50)
    idle.goals.append(Goal("at most 1.6 of SimpleQueue", idle.row(OURS).ratio, 1.6))
    many = _table(options, "B5c", "many", "Each of 100,000 callbacks", 1)
    many.goals.append(
        Goal("500,000 a second (2 us each)", many.row(OURS).median, _MOST_PER_CALLBACK)
    )
    return [busy, idle, many]


def _table(options: Options, number: str, pace: str, title: str, times: int) -> Table:
    ways = [
        worker(name, _KINDS.get(name, "by hand"), module("handoffs", name, pace), times)
        for name in WAYS
    ]
    rows = interleaved(ways, options.rounds, FLOOR, scale=1e6)
    return Table(number, title, "us", FLOOR, rows)
