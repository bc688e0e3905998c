"""Imports in earnest: a real service that fails, real processes that are interrupted.

The last test takes a small number of users; ``python -m tests.stress.imports`` takes as many as
one likes.
"""

from __future__ import annotations

import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest

from cometchat_auth import AppSettings, AuthenticationError, CometChatException, User
from cometchat_auth.emulator import Emulator
from cometchat_auth.server import CometChatServer, Progress

from .bulk_tools import back_off_briefly, people, statuses, threads, until_it_ends
from .stress.imports import Imports

CANARY = "CANARYrest6b1d0c9e"


def server_of(emulator: Emulator, key: str | None = None) -> CometChatServer:
    """Return the server side of an emulator's app."""
    settings = AppSettings.for_emulator(emulator.url)
    return CometChatServer(emulator.app_id, settings, key or emulator.rest_api_key)


def test_new_existing_and_deactivated_users(emulator: Emulator) -> None:
    """Users who exist must be told from those who are created, the deactivated ones too."""
    server = server_of(emulator)
    server.deactivate_users(["cometchat-uid-2"])
    rows = [User("Bob", "Bob", tags=("a",)), User("COMETCHAT-uid-1", "x")]
    rows += [User("cometchat-uid-2", "x"), User("carl", "Carl", role="nobody-has-it")]
    outcomes = list(server.create_users(rows))
    assert statuses(outcomes) == ["created", "exists", "exists", "refused"]
    assert outcomes[0].user is not None
    assert outcomes[0].user.uid == "bob"
    assert outcomes[3].error is not None
    assert outcomes[3].error.code == "ERR_BAD_REQUEST"
    assert server.get_user("cometchat-uid-1").name == "Andrew Joseph"


@pytest.mark.parametrize("journaled", [True, False])
def test_the_service_goes_away_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journaled: bool
) -> None:
    """An import must wait for a service that is away for a while, and then go on."""
    back_off_briefly(monkeypatch)
    journal = tmp_path / "journal" if journaled else None
    with Emulator() as emulator:
        away: list[str | None] = []

        def told(progress: Progress) -> None:
            if progress.reason == "FAILED_TO_FETCH" and not away:
                away.append(progress.reason)
                emulator.start()

        server = server_of(emulator)
        outcomes = []
        for outcome in server.create_users(people(600), journal=journal, on_progress=told):
            outcomes.append(outcome)
            if outcome.number == 100:
                emulator.stop()
        assert away == ["FAILED_TO_FETCH"]
        assert statuses(outcomes) == ["created"] * 600
        assert sum(1 for _ in server.list_users()) == 605


@pytest.mark.parametrize("which", ["wrong", "auth"])
def test_x2_a_wrong_key_ends_the_import_and_is_not_told(
    emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture, which: str
) -> None:
    """The import must end with the service's word for it, and nobody learn the key."""
    caplog.set_level(logging.DEBUG)
    with Emulator(auth_key=CANARY, strict_auth_key=True) as strict:
        server = server_of(strict if which == "auth" else emulator, CANARY)
        journal = tmp_path / "journal"
        outcomes, end = until_it_ends(server.create_users(people(1_000), journal=journal))
    assert outcomes == []
    assert isinstance(end, AuthenticationError)
    told = ["".join(traceback.format_exception(end)), repr(vars(end)), caplog.text]
    told += [str(pickle.dumps(end)), str(journal.read_bytes())]
    assert not [text for text in told if CANARY in text]
    assert threads() == []


def test_a_plan_that_is_full() -> None:
    """The import must end where the plan has no room, and say so; what was created stays."""
    with Emulator(user_quota=105) as emulator:
        server = server_of(emulator)
        outcomes, end = until_it_ends(server.create_users(people(1_000), in_flight=4))
        assert isinstance(end, CometChatException)
        assert end.code == "ERR_PLAN_QUOTA_RESTRICTION"
        assert statuses(outcomes) == ["created"] * 100
        assert sum(1 for _ in server.list_users()) == 105


@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="its programs read their memory from /proc"
)
def test_every_user_exactly_once() -> None:
    """Interrupted by Ctrl-C and SIGKILL, with faults between, each user must be there once."""
    users = 500
    figures = Imports(users, interruptions=4, seed=6, wait=0.05).run()
    assert figures.broken == []
    counts = figures.counts
    assert counts["interrupted by SIGINT"] == counts["interrupted by SIGKILL"] == 2
    assert counts["users on the server"] == counts["uids that were created exactly once"] == users
    assert sum(n for what, n in counts.items() if what.startswith("requests met by")) >= 10
    assert figures.last["resumed"] >= users // 4
