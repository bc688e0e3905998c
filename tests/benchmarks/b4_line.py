"""B4: a login over TLS on a line with a round trip of 50 ms."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from cometchat_auth import _transport

from ..fault_places import Certificates
from ..lines import Ends, line, login_by_hand
from ..network import KEY
from ..relay import TRIP
from ._measure import Goal, Round, Table, Way, interleaved
from ._options import Options

_LIMIT: Final = 30.0  # seconds
BY_HAND: Final = "one requests.Session, cold"
COLD: Final = "cometchat_auth, cold"
WARM: Final = "cometchat_auth, after warm_up()"


def _by_hand(ends: Ends) -> float:
    began = time.perf_counter()
    login_by_hand(ends)
    return time.perf_counter() - began


def _ours(ends: Ends, *, warm: bool) -> float:
    _transport.close_idle()
    with ends.chat() as chat:
        if warm:
            chat.warm_up().result(_LIMIT)
            Event().wait(3 * TRIP)  # a person types
        began = time.perf_counter()
        chat.login("alice", KEY).result(_LIMIT)
        return time.perf_counter() - began


def measure(options: Options) -> Table:
    """Time logins, each on connections of its own."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates(Path(folder))

        def way(name: str, login: Callable[[Ends], float]) -> Way:
            @contextmanager
            def opened() -> Iterator[Round]:
                def turn() -> Sequence[float]:
                    with line(certificates) as ends:
                        return [login(ends) / TRIP]

                yield turn

            return Way(name, "ours" if login is not _by_hand else "by hand", opened)

        ways = [
            way(BY_HAND, _by_hand),
            way(COLD, lambda ends: _ours(ends, warm=False)),
            way(WARM, lambda ends: _ours(ends, warm=True)),
        ]
        rows = interleaved(ways, options.some(0.5), BY_HAND)
    table = Table("B4", "A login over TLS on a slow line", "round trips of 50 ms", BY_HAND, rows)
    table.goals.append(Goal("cold: four round trips", table.row(COLD).median, 4.5))
    table.goals.append(Goal("after warm_up(): two", table.row(WARM).median, 2.5))
    table.notes.append("Processor time is in it: half a round trip more is allowed for that.")
    return table
