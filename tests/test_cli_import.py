"""``users import``: files good and bad, the bar, interruptions, and what is said at the end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth import CometChatException, User
from cometchat_auth.cli import _import_display
from cometchat_auth.cli._exits import INCOMPLETE, Failure
from cometchat_auth.cli._import_display import Log, Speed
from cometchat_auth.cli._import_order import Order
from cometchat_auth.cli._import_report import Report
from cometchat_auth.cli._import_rows import Source
from cometchat_auth.emulator import Emulator
from cometchat_auth.server import Outcome, Progress
from cometchat_auth.user_files import FileRow, read_users

from . import terminal
from .canary import leaks
from .real_parts import require
from .terminal import ROOT, Terminal
from .test_cli import COMMAND, python, run
from .test_cli_users import EVIL, SEEDED, admin, at_terminal, environment, uids
from .tools import LIMIT, Reply, Seen, scripted

KEY = "c0ffee" * 6 + "c0de"
SCRIPTED = {"COMETCHAT_APP_ID": "app", "COMETCHAT_REST_API_KEY": KEY}

# From the issue: half a line, a uid twice, metadata that is no JSON and too large, bad encoding.
BAD = b"""uid,name,metadata,role
kim,Kim,,
lee,Lee,"{""team"": 7}",

half,Hal
KIM,Kim again,,
max,Max,{oops},
big,Big,"{""a"": ""%s""}",
bob,B\xf6b,,
role,Rolf,,nosuchrole
zoe,Zo\xc3\xab,,
""" % (b"x" * 5200)

# Line -> what is said of it.
REFUSED = {
    5: "line 5, column 3 (metadata): the row ends after 2 of 4 cells",
    6: "line 6, column 1 (uid): line 2 has the uid 'KIM' already",
    7: "line 7, column 3 (metadata): metadata (at character 2 of the cell) is no JSON",
    8: "line 8, column 3 (metadata): metadata may have at most 5,120 bytes",
    9: "line 9, column 2 (name), character 6: the byte 0xF6 is no text in utf-8",
    10: "line 10 (role): [ERR_BAD_REQUEST]",
}


@pytest.fixture
def users(tmp_path: Path) -> Callable[[int], Path]:
    """Return a function that writes a file of so many users."""

    def write(count: int) -> Path:
        path = tmp_path / "users.csv"
        rows = "".join(f'u-{number},"User, {number}"\n' for number in range(count))
        path.write_text(f"uid,name\n{rows}")
        return path

    return write


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Return a file in which six of nine rows cannot be used."""
    path = tmp_path / "bad.csv"
    path.write_bytes(BAD)
    return path


def created(seen: Seen) -> Reply:
    """Answer as the service does: a user is not there, and is created."""
    if seen.method == "GET":
        return Reply(404, b'{"error": {"code": "ERR_UID_NOT_FOUND", "message": "No."}}')
    body = json.loads(seen.body)
    return Reply(body=json.dumps({"data": {**body, "createdAt": 1700000000}}).encode())


def scripted_import(url: str, file: Path, *options: str) -> Terminal:
    """Run an import at a terminal, against a scripted server."""
    require(terminal.available())
    command = [*COMMAND, "users", "import", str(file), "--emulator", url, *options]
    return Terminal(command, env=SCRIPTED, columns=100)


def document(text: str) -> dict[str, Any]:
    """Return the summary for programs, which is all that stands on standard output."""
    found: dict[str, Any] = json.loads(text)
    return found


