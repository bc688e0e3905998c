"""B9: the emulator, beside an empty route of the same framework in the same server."""

from __future__ import annotations

from typing import Final

from ..stress.emulator_pace import paces, starts
from ._measure import Goal, Row, Table
from ._options import Options

_SECONDS: Final = 2.0  # of each round
_CLIENTS: Final = 4
_START: Final = 0.3  # seconds
EMULATOR: Final = "emulator"
EMPTY: Final = "empty route"


def measure(options: Options) -> list[Table]:
    """Measure how it starts and how it keeps up."""
    return [_starts(options), _paces(options)]


def _starts(options: Options) -> Table:
    times = options.some(0.5)
    found = {name: 1e3 * whole for name, whole, _ in starts(times)}
    floor = found[EMPTY]
    rows = [
        Row(name, "floor" if name == EMPTY else "ours", figure, figure, figure / floor, times)
        for name, figure in found.items()
    ]
    table = Table("B9a", "From a program's first line to the first answer", "ms", EMPTY, rows)
    table.goals.append(Goal("0.3 s", found[EMULATOR] / 1e3, _START))
    return table


def _paces(options: Options) -> Table:
    rows, shares = [], []
    for name, pace in paces(_SECONDS, options.some(0.2), _CLIENTS):
        rows.append(Row(name, "ours", pace.rate, pace.rate, pace.share, options.some(0.2)))
        shares.append(pace.share)
    table = Table("B9b", "The emulator, 4 clients", "requests/s", EMPTY, rows)
    table.goals.append(Goal("0.5 of the empty route", min(shares), 0.5, least=True))
    return table
