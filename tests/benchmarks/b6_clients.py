"""B6: a thousand clients in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from ._clients import print_cost
from ._measure import Goal, Row, Table, single
from ._options import Options
from ._programs import ROOT, module
from .peer_programs import CLIENTS

_COUNT: Final = 1000
_PEERS_COUNT: Final = 100  # some take 20 ms and a thread each
_PEER: Final = "slack_sdk"
_OURS: Final = "cometchat_auth"
_USED: Final = "cometchat_auth, asked who is logged in"
# What is measured: its unit, and what is aimed at.
_FIGURES: Final = {"us": 20.0, "KiB": 5.0, "threads": 6.0}


def measure(options: Options) -> list[Table]:
    """Make clients, and see what each costs."""
    commands = {
        _OURS: module("b6_clients", str(_COUNT), "make"),
        _USED: module("b6_clients", str(_COUNT), "use"),
    }
    for package in CLIENTS:
        if options.peers.python is not None and options.peers.has(package):
            arguments = ("clients", package, str(_PEERS_COUNT))
            commands[package] = module("peer_programs", *arguments, python=options.peers.python)
    found = [
        {name: _run(command) for name, command in commands.items()}
        for _ in range(options.some(0.25))
    ]
    against = _PEER if _PEER in commands else _OURS
    return [_table(figure, most, found, against) for figure, most in _FIGURES.items()]


def _table(
    figure: str, most: float, found: list[dict[str, dict[str, float]]], against: str
) -> Table:
    columns = {name: [turn[name][figure] for turn in found] for name in found[0]}
    base = sorted(columns[against])[len(found) // 2]
    rows: list[Row] = [
        single(name, "ours" if name in (_OURS, _USED) else "peer", values, base)
        for name, values in columns.items()
    ]
    what = "threads of all" if figure == "threads" else f"{figure} for each"
    table = Table(f"B6 {figure}", f"Clients in one process: {what}", figure, against, rows)
    table.goals.append(Goal(f"at most {most:g}", table.row(_OURS).median, most))
    if figure != "us":  # looking takes a call on the storage thread, which is not the client's
        table.goals.append(Goal(f"at most {most:g}, used", table.row(_USED).median, most))
    if figure == "threads":
        table.notes.append(
            f"{_COUNT} clients of this library, all used; {_PEERS_COUNT} of the peers'."
        )
    return table


def _run(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _make() -> Any:
    return CometChat("app", _SETTINGS)


def _make_and_use() -> Any:
    chat = CometChat("app", _SETTINGS, session_store=_STORE)
    chat.get_logged_in_user()
    return chat


def _use_many(count: int) -> None:
    for future in [_make_and_use().reload() for _ in range(count)]:
        assert future.result(30) is None


if __name__ == "__main__":
    from cometchat_auth import AppSettings, CometChat, MemoryStore

    _SETTINGS, _STORE = AppSettings(region="us"), MemoryStore()
    way = _make if sys.argv[2] == "make" else _make_and_use
    print_cost(way, int(sys.argv[1]), _use_many)
