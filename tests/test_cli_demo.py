"""``cometchat-auth demo``: with a real keyring, without one, and with one that is in trouble."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import secret_service
from .real_parts import require
from .secret_service import SecretService
from .tools import LIMIT

ROOT = Path(__file__).parent.parent
DEMO = (sys.executable, "-m", "cometchat_auth", "demo")

# An auth token (uid, underscore, 40 hex digits) and a key (40 hex digits).
SECRET = re.compile(r"[0-9a-f]{40}")

_INTERRUPTED = """
from cometchat_auth import _demo
class Report:
    def __getattr__(self, name):
        return self.say
    def say(self, *words):
        if words[0] == "authToken":
            raise KeyboardInterrupt
try:
    _demo.run(Report())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def keyring() -> Iterator[SecretService]:
    """Run a real Secret Service, and let no other back end that is installed join in."""
    require(secret_service.available())
    with SecretService() as service:
        service.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.SecretService.Keyring"
        yield service


def demo_without_keyring(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run the demo where there is no keyring."""
    return subprocess.run(
        DEMO,
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=30,
    )


def events(output: str) -> list[str]:
    """Return what listeners heard, in order."""
    return re.findall(r"-> (.*)", output)


def seconds(output: str) -> float:
    """Return how long the demo says it took."""
    done = re.search(r"^Done in ([\d.]+) s\.$", output, re.M)
    assert done is not None
    return float(done[1])


def test_demo_with_a_keyring(keyring: SecretService) -> None:
    """It must show the whole road and what the keyring held, without secrets, and clean up."""
    done = keyring.run(DEMO)
    assert done.stderr == ""
    assert events(done.stdout) == [
        "first client hears login_success: kevin",
        "second client hears login_success: kevin",
        "second client hears logout_success",
        "first client hears logout_success",
    ]
    assert "keyring.backends.SecretService.Keyring" in done.stdout
    assert re.search(r"service name: cometchat_auth:emulator-app:127\.0\.0\.1:\d+\n", done.stdout)
    assert re.search(r"authToken: +\*\*\*\n", done.stdout)
    assert "It finds 'kevin'." in done.stdout
    assert "The keyring holds nothing now." in done.stdout
    assert SECRET.search(done.stdout) is None
    assert seconds(done.stdout) < LIMIT
    assert keyring.items() == []


def test_demo_without_a_keyring() -> None:
    """It must say that there is none, share a session in memory instead, and say that too."""
    done = demo_without_keyring()
    assert (done.returncode, done.stderr) == (0, "")
    assert events(done.stdout) == [
        "first client hears login_success: kevin",
        "first client hears login_success: kevin",
        "second client hears login_success: kevin",
        "second client hears logout_success",
        "first client hears logout_success",
    ]
    assert "Nothing: there is no keyring on this machine." in done.stdout
    assert "share a MemoryStore" in done.stdout
    assert "It finds 'kevin'." in done.stdout
    assert SECRET.search(done.stdout) is None
    assert seconds(done.stdout) < LIMIT


def test_demo_with_a_locked_keyring(keyring: SecretService) -> None:
    """A locked keyring with nobody to unlock it must be named, and stop nothing."""
    keyring.lock()
    done = keyring.run(DEMO)
    assert "Nothing: the keyring is locked." in done.stdout
    assert "It finds 'kevin'." in done.stdout
    assert seconds(done.stdout) < LIMIT


def test_demo_with_a_keyring_that_hangs(keyring: SecretService) -> None:
    """A keyring that never answers must be named, and cost two seconds."""
    keyring.freeze_daemon()
    done = keyring.run(DEMO)
    keyring.thaw_daemon()
    assert "Nothing: the keyring did not answer within 2 s." in done.stdout
    assert "first client hears logout_failure: [SESSION_STORE_ERROR]" in done.stdout
    assert seconds(done.stdout) < LIMIT
    assert keyring.items() == []


def test_demo_that_is_interrupted_leaves_nothing(keyring: SecretService) -> None:
    """Ctrl-C while the keyring holds the session must still take it out."""
    assert keyring.run(_INTERRUPTED).stdout == "interrupted\n"
    assert keyring.items() == []


def test_interrupted_demo_has_its_exit_code() -> None:
    """Ctrl-C must end it with exit code 130 and one word."""
    code = (
        "import cometchat_auth._demo, cometchat_auth.cli, os, signal\n"
        "cometchat_auth._demo.run = lambda report: signal.raise_signal(signal.SIGINT)\n"
        "cometchat_auth.cli.cli(['demo'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (130, b"Interrupted.\n")


def test_demo_is_plain_text_in_a_pipe_and_coloured_on_a_terminal() -> None:
    """A pipe must get no control characters; a terminal gets colours."""
    assert "\x1b" not in demo_without_keyring().stdout
    assert "\x1b[" in demo_without_keyring(FORCE_COLOR="1").stdout
