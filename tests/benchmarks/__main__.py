"""Measure what was asked for, and print tables.

::

    python -m tests.benchmarks                     # everything, some twenty minutes
    python -m tests.benchmarks B3 B5 --rounds 5
    python -m tests.benchmarks --peers FOLDER --json FILE --picture FILE --rst FILE
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from . import (
    _peers,
    _report,
    b1_import,
    b2_startup,
    b3_login,
    b4_line,
    b5_handoff,
    b6_clients,
    b7_import,
    b8_crowd,
    b9_emulator,
)
from ._measure import Table
from ._options import Options

_ALL: Final[dict[str, Callable[[Options], Table | list[Table]]]] = {
    "B1": b1_import.measure,
    "B2": b2_startup.measure,
    "B3": b3_login.measure,
    "B4": b4_line.measure,
    "B5": b5_handoff.measure,
    "B6": b6_clients.measure,
    "B7": b7_import.measure,
    "B8": b8_crowd.measure,
    "B9": b9_emulator.measure,
}


def run(names: list[str], options: Options) -> list[Table]:
    """Measure, print each table when it is there, and return them all."""
    tables: list[Table] = []
    for name in names:
        found = _ALL[name](options)
        for table in found if isinstance(found, list) else [found]:
            _report.say(_report.as_text(table))
            tables.append(table)
    return tables


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("which", nargs="*", choices=[*_ALL, []], metavar="B1 ... B9")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each way")
    parser.add_argument("--peers", type=Path, help="the folder of the peers' environment")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--rst", type=Path, help="write the tables for the documentation")
    parser.add_argument("--picture", type=Path, help="draw them (needs matplotlib)")
    chosen = parser.parse_args()
    peers = _peers.in_folder(chosen.peers) if chosen.peers else _peers.Peers()
    for name, value in _report.machine().items():
        _report.say(f"{name}: {value}")
    _report.say("")
    tables = run(chosen.which or list(_ALL), Options(chosen.rounds, peers))
    if chosen.json:
        chosen.json.write_text(_report.as_json(tables), "utf-8")
    if chosen.rst:
        chosen.rst.write_text(_report.as_rst(tables), "utf-8")
    if chosen.picture:
        _report.draw(tables, chosen.picture)


if __name__ == "__main__":
    main()