def test_bad_rows_are_named_and_the_good_ones_go_on(emulator: Emulator, bad: Path) -> None:
    """Each bad row is named by line and column, and kept; the mended file is imported as it is."""
    done = admin(emulator, "users", "import", str(bad))
    assert done.returncode == 6
    assert set(uids(emulator)) == {*SEEDED, "kim", "lee", "zoe"}
    *told, error = done.stderr.splitlines()
    assert len(told) == len(REFUSED)
    for line, what in zip(told, REFUSED.values(), strict=True):
        assert line.startswith(f"Refused: {what}")
    assert "--encoding" in told[4]
    assert told[5].endswith("details name the fields. role: The role does not exist.")
    rejects = Path(f"{bad}.rejects.csv")
    assert error == (
        f"Error: 6 rows were refused. Mend {rejects}, and import it with the same options."
    )
    assert f"Rejects:         {rejects}\n" in done.stdout
    assert f"Journal:         {bad}.journal\n" in done.stdout
    assert "Created:         3\n" in done.stdout
    heading, *rows = rejects.read_text().splitlines()
    assert heading == "uid,name,metadata,role,rejected_line,rejected_because"
    for row, (number, what) in zip(rows, REFUSED.items(), strict=True):
        because = what.partition(": ")[2] if number == 10 else what
        assert because.split(":")[0] in row
        assert f",{number}," in row
    # A person mends it: the columns that were added stay.
    mended = [
        "half,Hal,,,5,x",
        "kim2,Kim again,,,6,x",
        'max,Max,"{""oops"": 1}",,7,x',
        'big,Big,"{""a"": ""x""}",,8,x',
        "bob,B\u00f6b,,,9,x",
        "role,Rolf,,default,10,x",
    ]
    rejects.write_text("\n".join([heading, *mended]) + "\n")
    done = admin(emulator, "users", "import", str(rejects))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Every row is a user of the app." in done.stdout
    assert set(uids(emulator)[8:]) == {"half", "kim2", "max", "big", "bob", "role"}


def test_json_lines_are_imported(emulator: Emulator, tmp_path: Path) -> None:
    """A .jsonl file is read as such; its rejects are objects with the reason."""
    file = tmp_path / "users.jsonl"
    good = {"uid": "kim", "name": "Kim", "metadata": {"a": 1}, "tags": ["red"]}
    lines = [json.dumps(good), '{"uid": "lee", "name": 7}', '{"uid": "KIM", "name": "Kim"}', ""]
    lines += ['{"uid": "max", "name": "Max"}', '{"uid": "Max", "name": "Max"}']
    file.write_text("\n".join(lines))
    done = admin(emulator, "users", "import", str(file), "--json")
    assert done.returncode == 6
    told = document(done.stdout)
    assert (told["created"], told["refused"], told["complete"]) == (2, 3, True)
    assert [problem["line"] for problem in told["problems"]] == [2, 3, 6]
    assert told["problems"][1]["message"].startswith("line 3 (uid): line 1 has the uid 'KIM'")
    assert told["problems"][2]["message"].startswith("line 6 (uid): line 5 has the uid 'Max'")
    assert emulator.user("kim")["metadata"] == {"a": 1}
    rejects = [json.loads(line) for line in Path(told["rejects"]).read_text().splitlines()]
    assert told["rejects"] == f"{file}.rejects.jsonl"
    assert [(row["uid"], row["rejected_line"]) for row in rejects] == [
        *(("lee", 2), ("KIM", 3), ("Max", 6)),
    ]


def test_of_very_many_rejects_some_are_shown(emulator: Emulator, tmp_path: Path) -> None:
    """On the screen ten reasons are enough; the file has all."""
    file = tmp_path / "users.csv"
    file.write_text("uid,name\n" + "bad uid,x\n" * 25)
    done = admin(emulator, "users", "import", str(file))
    told = [line for line in done.stderr.splitlines() if line.startswith("Refused: ")]
    assert (len(told), told[-1]) == (11, "Refused: 15 more.")
    assert len(Path(f"{file}.rejects.csv").read_text().splitlines()) == 26


def test_the_same_command_again_sends_nothing(
    emulator: Emulator, users: Callable[[int], Path]
) -> None:
    """What the journal knows is done; users who were there before are told apart."""
    file = users(20)
    emulator.create_user("u-7", "Somebody else")
    first = document(admin(emulator, "users", "import", str(file), "--json").stdout)
    assert (first["created"], first["exists"], first["resumed"]) == (19, 1, 0)
    emulator.stop()
    done = admin(emulator, "users", "import", str(file), "--json")
    again = document(done.stdout)
    assert (done.returncode, again["resumed"]) == (0, 20)
    assert (again["created"], again["exists"]) == (19, 1)
    assert emulator.user("u-7")["name"] == "Somebody else"


