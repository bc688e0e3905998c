"""Imports: the journal, which outlives whatever ends an import."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cometchat_auth import CometChatException, InvalidParameterError, User
from cometchat_auth.server._journal import Entry, Journal

from .bulk_tools import (
    Model,
    away,
    back_off_briefly,
    imported,
    importing,
    people,
    refusal,
    statuses,
    until_it_ends,
)

NEW, SENT = Entry(), Entry("sent")

# What another process does with a journal: mark two users, say so, and wait to be ended.
HOLDER = """
import sys
from cometchat_auth.server._journal import Journal
journal = Journal(sys.argv[1], "app", "host")
journal.take([(1, "a"), (2, "b")])
journal.note([("a", "created")])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing that the service does not ask for."""
    back_off_briefly(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal may be."""
    return tmp_path / "import.journal"


def opened(path: Path | str | None, app_id: str = "app", host: str = "host") -> Journal:
    """Open a journal."""
    return Journal(None if path is None else str(path), app_id, host)


@contextlib.contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process use the journal."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def refused(path: Path, code: str, app_id: str = "app", host: str = "host") -> str:
    """Return why a journal cannot be opened."""
    with pytest.raises(CometChatException) as caught:
        opened(path, app_id, host)
    assert caught.value.code == code
    assert str(path) in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_journal_knows(path: Path, kept: bool) -> None:
    """A row must be new once, then a duplicate in the same run."""
    journal = opened(path if kept else None)
    assert journal.take([(1, "a"), (2, "b"), (3, "a")]) == [NEW, NEW, Entry(first=1)]
    journal.note([("a", "created")])
    assert journal.take([(4, "b"), (5, "c"), (6, "a")]) == [
        Entry(first=2),
        NEW,
        Entry(first=1),
    ]
    journal.close()


def test_the_next_run_knows_what_was_done(path: Path) -> None:
    """Each state must be there in the next run, and rows to be tried again must be as new."""
    journal = opened(path)
    journal.take([(n, uid) for n, uid in enumerate("abcd", 1)])
    journal.note([("a", "created"), ("b", "exists"), ("c", "again")])
    journal.close()
    journal = opened(path)
    rows = [(n, uid) for n, uid in enumerate("dcbaad", 1)]
    known = [SENT, NEW, Entry("exists"), Entry("created"), Entry(first=4), Entry(first=1)]
    assert journal.take(rows) == known
    journal.close()
    assert list(bytes_of(path.parent)) == [path.name]


def test_a_journal_is_for_its_owner_alone(path: Path) -> None:
    """Nobody else may read who the users are, nor may the journal hold more than uids."""
    model = Model()
    work = importing(model, people(10), journal=path)
    next(work)
    files = [path, path.with_name(f"{path.name}-wal")]
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    work.close()
    assert b"user-9" in path.read_bytes()
    assert b"Name" not in path.read_bytes()


def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    """A file that a temporary-file function has made must do."""
    path.touch()
    assert statuses(imported(Model(), people(2), journal=path)) == ["created"] * 2


def _text(path: Path) -> None:
    path.write_text("uid,name\na,A\n")


def _short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def _database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()


