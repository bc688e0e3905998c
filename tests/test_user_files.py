"""Files of users: what is wrong is named by line and column, and the good rows go on."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final

import pytest

from cometchat_auth import AppSettings, InvalidParameterError, User
from cometchat_auth.emulator import Emulator
from cometchat_auth.models import user_to_wire
from cometchat_auth.server import CometChatServer
from cometchat_auth.user_files import FileRow, count_rows, read_users
from cometchat_auth.user_files._file_lines import LINE_LIMIT
from cometchat_auth.user_files._file_rows import FIELDS, SPELLINGS

HEADER: Final = b"uid,name,avatar,link,role,metadata,statusMessage,tags\n"
GOOD: Final = b"good-1,Good,,,,,,\n"
LAST: Final = b"good-2,Good,,,,,,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of this test's own."""
    return tmp_path


def written(folder: Path, content: bytes, name: str = "users.csv") -> Path:
    """Write a file, and return its path."""
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path: Path | str, **how: Any) -> InvalidParameterError:
    """Return the error that opening a file raises."""
    with pytest.raises(InvalidParameterError) as caught:
        read_users(path, **how)
    return caught.value


# The cells of a row, the code, the beginning of the text, and what else it must name.
_BAD_CSV: Final[list[tuple[bytes, str, str, tuple[str, ...]]]] = [
    (b"a b,A,,,,,,", "INVALID_UID", "line 3, column 1 (uid): ", ("a space", "position 2")),
    (b"a/../b,A,,,,,,", "INVALID_UID", "line 3, column 1 (uid): ", ("'/'",)),
    (b"u" * 101 + b",A,,,,,,", "ERROR_UID_EXCEEDED", "line 3, column 1 (uid): ", ("100", "101")),
    (b",A,,,,,,", "MISSING_PARAMETERS", "line 3, column 1 (uid): ", ("empty",)),
    (b"a,,,,,,,", "MISSING_PARAMETERS", "line 3, column 2 (name): ", ("empty",)),
    (b"a,  ,,,,,,", "MISSING_PARAMETERS", "line 3, column 2 (name): ", ("spaces",)),
    (b"a," + b"n" * 101 + b",,,,,,", "ERROR_NAME_EXCEEDED", "line 3, column 2 (name): ", ("101",)),
    (b"a,A,ftp://x,,,,,", "INVALID_AVATAR", "line 3, column 3 (avatar): ", ("https://",)),
    (b"a,A,,x.example,,,,", "INVALID_LINK", "line 3, column 4 (link): ", ("https://",)),
    (b"a,A,,,r r,,,", "INVALID_ROLE", "line 3, column 5 (role): ", ("a space",)),
    (b"a,A,,,,{,,", "INVALID_METADATA", "line 3, column 6 (metadata): ", ("JSON", "character 2")),
    (b"a,A,,,,[1],,", "INVALID_METADATA", "line 3, column 6 (metadata): ", ("a list",)),
    (b"a,A,,,,null,,", "INVALID_METADATA", "line 3, column 6 (metadata): ", ("null",)),
    (b'a,A,,,,"{""x"":NaN}",,', "INVALID_METADATA", "line 3, column 6 (metadata): ", ("NaN",)),
    (b'a,A,,,,"{""x"":1e999}",,', "INVALID_METADATA", "line 3, column 6 (metadata): ", ("large",)),
    (b'a,A,,,,"{""x"":1,""x"":2}",,', "INVALID_METADATA", "line 3, column 6", ("'x' twice",)),
    (
        b'a,A,,,,"{""x"":' + b"[" * 20000 + b"]" * 20000 + b'}",,',
        "INVALID_METADATA",
        "line 3, column 6 (metadata): ",
        ("deeply",),
    ),
    (
        b'a,A,,,,"{""x"":""' + b"y" * 5120 + b'""}",,',
        "ERROR_METADATA_EXCEEDED",
        "line 3, column 6 (metadata): ",
        ("5,120", "5,128"),
    ),
    (b"a,A,,,,," + b"s" * 10240 + b",", "ERROR_USER_EXCEEDED", "line 3: ", ("10,240",)),
    (b'a,A,,,,,,"t,,u"', "INVALID_TAGS", "line 3, column 8 (tags): ", ("entry 2",)),
    (b'a,A,,,,,,"[""t"",7]"', "INVALID_TAGS", "line 3, column 8 (tags): ", ("2", "a number")),
    (b'a,A,,,,,,"[""t"""', "INVALID_TAGS", "line 3, column 8 (tags): ", ("JSON", "character 5")),
    (b'a,A,,,,,,"' + b"t," * 26 + b't"', "ERROR_TAGS_EXCEEDED", "line 3, column 8", ("25", "27")),
    (b"a,A", "INVALID_ROW", "line 3, column 3 (avatar): ", ("2 of 8", "half of the line")),
    (b"a,A,,,,,,,", "INVALID_ROW", "line 3, column 9: ", ("9 cells", "8 columns", "quotes")),
    (b'a,"A,,,,,,', "INVALID_ROW", "line 3, column 2 (name), character 3: ", ("not closed",)),
    (b'"a,A,,,,,,', "INVALID_ROW", "line 3, column 1 (uid), character 1: ", ("not closed",)),
    (b'a,"A"x,,,,,,', "INVALID_ROW", "line 3, column 2 (name), character 6: ", ("twice",)),
    (b'a,"A "B" C",,,,,,', "INVALID_ROW", "line 3, column 2 (name), character 7: ", ("twice",)),
    (
        b"a,Andr\xe9,,,,,,",
        "INVALID_ENCODING",
        "line 3, column 2 (name), character 7: ",
        ("0xE9", "utf-8", "cp1252"),
    ),
    (b"a,A\0,,,,,,", "INVALID_ENCODING", "line 3, column 2 (name), character 4: ", ("NUL",)),
    (
        b'a,A,,,,,"one\ntw\xff",',
        "INVALID_ENCODING",
        "line 3, column 7 (status_message), character 3: ",
        ("of line 4", "0xFF", "goes on to line 4"),
    ),
    (b'a,"A\nB",,,,,,', "INVALID_NAME", "line 3, column 2 (name): ", ("line break", "line 4")),
    (b'a,"A\r\nB"', "INVALID_ROW", "line 3, column 3 (avatar): ", ("2 of 8", "line 4")),
    (b"a," + b"n" * LINE_LIMIT, "ERROR_ROW_EXCEEDED", "line 3: ", ("65,536",)),
]