def test_a_person_sees_a_bar(users: Callable[[int], Path]) -> None:
    """While it runs: how many of how many; at the end the bar is gone and the summary there."""
    go = threading.Event()

    def script(seen: Seen) -> Reply:
        if json.loads(seen.body)["uid"] >= "u-4":
            go.wait(LIMIT)
        return created(seen)

    file = users(60)
    with (
        scripted(script) as server,
        scripted_import(server.url, file, "--in-flight", "4") as screen,
    ):
        screen.wait_for("4 of 60")
        shown = screen.wait_for("left").splitlines()  # after a second
        (bar,) = (line for line in shown if "left" in line)
        assert bar.startswith("━")
        assert " 4 of 60 " in bar
        screen.wait_for("created 4, refused 0")
        go.set()
        assert screen.finish() == 0
        assert screen.screen.splitlines()[0] == "Created:         60"
        assert "━" not in screen.screen
        assert leaks([screen.written.decode()], [KEY]) == []


@pytest.mark.parametrize("columns", [100, 40])
def test_a_person_sees_why_it_waits(users: Callable[[int], Path], columns: int) -> None:
    """While the service makes it wait the screen says for how long and why; Ctrl-C ends that."""
    busy = Reply(429, b"", (("Retry-After", "3600"),))
    with scripted(lambda _: busy) as server, scripted_import(server.url, users(30)) as screen:
        screen.resize(columns, 40)
        screen.wait_for("waiting 3,600 s: too many requests")
        screen.type("\x03")
        assert screen.finish() == 130
        assert "Error: Interrupted." in screen.screen


