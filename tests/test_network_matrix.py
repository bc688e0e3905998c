"""N1 to N5, X1, X2, S6, S7: each call meets each fault; `fault_rules` says what must come of it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from cometchat_auth import CometChatException, _http, _transport

from . import matrix
from .fault_places import Certificates, Fault
from .fault_rules import CALLS, WHAT
from .faults import FAULTS
from .matrix import Seen
from .tools import LIMIT

TIMEOUT: Final = 0.4  # seconds that a call gets where it would hang
CELLS: Final = list(matrix.cells())


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Look once for all cells, not after each: see `all_gone`."""


@pytest.fixture(scope="module", autouse=True)
def all_gone() -> Iterator[None]:
    """See to it that the cells leave no thread and no open socket behind."""
    before = set(threading.enumerate())
    yield
    _transport.close_idle()
    for thread in set(threading.enumerate()) - before:
        if not thread.name.startswith("cometchat-"):
            thread.join(LIMIT)
            assert not thread.is_alive(), thread.name
    gc.collect()  # an unclosed socket warns here, and warnings are errors


Run = Callable[[Fault, str], Seen]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return what runs a cell, once for all that look at it; back-offs are short."""
    certificates = Certificates(tmp_path_factory.mktemp("ca"))
    known: dict[tuple[str, str], Seen] = {}

    def once(fault: Fault, call: str) -> Seen:
        if (fault.name, call) not in known:
            known[fault.name, call] = matrix.run(fault, call, certificates, TIMEOUT)
        return known[fault.name, call]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_http, "BACK_OFF", 0.001)
        yield once


@pytest.mark.parametrize(("fault", "call"), CELLS, ids=[f"{fault.name}-{c}" for fault, c in CELLS])
def test_n4_every_cell(run: Run, fault: Fault, call: str) -> None:
    """Error, code, requests sent, session, events and time are what the promises say."""
    assert matrix.differences(run(fault, call), fault, call, TIMEOUT) == []


def _of_row(run: Run, fault: Fault) -> Iterator[tuple[str, Seen]]:
    for call in CALLS:
        if (fault, call) in CELLS:
            yield call, run(fault, call)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_x2_no_cell_shows_a_credential(run: Run, fault: Fault) -> None:
    """No log at DEBUG, warning, object, pickle, cause or traceback of any cell has a canary."""
    assert [(call, seen.leaks) for call, seen in _of_row(run, fault) if seen.leaks] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_n4_every_text_can_be_acted_on(run: Run, fault: Fault) -> None:
    """Every error says what was asked, of which host, what came back, and what to do."""
    for call, seen in _of_row(run, fault):
        if seen.error is not None:
            assert _missing(seen.error, call, seen.host, fault) == [], (call, seen.error.message)


def _missing(error: CometChatException, call: str, host: str, fault: Fault) -> list[str]:
    text = error.message
    if fault.body != "other":  # there the two users are what matters
        needed = {"what was asked": WHAT[call], "of which host": host}
    else:
        needed = {"whom": "mallory"}
    if error.http_status is not None:
        needed["what came back"] = f"status {error.http_status}"
    missing = [what for what, words in needed.items() if words not in text]
    if not text.isprintable() or len(text) > 750 or text.count("<p>") > 70:
        missing.append("brevity")
    if not text.endswith((".", "?")):
        missing.append("what to do")
    return missing


def test_n4_the_matrix_is_whole() -> None:
    """No two faults share a name, and every call meets every fault that it can meet."""
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))
    assert len(CELLS) > 700
