"""An emulator in a process of its own: to be loaded, looked at from outside, and killed."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import attrs

ROOT: Final = Path(__file__).parent.parent.parent
TIME_LIMIT: Final = 30.0  # seconds, for the process to begin or end, and for an answer

_CODE: Final = """
import json, sys
from cometchat_auth.emulator import Emulator
with Emulator(data=sys.argv[1] or None) as service:
    told = {"url": service.url, "app_id": service.app_id}
    keys = {"auth_key": service.auth_key, "rest_api_key": service.rest_api_key}
    print(json.dumps({**told, **keys}), flush=True)
    sys.stdin.read()
"""


class Refused(Exception):
    """The emulator answered with a status other than 200."""


@attrs.frozen
class Address:
    """Where an emulator is, and its keys."""

    url: str
    app_id: str
    auth_key: str = attrs.field(repr=False)
    rest_api_key: str = attrs.field(repr=False)


@attrs.frozen
class Footprint:
    """What a process takes up."""

    mebibytes: float
    threads: int
    descriptors: int


class EmulatorProcess:
    """An emulator in a process of its own; to be used in a ``with`` statement.

    Args:
        data: Its data file, if it is to have one.
        code: Another program that tells its address in the same way.
    """

    def __init__(self, data: Path | None = None, code: str = _CODE) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(data or "")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self.stop()
            raise RuntimeError(f"the emulator ended with status {self._process.returncode}")
        self.address = Address(**json.loads(line))

    def __enter__(self) -> EmulatorProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def footprint(self) -> Footprint:
        """Return what it takes up at the moment, as Linux tells it."""
        folder = Path(f"/proc/{self._process.pid}")
        lines = (folder / "status").read_text("ascii", errors="replace").splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return Footprint(
            mebibytes=int(told["VmRSS"].split()[0]) / 1024,
            threads=int(told["Threads"]),
            descriptors=len(list((folder / "fd").iterdir())),
        )

    def processor(self) -> float:
        """Return how many seconds of the processor it has had, as Linux tells it."""
        told = Path(f"/proc/{self._process.pid}/stat").read_text("ascii", errors="replace")
        user, system = told.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it on the spot, and wait until it is gone."""
        self._process.kill()
        self.stop()

    def stop(self) -> int:
        """End it in good order unless it has ended, and return its exit status."""
        try:
            self._process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        return self._process.returncode


class Caller:
    """A client with one connection and nothing between it and the emulator.

    Args:
        address: The emulator.
    """

    def __init__(self, address: Address) -> None:
        host = address.url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(host, timeout=TIME_LIMIT)
        self._key = {"apikey": address.rest_api_key}

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """Make a call and return the answer.

        Args:
            method: HTTP method.
            path: Path below the version.
            body: JSON value to send, if any.
            token: Auth token to send in place of the key.

        Raises:
            Refused: The answer has another status than 200.
            OSError: There was no answer.
            http.client.HTTPException: There was half an answer.
        """
        sent = None if body is None else json.dumps(body)
        headers = {"authToken": token} if token else self._key
        self._connection.request(method, f"/v3{path}", sent, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise Refused(f"{method} {path.split('/')[1]}: {response.status} {answer[:200]!r}")
        return json.loads(answer)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