def _rows(path: Path, **how: Any) -> tuple[FileRow, FileRow, FileRow]:
    first, bad, last = read_users(path, **how)
    return first, bad, last


@pytest.mark.parametrize(("row", "code", "begins", "named"), _BAD_CSV, ids=range(len(_BAD_CSV)))
def test_bad_rows_of_csv(
    folder: Path, row: bytes, code: str, begins: str, named: tuple[str, ...]
) -> None:
    """A bad row is refused with its place, as it was written, and costs no other row."""
    path = written(folder, HEADER + GOOD + row + b"\n" + LAST)
    first, bad, last = _rows(path)
    assert (first.item, last.item) == (User("good-1", "Good"), User("good-2", "Good"))
    assert last.line == 4 + row.count(b"\n")
    assert bad.user is None
    assert isinstance(bad.error, InvalidParameterError)
    assert bad.error.code == code
    assert bad.error.message.startswith(begins)
    assert bad.error.details["line"] == bad.line == 3
    for word in named:
        assert word in bad.error.message
    shown = row.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    assert bad.text == shown[:LINE_LIMIT]


@pytest.mark.parametrize("row", [b"a,A", b'a,"A,,,,,,', b'a,A,"', b'a,A,,,,"{""x"":'])
def test_a_last_line_that_is_cut_off_is_named(folder: Path, row: bytes) -> None:
    """What a broken download leaves of its last line is no user."""
    first, bad = read_users(written(folder, HEADER + GOOD + row))
    assert first.user is not None
    assert bad.error is not None
    assert bad.error.code == "INVALID_ROW"
    assert (bad.line, bad.text) == (3, row.decode())


def test_an_open_quote_costs_its_own_line_only(folder: Path) -> None:
    """However many lines follow an open quote, each is read as the row that it is."""
    rows = b"".join(b"user-%d,Name,,,,,,\n" % number for number in range(1000))
    bad, *others = read_users(written(folder, HEADER + b'a,"A,,,,,,\n' + rows))
    assert bad.error is not None
    assert [row.line for row in others] == list(range(3, 1003))
    assert all(row.user for row in others)


