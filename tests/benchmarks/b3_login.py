"""B3: a warm login over loopback, from the call to the result of its future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ..official_sdk import OfficialSdk
from ..official_sdk import available as official_sdk_missing
from ._measure import Goal, Round, Table, Way, interleaved
from ._options import Options
from ._programs import module, serving, worker
from .logins import KEY, WAYS
from .peer_programs import REQUESTS

_TIMES: Final = 50  # in each round
FLOOR: Final = "http.client"
BY_HAND: Final = "one requests.Session"
OURS: Final = "cometchat_auth"
JAVASCRIPT: Final = "official JavaScript SDK, Node"


def measure(options: Options) -> list[Table]:
    """Time logins, and single requests of the peers."""
    with serving("canned") as url:
        return [_logins(options, url), *_requests(options, url)]


def _logins(options: Options, url: str) -> Table:
    ours = worker(OURS, "ours", module("logins", "ours", url), _TIMES)
    ways = [
        worker(name, "floor" if name == FLOOR else "by hand", module("logins", name, url), _TIMES)
        for name in WAYS
    ]
    missing = official_sdk_missing()
    if missing is None:
        ways.append(Way(JAVASCRIPT, "peer", lambda: _javascript(url)))
    rows = interleaved([*ways, ours], options.rounds, BY_HAND, scale=1e3)
    table = Table("B3", "A login with auth key: two requests, warm, loopback", "ms", BY_HAND, rows)
    table.goals.append(Goal("at most 0.9 of one requests.Session", table.row(OURS).ratio, 0.9))
    if missing is not None:
        table.notes.append(missing)
    return table


def _requests(options: Options, url: str) -> list[Table]:
    peers = options.peers.workers("request", list(REQUESTS), _TIMES, url)
    if not peers:
        return []
    ours = worker(OURS, "ours", module("logins", "our request", url), _TIMES)
    rows = interleaved([*peers, ours], options.rounds, OURS, scale=1e3)
    return [Table("B3b", "One authenticated request, warm, loopback", "ms", OURS, rows)]


@contextmanager
def _javascript(url: str) -> Iterator[Round]:
    with OfficialSdk() as sdk:
        sdk.init("app", url)

        def turn() -> Sequence[float]:
            return sdk.time_logins("alice", KEY, _TIMES)

        yield turn
