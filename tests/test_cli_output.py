"""What the command line prints: safe for terminals, exact for programs, quiet when cut off."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth import User
from cometchat_auth.cli import _output
from cometchat_auth.cli._findings import without_password
from cometchat_auth.emulator import Emulator

from . import terminal
from .real_parts import require
from .terminal import Terminal
from .test_cli import COMMAND, ROOT, python, run

texts = st.text(st.characters() | st.sampled_from("\x00\x07\x1b\x7f\x9b\u2028\u202e\ud800\n\t "))
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

# Prints a table of names that a terminal would act upon, and the number of its rows.
TABLE = """
from cometchat_auth.cli import _output
rows = [
    ["kevin", "[red]Kevin[/] :smile: \\x1b[31m"],
    ["zoe", "Zo\\u00eb \\u4f60\\u597d " + "x" * 60],
]
print(_output.table(["Uid", "Name"], iter(rows)))
"""


def acted_upon(text: str) -> list[str]:
    """Return the characters that a terminal does not show but obeys."""
    return [char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]


@given(texts)
def test_what_is_shown_obeys_nobody(text: str) -> None:
    """Whatever came from outside, it is one line without anything that a terminal acts upon."""
    for shown in (_output.shown(text), _output.one_line(text)):
        assert acted_upon(shown) == []
        assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f")


@pytest.mark.parametrize(
    "text",
    ["Zo\u00eb", "\u4f60\u597d", "\u0645\u06cc\u200c\u062e\u0648", "\U0001f469\u200d\U0001f680"],
)
def test_what_people_write_is_shown_as_it_is(text: str) -> None:
    """Letters of any script, and what joins them, are no danger."""
    assert _output.shown(text) == text


def printed(value: object) -> bytes:
    """Print a value as JSON, and return what was printed."""
    raw = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, "latin-1", write_through=True)) as out:
        _output.put_json(value)
        out.detach()
    return raw.getvalue()


@given(documents)
def test_json_is_exact_and_on_one_line(value: Any) -> None:
    """A program reads back what was there; a terminal finds nothing in it to act upon."""
    line = printed(value).decode("utf-8")
    assert json.loads(line) == value
    assert line.endswith("\n")
    assert acted_upon(line[:-1]) == []


def test_json_has_no_word_for_nan() -> None:
    """What Python reads from a service that writes NaN must still come out as JSON."""
    document = _output.user_document(User(uid="a", metadata={"x": [float("nan")]}))
    assert json.loads(printed(document))["metadata"] == {"x": [None]}


def test_a_table_in_a_pipe_is_lines_of_values() -> None:
    """Elsewhere than at a terminal a table is plain: nothing is cut, coloured or interpreted."""
    assert python(TABLE).stdout.splitlines() == [
        "Uid\tName",
        "kevin\t[red]Kevin[/] :smile: \\x1b[31m",
        f"zoe\tZo\u00eb \u4f60\u597d {'x' * 60}",
        "2",
    ]


def test_a_table_fits_the_terminal() -> None:
    """At a terminal a table has frames, loses nothing where it is narrow, and obeys no name."""
    require(terminal.available())
    with Terminal([*COMMAND[:1], "-c", TABLE], columns=40) as screen:
        assert screen.finish() == 0
        lines = screen.screen.splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[-1] == "2"
    joined = "".join(
        line.split("\u2502")[2].rstrip() for line in lines if line.count("\u2502") == 3
    )
    assert "[red]Kevin[/]:smile:\\x1b[31m" in joined.replace(" ", "")
    assert joined.count("x") == 61  # of the name, and of the escape
    assert b"\x1b[31m" not in screen.written


def test_no_colour_where_none_is_wanted() -> None:
    """NO_COLOR must be heeded: https://no-color.org."""
    require(terminal.available())
    env = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    for extra, coloured in ({}, True), ({"NO_COLOR": "1"}, False):
        with Terminal([*COMMAND, "doctor"], env={**env, **extra}) as screen:
            screen.finish()
            assert (b"\x1b[1;31m" in screen.written) is coloured


