"""B8: two hundred clients log in at once."""

from __future__ import annotations

from typing import Final

from ._measure import Goal, Table, interleaved
from ._options import Options
from ._programs import module, serving, worker

BY_HAND: Final = "ThreadPoolExecutor(4), one requests.Session"
OURS: Final = "200 clients of cometchat_auth"


def measure(options: Options) -> Table:
    """Time all of them together."""
    with serving("canned") as url:
        ways = [
            worker(BY_HAND, "by hand", module("logins", "crowd by hand", url), 1),
            worker(OURS, "ours", module("logins", "our crowd", url), 1),
        ]
        rows = interleaved(ways, options.rounds, BY_HAND, scale=1e3)
    table = Table("B8", "200 logins of 200 clients at once", "ms", BY_HAND, rows)
    table.goals.append(Goal("at most the pool's", table.row(OURS).ratio, 1.0))
    return table