def test_an_open_quote_that_meets_another_costs_its_own_line_only(folder: Path) -> None:
    """A quote in a later line that happens to close an open one does not join the two lines."""
    rows = b'a,"A,,,,,,\nb,"B",,,,,,\nc,"C, C",,,,,,\n'
    bad, *others = read_users(written(folder, HEADER + rows))
    assert bad.error is not None
    assert [row.item for row in others] == [User("b", "B"), User("c", "C, C")]


def test_a_cell_may_go_on_over_lines(folder: Path) -> None:
    """What is in quotes may have line breaks of every kind, and the lines are counted."""
    rows = b'a,A,,,,,"one\ntwo\r\n\r\nthree",\r\nb,B,,,,,,\r\n'
    first, second = read_users(written(folder, HEADER + rows))
    assert first.user is not None
    assert first.user.status_message == "one\ntwo\r\n\r\nthree"
    assert (first.line, second.line) == (2, 6)


def test_all_fields_of_csv(folder: Path) -> None:
    """Every field arrives; an empty cell says nothing; tags may be plain or JSON."""
    content = (
        "tags, ROLE,statusmessage,Metadata,link,avatar,UID,name,rejected_because\n"
        '"red, blue",admin,hi,"{""a"":[1]}",https://l.example,https://a.example,a,Andr\u00e9,x\n'
        '"[""r,g""]",,,,,,b,B,\n'
        ",,,,,,c,C,\n"
    )
    assert [row.item for row in read_users(written(folder, content.encode()))] == [
        User(
            "a",
            "Andr\u00e9",
            avatar="https://a.example",
            link="https://l.example",
            role="admin",
            metadata={"a": [1]},
            status_message="hi",
            tags=("red", "blue"),
        ),
        User("b", "B", tags=("r,g",)),
        User("c", "C"),
    ]


def test_the_fields_are_those_that_a_new_user_has() -> None:
    """What a file may say is what `create_user` sends."""
    full = User("a", "A", "x", "x", "x", {}, status_message="x", tags=["x"])
    constants = {"hasBlockedMe", "blockedByMe", "deactivatedAt"}
    assert set(SPELLINGS) - {"status_message"} == user_to_wire(full).keys() - constants
    assert set(SPELLINGS.values()) == set(FIELDS)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_blank_lines_are_passed_over(folder: Path, end: bytes) -> None:
    """Blank lines and rows of empty cells are no users, but are counted as lines."""
    lines = [b"", b"uid,name", b"", b"  ", b",", b"a,A", b'"",""', b"", b"b,B", b"", b""]
    path = written(folder, end.join(lines))
    assert [(row.line, row.item) for row in read_users(path)] == [
        (6, User("a", "A")),
        (9, User("b", "B")),
    ]


# The file, what the text must name, and details.
_BAD_HEADERS: Final[list[tuple[bytes, tuple[str, ...], dict[str, Any]]]] = [
    (b"", ("empty", "uid,name"), {}),
    (b"\n\r\n  \n", ("empty", "uid,name"), {}),
    (b"\xef\xbb\xbf", ("empty",), {}),
    (b"superman,Clark\n", ("names no column", "'superman,Clark'"), {"line": 1}),
    (b"name,role\n", ("no column uid",), {"line": 1}),
    (b"uid,role\n", ("no column name",), {"line": 1}),
    (
        b"uid,name,e-mail\n",
        ("line 1, column 3 (e-mail)", "statusMessage"),
        {"line": 1, "column": 3, "field": "e-mail"},
    ),
    (b"\nuid,name,\n", ("line 2, column 3: ", "no name"), {"line": 2, "column": 3}),
    (
        b"uid,name,UID\n",
        ("line 1, column 3 (UID)", "twice", "column 1"),
        {"line": 1, "column": 3, "field": "UID"},
    ),
    (b"uid,name,statusMessage,status_message\n", ("column 4", "column 3"), {"column": 4}),
    (b"uid,name,authToken\n", ("column 3 (authToken)",), {"column": 3}),
    (b"uid;name\na;A\n", ("separated by ';'", "delimiter=';'"), {"line": 1}),
    (b"uid\tname\na\tA\n", ("'\\t'", "delimiter="), {"line": 1}),
    (b'uid,"name\na,A\n', ("column 2, character 5", "not closed"), {"column": 2, "character": 5}),
    (b'{"uid":"a","name":"A"}\n', ("JSON", 'format="jsonl"'), {"line": 1}),
    ("uid,name\na,A\n".encode("utf-16"), ("UTF-16", 'encoding="utf-16"'), {}),
    ("uid,name\na,A\n".encode("utf-16-le"), ("UTF-16-LE", 'encoding="utf-16-le"'), {}),
    ("uid,name\na,A\n".encode("utf-16-be"), ("UTF-16-BE", 'encoding="utf-16-be"'), {}),
    ("uid,name\na,A\n".encode("utf-32"), ("UTF-32", 'encoding="utf-32"'), {}),
    (b"PK\x03\x04\x14\0\x06\0", ("workbook", "save it as CSV"), {}),
    (b"\x1f\x8b\x08\0", ("gzip",), {}),
    (b"\x7fELF\x02\x01\x01\0", ("no text file",), {}),
    (b"uid,name,r\xf4le\n", ("character 11", "0xF4", "cp1252"), {"line": 1, "character": 11}),
    (b"uid,name" + b"," * LINE_LIMIT, ("longer than 65,536",), {"line": 1}),
]