def test_service_that_is_busy_for_a_moment_is_waited_for(users: Callable[[int], Path]) -> None:
    """After a 429 with Retry-After the rows are tried again, and all are created once."""
    answers = iter([Reply(429, b"", (("Retry-After", "0"),))] * 3)
    with scripted(lambda seen: next(answers, None) or created(seen)) as server:
        done = run(*COMMAND, "users", "import", str(users(10)), "--emulator", server.url, "--json",
                   env=SCRIPTED)  # fmt: skip
        assert len(server.seen) == 13
    assert (done.returncode, document(done.stdout)["created"]) == (0, 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_import_goes_on(
    emulator: Emulator, users: Callable[[int], Path], number: signal.Signals
) -> None:
    """Either signal ends it with 130 and says how far it came; the same command does the rest."""
    file = users(60)
    command = ["users", "import", str(file)]
    slowly = ["--per-minute", "120", "--in-flight", "1"]
    with at_terminal(emulator, *command, *slowly) as screen:
        screen.wait_for("left")  # which is there from the first second to the last
        screen.signal(number)
        assert screen.finish() == 130
        *_, last = screen.screen.splitlines()
        assert last.startswith("Error: Interrupted. It dealt with ")
        assert "of 60 rows, up to line " in last
        assert last.endswith("The same command goes on from there.")
        assert "Created: " in screen.screen
    done_before = len(uids(emulator)) - len(SEEDED)
    assert 0 < done_before < 60
    told = document(admin(emulator, *command, "--json").stdout)
    assert (told["created"], told["exists"], told["resumed"]) == (60, 0, done_before)
    assert set(uids(emulator)) == {*SEEDED, *(f"u-{number}" for number in range(60))}


def test_ctrl_c_waits_for_what_is_under_way_and_a_second_one_does_not(
    users: Callable[[int], Path],
) -> None:
    """The first says what it waits for; the second ends at once, and nothing is lost."""
    over = threading.Event()

    def silent(seen: Seen) -> Reply:
        over.wait(LIMIT)
        return created(seen)

    file = users(5)
    with scripted(silent) as server:
        with scripted_import(server.url, file) as screen:
            screen.wait_for("0 of 5")
            screen.type("\x03")
            screen.wait_for("Stopping: waiting for the requests under way")
            screen.type("\x03")
            assert screen.finish() == 130
            assert screen.screen.splitlines()[-1].startswith("Error: Interrupted.")
        over.set()
        with scripted_import(server.url, file) as screen:
            assert screen.finish() == 0


def test_ctrl_c_ends_an_import_from_a_pipe_that_has_stalled(tmp_path: Path) -> None:
    """Nobody has to press Ctrl-C twice because the program in front sends nothing."""
    places = ["--journal", str(tmp_path / "j"), "--rejects", str(tmp_path / "r")]
    stalled = threading.Event()

    def script(seen: Seen) -> Reply:
        if len(server.seen) >= 64:  # what is read before the first is sent
            stalled.set()
        return created(seen)

    with scripted(script) as server:
        file = Path("/dev/stdin")
        with scripted_import(server.url, file, "--format", "csv", *places) as screen:
            screen.type("uid,name\n" + "".join(f"u-{number},U\n" for number in range(64)))
            assert stalled.wait(LIMIT)
            screen.type("\x03")
            assert screen.finish() == 130


def test_without_a_terminal_there_is_no_bar(
    emulator: Emulator, users: Callable[[int], Path]
) -> None:
    """In a log a short import leaves the summary alone, without escape sequences."""
    done = admin(emulator, "users", "import", str(users(300)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "Created:         300"
    assert "\x1b" not in done.stdout


def progress(seconds: float, rows: int, **more: Any) -> Progress:
    """Return figures of an import."""
    given = {"created": rows, "exists": 0, "refused": 0, "unknown": 0, "resumed": 0,
             "waiting": 0.0, "reason": None, **more}  # fmt: skip
    return Progress(rows=rows, seconds=seconds, **given)


def test_a_log_has_a_line_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """A long import without a terminal is not silent, and does not fill the log."""
    log = Log(7300, "created")
    for second in range(61):
        log.show(progress(second, second * 100))
    waits = progress(95, 6100, created=6000, exists=60, refused=30, unknown=10, waiting=14.2,
                     reason="ERR_TOO_MANY_REQUESTS")  # fmt: skip
    log.show(waits)
    assert capsys.readouterr().err.splitlines() == [
        "3,000 of 7,300; 100/s; 0:43 left; created 3,000, refused 0",
        "6,000 of 7,300; 100/s; 0:13 left; created 6,000, refused 0",
        "6,100 of 7,300; 2.9/s; 7:00 left; created 6,000, existed 60, refused 30, unknown 10; "
        "waiting 15 s: too many requests",
    ]


def test_the_speed_is_that_of_the_last_moments() -> None:
    """Neither what an earlier run did nor how fast it was long ago tells how long it will take."""
    speed = Speed()
    assert (speed.rate(), speed.left(progress(0, 0), 10)) == (None, None)
    speed.note(progress(0.5, 5000, resumed=5000))
    assert speed.rate() is None
    speed.note(progress(2.5, 5040, resumed=5000))
    assert (speed.rate(), speed.left(progress(2.5, 5040), 5100)) == (16.0, 3.75)
    assert speed.left(progress(2.5, 5040), None) is None
    speed.note(progress(100, 5040, resumed=5000))
    speed.note(progress(110, 5140, resumed=5000))
    speed.note(progress(120, 5240, resumed=5000))
    assert speed.rate() == 10.0
    assert speed.left(progress(120, 5240), 5200) == 0.0  # the total was an estimate


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.2, "0:01"), (59.9, "1:00"), (3599.5, "1:00:00"), (7205, "2:00:05")]
)
def test_durations_are_rounded_up(seconds: float, expected: str) -> None:
    """A time that is left is not shown as none."""
    assert _import_display.clock(seconds) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("FAILED_TO_FETCH", "waiting 2 s: the service does not answer"),
        ("ERR_\x1b[2J", r"waiting 2 s: the service answers ERR_\x1b[2J"),
    ],
)
def test_what_it_waits_for_is_said_in_words(code: str, expected: str) -> None:
    """Codes that have no words are shown, harmlessly."""
    assert _import_display.waiting(progress(1, 1, waiting=1.2, reason=code)) == expected


