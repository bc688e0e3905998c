"""A script ends when it should, with its last calls made and told (C5)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometchat_auth.emulator import Emulator

from .tools import Reply, Seen, scripted

ROOT = Path(__file__).parent.parent

# A store in a file of its own, so that a test can see what a process that has ended had stored.
PRELUDE = """
import pathlib, sys, time, threading
from cometchat_auth import AppSettings, CometChat, LoginListener, User
url, app_id, key, folder = sys.argv[1:]
class FileStore:
    name = "file"
    path = pathlib.Path(folder, "record")
    def load(self, service_name, profile):
        return self.path.read_text() if self.path.exists() else None
    def save(self, service_name, profile, record):
        self.path.write_text(record)
    def delete(self, service_name, profile):
        self.path.unlink(missing_ok=True)
def tell(user):
    print("told", user.uid)
chat = CometChat(app_id, AppSettings.for_emulator(url), session_store=FileStore())
"""
LOGIN = 'chat.login("cometchat-uid-1", key, on_success=tell)\n'


class Script:
    """A script in a process of its own."""

    def __init__(self, code: str, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code, *args],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit code and what was printed."""
        try:
            out, err = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        return self.process.returncode, out, err


@pytest.mark.parametrize(
    ("ending", "codes", "message"),
    [
        ("", {0}, ""),
        ("sys.exit(3)", {3}, ""),
        ("raise ValueError('oops')", {1}, "ValueError: oops"),
        ("raise KeyboardInterrupt", {1, 130, -signal.SIGINT}, "KeyboardInterrupt"),
    ],
)
def test_c5_falls_off_its_end(
    emulator: Emulator, tmp_path: Path, ending: str, codes: set[int], message: str
) -> None:
    """However a script ends, its last login is made, stored and told."""
    script = Script(LOGIN + ending, emulator.url, emulator.app_id, emulator.auth_key, str(tmp_path))
    status, out, err = script.end()
    assert status in codes
    assert out.strip() == "told cometchat-uid-1"
    assert message in err
    assert "cannot schedule" not in err
    assert "shutdown" not in err
    assert "cometchat-uid-1" in (tmp_path / "record").read_text()


def test_c5_callbacks_may_call_on_at_exit(emulator: Emulator, tmp_path: Path) -> None:
    """A callback that runs while the interpreter exits may make further calls."""
    code = """
def again(user):
    print("first", user.uid)
    chat.logout(on_success=lambda _: print("then", "out"))
chat.login("cometchat-uid-1", key, on_success=again)
"""
    script = Script(code, emulator.url, emulator.app_id, emulator.auth_key, str(tmp_path))
    status, out, err = script.end()
    assert (status, out.split()) == (0, ["first", "cometchat-uid-1", "then", "out"]), err
    assert not (tmp_path / "record").exists()


def test_c5_an_idle_client_does_not_hold_the_exit(emulator: Emulator, tmp_path: Path) -> None:
    """A script with an idle client ends without waiting for anything."""
    code = 'chat.login("cometchat-uid-1", key).result()\nprint("end", flush=True)\n'
    script = Script(code, emulator.url, emulator.app_id, emulator.auth_key, str(tmp_path))
    assert script.process.stdout is not None
    assert script.process.stdout.readline() == "end\n"
    printed = time.monotonic()
    assert script.end()[0] == 0
    assert time.monotonic() - printed < 4.5  # less than the drain limit: nothing was waited for


@pytest.fixture
def hung() -> Iterator[str]:
    """Run a service that never answers; return its URL."""
    release = threading.Event()

    def script(_: Seen) -> Reply:
        release.wait(60)
        return Reply()

    with scripted(script) as server:
        yield server.url
        release.set()


def test_c5_a_hung_server(hung: str, tmp_path: Path) -> None:
    """A script whose last call hangs ends after the drain limit, not after the call's time."""
    begun = time.monotonic()
    status, out, err = Script(LOGIN, hung, "app", "key", str(tmp_path)).end()
    assert (status, out) == (0, "")
    assert time.monotonic() - begun < 20  # the call itself would take 30 s
    assert "Traceback" not in err


def test_c5_a_callback_that_never_returns(emulator: Emulator, tmp_path: Path) -> None:
    """A callback that never returns cannot keep a script from ending."""
    code = 'chat.login("cometchat-uid-1", key, on_success=lambda _: threading.Event().wait())'
    script = Script(code, emulator.url, emulator.app_id, emulator.auth_key, str(tmp_path))
    status, _, err = script.end()
    assert status == 0, err
    assert "cometchat-uid-1" in (tmp_path / "record").read_text()


def test_c5_ctrl_c_during_the_drain(hung: str, tmp_path: Path) -> None:
    """Ctrl-C while a script waits for its last calls ends it at once."""
    script = Script(LOGIN + "print('end', flush=True)\n", hung, "app", "key", str(tmp_path))
    assert script.process.stdout is not None
    assert script.process.stdout.readline() == "end\n"
    script.process.send_signal(signal.SIGINT)
    status, _, err = script.end()
    assert status in {0, 1, -signal.SIGINT}, err
