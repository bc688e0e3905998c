"""Promise S12: processes that share a session are killed at random, and nothing is torn or lost.

A small number of rounds; ``python -m tests.stress.kills`` runs as many as one likes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs
import pytest

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator

from . import secret_service
from .keyring_doubles import FakeKeyring, client
from .real_parts import require
from .secret_service import SecretService
from .stress.kills import PLACES, kill_in_a_crowd, kill_one_by_one
from .stress.places import FilePlace
from .stress.rounds import ABORTS
from .tools import Diary, settle

UID, OTHER = "cometchat-uid-1", "cometchat-uid-2"
ROUNDS = 25
CROWDS = 5
SEED = 12


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """Return where the sessions are kept, if that is here."""
    if request.param == "keyring":
        require(secret_service.available())
    return str(request.param)


def test_s12_killed_one_by_one(place: str) -> None:
    """After a kill at any moment a fresh process finds the session it has to, whole, or none."""
    figures = kill_one_by_one(PLACES[place], ROUNDS, SEED)
    assert figures.broken == []
    counts = figures.counts
    assert counts["rounds"] == ROUNDS
    assert counts["a session was found"] + counts["none was found"] == ROUNDS
    assert counts["a session was found"] >= ROUNDS // 5
    assert counts["none was found"] >= ROUNDS // 20
    assert counts["of them saved"] >= ROUNDS // 4
    assert counts["killed in the middle of a login"] >= ROUNDS // 5
    assert counts["killed in the middle of a logout"] >= ROUNDS // 20


def test_s12_killed_in_a_crowd(place: str) -> None:
    """Two desktop applications and scripts leave one whole session, or none, and no other file.

    Listeners are told what each client then reports, and an onlooker's `reload()` sees the
    others come and go and at the end exactly what is stored.
    """
    figures = kill_in_a_crowd(PLACES[place], CROWDS, SEED)
    assert figures.broken == []
    counts = figures.counts
    assert counts["rounds"] == CROWDS
    assert counts["processes"] >= 4 * CROWDS
    assert counts["of them killed"] >= CROWDS
    # How many get so far before they are killed is chance; none would mean that nothing was tried.
    for happened in (
        "a session was found",
        "login: saved",
        "logout: out",
        "the onlooker's reloads that saw a change",
    ):
        assert counts[happened] >= 1, happened


class Mortal(FilePlace):
    """A place that dies as keyrings do, once."""

    deaths = 1

    def died(self, within: float = 0) -> bool:  # noqa: ARG002
        """Return whether this is the time."""
        Mortal.deaths -= 1
        return Mortal.deaths == 0


def test_s12_rounds_in_which_the_keyring_died_are_repeated() -> None:
    """A keyring that ends by itself is counted, replaced, and never taken for a round."""
    Mortal.deaths = 2
    figures = kill_one_by_one(Mortal, 3, SEED)
    assert figures.broken == []
    assert figures.counts["rounds"] == 3
    assert figures.counts[ABORTS] == 1


def test_s12_a_keyring_that_died_is_noticed() -> None:
    """The test's own keyring tells whether it has ended."""
    require(secret_service.available())
    with SecretService() as service:
        assert service.alive(within=0.1)
        service.kill_daemon()
        assert not service.alive()


# What the crowd has taught, one process's step in the middle of another's.


class Interrupted(FakeKeyring):
    """A keyring to which another process comes between two calls of this one.

    Attributes:
        intruders: The record, or ``None``, that is there after which call, once: ``set``, ``get``
            or ``get nothing``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.intruders: dict[str, str | None] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store the item; then somebody else comes."""
        super().set_password(service, username, password)
        self._intrude("set", (service, username))

    def get_password(self, service: str, username: str) -> str | None:
        """Return the item; then somebody else comes."""
        held = super().get_password(service, username)
        self._intrude("get" if held is not None else "get nothing", (service, username))
        return held

    def _intrude(self, call: str, item: tuple[str, str]) -> None:
        if call in self.intruders:
            record = self.intruders.pop(call)
            self.items.pop(item, None)
            if record is not None:
                self.items[item] = record


@attrs.frozen
class Meeting:
    """A client, a keyring in which it meets another process, and what its user hears."""

    keyring: Interrupted
    chat: CometChat
    diary: Diary
    theirs: str


@pytest.fixture
def meeting(emulator: Emulator) -> Iterator[Meeting]:
    """Return a client that has looked at its empty keyring."""
    keyring, diary = Interrupted(), Diary()
    token = emulator.create_auth_token(OTHER)
    theirs = json.dumps({"format": 1, "uid": OTHER, "authToken": token})
    with client(emulator, keyring) as chat:
        assert chat.get_logged_in_user() is None
        chat.add_login_listener("diary", diary.listener())
        yield Meeting(keyring, chat, diary, theirs)


def test_s12_saved_over_at_once(meeting: Meeting, emulator: Emulator) -> None:
    """A session that another process saves just after this one's is kept; `reload()` finds it."""
    meeting.keyring.intruders["set"] = meeting.theirs
    meeting.chat.login(UID, emulator.auth_key).result()
    info = meeting.chat.session_info()
    assert (info.persisted, info.reason) == (False, "replaced")
    assert list(meeting.keyring.items.values()) == [meeting.theirs]
    user = meeting.chat.reload().result()
    assert user is not None
    assert user.uid == OTHER


def test_s12_removed_at_once(meeting: Meeting, emulator: Emulator) -> None:
    """A logout of another process just after a save is no defect of the keyring."""
    meeting.chat.login(UID, emulator.auth_key).result()
    meeting.keyring.intruders["set"] = None
    meeting.chat.login(OTHER, emulator.auth_key).result()
    assert meeting.chat.session_info().reason == "replaced"
    assert meeting.chat.check_session().result() is not None
    assert meeting.keyring.items == {}  # a mere check does not undo their logout
    assert meeting.chat.reload().result() is None


def test_s12_first_save_removed_at_once(meeting: Meeting, emulator: Emulator) -> None:
    """If a process's very first save is undone, it is tried once more before it is given up."""
    meeting.keyring.intruders["set"] = None
    meeting.chat.login(UID, emulator.auth_key).result()
    assert meeting.chat.session_info().persisted
    assert len(meeting.keyring.items) == 1


def test_s12_logged_in_after_a_logout(meeting: Meeting, emulator: Emulator) -> None:
    """A session that another process saves just after a logout is neither removed nor blamed."""
    meeting.chat.login(UID, emulator.auth_key).result()
    meeting.keyring.intruders["get nothing"] = meeting.theirs
    meeting.chat.logout().result()
    assert list(meeting.keyring.items.values()) == [meeting.theirs]
    user = meeting.chat.reload().result()
    assert user is not None
    assert user.uid == OTHER


def test_s12_logged_in_before_a_burial(meeting: Meeting, emulator: Emulator) -> None:
    """A session that another process saves after the last look at a dead one is not removed."""
    meeting.chat.login(UID, emulator.auth_key).result()
    emulator.flush_auth_tokens(UID)
    meeting.keyring.intruders["get"] = meeting.theirs
    assert meeting.chat.check_session().result() is None
    settle(meeting.chat)
    assert list(meeting.keyring.items.values()) == [meeting.theirs]
    assert meeting.diary.names == ["login_success", "logout_success"]
    user = meeting.chat.reload().result()
    assert user is not None
    assert user.uid == OTHER