def _newer(path: Path) -> None:
    opened(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()


def _abandoned(path: Path) -> None:
    """Leave a database of another program with a log that is not written back."""
    elsewhere = path.with_name("elsewhere")
    database = sqlite3.connect(elsewhere)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE mine (x)")
    for end in ("", "-wal"):
        shutil.copy(f"{elsewhere}{end}", f"{path}{end}")
    database.close()


@pytest.mark.parametrize("make", [_text, _short, _database, _newer, _abandoned])
def test_another_file_is_left_as_it_is(path: Path, make: Callable[[Path], None]) -> None:
    """Whatever is no journal of ours must be refused, and not a byte of it changed."""
    make(path)
    before = bytes_of(path.parent)
    message = refused(path, "INVALID_JOURNAL")
    assert "it was left as it is" in message
    assert bytes_of(path.parent) == before


@pytest.mark.parametrize(("app_id", "host"), [("other", "host"), ("app", "other")])
def test_a_journal_belongs_to_one_app(path: Path, app_id: str, host: str) -> None:
    """The journal of another app or host must be refused and left, a killed process's too."""
    with held_elsewhere(path) as process:
        process.kill()
        process.wait()
    before = bytes_of(path.parent)
    assert sorted(before) == [path.name, f"{path.name}-wal"]
    message = refused(path, "INVALID_JOURNAL", app_id, host)
    assert "'app' at host" in message
    assert bytes_of(path.parent) == before


def test_no_regular_file(tmp_path: Path) -> None:
    """A folder, a device and a pipe must be refused without opening them."""
    places = [tmp_path]
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        places += [tmp_path / "pipe", Path("/dev/null")]
    for place in places:
        assert "regular file" in refused(place, "INVALID_JOURNAL")


def test_one_import_at_a_time(path: Path) -> None:
    """While another process has the journal it must be refused at once, and undamaged."""
    with held_elsewhere(path) as process:
        assert "another import" in refused(path, "JOURNAL_IN_USE")
        process.communicate()  # its input ends, and with it the process
    journal = opened(path)
    assert journal.take([(1, "a"), (2, "b")]) == [Entry("created"), SENT]
    journal.close()


def test_one_import_at_a_time_in_one_process(path: Path) -> None:
    """A second import of the same process must be refused, and the first keep its lock."""
    first = importing(Model(), people(10), journal=path)
    next(first)
    link = path.with_name("link")
    link.symlink_to(path)
    for place in (path, link):
        refused(place, "JOURNAL_IN_USE")
    command = [sys.executable, "-c", HOLDER, str(path)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "JOURNAL_IN_USE" in other.stderr
    assert len(list(first)) == 9
    opened(path).close()


def test_a_killed_process_leaves_no_lock(path: Path) -> None:
    """After a SIGKILL the journal must open at once and have everything that was noted."""
    with held_elsewhere(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    journal = opened(path)
    assert journal.take([(1, "a"), (2, "b"), (3, "c")]) == [Entry("created"), SENT, NEW]
    journal.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error must name the path and have the system's error as its cause."""
    path = tmp_path / "no" / "import.journal"
    with pytest.raises(CometChatException, match="does the folder exist") as caught:
        imported(Model(), people(1), journal=path)
    assert caught.value.code == "JOURNAL_ERROR"
    assert repr(str(path)) in caught.value.message
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_damaged_journal(path: Path) -> None:
    """A journal with holes must be an error that names it, not a wrong answer."""
    imported(Model(), people(2_000), journal=path)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(CometChatException, match="malformed") as caught:
        imported(Model(), people(2_000), journal=path)
    assert caught.value.code == "JOURNAL_ERROR"
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


# No file of this process may grow beyond some size: what a full disk does, without one.
FULL = """
import resource, sys
from tests.bulk_tools import Model, importing, people, until_it_ends
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
model = Model()
outcomes, end = until_it_ends(importing(model, people(20_000), journal=sys.argv[1]))
assert end.code == "JOURNAL_ERROR", end
assert sys.argv[1] in end.message
assert type(end.__cause__).__module__ == "sqlite3", end.__cause__
print(len(outcomes), len(model.created))
"""


@pytest.mark.skipif(os.name != "posix", reason="has no limit for a file's size")
def test_a_full_disk_ends_the_import_and_loses_nothing(path: Path) -> None:
    """What came out before must be in the journal, and the next run must finish the rest."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    yielded, created = map(int, done.stdout.split())
    assert 0 < yielded <= created < 20_000
    model = Model()
    model.users = {user.uid: user for user in people(20_000) if int(user.uid[5:]) < created}
    outcomes = imported(model, people(20_000), journal=path)
    assert statuses(outcomes) == ["created"] * 20_000
    assert sum(outcome.resumed for outcome in outcomes) >= yielded


def test_resuming_sends_nothing_for_what_is_done(path: Path) -> None:
    """The second run must send what is left only, wherever a row stands by then."""
    first = Model()
    work = importing(first, people(100), journal=path)
    for _ in range(50):
        next(work)
    work.close()
    second = Model()
    second.users = dict(first.users)
    rows = list(people(120))[::-1]
    outcomes = imported(second, rows, journal=path)
    assert statuses(outcomes) == ["created"] * 120
    assert {o.uid for o in outcomes if o.resumed} == set(first.users)
    assert {uid for _, uid in second.asked} == {u.uid for u in rows} - set(first.users)
    assert [o.number for o in outcomes] == list(range(1, 121))
    third = Model()
    assert all(o.resumed for o in imported(third, people(120), journal=path))
    assert third.asked == []


def states_now(path: Path, name: str) -> dict[str, str]:
    """Return what a process that is killed now would leave."""
    copy = path.with_name(name)
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{copy}{end}")
    with contextlib.closing(sqlite3.connect(copy)) as database:
        return dict(database.execute("SELECT uid, state FROM rows"))


def test_marked_before_it_is_sent_and_noted_before_it_is_told(path: Path) -> None:
    """No request may go out that is not marked on disk, and no outcome come out un-noted."""
    unmarked: list[str] = []

    class Watched(Model):
        def send(self, user: User, seconds: float) -> User:
            if states_now(path, user.uid).get(user.uid) != "sent":
                unmarked.append(user.uid)
            return super().send(user, seconds)

    for outcome in importing(Watched(), people(100), journal=path, in_flight=2):
        assert states_now(path, "told")[outcome.uid or ""] == "created"
    assert unmarked == []


def test_rows_that_were_refused_are_tried_again(path: Path) -> None:
    """After the cause is gone the next run must create the user."""
    outcomes = imported(Model({"user-1": [refusal("ERR_BAD_REQUEST")]}), people(3), journal=path)
    assert statuses(outcomes) == ["created", "refused", "created"]
    model = Model()
    assert statuses(imported(model, people(3), journal=path)) == ["created"] * 3
    assert model.asked == [("send", "user-1")]


def test_rows_left_unknown_are_looked_for(path: Path) -> None:
    """A row whose answer was lost for good must be looked for by the next run, not sent first."""
    fatal = away("tls", retryable=False)
    model = Model({"user-0": ["after", fatal]})
    outcomes, _ = until_it_ends(importing(model, people(1), journal=path))
    assert statuses(outcomes) == ["unknown"]
    (outcome,) = imported(model, people(1), journal=path)
    assert (outcome.status, outcome.resumed) == ("created", False)
    assert model.of("user-0") == ["send", "look", "look"]


def test_the_journal_is_asked_for_with_the_first_outcome(path: Path) -> None:
    """An import that nobody begins must leave no file, and hold none open."""
    importing(Model(), people(1), journal=path)
    assert not path.exists()
    path.write_text("something else")
    work = importing(Model(), people(1), journal=path)
    with pytest.raises(InvalidParameterError):
        next(work)