@pytest.mark.parametrize(
    ("content", "named", "details"), _BAD_HEADERS, ids=range(len(_BAD_HEADERS))
)
def test_bad_headers(
    folder: Path, content: bytes, named: tuple[str, ...], details: dict[str, Any]
) -> None:
    """A header that cannot be used is refused at once, with the file, the place and the way out."""
    error = refused(written(folder, content))
    assert error.code == "INVALID_HEADER"
    assert "users.csv" in error.message
    for word in named:
        assert word in error.message
    assert details.items() <= error.details.items()


# The line, the code, the beginning of the text, and what else it must name.
_BAD_JSONL: Final[list[tuple[bytes, str, str, tuple[str, ...]]]] = [
    (b'{"uid":"a","name":"A"', "INVALID_ROW", "line 2, column 22: ", ("no JSON",)),
    (b'{"uid":"a" "name":"A"}', "INVALID_ROW", "line 2, column 12: ", ("no JSON",)),
    (b'{"uid":"a","name":"A"},', "INVALID_ROW", "line 2, column 23: ", ("no JSON",)),
    (b"null", "INVALID_ROW", "line 2, column 1: ", ("object", "null")),
    (b'["a","A"]', "INVALID_ROW", "line 2, column 1: ", ("object", "a list")),
    (b'{"uid":"a","uid":"b"}', "INVALID_ROW", "line 2: ", ("'uid' twice",)),
    (
        b'{"uid":"a","name":"A","statusMessage":"x","status_message":"x"}',
        "INVALID_ROW",
        "line 2 (status_message): ",
        ("two spellings",),
    ),
    (b'{"uid":"a","name":"A","x":1}', "INVALID_ROW", "line 2: ", ("'x'", "statusMessage")),
    (b'{"uid":"a","name":"A","withAuthToken":true}', "INVALID_ROW", "line 2: ", ("withAuth",)),
    (b'{"name":"A"}', "MISSING_PARAMETERS", "line 2 (uid): ", ("no such key",)),
    (b'{"uid":"a","name":null}', "MISSING_PARAMETERS", "line 2 (name): ", ("null",)),
    (b'{"uid":"","name":"A"}', "MISSING_PARAMETERS", "line 2 (uid): ", ("empty",)),
    (b'{"uid":7,"name":"A"}', "INVALID_UID", "line 2 (uid): ", ("a text", "a number")),
    (b'{"uid":"a","name":true}', "INVALID_NAME", "line 2 (name): ", ("true or false",)),
    (b'{"uid":"a","name":"\\ud800"}', "INVALID_NAME", "line 2 (name): ", ("U+D800",)),
    (b'{"uid":"a b","name":"A"}', "INVALID_UID", "line 2 (uid): ", ("a space",)),
    (b'{"uid":"a","name":"A","tags":"t"}', "INVALID_TAGS", "line 2 (tags): ", ("a list",)),
    (b'{"uid":"a","name":"A","tags":["t",{}]}', "INVALID_TAGS", "line 2 (tags): ", ("entry 2",)),
    (b'{"uid":"a","name":"A","metadata":"{}"}', "INVALID_METADATA", "line 2 (met", ("an object",)),
    (b'{"uid":"a","name":"A","metadata":{"x":NaN}}', "INVALID_ROW", "line 2: ", ("NaN",)),
    (b'{"uid":"a","metadata":{"x":-Infinity}}', "INVALID_ROW", "line 2: ", ("-Infinity",)),
    (b'{"uid":"a","metadata":{"x":1e999}}', "INVALID_ROW", "line 2: ", ("too large",)),
    (b'{"uid":"a","x":' + b"[" * 30000, "INVALID_ROW", "line 2: ", ("deeply",)),
    (
        b'{"uid":"a","name":"A","metadata":{"x":"' + b"y" * 5120 + b'"}}',
        "ERROR_METADATA_EXCEEDED",
        "line 2 (metadata): ",
        ("5,120", "5,128"),
    ),
    (b'{"uid":"a","name":"Andr\xe9"}', "INVALID_ENCODING", "line 2, column 24: ", ("0xE9",)),
    (b'{"uid":"a","name":"A\0"}', "INVALID_ENCODING", "line 2, column 21: ", ("NUL",)),
    (b'{"uid":"' + b"a" * 3 * LINE_LIMIT + b'"}', "ERROR_ROW_EXCEEDED", "line 2: ", ("65,536",)),
]


