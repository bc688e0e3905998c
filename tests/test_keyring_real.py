"""Sessions in a real Secret Service: a gnome-keyring of the test's own, and real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from . import secret_service
from .keyring_doubles import SYSTEM_KEYRINGS_ONLY
from .real_parts import require
from .secret_service import RUN_TIME_LIMIT, SecretService
from .tools import Reply, scripted

UID = "cometchat-uid-1"

# What each child does first; `say` prints one line of JSON for the test.
PREAMBLE = (
    SYSTEM_KEYRINGS_ONLY
    + """
import json, sys
from cometchat_auth import AppSettings, CometChat, CometChatException, SessionStoreError
url, app_id, key = sys.argv[1:4]
settings = AppSettings.for_emulator(url, keyring_read_timeout=float(sys.argv[4]))
chat = CometChat(app_id, settings)
def say(*values):
    print(json.dumps(values), flush=True)
def who():
    try:
        user = chat.get_logged_in_user()
    except SessionStoreError as error:
        return f"error: {error.reason}"
    return user and user.uid
def standing():
    info = chat.session_info()
    return [info.persisted, info.reason]
"""
)


@pytest.fixture
def secrets() -> Iterator[SecretService]:
    """Run an unlocked Secret Service."""
    require(secret_service.available())
    with SecretService() as service:
        yield service


class Children:
    """Python programs with a client, as processes of their own."""

    def __init__(self, secrets: SecretService, emulator: Emulator) -> None:
        self._secrets = secrets
        self._emulator = emulator

    def arguments(self, read_timeout: float = 10.0) -> list[str]:
        """Return what a child is told on its command line."""
        service = self._emulator
        return [service.url, service.app_id, service.auth_key, str(read_timeout)]

    def run(self, code: str, read_timeout: float = 10.0) -> list[Any]:
        """Run one, and return what it said."""
        done = self._secrets.run(PREAMBLE + code, *self.arguments(read_timeout))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, code: str) -> subprocess.Popen[str]:
        """Start one that can be talked to, line by line."""
        return subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + code, *self.arguments()],
            env=self._secrets.env,
            cwd=secret_service.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


@pytest.fixture
def children(secrets: SecretService, emulator: Emulator) -> Children:
    """Return a way to run programs under `secrets` against `emulator`."""
    return Children(secrets, emulator)


LOG_IN = f'chat.login("{UID}", key).result(); say(who(), *standing())'


def test_s2_whole_road(children: Children, secrets: SecretService, emulator: Emulator) -> None:
    """Logged in, found by a new process, logged out, and nothing is left."""
    assert children.run("say(who(), *standing())") == [[None, False, None]]
    assert children.run(LOG_IN) == [[UID, True, None]]
    (item,) = secrets.items()
    host = emulator.url.removeprefix("http://")
    assert item.attributes["service"] == f"cometchat_auth:{emulator.app_id}:{host}"
    assert item.attributes["username"] == "default"
    assert emulator.auth_tokens(UID)[0] in item.secret
    assert emulator.auth_key not in item.secret
    again = "say(who(), *standing(), chat.session_info().backend); say(chat.logout().result())"
    backend = "keyring.backends.SecretService.Keyring"
    assert children.run(again) == [[UID, True, None, backend], [None]]
    assert secrets.items() == []
    assert emulator.auth_tokens(UID) == []
    assert children.run("say(who())") == [[None]]


def test_s3_large_and_foreign(children: Children, secrets: SecretService) -> None:
    """A session whose user has a large description and a name in any script comes back."""
    code = """
from cometchat_auth import User
big = User(uid="big", name="Zo\\u00eb \\u4f60\\u597d \\U0001f600",
           avatar="https://a.example/" + "x" * 2900, link="https://a.example/" + "y" * 2900,
           metadata={"note": "z" * 4000})
