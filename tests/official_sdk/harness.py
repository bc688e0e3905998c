"""Drives the official CometChat JavaScript SDKs from Python: the current one and the one before.

An SDK runs unmodified, in a jsdom window, in a Node process of its own. To install them::

    python -m tests.official_sdk.harness
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

HERE: Final = Path(__file__).parent
DRIVER: Final = HERE / "driver.js"
NODE_MODULES_VARIABLE: Final = "COMETCHAT_TEST_NODE_MODULES"
SDK: Final = "@cometchat/chat-sdk-javascript"
PREVIOUS_SDK: Final = "@cometchat-pro/chat"

# Seconds. A command takes milliseconds and loading the SDK about one second.
TIME_LIMIT: Final = 30.0
INSTALL_TIME_LIMIT: Final = 300.0

Json = dict[str, Any]


class OfficialSdkError(Exception):
    """The official SDK reported an error: its ``CometChatException``, field by field."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.code: Any = error.get("code")
        self.name: Any = error.get("name")
        self.message: str = error.get("message") or ""
        self.details: Any = error.get("details")
        super().__init__(f"[{self.code}] {self.message or self.name}")


class OfficialSdkGone(Exception):
    """The Node process ended, or had to be ended because it did not answer in time."""


def node_modules() -> Path:
    """Return the folder with the packages, whether they are installed or not."""
    configured = os.environ.get(NODE_MODULES_VARIABLE)
    if not configured:
        return HERE / "node_modules"
    inside = Path(configured) / "node_modules"
    return inside if inside.is_dir() else Path(configured)


def available() -> str | None:
    """Return why the official SDKs cannot be run here, or ``None`` if they can."""
    if shutil.which("node") is None:
        return "Node is not installed: the official SDKs cannot be run"
    folder = node_modules()
    description = json.loads((HERE / "package.json").read_text("utf-8"))
    for package, wanted in description["dependencies"].items():
        installed = _installed_version(folder / package)
        if installed is None or (not wanted.startswith("^") and installed != wanted):
            return (
                f"{package} {wanted} is not installed in {folder}: "
                "run python -m tests.official_sdk.harness"
            )
    return None