@pytest.mark.parametrize(
    ("line", "code", "begins", "named"), _BAD_JSONL, ids=range(len(_BAD_JSONL))
)
def test_bad_rows_of_jsonl(
    folder: Path, line: bytes, code: str, begins: str, named: tuple[str, ...]
) -> None:
    """A bad line is refused with its place, as it was written, and costs no other line."""
    good = [b'{"uid":"good-1","name":"Good"}', b'{"uid":"good-2","name":"Good"}']
    path = written(folder, b"\r\n".join([good[0], line, good[1]]), "users.jsonl")
    first, bad, last = _rows(path)
    assert (first.item, last.item) == (User("good-1", "Good"), User("good-2", "Good"))
    assert (bad.line, last.line) == (2, 3)
    assert isinstance(bad.error, InvalidParameterError)
    assert bad.error.code == code
    assert bad.error.message.startswith(begins)
    assert bad.error.details["line"] == 2
    for word in named:
        assert word in bad.error.message
    shown = line.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    assert bad.text == shown[:LINE_LIMIT]


def test_a_number_of_too_many_digits(folder: Path) -> None:
    """A whole number that Python may refuse to read is an error of its line, whatever Python."""
    line = b'{"uid":"a","name":"A","metadata":{"x":' + b"1" * 10_000 + b"}}\n"
    (bad,) = read_users(written(folder, line, "users.jsonl"))
    assert isinstance(bad.error, InvalidParameterError)
    assert bad.error.code in {"INVALID_ROW", "ERROR_METADATA_EXCEEDED"}


def test_all_fields_of_jsonl(folder: Path) -> None:
    """Every key arrives, in both spellings; null and what a rejects file adds say nothing."""
    content = (
        '\ufeff{"uid":"a","name":"A","avatar":"https://a.example","link":"https://l.example",'
        '"role":"admin","metadata":{"a":[1]},"statusMessage":"hi","tags":["r,g"]}\n'
        '\n{"uid":"b","name":"B","role":null,"tags":null,"status_message":"ho",'
        '"rejected_line":7,"rejected_because":"x","rejected_text":"y"}'
    )
    path = written(folder, content.encode(), "users.ndjson")
    assert [(row.line, row.item) for row in read_users(path)] == [
        (
            1,
            User(
                "a",
                "A",
                avatar="https://a.example",
                link="https://l.example",
                role="admin",
                metadata={"a": [1]},
                status_message="hi",
                tags=("r,g",),
            ),
        ),
        (3, User("b", "B", status_message="ho")),
    ]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b'[\n{"uid":"a"}\n]', "not JSON Lines"),
        (b'[{"uid":"a"}]', "not JSON Lines"),
        (b'\n{\n"uid":"a"\n}', "not JSON Lines"),
        ('{"uid":"a"}'.encode("utf-16"), 'encoding="utf-16"'),
        ('{"uid":"a"}'.encode("utf-16-le"), 'encoding="utf-16-le"'),
        (b"\x7fELF\x02\x01\x01\0", "no text file"),
    ],
)
def test_files_that_are_no_json_lines(folder: Path, content: bytes, named: str) -> None:
    """A file that is something else as a whole is refused at once, not line by line."""
    error = refused(written(folder, content, "users.jsonl"))
    assert error.code == "INVALID_HEADER"
    assert "users.jsonl" in error.message
    assert named in error.message


