"""The data file: what is in it after a restart, a kill, and beside other programs."""

from __future__ import annotations

import http.client
import random
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from cometchat_auth.emulator import Emulator

from .stress.emulator_process import Address, Caller, EmulatorProcess
from .test_emulator_http import ask
from .tools import LIMIT

ROUNDS = 8
CLIENTS = 4
GONE = (OSError, http.client.HTTPException)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a data file can be."""
    return tmp_path / "data" / "emulator.db"


@pytest.fixture(autouse=True)
def folder(file: Path) -> Iterator[None]:
    """Make the folder, and see to it that nothing but the data file is left in it."""
    file.parent.mkdir()
    yield
    assert {path.name for path in file.parent.iterdir()} <= {file.name}


def test_e2_everything_is_there_after_a_restart(file: Path) -> None:
    """Users, tokens, keys, roles and apps must be as they were, and the keys be told again."""
    with Emulator(data=file, app_id="mine", roles=["teacher"]) as service:
        service.add_app("other", seed={"users": [{"uid": "kevin", "name": "K"}]})
        service.create_user("new", "New", role="teacher", tags=["t"], metadata={"a": [1]})
        service.deactivate_user("cometchat-uid-1")
        service.delete_user("cometchat-uid-2")
        token = service.create_auth_token("new")
        key = service.rest_api_key
        made = ask(service, "POST", "/v3/apikeys", {"name": "N"}, apikey=key).data["apiKey"]
        before = service.export(secrets=True)
    with Emulator(data=file) as again:
        assert again.export(secrets=True) == before
        assert (again.app_id, again.rest_api_key) == ("mine", key)
        assert list(again.apps) == ["mine", "other"]
        assert ask(again, "GET", "/v3/me", authToken=token).data["uid"] == "new"
        path = "/v3/users/new/auth_tokens"
        assert ask(again, "POST", path, apikey=made).status == 200


def test_a_data_file_is_of_its_owner_alone(file: Path) -> None:
    """While it runs and afterwards nobody else must be able to read any of its files."""
    with Emulator(data=file) as service:
        service.create_user("new", "New")
        for path in file.parent.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.chmod(0o644)
    with Emulator(data=file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_emulator_is_told_that_the_file_is_in_use(file: Path) -> None:
    """Only one running emulator must use a file; the second must say so, and do no harm."""
    with Emulator(data=str(file)) as service:
        for _ in range(2):
            with pytest.raises(
                OSError, match="in use by another emulator or program: stop that one"
            ):
                Emulator(data=file)
        code = (
            "import sys; from cometchat_auth.emulator import Emulator; Emulator(data=sys.argv[1])"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=60
        )
        assert "in use by another emulator" in run.stderr
        assert service.create_user("new", "New")
    assert Emulator(data=file).user("new")


def test_a_stopped_emulator_leaves_its_file_to_others(file: Path) -> None:
    """Between its runs, and before the first, others may use the file; then it is theirs."""
    one = Emulator(data=file)
    one.create_user("first", "F")
    with Emulator(data=file) as two:
        two.create_user("second", "S")
        with pytest.raises(OSError, match="in use"):
            one.start()
        with pytest.raises(OSError, match="in use"):
            one.users()
    with one:
        assert {"first", "second"} <= {user["uid"] for user in one.users()}
        with pytest.raises(OSError, match="in use"):
            two.users()


def test_a_port_in_use_leaves_the_file_free(file: Path, emulator: Emulator) -> None:
    """An emulator that could not start must not hold its file."""
    failed = Emulator(data=file, port=int(emulator.url.rpartition(":")[2]))
    with pytest.raises(OSError, match="cannot listen"):
        failed.start()
    with Emulator(data=file):
        pass


@pytest.mark.parametrize("old", ["text", "database", "newer", "damaged"])
def test_other_files_are_left_as_they_were(file: Path, old: str) -> None:
    """A file that is not an emulator's, or a newer one's, must be refused, and not be touched."""
    if old == "text":
        file.write_text("Some letter of mine. " * 500)
        match = "not an emulator's, or is damaged"
    elif old == "damaged":
        Emulator(data=file)
        file.write_bytes(b"X" + file.read_bytes()[1:])
        match = "not an emulator's, or is damaged"
    elif old == "database":
        with closing(sqlite3.connect(file)) as database:
            database.executescript("CREATE TABLE mine (a); INSERT INTO mine VALUES (1);")
        match = "another program's, and was left as it is"
    else:
        Emulator(data=file)
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA user_version = 2")
        match = "has the format 2, and this emulator knows 1"
    before, mode = file.read_bytes(), file.stat().st_mode
    with pytest.raises(ValueError, match=match) as caught:
        Emulator(data=file)
    assert str(file) in str(caught.value)
    assert "choose another file" in str(caught.value).lower()
    assert (file.read_bytes(), file.stat().st_mode) == (before, mode)


def test_a_relative_path_stays_where_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that changes its folder must find the same file again."""
    monkeypatch.chdir(file.parent)
    service = Emulator(data=file.name)
    monkeypatch.chdir("/")
    with service:
        service.create_user("new", "New")
    assert Emulator(data=file).user("new")


