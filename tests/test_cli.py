"""The command line, as a person at a terminal or a script sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

import cometchat_auth

from .tools import LIMIT

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-W", "error", "-m", "cometchat_auth")
COMMANDS = (
    *("login", "whoami", "logout", "create-user", "users", "token"),
    *("doctor", "emulator", "demo", "completion"),
)
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
CANARY = "c0ffee" * 6 + "c0de"  # 40 hex digits, as a key has


def run(
    *command: str, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        *command: Its words.
        env: What is added to the environment, or takes the place of what is there.
        stdin: What it reads.
    """
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=30,
    )


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return run(sys.executable, "-W", "error", "-c", code)


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that goes on until it is ended; end it at last, or after the limit."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        alarm = threading.Timer(LIMIT, process.kill)
        alarm.start()
        try:
            yield process
        finally:
            process.kill()
            alarm.cancel()
            alarm.join()


def read_until(process: subprocess.Popen[str], line: str) -> list[str]:
    """Return the lines that a program writes up to and with one that has this in it."""
    assert process.stdout is not None
    lines: list[str] = []
    for each in process.stdout:
        lines.append(each.rstrip("\n"))
        if line in each:
            return lines
    raise AssertionError(f"the program ended without {line!r} but with {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_emulator_serves_until_a_signal_ends_it(number: signal.Signals) -> None:
    """It must print what a client needs, serve, and end with exit code 0, saying so."""
    with started(*COMMAND, "emulator", "--app-id", "mine") as process:
        lines = read_until(process, "Ctrl-C ends it")
        first = next(index for index, line in enumerate(lines) if line.startswith("from "))
        assert python("\n".join(lines[first:-1])).stdout == "Andrew Joseph\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out, err) == (0, "The emulator has ended.\n", "")
    assert "App id:       mine" in lines


def test_emulator_takes_port_and_keys() -> None:
    """What is given on the command line must be used, so that a client can rely on it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--auth-key", "a" * 40, "--rest-api-key", "b" * 40]
    with started(*COMMAND, "emulator", *options) as process:
        lines = read_until(process, "REST API key")
    assert lines == [
        f"URL:          http://127.0.0.1:{port}",
        "App id:       emulator-app",
        f"Auth key:     {'a' * 40}",
        f"REST API key: {'b' * 40}",
    ]


def test_emulator_names_a_port_that_is_in_use() -> None:
    """A port in use must be one line on standard error and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(*COMMAND, "emulator", "--port", str(port))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"port {port}" in done.stderr
    assert "Choose another port" in done.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["emulator", "--auth-key", "same", "--rest-api-key", "same"], 1),
        (["emulator", "--auth-key", ""], 1),
        (["emulator", "--port", "70000"], 2),
        (["emulator", "--port", "x"], 2),
        (["no-such-command"], 2),
        (["--no-such-option"], 2),
        (["users", "no-such-command"], 2),
        (["completion"], 2),
        (["demo", "unexpected"], 2),
    ],
)
def test_wrong_use_has_its_exit_code(options: list[str], code: int) -> None:
    """Wrong values must be 1, a wrong use 2; one line says why, and where to read more."""
    done = run(*COMMAND, *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith("Error: ")
    assert code == 1 or done.stderr.endswith(" --help'.\n")


@pytest.mark.parametrize("words", [[], ["users"]])
def test_commands_of_commands_show_their_help(words: list[str]) -> None:
    """Without a command the help must be shown, as it is, and no error."""
    done = run(*COMMAND, *words)
    assert done.stdout + done.stderr == run(*COMMAND, *words, "--help").stdout


@pytest.mark.parametrize("library", ["click", "rich", "platformdirs"])
def test_without_the_extra_one_line_names_it(library: str) -> None:
    """Without the extra's packages one line must say how to install them, with exit code 1."""
    done = python(
        f"import sys; sys.modules[{library!r}] = None\n"
        "from cometchat_auth.__main__ import main; main()"
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert 'pip install "cometchat-auth[cli]"' in done.stderr


@pytest.mark.parametrize("command", ["emulator", "demo"])
def test_without_the_emulators_libraries_one_line_names_them(command: str) -> None:
    """Commands that need the emulator must say so where its libraries are absent."""
    done = python(
        "import sys; sys.modules['flask'] = None\n"
        f"from cometchat_auth.cli import cli; cli([{command!r}])"
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert 'pip install "cometchat-auth[emulator]"' in done.stderr


def test_version_and_help() -> None:
    """The version must be the package's; the help must name the commands and exit codes."""
    assert run(*COMMAND, "--version").stdout.split()[-1] == cometchat_auth.__version__
    told = run(*COMMAND, "--help").stdout
    expected = [*COMMANDS, *("  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  6  "), "130"]
    assert [word for word in expected if word not in told] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command: str) -> None:
    """The help of a command must be there without anything being set up, and show no value."""
    variables = {f"COMETCHAT_{name}": CANARY for name in ("AUTH_KEY", "REST_API_KEY")}
    done = run(*COMMAND, command, "--help", env={**variables, "COMETCHAT_CONFIG": "/nowhere"})
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: cometchat-auth {command}" in done.stdout
    assert CANARY not in done.stdout


def test_help_and_completion_import_nothing_heavy() -> None:
    """What every press of TAB runs must load neither HTTP, keyring, tables nor the emulator."""
    done = python(
        "import sys\n"
        "from cometchat_auth.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "print(sorted({'requests', 'keyring', 'rich', 'flask'} & sys.modules.keys()))"
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_question_needs_no_full_stop() -> None:
    """What click asks, such as whether another command was meant, is left as it is."""
    done = run(*COMMAND, "users", "lst")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "?." not in done.stderr


@pytest.mark.parametrize("place", ["login {} {}", "whoami {}", "emulator {}", "{}", "login --{}"])
def test_x2_a_misplaced_key_is_not_quoted(place: str) -> None:
    """A key or token in a wrong place is a wrong use that does not repeat it."""
    done = run(*COMMAND, *place.format(CANARY, CANARY).split())
    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert CANARY not in done.stdout + done.stderr