def test_a_nul_in_the_first_line_of_json(folder: Path) -> None:
    """A stray NUL costs its own line only, be it the first."""
    content = b'{"uid":"a","name":"A\0"}\n{"uid":"b","name":"B"}\n'
    bad, good = read_users(written(folder, content, "users.jsonl"))
    assert bad.error is not None
    assert bad.error.code == "INVALID_ENCODING"
    assert good.item == User("b", "B")


def test_an_empty_file_of_json_lines_has_no_rows(folder: Path) -> None:
    """Nothing to import is nothing wrong where no header is needed."""
    assert list(read_users(written(folder, b"\n", "users.jsonl"))) == []


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-16", "\t"), ("utf-16-le", ";"), ("cp1252", ";"), ("utf-8-sig", "|"), ("utf-32", ",")],
)
def test_other_encodings_and_delimiters(folder: Path, encoding: str, delimiter: str) -> None:
    """Whatever a spreadsheet writes can be read when told how it is written."""
    content = delimiter.join(["uid", "name\na", "Andr\u00e9\n"]).encode(encoding)
    (row,) = read_users(written(folder, content), encoding=encoding, delimiter=delimiter)
    assert row.item == User("a", "Andr\u00e9")


def test_utf_16_that_breaks_off(folder: Path) -> None:
    """Half a character at the end of a file is an error of its row."""
    content = "uid,name\na,A\nb,B".encode("utf-16")[:-1]
    first, bad = read_users(written(folder, content), encoding="utf-16")
    assert first.item == User("a", "A")
    assert bad.error is not None
    assert bad.error.code == "INVALID_ENCODING"


@pytest.mark.parametrize(
    ("name", "how", "code", "named"),
    [
        ("users.txt", {}, "INVALID_FORMAT", "users.txt"),
        ("users.csv", {"format": "xlsx"}, "INVALID_FORMAT", "xlsx"),
        ("users.csv", {"delimiter": ", "}, "INVALID_DELIMITER", "', '"),
        ("users.csv", {"delimiter": '"'}, "INVALID_DELIMITER", "'\"'"),
        ("users.csv", {"delimiter": "a"}, "INVALID_DELIMITER", "'a'"),
        ("users.csv", {"delimiter": ""}, "MISSING_PARAMETERS", "delimiter"),
        ("users.csv", {"encoding": "nonsense"}, "INVALID_ENCODING", "nonsense"),
        ("users.csv", {"encoding": "rot13"}, "INVALID_ENCODING", "rot13"),
        ("users.csv", {"encoding": "utf-16"}, "INVALID_ENCODING", "utf-16"),
        ("users.csv", {"encoding": "a\0b"}, "INVALID_ENCODING", "a\\x00b"),
        ("nowhere.csv", {}, "INVALID_FILE", "nowhere.csv"),
        ("no\0where.csv", {}, "INVALID_FILE", "where.csv"),
        ("", {"format": "csv"}, "INVALID_FILE", "cannot be read"),
    ],
)
def test_arguments_that_cannot_be_used(
    folder: Path, name: str, how: dict[str, Any], code: str, named: str
) -> None:
    """What cannot be opened or read that way is refused, and the text names it."""
    written(folder, b"uid,name\n")
    error = refused(f"{folder}/{name}", **how)
    assert error.code == code
    assert named in error.message


@pytest.mark.parametrize("how", [{"encoding": 1}, {"delimiter": 1}, {"format": 1}, {"path": 1}])
def test_arguments_of_a_wrong_type(folder: Path, how: dict[str, Any]) -> None:
    """A number for a text is the programmer's mistake."""
    path = written(folder, b"uid,name\n")
    with pytest.raises(TypeError):
        read_users(**{"path": path, **how})


