"""A script ends when it should, with its last calls made and told (C5).

Each test is one situation, in every way in which a script can end; ``python -m tests.stress.exits``
prints a table of the same with exact times.
"""

from __future__ import annotations

import pytest

from .stress import exits
from .stress.endings import CELLS, SITUATIONS, Cell
from .stress.exits import Expected, Outcome

pytestmark = pytest.mark.timeout(300)  # all scripts run within the first test's time

Outcomes = dict[Cell, Outcome]

_tested: set[str] = set()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run all scripts, several at a time."""
    with exits.services() as service:
        return exits.run_cells(service, tmp_path_factory.mktemp("exits"))


def every_ending(situation: str) -> pytest.MarkDecorator:
    """Have a test run for each ending of a situation."""
    _tested.add(situation)
    cells = [cell for cell in CELLS if cell.situation == situation]
    return pytest.mark.parametrize("cell", cells, ids=[cell.ending for cell in cells])


def check(cell: Cell, outcomes: Outcomes) -> None:
    """Fail if a script has not ended as it should."""
    problems = Expected.of(cell).problems(outcomes[cell])
    assert not problems, "\n".join(problems)


@every_ending("client never used")
def test_c5_a_client_that_was_never_used(cell: Cell, outcomes: Outcomes) -> None:
    """A client from which nothing was asked holds nothing up."""
    check(cell, outcomes)


@every_ending("idle client")
def test_c5_an_idle_client(cell: Cell, outcomes: Outcomes) -> None:
    """A script with an idle client ends without waiting for anything, closed or not."""
    check(cell, outcomes)


@every_ending("login under way")
def test_c5_a_login_under_way(cell: Cell, outcomes: Outcomes) -> None:
    """However a script ends, its last login is made, stored and told."""
    check(cell, outcomes)


@every_ending("first login under way")
def test_c5_a_first_login_under_way(cell: Cell, outcomes: Outcomes) -> None:
    """A login for which modules are still being imported is made, stored and told as well."""
    check(cell, outcomes)


@every_ending("slow server")
def test_c5_a_slow_server(cell: Cell, outcomes: Outcomes) -> None:
    """An answer that comes within the drain limit is waited for, and no longer than that."""
    check(cell, outcomes)


@every_ending("callback calls on")
def test_c5_a_callback_that_calls_on(cell: Cell, outcomes: Outcomes) -> None:
    """A callback at exit may make further calls; after ``close()`` they are refused and told so."""
    check(cell, outcomes)


@every_ending("60 calls")
def test_c5_many_calls(cell: Cell, outcomes: Outcomes) -> None:
    """Of a full queue of calls each is made and told exactly once."""
    check(cell, outcomes)


@every_ending("hung server")
def test_c5_a_hung_server(cell: Cell, outcomes: Outcomes) -> None:
    """A call that hangs holds a script for the drain limit, not for the call's own time."""
    check(cell, outcomes)


@every_ending("callback raises")
def test_c5_a_callback_that_raises(cell: Cell, outcomes: Outcomes) -> None:
    """What a callback raises at exit is reported, and is no reason for another exit status."""
    check(cell, outcomes)


@every_ending("callback never returns")
def test_c5_a_callback_that_never_returns(cell: Cell, outcomes: Outcomes) -> None:
    """A callback that never returns cannot keep a script from ending."""
    check(cell, outcomes)


@every_ending("listener never returns")
def test_c5_a_listener_that_never_returns(cell: Cell, outcomes: Outcomes) -> None:
    """A listener that never returns cannot keep a script from ending."""
    check(cell, outcomes)


@every_ending("store hangs in save")
def test_c5_a_store_that_hangs_in_save(cell: Cell, outcomes: Outcomes) -> None:
    """A store that hangs in a write holds a script for the drain limit, not for its own 60 s."""
    check(cell, outcomes)


@every_ending("store hangs in load")
def test_c5_a_store_that_hangs_in_load(cell: Cell, outcomes: Outcomes) -> None:
    """A store that hangs in the first look is given up in time for the login to be told."""
    check(cell, outcomes)


@every_ending("queue never emptied")
def test_c5_a_queue_that_nobody_empties(cell: Cell, outcomes: Outcomes) -> None:
    """What an application's own dispatcher was given is not waited for; the login is stored."""
    check(cell, outcomes)


@every_ending("own thread waits")
def test_c5_a_thread_of_the_user(cell: Cell, outcomes: Outcomes) -> None:
    """A thread of the user's own that waits for a result gets it while the script ends."""
    check(cell, outcomes)


@every_ending("own thread, hung server")
def test_c5_a_thread_of_the_user_with_a_hung_server(cell: Cell, outcomes: Outcomes) -> None:
    """A thread of the user's own that waits in vain holds a script for the call's own time."""
    check(cell, outcomes)


@every_ending("stdout closed")
def test_c5_stdout_closed(cell: Cell, outcomes: Outcomes) -> None:
    """A callback that cannot print any more changes neither the session nor the exit."""
    check(cell, outcomes)


def test_c5_one_ctrl_c_is_enough(outcomes: Outcomes) -> None:
    """Ctrl-C is heard the first time, but for what Python itself may miss now and then."""
    assert exits.unheard(outcomes) == []


def test_c5_no_situation_is_left_out() -> None:
    """Every situation of the table has a test here."""
    assert _tested == SITUATIONS.keys()
