"""Files of users, whatever is in them: what was written comes back, no line is lost."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth import InvalidParameterError, User
from cometchat_auth.user_files import FileRow, RejectsFile, count_rows, read_users

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)
one_line = texts.filter(lambda text: text.strip() and not set(text) & set("\r\n\0"))
no_nul = texts.filter(lambda text: "\0" not in text)
urls = st.from_regex(r"https://[a-z]{1,9}\.example/[!-~]{0,20}", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9_-]{1,100}", fullmatch=True)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.none() | st.booleans() | numbers | texts | st.lists(texts, max_size=3)
users = st.builds(
    User,
    uid=names,
    name=one_line,
    avatar=st.none() | urls,
    link=st.none() | urls,
    role=st.none() | names,
    metadata=st.none() | st.dictionaries(texts, values, max_size=3),
    status_message=st.none() | no_nul,
    tags=st.lists(texts, max_size=3),
)

HEADER = ("uid", "name", "avatar", "link", "role", "metadata", "statusMessage", "tags")


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for one example."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def keys(user: User) -> dict[str, Any]:
    """Return the fields of a user that are set, by the service's names."""
    found = {name: getattr(user, name) for name in HEADER[:6]}
    found |= {"statusMessage": user.status_message, "tags": list(user.tags) or None}
    return {name: value for name, value in found.items() if value is not None}


def cells(user: User) -> list[str]:
    """Return the cells of a user."""
    found = keys(user)
    for name in ("metadata", "tags"):
        if name in found:
            found[name] = json.dumps(found[name], ensure_ascii=False)
    return [found.get(name, "") for name in HEADER]


@given(
    st.lists(users, max_size=5),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-be", "gb18030"]),
)
def test_users_come_back_from_csv(
    given_users: list[User], quoting: Any, end: str, delimiter: str, encoding: str
) -> None:
    """What Python's csv has written comes back as it was, from any encoding."""
    text = io.StringIO(newline="")
    # Python before 3.13 leaves a lone \r unquoted if lines end otherwise.
    quoting = csv.QUOTE_ALL if end == "\n" else quoting
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([HEADER, *map(cells, given_users)])
    with folder() as place:
        path = place / "users.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        rows = list(read_users(path, delimiter=delimiter, encoding=encoding))
        count = count_rows(path, encoding=encoding)
    assert [row.item for row in rows] == given_users
    assert count is not None
    assert count >= len(rows)


@given(st.lists(users, max_size=5), st.booleans(), st.sampled_from(["\r\n", "\n"]))
def test_users_come_back_from_jsonl(given_users: list[User], ascii_only: bool, end: str) -> None:
    """What Python's json has written comes back as it was."""
    lines = [json.dumps(keys(user), ensure_ascii=ascii_only) for user in given_users]
    with folder() as place:
        path = place / "users.jsonl"
        path.write_bytes("".join(line + end for line in lines).encode())
        rows = list(read_users(path))
        assert count_rows(path) == len(rows)
    assert [row.item for row in rows] == given_users
    assert [row.text for row in rows] == lines


ROWS = (b"uid,name", b"a,A", b"b", b'{"uid":"a"', b',"name":"A"}')
MARKS = (b",", b";", b'"', b'""', b"[", b"]", b"{", b"}", b" ", b"\n", b"\r", b"\r\n")
ODDITIES = (b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8")
pieces = st.sampled_from([*ROWS, *MARKS, *ODDITIES])
contents = st.binary() | st.lists(pieces).map(b"".join)


def physical_lines(content: bytes) -> list[str]:
    """Return the lines as they have to be shown."""
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace")
    text = text.replace("\0", "\\x00")
    return [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]


def check_all_is_there(rows: list[FileRow], content: bytes, first: int, empty: set[str]) -> None:
    """Compare the rows with the lines of the file: each is in one row, or empty."""
    lines = physical_lines(content)
    place = first
    for row in rows:
        assert set("".join(lines[place - 1 : row.line - 1])) <= empty
        texts = list(io.StringIO(row.text, newline=""))
        place = row.line + len(texts)
        assert [text.rstrip("\r\n") for text in texts] == lines[row.line - 1 : place - 1]
        assert (row.user is None) != (row.error is None)
    assert set("".join(lines[place - 1 :])) <= empty


@given(contents)
def test_any_bytes_as_csv(content: bytes) -> None:
    """Whatever follows a header, every line of it is in one row or empty."""
    content = b"uid,name\n" + content
    with folder() as place:
        path = place / "users.csv"
        path.write_bytes(content)
        check_all_is_there(list(read_users(path)), content, 2, set(' \t,"'))


@given(contents)
def test_any_bytes_as_jsonl(content: bytes) -> None:
    """Whatever follows a first line, every line of it is in one row or blank."""
    content = b"{}\n" + content
    with folder() as place:
        path = place / "users.jsonl"
        path.write_bytes(content)
        check_all_is_there(list(read_users(path)), content, 1, set(" \t"))


@given(
    contents,
    st.sampled_from(["csv", "jsonl"]),
    st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis", "utf-7"]),
)
def test_any_bytes_at_all(content: bytes, form: Any, encoding: str) -> None:
    """Any file is rows or one error of ours, and whatever is rejected can be written and read."""
    with folder() as place:
        path, rejected = place / "users", place / "rejected"
        path.write_bytes(content)
        problem, count = None, 0
        try:
            with (
                read_users(path, format=form, encoding=encoding) as rows,
                RejectsFile(rejected, like=rows) as rejects,
            ):
                encoding = rows.layout.encoding
                for row in rows:
                    if row.error is not None:
                        rejects.write(row, row.error)
                count = rejects.count
        except InvalidParameterError as error:
            problem = error
        if count:
            again = read_users(rejected, format=form, encoding=encoding)
            assert [row.user for row in again] == [None] * count
    assert problem is None or problem.code in {"INVALID_HEADER", "INVALID_ENCODING"}


CUT = b'uid,name,tags\na,A,\nb,"B, b",x\nc,C,"[""y"",""z""]"\nd,D,\n'
WHOLE = [User("a", "A"), User("b", "B, b", tags=["x"]), User("c", "C", tags=["y", "z"])]


@pytest.mark.parametrize("length", range(CUT.index(b"\n"), len(CUT)))
def test_a_file_cut_off_anywhere(length: int, tmp_path: Path) -> None:
    """A file that breaks off is read up to the line in which it does."""
    path = tmp_path / "users.csv"
    path.write_bytes(CUT[:length])
    good = [row.item for row in read_users(path) if row.line <= CUT[:length].count(b"\n")]
    assert good == [*WHOLE, User("d", "D")][: len(good)]
    assert len(good) == max(CUT[:length].count(b"\n") - 1, 0)