def test_a_file_that_is_left_is_closed(folder: Path) -> None:
    """Whoever stops in the middle leaves no open file; there are no rows behind `close`."""
    path = written(folder, b"uid,name\na,A\nb,B\n")
    assert next(iter(read_users(path))).user  # an unclosed file would warn
    with read_users(path) as rows:
        assert next(rows).user
    assert list(rows) == []
    assert list(read_users(path)) != []


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_a_pipe_can_be_read() -> None:
    """What can be read only once is read once, and not counted."""
    reading, writing = os.pipe()
    os.write(writing, b"uid,name\na,A\n")
    os.close(writing)
    path = f"/dev/fd/{reading}"
    assert count_rows(path, format="csv") is None
    assert [row.item for row in read_users(path, format="csv")] == [User("a", "A")]
    os.close(reading)


@pytest.mark.parametrize(
    ("content", "name", "count"),
    [
        (b"", "u.csv", 0),
        (b"uid,name\n", "u.csv", 0),
        (b"uid,name\n\na,A\r\nb,B", "u.csv", 2),
        (b'uid,name,statusMessage\na,A,"x\ny"\n', "u.csv", 2),
        (b"uid,name\n" + b"x" * 3 * LINE_LIMIT + b"\na,A\n", "u.csv", 2),
        (b"{}\n\n{}", "u.jsonl", 2),
    ],
)
def test_rows_are_counted(folder: Path, content: bytes, name: str, count: int) -> None:
    """The count is that of the lines with something in them, without the header."""
    assert count_rows(written(folder, content, name)) == count


def test_rows_of_a_file_that_is_not_there_are_not_counted(folder: Path) -> None:
    """A count of nothing is an error like that of reading it."""
    with pytest.raises(InvalidParameterError, match=r"nowhere\.csv"):
        count_rows(folder / "nowhere.csv")


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("more", range(-2, 3))
def test_lines_about_as_long_as_the_limit(folder: Path, end: bytes, more: int) -> None:
    """Wherever the limit falls in or before a line end, the lines are counted right."""
    filler = b"x" * (LINE_LIMIT + more - 2)
    path = written(folder, end.join([b"uid,name", b"a," + filler, b"b,B", b""]))
    bad, good = read_users(path)
    assert bad.error is not None
    assert (bad.line, good.line, good.item) == (2, 3, User("b", "B"))


def _long_file(folder: Path, name: str, count: int) -> Path:
    path = folder / name
    with path.open("wb") as file:
        if name == "users.csv":
            file.write(b"uid,name\n")
            file.writelines(b"user-%d,Name\n" % number for number in range(count))
        else:
            line = b'{"uid":"user-%d","name":"Name"}\n'
            file.writelines(line % number for number in range(count))
    return path


@pytest.mark.parametrize("name", ["users.csv", "users.jsonl"])
def test_memory_stays_flat(folder: Path, name: str) -> None:
    """Of two hundred thousand rows only the one at hand is held."""
    path = _long_file(folder, name, 200_000)
    most = good = 0
    gc.collect()
    before = sys.getallocatedblocks()
    for number, row in enumerate(read_users(path)):
        good += row.user is not None
        if number % 1000 == 0:
            most = max(most, sys.getallocatedblocks() - before)
    assert good == 200_000
    assert most < 20_000  # a row kept would be several blocks


@pytest.mark.parametrize("name", ["users.csv", "users.jsonl"])
def test_a_line_of_any_length_takes_little_memory(folder: Path, name: str) -> None:
    """A file without a line end, of megabytes, is not held as a whole."""
    path = _long_file(folder, name, 1000)
    with path.open("ab") as file:
        file.write(b"x" * 16_000_000)
    tracemalloc.start()
    try:
        *good, bad = read_users(path)
        assert count_rows(path) == 1001
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(row.user for row in good)
    assert bad.error is not None
    assert peak < 4_000_000  # bytes; a thousand rows are held here


def test_rows_go_into_an_import(folder: Path, emulator: Emulator) -> None:
    """The items of the rows are what `create_users` takes, good and bad."""
    path = written(folder, b"uid,name\nann,Ann\nb b,Bob\ncy,Cy\n")
    settings = AppSettings.for_emulator(emulator.url)
    server = CometChatServer(emulator.app_id, settings, emulator.rest_api_key)
    with read_users(path) as rows:
        outcomes = list(server.create_users(row.item for row in rows))
    assert [(outcome.number, outcome.status) for outcome in outcomes] == [
        (1, "created"),
        (2, "refused"),
        (3, "created"),
    ]
    assert outcomes[1].error is not None
    assert "line 3, column 1 (uid)" in outcomes[1].error.message
