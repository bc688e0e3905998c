"""Print what comes of every fault for every call, one row for each fault, and what must.

``python -m tests.stress.faults`` prints the matrix, with the library's own back-offs;
``--messages`` prints every error's text instead, ``--quick`` shortens the back-offs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cometchat_auth import _http

from .. import matrix
from ..fault_places import Certificates, Fault
from ..fault_rules import CALLS
from ..faults import FAULTS
from ..matrix import Seen

_SHORT: Final = {"OUTCOME_UNKNOWN": "UNKNOWN", "ERR_TOO_MANY_REQUESTS": "LIMIT"}
_LEGEND: Final = """\
A cell: error, requests that reached the faulty host, seconds, session.
  dns, connect, tls, proxy, lost: NoAnswerError of this reason, code FAILED_TO_FETCH
  redirect, too_large: NoAnswerError, code ERROR_IO_EXCEPTION
  not_json, unexpected: NoAnswerError, code ERROR_JSON_EXCEPTION
  timeout: NoAnswerError, code TIMEOUT
  UNKNOWN: OutcomeUnknownError, code OUTCOME_UNKNOWN
  LIMIT: RateLimitError, code ERR_TOO_MANY_REQUESTS
  SERVICE, AUTH: ServiceError, AuthenticationError, both with the code that the row names
  ok: success;  +: the session is what it was;  -: nobody is logged in;  n: the new session
mint and me are the two requests of login(uid, auth_key); "." stands for a cell that cannot be.
"""
_NAME: Final = 42
_CELL: Final = 20


def cell(seen: Seen) -> str:
    """Return a cell of the table."""
    session = "-" if seen.user is None else "+" if seen.user == "bob" else "n"
    return f"{outcome(seen)} {seen.requests} {seen.seconds:.2f} {session}"


def outcome(seen: Seen) -> str:
    """Return what the call ended with, in short."""
    error = seen.error
    if error is None:
        return "ok"
    if type(error).__name__ in {"ServiceError", "AuthenticationError"}:
        return {"ServiceError": "SERVICE"}.get(type(error).__name__, "AUTH")
    return error.reason or _SHORT.get(error.code, error.code)


def _rows(chosen: argparse.Namespace, folder: Path) -> Iterator[tuple[Fault, dict[str, Seen]]]:
    certificates = Certificates(folder)
    possible = list(matrix.cells())
    for fault in FAULTS:
        calls = [call for call in CALLS if (fault, call) in possible]
        yield fault, {c: matrix.run(fault, c, certificates, chosen.timeout) for c in calls}


def _print_table(fault: Fault, row: dict[str, Seen]) -> None:
    cells = [cell(row[call]) if call in row else "." for call in CALLS]
    sys.stdout.write(f"{fault.name:<{_NAME}}{''.join(f'{c:<{_CELL}}' for c in cells)}".rstrip())
    sys.stdout.write("\n")
    sys.stdout.flush()


def _print_messages(fault: Fault, row: dict[str, Seen]) -> None:
    for call, seen in row.items():
        if seen.error is not None:
            sys.stdout.write(f"{fault.name} - {call}\n    {seen.error}\n")


def _problems(fault: Fault, row: dict[str, Seen], timeout: float) -> list[str]:
    found: list[str] = []
    for call, seen in row.items():
        problems = matrix.differences(seen, fault, call, timeout)
        problems += [f"a credential can be read: {text[:60]}" for text in seen.leaks]
        found += [f"{fault.name} - {call}: {problem}" for problem in problems]
    return found


def main() -> int:
    """Run every cell; return 1 if any is not what it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", action="store_true", help="print the errors' texts")
    parser.add_argument("--quick", action="store_true", help="back off for a moment only")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds, for what would hang")
    chosen = parser.parse_args()
    if chosen.quick:
        _http.BACK_OFF = 0.001  # type: ignore[misc]
    broken: list[str] = []
    count = 0
    if not chosen.messages:
        heads = "".join(f"{call:<{_CELL}}" for call in CALLS)
        sys.stdout.write(f"{_LEGEND}\n{'':<{_NAME}}{heads.rstrip()}\n")
    with tempfile.TemporaryDirectory() as folder:
        for fault, row in _rows(chosen, Path(folder)):
            (_print_messages if chosen.messages else _print_table)(fault, row)
            broken += _problems(fault, row, chosen.timeout)
            count += len(row)
    for problem in broken:
        sys.stdout.write(f"BROKEN: {problem}\n")
    sys.stdout.write(f"{count} cells of {len(FAULTS)} faults, {len(broken)} not as expected\n")
    return bool(broken)


if __name__ == "__main__":
    raise SystemExit(main())
