"""B1: a process that imports the library, beside one that imports what it cannot do without."""

from __future__ import annotations

import sys
from typing import Final

from ._measure import Goal, Kind, Table, Way, interleaved
from ._options import Options
from ._peers import PACKAGES, Peers
from ._programs import whole

FLOOR: Final = "attrs, logging, concurrent.futures"
_BARE: Final = "nothing (Python alone)"
_OURS: Final = "cometchat_auth"
_CODE: Final[dict[str, tuple[Kind, str]]] = {
    _BARE: ("floor", "pass"),
    FLOOR: ("floor", "import attrs, logging, concurrent.futures"),
    "requests, attrs, keyring": ("by hand", "import requests, attrs, keyring"),
    _OURS: ("ours", "from cometchat_auth import CometChat, AppSettings, User, LoginListener"),
}


def measure(options: Options) -> Table:
    """Time whole processes."""
    ways = [whole(name, kind, [sys.executable, "-c", code]) for name, (kind, code) in _CODE.items()]
    rows = interleaved([*ways, *_peers(options.peers)], options.rounds, FLOOR, scale=1e3)
    table = Table("B1", "A process that imports the library", "ms", FLOOR, rows)
    goal = Goal("at most 1.1 times the floor", table.row(_OURS).ratio, 1.1)
    table.goals.append(goal)
    table.notes.extend(options.peers.missing)
    return table


def _peers(peers: Peers) -> list[Way]:
    return [
        whole(package, "peer", [peers.python, "-c", f"import {name}"])
        for package, name in PACKAGES.items()
        if peers.python is not None and peers.has(package)
    ]