chat.create_user(big, key).result()
chat.login("big", key).result()
say(*standing())
"""
    assert children.run(code) == [[True, None]]
    (name, size) = children.run(
        "user = chat.get_logged_in_user(); say(user.name, len(user.avatar))"
    )[0]
    assert name == "Zo\u00eb \u4f60\u597d \U0001f600"
    assert size > 2900
    assert len(secrets.items()) == 1


def test_s3_more_metadata_than_the_service_says_it_takes(
    secrets: SecretService, emulator: Emulator
) -> None:
    """A user who comes with 10 KB of metadata is logged in, and found by the next process."""
    user = {"uid": "big", "name": "Zo\u00eb", "metadata": {"note": "\u00e9" * 10_240}}
    answer = Reply(body=json.dumps({"data": user}).encode())
    with scripted(lambda _: answer) as server:
        arguments = (server.url, emulator.app_id, emulator.auth_key, "10")
        code = 'say(len(chat.login("a-token").result().metadata["note"]), *standing())'
        first = secrets.run(PREAMBLE + code, *arguments)
        second = secrets.run(PREAMBLE + "say(chat.get_logged_in_user().name)", *arguments)
    assert json.loads(first.stdout) == [10_240, True, None]
    assert json.loads(second.stdout) == ["Zo\u00eb"]
    assert len(secrets.items()) == 1


def test_s8_another_programs_bytes(children: Children, secrets: SecretService) -> None:
    """Bytes under our name that are no text are no session, and the next login replaces them."""
    children.run(LOG_IN)
    secrets.run(
        "import contextlib, secretstorage\n"
        "with contextlib.closing(secretstorage.dbus_init()) as connection:\n"
        "    collection = secretstorage.get_default_collection(connection)\n"
        "    for item in collection.get_all_items(): item.set_secret(b'\\xff\\xfe\\x00\\x81')\n"
    )
    assert children.run("say(who(), *standing())") == [[None, False, None]]
    assert children.run(LOG_IN) == [[UID, True, None]]
    assert children.run("say(who()); chat.logout().result()") == [[UID]]
    assert secrets.items() == []


def test_s5_no_service(children: Children, secrets: SecretService) -> None:
    """Where there is no D-Bus a login works in memory and says why it will not last."""
    secrets.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
    assert children.run(f"say(who()); {LOG_IN}") == [[None], [UID, False, "no_keyring"]]


def test_s2_locked_without_prompter(children: Children, secrets: SecretService) -> None:
    """A locked keyring that nobody can unlock is "could not look", and a login works."""
    children.run(LOG_IN)
    secrets.lock()
    assert children.run(f"say(who()); {LOG_IN}") == [["error: locked"], [UID, False, "locked"]]


def test_s2_daemon_killed(children: Children, secrets: SecretService) -> None:
    """With the daemon killed half-way nothing crashes, and nobody is logged out by it."""
    child = children.start(
        LOG_IN
        + """
sys.stdin.readline()
say(who())
try:
    say(chat.reload().result() and "reloaded")
except SessionStoreError as error:
    say(f"error: {error.reason}")
say(who(), chat.check_session().result().uid)
"""
    )
    with child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == [UID, True, None]
        secrets.kill_daemon()
        rest, _ = child.communicate("\n", timeout=RUN_TIME_LIMIT)
    said = [json.loads(line) for line in rest.splitlines()]
    assert said[0] == [UID]
    assert said[1][0].startswith("error: ")
    assert said[2] == [UID, UID]


def test_s1_frozen_daemon(children: Children, secrets: SecretService) -> None:
    """A daemon that never answers is given up; a login is in memory; later reads fail at once."""
    children.run(LOG_IN)
    secrets.freeze_daemon()
    try:
        code = f"""
say(who())
chat._engine.state.vault._read_limit = 1000  # nobody may wait for it any more
say(who())
{LOG_IN}
try:
    chat.reload().result()
except SessionStoreError as error:
    say(error.reason)
"""
        said = children.run(code, read_timeout=0.5)
    finally:
        secrets.thaw_daemon()
    assert said[:3] == [["error: timeout"], ["error: timeout"], [UID, False, "timeout"]]


def test_s12_reload_sees_a_sibling(children: Children, secrets: SecretService) -> None:
    """A process sees another's login and logout with `reload()`, and its listeners hear of it."""
    child = children.start(
        """
chat.add_login_listener("id", type("L", (), {
    "login_success": lambda self, user: say("in", user.uid),
    "logout_success": lambda self: say("out"),
})())
say(who())
while sys.stdin.readline():
    user = chat.reload().result()
    say("now", user and user.uid)
"""
    )
    heard: list[Any] = []

    def reload(lines: int) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("\n")
        child.stdin.flush()
        heard.append(sorted(json.loads(child.stdout.readline()) for _ in range(lines)))

    with child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == [None]
        children.run(LOG_IN)
        reload(2)
        reload(1)
        children.run("say(chat.logout().result())")
        reload(2)
        child.communicate(timeout=RUN_TIME_LIMIT)
    assert heard == [
        [["in", UID], ["now", UID]],
        [["now", UID]],
        [["now", None], ["out"]],
    ]
    assert secrets.items() == []