def test_a_place_without_a_folder_is_named(file: Path) -> None:
    """Where no file can be made the error must name the place."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Emulator(data=file.parent / "nowhere" / "file.db")
    with pytest.raises(OSError, match="cannot be used: it is a folder"):
        Emulator(data=file.parent)


def test_an_empty_file_is_a_new_one(file: Path) -> None:
    """A file of no bytes, as temporary files are, must become a data file."""
    file.touch()
    with Emulator(data=file) as service:
        assert len(service.users()) == 5
    assert Emulator(data=file).users()


def test_a_file_that_vanished_is_not_made_again(file: Path) -> None:
    """A stopped emulator whose file is gone must say so, and not begin an empty one."""
    service = Emulator(data=file)
    file.unlink()
    with pytest.raises(OSError, match="cannot be used"):
        service.start()
    assert not file.exists()


def test_what_is_given_must_be_what_the_file_has(file: Path) -> None:
    """Other app ids and keys must be refused without being told; the file's own be taken."""
    mine = Emulator(data=file, app_id="mine")
    mine.add_app("other")
    with pytest.raises(ValueError, match="has no app yours: it has mine, other"):
        Emulator(data=file, app_id="yours")
    secret = "0123456789" * 4
    with pytest.raises(ValueError, match="other keys for the app mine") as caught:
        Emulator(data=file, auth_key=secret)
    assert secret not in str(caught.value)
    same = Emulator(data=file, auth_key=mine.auth_key, rest_api_key=mine.rest_api_key)
    assert same.auth_key == mine.auth_key
    assert list(Emulator(data=file, app_id="other").apps) == ["other", "mine"]


def test_apps_of_the_file_take_options_and_roles(file: Path) -> None:
    """An app that the file has must be there at once, and take what a program adds to it."""
    first = Emulator(data=file)
    key = first.add_app("second").rest_api_key
    with Emulator(data=file, roles=["teacher"], user_quota=5) as service:
        second = service.add_app("second", user_quota=5, roles=["pupil"])
        assert second.rest_api_key == key
        for app in (service, second):
            body = {"uid": "new", "name": "N"}
            full = ask(service, "POST", "/v3/users", body, apikey=app.rest_api_key)
            assert full.refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
        assert service.create_user("a", "A", role="teacher")
        assert second.create_user("a", "A", role="pupil")
        with pytest.raises(ValueError, match="There is an app second already"):
            service.add_app("second")
    with Emulator(data=file) as again:
        with pytest.raises(ValueError, match="other keys for the app second"):
            again.add_app("second", auth_key="0" * 40)
        assert again.apps["second"].user("a")


def test_a_seed_is_for_new_apps_only(file: Path) -> None:
    """What the file knows must stay as it is, whatever the seed says, until a reset."""
    seed = {"users": [{"uid": "kevin", "name": "K"}]}
    with Emulator(data=file, seed=seed) as service:
        service.delete_user("kevin")
        service.create_user("new", "New")
        key = service.auth_key
    with Emulator(data=file, seed=seed) as again:
        assert [user["uid"] for user in again.users()] == ["new"]
        again.reset()
        assert [user["uid"] for user in again.users()] == ["kevin"]
        assert again.auth_key == key
    assert [user["uid"] for user in Emulator(data=file).users()] == ["kevin"]


def test_a_seed_that_cannot_be_used_leaves_no_half_of_it(file: Path) -> None:
    """Where one app of a seed is refused the file must have none of them."""
    token = {"uid": "a", "name": "A", "authTokens": ["the-same"]}
    seed = {"apps": {"one": {"users": [token]}, "two": {"users": [token]}}}
    with pytest.raises(ValueError, match="app two belongs to another app already"):
        Emulator(data=file, seed=seed)
    assert list(Emulator(data=file, app_id="third").apps) == ["third"]