def test_a_long_list_stays_flat() -> None:
    """Rows are taken one by one: a reader sees the first before the last is there."""
    code = (
        "from cometchat_auth.cli import _output\n"
        "def rows():\n"
        "    yield ['first']\n"
        "    print('asked for the second', flush=True)\n"
        "_output.table(['Uid'], rows())"
    )
    assert python(code).stdout.splitlines() == ["Uid", "first", "asked for the second"]


def shell(command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell."""
    require(None if os.name == "posix" else "a shell is a matter of POSIX")
    return subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env={**os.environ, **env}, capture_output=True,
        check=False, encoding="utf-8", timeout=30,
    )  # fmt: skip


# Prints lines for as long as anybody reads them.
ENDLESS = """
from cometchat_auth.cli import _output, cli
import click, itertools, sys
import cometchat_auth.cli._completion as place
@click.command()
def endless():
    if sys.argv[1] == "plain":
        _output.table(["Number"], ([number] for number in itertools.count()))
    for number in itertools.count():
        _output.console().print(number)
place.completion = endless
cli(["completion"])
"""


@pytest.mark.parametrize(("way", "first"), [("plain", "Number\n0\n"), ("rich", "0\n1\n")])
def test_a_reader_who_has_enough_ends_it_quietly(way: str, first: str) -> None:
    """`| head` must not leave a traceback or a complaint; the exit code says that it was cut."""
    line = '{ "$PYTHON" -c "$CODE" "$WAY"; echo "exit code $?" >&2; } | head -n 2'
    env = {"PYTHON": COMMAND[0], "CODE": ENDLESS, "WAY": way, "PYTHONUNBUFFERED": ""}
    done = shell(line, env)
    assert (done.returncode, done.stdout, done.stderr) == (0, first, "exit code 1\n")


def test_a_long_list_at_a_terminal_is_several_tables() -> None:
    """Of a long list only 500 rows have to be in memory; none is lost between two tables."""
    require(terminal.available())
    code = (
        "from cometchat_auth.cli import _output\n"
        "print(_output.table(['Uid'], ([f'user{number}x'] for number in range(501))))"
    )
    with Terminal([*COMMAND[:1], "-c", code]) as screen:
        assert screen.finish() == 0
        assert screen.screen.splitlines()[-1] == "501"
        assert screen.written.count(b"Uid") == 2
        assert [f"user{number}x".encode() in screen.written for number in range(501)] == [
            True
        ] * 501


@pytest.mark.parametrize(
    "command", ["--help", "doctor", "doctor --json", "whoami", "completion zsh"]
)
def test_k5_closed_streams_break_nothing(command: str) -> None:
    """Without standard streams a command has its exit code all the same."""
    env = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "COMETCHAT_APP_ID": "a"}
    line = " ".join(COMMAND) + f" {command}"
    usual = shell(line, env)
    closed = shell(f"{line} <&- >&- 2>&-", env)
    assert (closed.returncode, closed.stdout, closed.stderr) == (usual.returncode, "", "")


def test_a_full_disk_is_said() -> None:
    """Output that cannot be written is a failure, in one line."""
    require(None if Path("/dev/full").exists() else "there is no /dev/full")
    done = shell(" ".join(COMMAND) + " completion zsh > /dev/full", {})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("Error: ")


@pytest.mark.parametrize("encoding", ["latin-1", "cp437"])
def test_a_terminal_without_these_letters_loses_nothing(emulator: Emulator, encoding: str) -> None:
    """A name that standard output has no letters for is written with escapes."""
    env = {
        "PYTHONIOENCODING": encoding,
        "COMETCHAT_APP_ID": emulator.app_id,
        "COMETCHAT_EMULATOR": emulator.url,
        "COMETCHAT_AUTH_KEY": emulator.auth_key,
    }
    done = run(*COMMAND, "create-user", "zoe", "--name", "Zoe \u4f60", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Name:    Zoe \\u4f60\n" in done.stdout


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@proxy:3128", "http://***@proxy:3128"),
        ("me:secret@proxy:3128", "***@proxy:3128"),
        ("http://me:sec@ret@proxy", "http://***@proxy"),
        ("http://proxy:3128", "http://proxy:3128"),
    ],
)
def test_x2_a_proxys_password_is_masked(url: str, shown: str) -> None:
    """Neither user nor password of a proxy is shown, however its URL is written."""
    assert without_password(url) == shown
