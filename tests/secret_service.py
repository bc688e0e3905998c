"""A real Secret Service of one's own: gnome-keyring on a private D-Bus, without a desktop."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import attrs

ROOT: Final = Path(__file__).parent.parent
NAME: Final = "org.freedesktop.secrets"
PASSWORD: Final = "test keyring password"
# Seconds: for the start of a daemon and for a child that looks something up.
START_TIME_LIMIT: Final = 20.0
RUN_TIME_LIMIT: Final = 30.0

_PROGRAMS: Final = {"dbus-daemon": "dbus", "gnome-keyring-daemon": "gnome-keyring"}

_LIST_ITEMS: Final = """
import contextlib, json, secretstorage
with contextlib.closing(secretstorage.dbus_init()) as connection:
    collection = secretstorage.get_default_collection(connection)
    print(json.dumps([
        [item.get_label(), item.get_attributes(), item.get_secret().decode("utf-8", "replace")]
        for item in collection.get_all_items()
    ]))
"""

_LOCK: Final = """
import contextlib, secretstorage
with contextlib.closing(secretstorage.dbus_init()) as connection:
    collection = secretstorage.get_default_collection(connection)
    collection.lock()
    assert collection.is_locked()
"""


@attrs.frozen
class Item:
    """One secret as it is stored."""

    label: str
    attributes: dict[str, str]
    secret: str


def available() -> str | None:
    """Return why a real Secret Service cannot be started here, or ``None`` if it can."""
    if sys.platform != "linux":
        return "a Secret Service is a matter of Linux"
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            return f"{program} is not installed (package {package})"
    for module in ("keyring", "secretstorage", "jeepney"):
        if importlib.util.find_spec(module) is None:
            return f"the Python package {module} is not installed"
    return None


class SecretService:
    """A D-Bus and a gnome-keyring, unlocked, with folders of their own; to be used in ``with``.

    Programs see it when they run under ``env``; the surrounding process and its keyring are
    not touched. Leaving the ``with`` statement ends the daemons and removes the folders.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._keyring: subprocess.Popen[bytes] | None = None
        self.env: dict[str, str] = {}
        """The complete environment for a program that is to see this Secret Service."""

    def __enter__(self) -> SecretService:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(_temporary_folder()))
            self.env = _environment(folder)
            bus = self._start_bus()
            stack.callback(_end_group, bus)
            self._keyring = self._start_keyring()
            stack.callback(_end, self._keyring)
            _wait_for_owner(self.env["DBUS_SESSION_BUS_ADDRESS"])
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def run(
        self,
        code_or_argv: str | Sequence[str],
        *arguments: str,
        check: bool = True,
        time_limit: float = RUN_TIME_LIMIT,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program that sees this Secret Service, from the project's folder.

        Args:
            code_or_argv: Python code, or the words of any command.
            arguments: Further words of the command; the code's ``sys.argv[1:]``.
            check: Whether an exit status other than 0 is an error.
            time_limit: Seconds after which it is ended.

        Returns:
            The finished process with ``stdout`` and ``stderr`` as text.

        Raises:
            AssertionError: It failed; the message is what it wrote.
            subprocess.TimeoutExpired: It took too long.
        """
        python = [sys.executable, "-c", code_or_argv] if isinstance(code_or_argv, str) else None
        done = subprocess.run(
            [*(python or code_or_argv), *arguments],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            check=False,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=time_limit,
        )
        assert not check or done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
        return done

    def items(self) -> list[Item]:
        """Return everything that is stored, secrets included."""
        return [Item(*fields) for fields in json.loads(self.run(_LIST_ITEMS).stdout)]

    def lock(self) -> None:
        """Lock the collection; with nobody to ask for the password, it stays locked."""
        self.run(_LOCK)

    def alive(self, within: float = 0) -> bool:
        """Return whether gnome-keyring still runs: under several programs it aborts at times.

        Args:
            within: Seconds to wait for its end, for one that may just be about to.
        """
        try:
            self._daemon().wait(within)
        except subprocess.TimeoutExpired:
            return True
        return False

    def kill_daemon(self) -> None:
        """Kill gnome-keyring; D-Bus starts another when asked, and that one is locked."""
        _end(self._daemon())

    def freeze_daemon(self) -> None:
        """Stop gnome-keyring without ending it: from now on it never answers."""
        self._daemon().send_signal(signal.SIGSTOP)

    def thaw_daemon(self) -> None:
        """Let a frozen gnome-keyring go on."""
        self._daemon().send_signal(signal.SIGCONT)

    def _daemon(self) -> subprocess.Popen[bytes]:
        if self._keyring is None:
            raise RuntimeError("the Secret Service was not started")
        return self._keyring

    def _start_bus(self) -> subprocess.Popen[bytes]:
        address = self.env["DBUS_SESSION_BUS_ADDRESS"]
        # A session of its own, so that what the bus starts on demand can be ended with it.
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", f"--address={address}", "--print-address=1"],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if not _first_line(bus):
            _end_group(bus)
            raise RuntimeError("dbus-daemon did not start")
        return bus

    def _start_keyring(self) -> subprocess.Popen[bytes]:
        daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert daemon.stdin is not None
        # All of it is the password, up to the end of the file: no line break.
        daemon.stdin.write(PASSWORD.encode())
        daemon.stdin.close()
        return daemon


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    # Short, because the path of a socket may have 107 bytes; daemons may still be removing
    # files of their own. The mode is 700.
    return tempfile.TemporaryDirectory(prefix="secrets-", ignore_cleanup_errors=True)


def _environment(folder: Path) -> dict[str, str]:
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    for variable, name in {
        "XDG_DATA_HOME": "data",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_RUNTIME_DIR": "run",
    }.items():
        (folder / name).mkdir(mode=0o700)
        env[variable] = str(folder / name)
    env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={folder / 'run' / 'bus'}"
    env["PYTHONPATH"] = str(ROOT)
    return env


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the first line a process writes, or nothing if it ends or takes too long."""
    assert process.stdout is not None
    alarm = threading.Timer(START_TIME_LIMIT, process.kill)
    alarm.start()
    try:
        return process.stdout.readline()
    finally:
        alarm.cancel()
        alarm.join()


def _wait_for_owner(address: str) -> None:
    """Wait until somebody on the bus is the Secret Service."""
    # Not at the top: there is no jeepney where there is no Secret Service.
    from jeepney import DBus, MatchRule, message_bus  # type: ignore[import-untyped]
    from jeepney.io.blocking import (  # type: ignore[import-untyped]
        Proxy,
        open_dbus_connection,
    )

    changed = MatchRule(
        type="signal",
        sender=message_bus.bus_name,
        interface=message_bus.interface,
        member="NameOwnerChanged",
        path=message_bus.object_path,
    )
    changed.add_arg_condition(0, NAME)
    deadline = time.monotonic() + START_TIME_LIMIT
    with open_dbus_connection(address) as connection, connection.filter(changed) as queue:
        bus: Any = Proxy(DBus(), connection, timeout=START_TIME_LIMIT)
        bus.AddMatch(changed)
        while not bus.NameHasOwner(NAME)[0]:
            connection.recv_until_filtered(queue, timeout=deadline - time.monotonic())


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _end_group(leader: subprocess.Popen[bytes]) -> None:
    if leader.poll() is None:
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()
    if leader.stdout is not None:
        leader.stdout.close()