def test_a_full_disk_is_a_named_error(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A write that the database cannot keep must be refused, undone, and logged without secrets."""
    with Emulator(data=file) as service:
        with service._database.reading() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
        statuses = set()
        for number in range(100):
            body = {"uid": f"u{number}", "name": "N", "metadata": {"a": "b" * 4000}}
            answer = ask(service, "POST", "/v3/users", body, apikey=service.rest_api_key)
            statuses.add(answer.status)
        assert 500 in statuses
        assert answer.refusal == (500, "ERR_OPERATION_FAILED")
        there = len(service.users())
        with service._database.reading() as connection:
            connection.execute("PRAGMA max_page_count = 100000")
        assert ask(service, "POST", "/v3/users", body, apikey=service.rest_api_key).status == 200
        assert len(service.users()) == there + 1
        assert service.rest_api_key not in caplog.text
    assert "database or disk is full" in caplog.text


@attrs.define
class Writer:
    """A client that creates users with a token each until the emulator is gone.

    Attributes:
        name: Begins the uids of its users.
        tokens: Of each user whose creation was answered the token.
        tried: The uid of the user that it was creating.
    """

    name: str
    tokens: dict[str, str] = attrs.field(factory=dict, repr=False)
    tried: str = ""

    def write(self, address: Address, begun: threading.Event) -> None:
        """Create users until there is no answer any more."""
        caller = Caller(address)
        try:
            while True:
                self.tried = f"{self.name}-{len(self.tokens)}"
                mark = {"name": self.tried, "metadata": {"uid": self.tried, "fill": "x" * 2000}}
                body = {"uid": self.tried, "withAuthToken": True, **mark}
                made = caller.call("POST", "/users", body)["data"]
                self.tokens[self.tried] = made["authToken"]
                begun.set()
        except GONE:
            caller.close()


def test_e2_a_kill_loses_nothing_that_was_answered(file: Path) -> None:
    """After a kill in the middle of writes each answered one must be there, and none be torn."""
    chance = random.Random(7)  # noqa: S311 - no secret
    keys: set[tuple[str, str]] = set()
    known: dict[str, str] = {}
    for number in range(ROUNDS):
        writers = [Writer(f"r{number}-w{client}") for client in range(CLIENTS)]
        with EmulatorProcess(file) as process:
            keys.add((process.address.auth_key, process.address.rest_api_key))
            begun = threading.Event()
            threads = [
                threading.Thread(target=writer.write, args=(process.address, begun))
                for writer in writers
            ]
            for thread in threads:
                thread.start()
            assert begun.wait(LIMIT)
            # Not a wait for something: the kill comes at any moment whatever.
            threading.Event().wait(chance.uniform(0, 0.2))
            process.kill()
            for thread in threads:
                thread.join(LIMIT)
        known.update(token for writer in writers for token in writer.tokens.items())
        _check(file, known, {writer.tried for writer in writers})
    assert len(keys) == 1
    assert len(known) >= ROUNDS


def _check(file: Path, known: dict[str, str], doubtful: set[str]) -> None:
    """Look for what was answered; what was under way must be there with its token, or not."""
    with Emulator(data=file) as service:
        users = {user["uid"]: user for user in service.users()}
        assert known.keys() <= users.keys()
        for uid, token in known.items():
            assert service.auth_tokens(uid) == [token]
            assert users[uid]["name"] == users[uid]["metadata"]["uid"] == uid
        for uid in users.keys() - known.keys():
            if uid.startswith("r"):
                assert uid in doubtful
                (token,) = service.auth_tokens(uid)
                known[uid] = token
        with service._database.reading() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_e2_a_kill_while_the_file_is_brought_up_to_date_does_no_harm(file: Path) -> None:
    """Where only the first page is new yet, and the rest in the file beside it, all must be there.

    Such a file says that it is longer than it is.
    """
    beside = file.with_name(f"{file.name}-wal")
    with Emulator(data=file) as service:
        for number in range(100):
            service.create_user(f"u{number}", "N", metadata={"fill": "x" * 4000})
        old, newest = file.read_bytes(), beside.read_bytes()
    page = int.from_bytes(old[16:18], "big")
    file.write_bytes(file.read_bytes()[:page] + old[page:])
    beside.write_bytes(newest)
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as database,
        pytest.raises(sqlite3.DatabaseError, match="malformed"),
    ):
        database.execute("PRAGMA page_count")
    assert len(Emulator(data=file).users()) == 105


_BEGIN = """
import os, sys, threading
from cometchat_auth.emulator import Emulator
print("ready", flush=True)
sys.stdin.readline()
Emulator(data=sys.argv[1])
os.kill(os.getpid(), 9)
"""


def test_e2_a_kill_while_the_file_is_made_does_no_harm(file: Path) -> None:
    """Whenever the first start is killed, the next one must work, with a whole app."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.write(b"\n")
        process.stdin.flush()
        threading.Event().wait(chance.uniform(0, 0.015))
        process.kill()
        process.communicate(timeout=LIMIT)
        with Emulator(data=file) as service:
            assert len(service.users()) == 5
            assert ask(service, "GET", "/v3/apikeys", apikey=service.rest_api_key).status == 200
        file.unlink()
