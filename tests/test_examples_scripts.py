"""The examples of `docs` that need no window: a script, asyncio, and tests, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometchat_auth.emulator import Emulator, Fault

from . import secret_service, terminal
from .example_programs import EXAMPLES, PATIENCE
from .real_parts import require
from .secret_service import SecretService
from .terminal import Terminal

UID, NAME = "cometchat-uid-1", "Andrew Joseph"
GREETING = f"{NAME} is logged in as {UID}.\n"


@pytest.fixture(scope="module")
def keyring() -> Iterator[SecretService]:
    """Have a keyring."""
    require(secret_service.available())
    with SecretService() as service:
        yield service


def runs(
    env: dict[str, str], program: str, *arguments: str, token: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run an example that finds an auth token in its environment; no token is ever printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *arguments],
        env={**env, "COMETCHAT_AUTH_TOKEN": token},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert "Traceback" not in done.stderr
    assert not token or token not in done.stdout + done.stderr
    return done


def test_script(keyring: SecretService, emulator: Emulator) -> None:
    """A script needs its token once; without a session, and offline, its exit code says so."""
    script = ("script_login.py", emulator.app_id, emulator.url)
    token = emulator.create_auth_token(UID)
    first = runs(keyring.env, *script, token=token)
    assert (first.returncode, first.stdout, first.stderr) == (0, GREETING, "")
    emulator.requests.clear()
    again = runs(keyring.env, *script)
    assert (again.returncode, again.stdout) == (0, GREETING)
    assert [entry.call for entry in emulator.requests] == ["put_me"]
    emulator.revoke_auth_token(token)
    dead = runs(keyring.env, *script, token=token)
    assert (dead.returncode, dead.stdout) == (1, "")
    assert "Log in with a new one." in dead.stderr
    emulator.faults.add(Fault(call="put_me", rate_limit=600))
    busy = runs(keyring.env, *script, token=emulator.create_auth_token(UID))
    assert (busy.returncode, busy.stdout) == (75, "")
    out = runs(keyring.env, *script, "--logout")
    assert (out.returncode, out.stdout) == (0, "Nobody is logged in.\n")
    assert keyring.items() == []


def test_script_is_interrupted_at_its_question(emulator: Emulator, tmp_path: Path) -> None:
    """Ctrl-C in place of the token ends the script with a word and 130."""
    require(terminal.available())
    command = [sys.executable, str(EXAMPLES / "script_login.py"), emulator.app_id, emulator.url]
    env = {"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(EXAMPLES.parent)}
    env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    with Terminal(command, env=env) as screen:
        screen.wait_for("Auth token:")
        assert screen.press_until_it_ends("\x03") == 130
        assert screen.screen.endswith("Interrupted.")
        assert "Traceback" not in screen.screen


def test_script_without_a_keyring(emulator: Emulator, tmp_path: Path) -> None:
    """Where there is no keyring the script logs in, and says that it will have to again."""
    env = {"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(EXAMPLES.parent)}
    env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    token = emulator.create_auth_token(UID)
    done = runs(env, "script_login.py", emulator.app_id, emulator.url, token=token)
    assert (done.returncode, done.stdout) == (0, GREETING)
    assert done.stderr.endswith("The session is not kept (no_keyring).\n")


def test_asyncio(keyring: SecretService, emulator: Emulator) -> None:
    """The event loop goes on while a login waits, and the listener is heard in it."""
    program = ("asyncio_login.py", emulator.app_id, emulator.url)
    emulator.faults.add(Fault(call="put_me", latency=1.0))
    done = runs(keyring.env, *program, token=emulator.create_auth_token(UID))
    assert (done.returncode, done.stdout) == (0, f"{GREETING}Logged out.\n")
    assert done.stderr.count(".") > 3
    assert keyring.items() == []
    failed = runs(keyring.env, *program)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.strip(".").startswith("auth_token is required")


@pytest.mark.parametrize("program", ["script_login.py", "asyncio_login.py"])
@pytest.mark.parametrize(
    ("app_id", "where", "said"),
    [
        ("app", "mars", "region must be one of us, eu, in"),
        ("app", "http://far.example", "must begin with https"),
        ("a b", "us", "app_id may have letters"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(
    program: str, app_id: str, where: str, said: str
) -> None:
    """Whoever mistypes an argument is told which one, without a traceback."""
    done = runs({"PYTHONPATH": str(EXAMPLES.parent)}, program, app_id, where, token="never-sent")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def outside(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run the examples of tests in a folder of their own, as in a project of the reader's."""
    for name in (
        "greeter.py",
        "sqlite_store.py",
        "test_greeter.py",
        "test_greeter_unittest.py",
        "test_sqlite_store.py",
    ):
        shutil.copy(EXAMPLES / "testing" / name, folder)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_tests_with_pytest(tmp_path: Path) -> None:
    """The tests of the example pass with pytest, the contract of its store among them."""
    done = outside(tmp_path, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    found = re.search(r"(\d+) passed", done.stdout)
    assert found is not None
    assert int(found[1]) > 40


def test_tests_with_unittest(tmp_path: Path) -> None:
    """The tests for unittest pass with unittest."""
    command = ("-W", "error", "-m", "unittest", "test_greeter_unittest")
    assert "\nRan 2 tests in " in outside(tmp_path, *command).stderr


# What may be wrong in the program, and the test that has to find it.
MISTAKES = {
    "test_login": ("Hello, {user.name}!", "Hello, {user.uid}!"),
    "test_a_service_that_fails": ("error.retryable", "False"),
    "test_a_locked_keyring": ("error.reason", "error.message"),
}


def test_tests_find_mistakes(tmp_path: Path) -> None:
    """A mistake in the program that they test is found by the tests that ought to find it."""
    text = (EXAMPLES / "testing" / "greeter.py").read_text("utf-8")
    for right, wrong in MISTAKES.values():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    (tmp_path / "greeter.py").write_text(text, "utf-8")
    shutil.copy(EXAMPLES / "testing" / "test_greeter.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "cometchat_auth._pytest_plugin"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # others take seconds
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    failed = set(re.findall(r"^FAILED test_greeter\.py::(\w+)", done.stdout, re.M))
    assert failed >= MISTAKES.keys(), done.stdout
    assert "test_nobody" not in failed
