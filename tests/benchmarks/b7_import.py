"""B7: the import of very many users, against the ideal and a pool written by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ..stress.import_figures import (
    IN_FLIGHT,
    LATENCY,
    by_hand,
    by_import,
    by_import_with_journal,
    by_sockets,
)
from ._measure import Goal, Kind, Round, Table, Way, interleaved
from ._options import Options
from ._programs import started

USERS: Final = 10_000
IDEAL: Final = "the ideal: latency x users / 16"
BY_HAND: Final = "ThreadPoolExecutor(16), requests"
OURS: Final = "create_users"
JOURNAL: Final = "create_users with a journal"


def measure(options: Options) -> Table:
    """Import into a server that answers after 20 ms."""
    with started([sys.executable, "-m", "tests.stress.import_figures", "serve"]) as server:

        def way(name: str, kind: Kind, work: Callable[[str, int], None]) -> Way:
            @contextmanager
            def opened() -> Iterator[Round]:
                def turn() -> Sequence[float]:
                    began = time.perf_counter()
                    work(server.first, USERS)
                    return [time.perf_counter() - began]

                yield turn

            return Way(name, kind, opened)

        ways = [
            Way(IDEAL, "floor", _ideal),
            way(BY_HAND, "by hand", by_hand),
            way("bare sockets, prepared bytes", "floor", by_sockets),
            way(OURS, "ours", by_import),
            way(JOURNAL, "ours", by_import_with_journal),
        ]
        rows = interleaved(ways, options.some(0.15), IDEAL, warm=0)
    table = Table("B7", f"Create {USERS:,} users, 20 ms each, 16 in flight", "s", IDEAL, rows)
    share, by_pool = 1 / table.row(OURS).ratio, table.row(OURS).ratio / table.row(BY_HAND).ratio
    table.goals.append(Goal("0.95 of the ideal rate", share, 0.95, least=True))
    table.goals.append(Goal("ahead of the pool", by_pool, 1.0))
    return table


@contextmanager
def _ideal() -> Iterator[Round]:
    yield lambda: [LATENCY * USERS / IN_FLIGHT]