def install(cache_dir: Path = HERE, *, time_limit: float = INSTALL_TIME_LIMIT) -> Path:
    """Install the official SDKs, jsdom and axe-core with npm.

    Args:
        cache_dir: Folder that gets the ``node_modules``; made if it is missing.
        time_limit: Seconds that npm may take.

    Returns:
        The ``node_modules`` folder, for the variable ``COMETCHAT_TEST_NODE_MODULES``.

    Raises:
        FileNotFoundError: npm is not installed.
        subprocess.SubprocessError: npm failed, or took too long.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    cache_dir.mkdir(parents=True, exist_ok=True)
    if not cache_dir.samefile(HERE):
        shutil.copy(HERE / "package.json", cache_dir)
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    subprocess.run([npm, "install", *options], cwd=cache_dir, check=True, timeout=time_limit)
    return cache_dir / "node_modules"


class OfficialSdk:
    """One Node process with an official SDK in it; to be used in a ``with`` statement.

    ``init`` begins a new installation with nothing stored, so that one process serves any
    number of tests. Methods are named like the SDK's, in Python's spelling, and return its
    objects as JSON values.

    Every method raises ``OfficialSdkError`` where the SDK reports an error, and
    ``OfficialSdkGone`` where Node ended or gave no answer within the time limit.
    """

    def __init__(
        self, package: str = SDK, *, ca: Path | None = None, time_limit: float = TIME_LIMIT
    ) -> None:
        """Start Node.

        Args:
            package: Which SDK: ``SDK`` or ``PREVIOUS_SDK``.
            ca: File with the certificate of an authority that Node is to trust, besides its own.
            time_limit: Seconds that each command may take.
        """
        self.time_limit = time_limit
        self._log: TextIO = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            ["node", str(DRIVER), str(node_modules()), package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ if ca is None else {**os.environ, "NODE_EXTRA_CA_CERTS": str(ca)},
            encoding="utf-8",
        )

    def __enter__(self) -> OfficialSdk:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End Node; a second call does nothing."""
        if self._log.closed:
            return
        try:
            self._process.communicate(timeout=self.time_limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        finally:
            self._log.close()

    @property
    def pid(self) -> int:
        """Return the id of the Node process."""
        return self._process.pid

    def init(self, app_id: str, base_url: str, host: str | None = None) -> bool:
        """Begin a new installation: an empty local store, and a new window with the SDK in it.

        Args:
            app_id: The CometChat app.
            base_url: Where the SDK's requests go, e.g. ``http://127.0.0.1:8080``; paths stay.
            host: Host that the SDK is told to use in place of both of CometChat's, if any.
        """
        return bool(self._do("init", appId=app_id, baseUrl=base_url, host=host))

    def restart(self) -> bool:
        """Close the window and open another over the same local store, as a page reload does."""
        return bool(self._do("restart"))

    def login(self, uid_or_auth_token: str, auth_key: str | None = None) -> Json:
        """Log in with an auth token or, given two arguments, with a uid and the auth key."""
        if auth_key is None:
            return self._do_json("login", authToken=uid_or_auth_token)
        return self._do_json("login", uid=uid_or_auth_token, authKey=auth_key)

    def time_logins(self, uid: str, auth_key: str, times: int) -> list[float]:
        """Log in so often, and out in between; return the seconds that each login took."""
        return list(self._do("timeLogins", uid=uid, authKey=auth_key, times=times))

    def logout(self) -> Any:
        """Log out and return what the SDK's promise resolves to."""
        return self._do("logout")

    def get_logged_in_user(self) -> Json | None:
        """Return the stored user, or ``None``."""
        user = self._do("getLoggedinUser")
        return None if user is None else dict(user)

    def create_user(self, user: Json, auth_key: str) -> Json:
        """Create a user from the fields given."""
        return self._do_json("createUser", user=user, authKey=auth_key)

    def update_user(self, user: Json, auth_key: str) -> Json:
        """Update the user whose uid is among the fields given."""
        return self._do_json("updateUser", user=user, authKey=auth_key)

    def get_user(self, uid: str) -> Json:
        """Return a user, as whoever is logged in may see them."""
        return self._do_json("getUser", uid=uid)

    def update_current_user_details(self, user: Json) -> Json:
        """Update whoever is logged in."""
        return self._do_json("updateCurrentUserDetails", user=user)

    def events(self) -> list[tuple[str, Any]]:
        """Return what the login listener was told since the last call: (callback, argument)."""
        return [(event["name"], event["value"]) for event in self._do("events")]

    def blocked(self) -> list[Json]:
        """Return what the SDK wanted from other hosts since the last call: kind and URL."""
        return [dict(entry) for entry in self._do("blocked")]

    def _do_json(self, command: str, **arguments: Any) -> Json:
        return dict(self._do(command, **arguments))

    def _do(self, command: str, **arguments: Any) -> Any:
        answer = json.loads(self._exchange(json.dumps({"do": command, **arguments}), command))
        if "error" in answer:
            raise OfficialSdkError(answer["error"])
        return answer["ok"]

    def _exchange(self, line: str, command: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise OfficialSdkGone("Node was ended")
        alarm = threading.Timer(self.time_limit, self._process.kill)
        alarm.start()
        try:
            stdin.write(line + "\n")
            stdin.flush()
            answer = stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            alarm.cancel()
            alarm.join()
        if not answer:
            raise OfficialSdkGone(f"no answer from Node to {command!r}; it wrote: {self._tail()}")
        return answer

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:]


def _installed_version(package: Path) -> str | None:
    try:
        description = json.loads((package / "package.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    return str(description["version"])


if __name__ == "__main__":
    install()
