"""Shell completion, in the shells themselves, and the terminal that such tests look at."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from . import terminal
from .real_parts import require
from .terminal import Terminal
from .test_cli import CANARY, COMMAND, run

SHELLS = ("bash", "zsh", "fish")


def installed(shell: str) -> str | None:
    """Return why a shell cannot be used here, or ``None`` if it can."""
    return None if shutil.which(shell) else f"{shell} is not installed"


@pytest.fixture
def program(tmp_path: Path) -> dict[str, str]:
    """Put ``cometchat-auth`` on the path, and return the environment for it."""
    require(terminal.available())
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "cometchat-auth"
    script.write_text(f'#!/bin/sh\nexec "{COMMAND[0]}" -m cometchat_auth "$@"\n')
    script.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(terminal.ROOT), "PS1": "ready> "}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cometchat-auth who\t--ch\t", "cometchat-auth whoami --check"),
        ("cometchat-auth login --auth\t\t\t", "--auth-key-stdin"),
        ("cometchat-auth completion \t\t", "fish"),
    ],
)
def test_bash_completes_at_a_terminal(program: dict[str, str], typed: str, expected: str) -> None:
    """TAB completes commands, options and values as a person types them, and shows no key."""
    require(installed("bash"))
    env = {**program, "COMETCHAT_AUTH_KEY": CANARY}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], env=env) as screen:
        screen.wait_for("ready>")
        screen.type('eval "$(cometchat-auth completion bash)"; echo do"ne"\n')
        screen.wait_for("done")
        screen.type(typed)
        screen.wait_for(expected)
        assert CANARY.encode() not in screen.written


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_script(shell: str) -> None:
    """The script must be printed alone, for the program's name and variable."""
    done = run(*COMMAND, "completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_COMETCHAT_AUTH_COMPLETE" in done.stdout
    assert "cometchat-auth" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_understands_its_script(shell: str, tmp_path: Path) -> None:
    """The shell must take its script without a complaint."""
    require(installed(shell))
    script = tmp_path / "script"
    script.write_text(run(*COMMAND, "completion", shell).stdout)
    done = run(shell, "-n", str(script))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_unknown_shell_is_named() -> None:
    """A shell that nobody has a script for is a wrong use."""
    done = run(*COMMAND, "completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr


def test_the_terminal_shows_what_a_person_sees() -> None:
    """The helper must tell typed from hidden, keep up with control codes, and notice the end."""
    require(terminal.available())
    code = (
        "import getpass, os, sys\n"
        "print('first\\r\\x1b[1mFIRST\\x1b[0m', os.get_terminal_size().columns)\n"
        "print(repr(input('shown: ')), repr(getpass.getpass('hidden: ')))\n"
        "sys.exit(7)"
    )
    with Terminal([COMMAND[0], "-c", code], columns=66) as screen:
        screen.wait_for("shown:")
        screen.type("a\n")
        screen.wait_for("hidden:")
        screen.type("b\n")
        assert screen.finish() == 7
        assert screen.screen == "FIRST 66\nshown: a\nhidden:\n'a' 'b'"
        assert b"\x1b[1m" in screen.written
        with pytest.raises(AssertionError, match="no 'more' on the screen"):
            screen.wait_for("more")
