"""The rejects file: it holds what is left over, says why, and can be mended and imported."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth import InvalidParameterError, User
from cometchat_auth.errors import CometChatException, ServiceError
from cometchat_auth.user_files import RejectsFile, read_users

from .tools import LIMIT

CSV = (
    b"uid,name,metadata,tags\n"
    b"a,A,,\n"
    b'b b,B,"{""x"":1}","x,y"\n'
    b'c,"C,,\n'
    b"d,Andr\xe9,,\n"
    b"e,E\n"
    b'f,F,"{\n}",\n'
)
JSONL = (
    b'{"uid":"a","name":"A"}\n'
    b'{"uid":"b b","name":"B","metadata":{"x":1.5},"tags":["x"]}\n'
    b'{"uid":"c"\n'
    b'{"uid":"d","name":"Andr\xe9"}\n'
    b'{"uid":"f","name":"F","metadata":{}}\n'
)
REFUSED = ServiceError("ERR_BAD_REQUEST", "The role\n does not exist.", http_status=400)


def rejected(source: Path, target: Path, **how: Any) -> int:
    """Reject whatever cannot be read, and the user f; return how many that were."""
    with read_users(source, **how) as rows, RejectsFile(target, like=rows) as rejects:
        for row in rows:
            error: CometChatException | None = row.error
            if row.user and row.user.uid == "f":
                error = REFUSED
            if error is not None:
                rejects.write(row, error)
        return rejects.count


def source(folder: Path, content: bytes, name: str) -> Path:
    """Write the source."""
    path = folder / name
    path.write_bytes(content)
    return path


def test_rejects_of_csv(tmp_path: Path) -> None:
    """Cells stand where they stood; a row that could not be read stands in the first one."""
    target = tmp_path / "rejects.csv"
    assert rejected(source(tmp_path, CSV, "users.csv"), target) == 5
    with target.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["uid", "name", "metadata", "tags", "rejected_line", "rejected_because"]
    assert [row[:5] for row in rows] == [
        ["b b", "B", '{"x":1}', "x,y", "3"],
        ['c,"C,,', "", "", "", "4"],
        ["d,Andr\\xe9,,", "", "", "", "5"],
        ["e,E", "", "", "", "6"],
        ["f", "F", "{\n}", "", "7"],
    ]
    assert rows[0][5].startswith("[INVALID_UID] line 3, column 1 (uid): ")
    assert rows[4][5] == "[ERR_BAD_REQUEST] The role does not exist."


def test_rejects_of_jsonl(tmp_path: Path) -> None:
    """Keys are as they were; a line that could not be read stands under a key of its own."""
    target = tmp_path / "rejects.jsonl"
    assert rejected(source(tmp_path, JSONL, "users.jsonl"), target) == 4
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [row.pop("rejected_line") for row in rows] == [2, 3, 4, 5]
    because = [row.pop("rejected_because") for row in rows]
    assert because[0].startswith("[INVALID_UID] line 2 (uid): ")
    assert because[3] == "[ERR_BAD_REQUEST] The role does not exist."
    assert rows == [
        {"uid": "b b", "name": "B", "metadata": {"x": 1.5}, "tags": ["x"]},
        {"rejected_text": '{"uid":"c"'},
        {"rejected_text": '{"uid":"d","name":"Andr\\xe9"}'},
        {"uid": "f", "name": "F", "metadata": {}},
    ]


@pytest.mark.parametrize(("content", "name"), [(CSV, "u.csv"), (JSONL, "u.jsonl")])
def test_rejects_are_no_users_until_they_are_mended(
    tmp_path: Path, content: bytes, name: str
) -> None:
    """What could not be read is refused again and again, and nothing of it is lost."""
    first, second = tmp_path / f"1-{name}", tmp_path / f"2-{name}"
    count = rejected(source(tmp_path, content, name), first)
    assert [row.user and row.user.uid for row in read_users(first)] == [None] * (count - 1) + ["f"]
    assert rejected(first, second) == count
    texts = [row.text for row in read_users(second)]
    assert len(texts) == count
    for raw in ('c,""C' if name == "u.csv" else '{\\"uid\\":\\"c\\"', "Andr", "b b"):
        assert any(raw in text for text in texts)


@pytest.mark.parametrize(("content", "name"), [(CSV, "u.csv"), (JSONL, "u.jsonl")])
def test_a_mended_rejects_file_is_imported_as_it_is(
    tmp_path: Path, content: bytes, name: str
) -> None:
    """Whoever mends the fields need not remove what the rejects file has added."""
    target = tmp_path / f"rejects-{name}"
    rejected(source(tmp_path, content, name), target)
    target.write_text(target.read_text("utf-8").replace("b b", "b"), "utf-8")
    first = next(iter(read_users(target)))
    assert first.user is not None
    assert (first.user.uid, first.user.name) == ("b", "B")


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("cp1252", ";"), ("utf-16", "\t"), ("utf-8-sig", "|")]
)
def test_rejects_are_written_like_their_source(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    """The same options, and the same spreadsheet, read the source and the rejects."""
    content = "\n".join(["uid,name", "a a,Andr\u00e9", ""]).replace(",", delimiter)
    path = source(tmp_path, content.encode(encoding), "users.csv")
    how: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter}
    if encoding == "utf-8-sig":
        how = {"delimiter": delimiter}  # found by its mark
    target = tmp_path / "rejects.csv"
    assert rejected(path, target, **how) == 1
    assert target.read_bytes()[:2] == path.read_bytes()[:2]  # the mark, if there is one
    mended = target.read_bytes().decode(encoding).replace("a a", "a")
    target.write_bytes(mended.encode(encoding))
    (row,) = read_users(target, **how)
    assert row.item == User("a", "Andr\u00e9")


def test_json_in_other_encodings(tmp_path: Path) -> None:
    """Characters that the encoding of the source does not have stay what they are."""
    line = '{"uid":"a a","name":"Andr\u00e9 \\ud83d\\ude00"}\n'
    path = source(tmp_path, line.encode("cp1252"), "users.jsonl")
    target = tmp_path / "rejects.jsonl"
    assert rejected(path, target, encoding="cp1252") == 1
    target.write_bytes(target.read_bytes().replace(b'"a a"', b'"a"'))
    (row,) = read_users(target, encoding="cp1252")
    assert row.item == User("a", "Andr\u00e9 \U0001f600")


def test_nothing_rejected_leaves_no_file(tmp_path: Path) -> None:
    """Without a rejected row there is no rejects file."""
    target = tmp_path / "rejects.csv"
    assert rejected(source(tmp_path, b"uid,name\na,A\n", "users.csv"), target) == 0
    assert not target.exists()


def test_each_run_starts_the_file_anew(tmp_path: Path) -> None:
    """A run that starts from the beginning, as a resumed one does, finds the rows again, once."""
    target = tmp_path / "rejects.csv"
    path = source(tmp_path, CSV, "users.csv")
    rejected(path, target)
    before = target.read_bytes()
    rejected(path, target)
    assert target.read_bytes() == before


def test_a_mended_rejects_file_is_set_aside(tmp_path: Path) -> None:
    """What somebody has mended and not imported yet is not written over, however often."""
    target = tmp_path / "rejects.csv"
    path = source(tmp_path, CSV, "users.csv")
    rejected(path, target)
    written = target.read_bytes()
    for number in (1, 2):
        target.write_bytes(written.replace(b"rejected_line", b"rejected_line ") + b"%d" % number)
        rejected(path, target)
    assert target.read_bytes() == written
    assert (tmp_path / "rejects.1.csv").read_bytes().endswith(b"1")
    assert (tmp_path / "rejects.2.csv").read_bytes().endswith(b"2")


def test_an_import_that_ends_early_keeps_the_rows_of_the_one_before(tmp_path: Path) -> None:
    """Of two files that begin alike the longer one stays, under the name that was given."""
    target = tmp_path / "rejects.csv"
    path = source(tmp_path, CSV, "users.csv")
    assert rejected(path, target) > 1
    written = target.read_bytes()
    with read_users(path) as rows, RejectsFile(target, like=rows) as rejects:
        row = next(row for row in rows if row.error is not None)
        assert row.error is not None
        rejects.write(row, row.error)
    assert rejects.set_aside is None
    assert target.read_bytes() == written
    assert [file.name for file in tmp_path.glob("rejects*")] == ["rejects.csv"]


@pytest.mark.skipif(os.name != "posix", reason="file modes of POSIX")
def test_rejects_are_the_users_own(tmp_path: Path) -> None:
    """Nobody else can read what is known of people."""
    target = tmp_path / "rejects.csv"
    rejected(source(tmp_path, CSV, "users.csv"), target)
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"uid,name\na,A\n", b"\n", b"PK\x03\x04\xff\xfe\0\0", b'{"uid":"a"}\n']
)
def test_a_file_that_is_no_rejects_file_is_left(tmp_path: Path, content: bytes) -> None:
    """What somebody else has written is not written over."""
    target = source(tmp_path, content, "precious.csv")
    rows = read_users(source(tmp_path, CSV, "users.csv"))
    with pytest.raises(InvalidParameterError, match="no rejects file") as caught:
        RejectsFile(target, like=rows)
    assert caught.value.code == "INVALID_FILE"
    assert target.read_bytes() == content


def test_a_file_that_appears_meanwhile_is_left(tmp_path: Path) -> None:
    """The place is looked at again when the first row is rejected."""
    target = tmp_path / "precious.csv"
    with read_users(source(tmp_path, CSV, "users.csv")) as rows:
        rejects = RejectsFile(target, like=rows)
        target.write_bytes(b"precious")
        with pytest.raises(InvalidParameterError, match="no rejects file"):
            rejects.write(next(rows), REFUSED)
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("how", ["same", "link"])
def test_the_source_is_not_written_over(tmp_path: Path, how: str) -> None:
    """Not even a mended rejects file is, while it is read."""
    first = tmp_path / "rejects.csv"
    rejected(source(tmp_path, CSV, "users.csv"), first)
    before = first.read_bytes()
    target = tmp_path / "." / "rejects.csv"
    if how == "link":
        target = tmp_path / "link.csv"
        target.hardlink_to(first)
    with read_users(first) as rows, pytest.raises(InvalidParameterError, match="read from there"):
        RejectsFile(target, like=rows)
    assert first.read_bytes() == before


@pytest.mark.parametrize("place", ["", "nowhere/rejects.csv", "users.csv/rejects.csv"])
def test_a_place_where_nothing_can_be_written(tmp_path: Path, place: str) -> None:
    """A folder, or a file in none, is refused before anything is imported."""
    rows = read_users(source(tmp_path, CSV, "users.csv"))
    with pytest.raises(InvalidParameterError, match="Give another path") as caught:
        RejectsFile(f"{tmp_path}/{place}", like=rows)
    assert caught.value.code == "INVALID_FILE"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full of Linux")
def test_a_full_disk_is_an_error_of_ours(tmp_path: Path) -> None:
    """What cannot be written is named, and nothing is left open."""
    with read_users(source(tmp_path, CSV, "users.csv")) as rows:
        rejects = RejectsFile("/dev/full", like=rows)
        with pytest.raises(InvalidParameterError, match="No space left"):
            rejects.write(next(rows), REFUSED)
        with pytest.raises(InvalidParameterError, match="No space left"):
            rejects.close()
        rejects.close()
    assert rejects.count == 0


def test_like_must_be_rows(tmp_path: Path) -> None:
    """A path for the source's rows is the programmer's mistake."""
    path: Any = source(tmp_path, CSV, "users.csv")
    with pytest.raises(TypeError, match="read_users"):
        RejectsFile(tmp_path / "rejects.csv", like=path)


_KILLED = """
import os, signal, sys
from cometchat_auth.user_files import RejectsFile, read_users
rows = read_users(sys.argv[1])
rejects = RejectsFile(sys.argv[2], like=rows)
for row in rows:
    if row.error:
        rejects.write(row, row.error)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL of POSIX")
def test_a_killed_import_keeps_what_was_rejected(tmp_path: Path) -> None:
    """A row that was written is in the file, however the process ends."""
    path, target = source(tmp_path, CSV, "users.csv"), tmp_path / "rejects.csv"
    command = [sys.executable, "-c", _KILLED, str(path), str(target)]
    assert subprocess.run(command, timeout=LIMIT).returncode == -signal.SIGKILL
    (row,) = read_users(target)
    assert row.text.startswith("b b,B,")