def test_rows_whose_outcome_is_unknown_make_it_incomplete(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They are counted, are no success, and the way to find out is named."""
    order = Order(file="f.csv", form=None, encoding="utf-8", delimiter=",", journal=None,
                  rejects=None, in_flight=1, per_minute=None, patience=1.0,
                  dry_run=False)  # fmt: skip
    report = Report(order, None, 2)
    error = CometChatException("OUTCOME_UNKNOWN", "Lost.")
    report.take(Outcome(1, "kim", "unknown", error=error), FileRow(2, "kim,Kim", User("kim")))
    report.show(as_json=False, complete=True)
    assert "Unknown:         1\n" in capsys.readouterr().out
    with pytest.raises(Failure, match=r"1 row is unknown\. The same command") as caught:
        report.require_all()
    assert caught.value.exit_code == INCOMPLETE


def test_rows_that_were_never_sent_have_no_outcome(users: Callable[[int], Path]) -> None:
    """An import that ended early may pass rows over; each outcome belongs to its own row."""
    with read_users(users(5)) as rows:
        source = Source(rows, contextlib.nullcontext)
        assert len(list(source.items())) == 5
        found = [source.row_of(Outcome(number, None, "created")) for number in (2, 3, 5)]
    assert [row.line for row in found] == [3, 4, 6]


def test_dry_run_looks_at_the_whole_file_and_sends_nothing(bad: Path) -> None:
    """It needs neither app nor key, names what is wrong, and writes no file."""
    done = run(*COMMAND, "users", "import", str(bad), "--dry-run")
    assert done.returncode == 6
    assert "Good:    4\n" in done.stdout
    assert "Refused: 5\n" in done.stdout
    assert "nothing was sent" in done.stdout
    *told, error = done.stderr.splitlines()
    for line, number in zip(told, (5, 6, 7, 8, 9), strict=True):
        assert line.startswith(f"Refused: {REFUSED[number]}")
    assert "give --rejects FILE" in error
    assert [path.name for path in bad.parent.glob("bad*")] == ["bad.csv"]


def test_dry_run_writes_rejects_where_it_is_told_to(bad: Path, tmp_path: Path) -> None:
    """With --rejects all that is wrong is in that file."""
    rejects = tmp_path / "rejects.csv"
    done = run(
        *COMMAND, "users", "import", str(bad), "--dry-run", "--rejects", str(rejects), "--json"
    )
    told = document(done.stdout)
    assert (told["dry_run"], told["rejects"], told["journal"]) == (True, str(rejects), None)
    assert len(rejects.read_text().splitlines()) == 6


def test_dry_run_of_a_good_file(users: Callable[[int], Path]) -> None:
    """A file without a fault is a success."""
    done = run(*COMMAND, "users", "import", str(users(700)), "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "Good:    700"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (b"uid;name\nkim;Kim\n", [], "give --delimiter ';'"),
        (b"uid\tname\nkim\tKim\n", [], r"give --delimiter '\t'"),
        (b"", [], "the file is empty"),
        (b"uid,nom\n", [], "column 2 (nom): is no column that a user has"),
        (b"uid,name,uid\n", [], "column 3 (uid): is there twice"),
        (b"name\nKim\n", [], "there is no column uid"),
        ("uid,name\n".encode("utf-16"), [], '--encoding "utf-16"'),
        (b'{"uid": "kim"}\n', [], '--format "jsonl"'),
        (b"uid,name\n", ["--encoding", "no-such"], "INVALID_ENCODING"),
        (b"uid,name\n", ["--delimiter", "ab"], "INVALID_DELIMITER"),
        (b"uid,name\n", ["--per-minute", "0"], "INVALID_PER_MINUTE"),
        (b"uid,name\n", ["--in-flight", "65"], "1<=x<=64"),
        (b"uid,name\n", ["--journal", "x", "--rejects", "./x"], "name the same file"),
        (b"uid,name\n", ["--rejects", "/no/such/folder/r.csv"], "there is no folder"),
        (b"uid,name\n", ["--rejects", "FILE"], "the users are read from there"),
        (b"uid,name\nkim,Kim\n", ["--journal", "FILE"], "is no journal of an import"),
    ],
)
def test_a_file_that_cannot_be_used_is_wrong_use(
    emulator: Emulator, tmp_path: Path, text: bytes, options: list[str], said: str
) -> None:
    """What is wrong with the whole file is one line, with the option that helps, and 2."""
    file = tmp_path / "users.csv"
    file.write_bytes(text)
    given = [str(file) if option == "FILE" else option for option in options]
    done = admin(emulator, "users", "import", str(file), *given)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert uids(emulator) == SEEDED
    assert file.read_bytes() == text


def test_a_file_without_rows_is_said_to_have_none(emulator: Emulator, tmp_path: Path) -> None:
    """Nobody is created, which is no failure, but a person is not told that all went well."""
    file = tmp_path / "users.csv"
    file.write_text("uid,name\n")
    done = admin(emulator, "users", "import", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "There is no row in the file."


@pytest.mark.parametrize("delimiter", ["tab", r"\t", "\t"])
def test_a_tab_can_be_typed(emulator: Emulator, tmp_path: Path, delimiter: str) -> None:
    """A tab is hard to give in a shell, so there are words for it."""
    file = tmp_path / "users.txt"
    file.write_text("uid\tname\nkim\tKim\n")
    options = ["--format", "csv", "--delimiter", delimiter]
    assert admin(emulator, "users", "import", str(file), *options).returncode == 0
    assert emulator.user("kim")["name"] == "Kim"


def test_a_missing_file_or_format_is_said(emulator: Emulator, tmp_path: Path) -> None:
    """A file that is not there, or whose kind nobody knows, is 2 and one line."""
    done = admin(emulator, "users", "import", str(tmp_path / "no.csv"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No such file" in done.stderr
    done = admin(emulator, "users", "import", str(tmp_path / "no.txt"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert 'give "csv" or "jsonl"' in done.stderr


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_pipe_is_read_if_it_is_said_where_the_rest_goes(
    emulator: Emulator, tmp_path: Path, name: str
) -> None:
    """Beside standard input no journal can stand, so its place has to be given."""
    require(None if Path("/dev/stdin").exists() else "there is no /dev/stdin")
    command = ["users", "import", name, "--format", "csv"]
    text = "uid,name\nkim,Kim\n"
    done = admin(emulator, *command, stdin=text)
    assert (done.returncode, uids(emulator)) == (2, SEEDED)
    assert "To read from standard input give --journal and --rejects" in done.stderr
    places = ["--journal", str(tmp_path / "j"), "--rejects", str(tmp_path / "r.csv")]
    assert admin(emulator, *command, *places, stdin=text).returncode == 0
    assert uids(emulator) == [*SEEDED, "kim"]
    keyed = admin(emulator, *command, *places, "--rest-api-key-stdin", stdin=emulator.rest_api_key)
    assert (keyed.returncode, keyed.stderr.count("\n")) == (2, 1)
    assert "can hold users or the key, not both" in keyed.stderr


def test_beside_any_other_pipe_no_journal_can_stand_either(
    emulator: Emulator, tmp_path: Path
) -> None:
    """A named pipe is not opened, let alone waited for, before the places are given."""
    require(None if hasattr(os, "mkfifo") else "there are no named pipes")
    os.mkfifo(tmp_path / "users.csv")
    done = admin(emulator, "users", "import", str(tmp_path / "users.csv"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "To read from a pipe give --journal and --rejects" in done.stderr


def test_a_file_on_standard_input_leaves_nothing_in_its_folder(
    emulator: Emulator, users: Callable[[int], Path]
) -> None:
    """A file that the shell has opened is standard input too: its journal's place is asked for."""
    require(None if Path("/dev/stdin").exists() else "there is no /dev/stdin")
    with users(1).open("rb") as file:
        done = subprocess.run(
            [*COMMAND, "users", "import", "-", "--format", "csv"],
            stdin=file,
            env={**os.environ, **environment(emulator)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "give --journal and --rejects" in done.stderr


def test_a_system_without_a_name_for_standard_input() -> None:
    """Where standard input is no file, as on Windows, one line says so, and nothing is sent."""
    done = python(
        "from cometchat_auth.cli import _import, cli\n"
        "_import._STDIN_FILE = '/no/such/place'\n"
        "cli(['users', 'import', '-', '--app-id', 'app', '--region', 'us'])"
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Standard input cannot be read as a file here: name a file." in done.stderr


def test_a_journal_of_another_app_is_refused(
    emulator: Emulator, users: Callable[[int], Path]
) -> None:
    """What is done in one app says nothing of another one; the message says what to do."""
    file = users(3)
    admin(emulator, "users", "import", str(file))
    done = admin(emulator, "users", "import", str(file), COMETCHAT_APP_ID="other")
    assert (done.returncode, done.stdout) == (2, "")
    assert "belongs to an import into the app 'emulator-app'" in done.stderr
    assert "Name a file that does not exist yet" in done.stderr


@pytest.mark.parametrize("key", ["auth", "unknown"])
def test_a_wrong_key_ends_the_import(users: Callable[[int], Path], key: str) -> None:
    """Nobody is created, and one line says why: 3."""
    with Emulator(strict_auth_key=True) as strict:
        wrong = strict.auth_key if key == "auth" else KEY
        done = admin(strict, "users", "import", str(users(100)), COMETCHAT_REST_API_KEY=wrong)
        assert uids(strict) == SEEDED
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    if key == "auth":
        assert "is an Auth Key (scope authOnly)" in done.stderr
    assert "No row was dealt with." in done.stderr


def test_a_service_that_goes_away_is_given_up_in_the_end(users: Callable[[int], Path]) -> None:
    """It ends with 4, how far it came and what was done; the same command goes on."""
    file = users(40)

    def script(seen: Seen) -> Reply:
        return created(seen) if len(server.seen) <= 20 else Reply(503, b"away")

    with scripted(script) as server:
        done = run(*COMMAND, "users", "import", str(file), "--emulator", server.url,
                   "--patience", "0.2", "--in-flight", "1", env=SCRIPTED)  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "Created:         20\n" in done.stdout
    assert "of 40 rows, up to line " in done.stderr
    assert done.stderr.endswith("The same command goes on from there.\n")


def test_an_older_rejects_file_is_told_of(emulator: Emulator, tmp_path: Path) -> None:
    """Where a later run rejects nothing, nobody is to mend what an earlier one has left."""
    file = tmp_path / "users.csv"
    file.write_text("uid,name\nbad uid,x\n")
    assert admin(emulator, "users", "import", str(file)).returncode == 6
    file.write_text("uid,name\nkim,Kim\n")
    done = admin(emulator, "users", "import", str(file))
    assert done.returncode == 0
    assert f"{file}.rejects.csv is of an earlier run" in done.stdout


def test_what_a_file_holds_commands_no_terminal(emulator: Emulator, tmp_path: Path) -> None:
    """Escape sequences in a refused row's reason are shown as text."""
    file = tmp_path / "users.csv"
    file.write_text(f"uid,name\n{EVIL},Kim\n".replace("\u202e", ""))
    with at_terminal(emulator, "users", "import", str(file), columns=200) as screen:
        assert screen.finish() == 6
        assert b"\x1b[2J" not in screen.written
        assert b"\x1b]0;" not in screen.written
        assert "Refused: line 2, column 1 (uid)" in screen.screen
