"""The emulator under load and killed: small doses; ``tests.stress.emulator_*`` give larger ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from cometchat_auth.emulator import Emulator

from .stress.emulator_kill import Killing
from .stress.emulator_ledger import ACTIVE, DEACTIVATED, Known, Ledger
from .stress.emulator_load import load
from .stress.emulator_pace import paces, starts

ROUNDS: Final = 4
SEED: Final = 20261125
SECONDS: Final = 1.0


def test_e5_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    """Killed while clients write, it knows all that it had answered, and nothing by halves."""
    figures = Killing(tmp_path / "data.sqlite", 3, SEED).run(ROUNDS)
    assert figures.broken == []
    assert figures.counts["rounds"] == ROUNDS
    assert figures.counts["writes answered"] > ROUNDS


def test_e5_a_loss_would_be_noticed(tmp_path: Path) -> None:
    """A user that is missing, one that nobody wrote and one that is torn are all found."""
    data = tmp_path / "data.sqlite"
    killing = Killing(data, 1, SEED)
    (writer,) = killing._writers
    writer.ledger.users["w0-lost"] = Known(ACTIVE, 5)
    writer.ledger.users["w0-torn"] = Known(ACTIVE, 6)
    with Emulator(data=data) as service:
        service.create_user("w0-torn", "mark 6", status_message="7", metadata={"mark": 6})
        service.create_user("w0-new", "mark 8", status_message="8", metadata={"mark": 8})
    killing._look()
    assert sorted(problem[:7] for problem in killing.figures.broken) == [
        "w0-lost",
        "w0-new ",
        "w0-torn",
    ]


@pytest.mark.parametrize(
    ("found", "complaints"),
    [
        (Known(ACTIVE, 1, frozenset("ab")), 0),
        (Known(ACTIVE, 2, frozenset("ab")), 0),  # the change under way has arrived
        (Known(ACTIVE, 3, frozenset("ab")), 1),
        (Known(ACTIVE, 1, frozenset("a")), 1),
        (Known(ACTIVE, 1, frozenset("abc")), 1),
        (Known(DEACTIVATED, 1), 1),
        (Known(), 1),
    ],
)
def test_ledger_admits_what_was_answered_or_under_way(found: Known, complaints: int) -> None:
    """Of a user with a change under way either state is right, and no third one."""
    ledger = Ledger({"u": Known(ACTIVE, 1, frozenset("ab"))})
    ledger.doubtful = ("u", Known(ACTIVE, 2, frozenset("ab")))
    assert len(ledger.compare({"u": found})) == complaints


def test_ledger_admits_one_token_of_which_the_answer_was_lost() -> None:
    """A token that was being minted may be there, but not two of them."""
    for tokens, complaints in ((frozenset("a"), 0), (frozenset("ab"), 0), (frozenset("abc"), 1)):
        known = Known(ACTIVE, 1, frozenset("a"))
        ledger = Ledger({"u": known}, ("u", Known(ACTIVE, 1, frozenset("a"), minted=1)))
        assert len(ledger.compare({"u": Known(ACTIVE, 1, tokens)})) == complaints


def test_e5_clients_at_full_speed(tmp_path: Path) -> None:
    """Clients at full speed meet no error, and leave no thread and no descriptor behind."""
    figures = load(["raw", "raw", "own", "own"], SECONDS, tmp_path / "data.sqlite")
    assert figures.problems == []
    assert {"create", "logout", "CometChat.login", "CometChat.logout"} <= figures.calls.keys()


def test_the_pace_can_be_measured() -> None:
    """The measurement beside an empty route runs; what it finds is for people to judge."""
    found = dict(paces(0.3, rounds=1, clients=2))
    assert {"GET /users/{uid}", "PUT /me"} < found.keys()
    assert all(pace.rate > 0 and pace.share > 0 and pace.cost > 0 for pace in found.values())
    assert [name for name, *_ in starts(1)] == ["emulator", "empty route"]
