"""``login``, ``whoami``, ``logout`` and ``create-user``, at a terminal and in a script."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from cometchat_auth.emulator import Emulator

from . import secret_service, terminal
from .canary import leaks
from .real_parts import require
from .secret_service import SecretService
from .terminal import Terminal
from .test_cli import CANARY, COMMAND, NO_KEYRING, run
from .tools import LIMIT, Reply, scripted

UID = "cometchat-uid-1"
NAME = "Andrew Joseph"


@attrs.frozen
class Desk:
    """A person's desk: an app in an emulator, and a keyring.

    Attributes:
        service: The emulator.
        keyring: A real Secret Service.
        env: The whole environment, keys not included.
    """

    service: Emulator
    keyring: SecretService
    env: dict[str, str]

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command that is not at a terminal, and see to it that it shows no key."""
        done = run(*COMMAND, *words, env=self.env, stdin=stdin)
        assert leaks([done.stdout, done.stderr], self.secrets()) == []
        return done

    def at_terminal(self, *words: str, columns: int = 120) -> Terminal:
        """Run a command at a terminal."""
        return Terminal([*COMMAND, *words], env=self.env, columns=columns)

    def secrets(self) -> list[str]:
        """Return what nobody may see."""
        service = self.service
        return [service.auth_key, service.rest_api_key, *service.auth_tokens(UID)]


@pytest.fixture
def desk(emulator: Emulator) -> Iterator[Desk]:
    """Set up a desk."""
    require(secret_service.available())
    with SecretService() as keyring:
        env = {
            **keyring.env,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
            "COMETCHAT_APP_ID": emulator.app_id,
            "COMETCHAT_EMULATOR": emulator.url,
        }
        yield Desk(emulator, keyring, env)


def test_s2_whole_road_at_the_command_line(desk: Desk) -> None:
    """Log in, be known to the next command, log out; twice in a row is no failure."""
    assert desk.run("whoami").returncode == 5
    done = desk.run("login", UID, "--auth-key-stdin", stdin=f"{desk.service.auth_key}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"Logged in as {NAME} ({UID})."
    assert "kept in keyring.backends.SecretService.Keyring" in done.stdout
    who = desk.run("whoami")
    assert (who.returncode, who.stderr) == (0, "")
    assert f"Name:    {NAME}\n" in who.stdout
    done = desk.run("logout")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Logged out {NAME} ({UID}).\n", "")
    done = desk.run("logout")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Nobody was logged in.\n", "")
    assert (desk.keyring.items(), desk.service.auth_tokens(UID)) == ([], [])


def test_whoami_asks_the_service_only_if_told_to(desk: Desk) -> None:
    """A session that was revoked elsewhere is still known to whoami, and ended by --check."""
    desk.run("login", UID, "--auth-key-stdin", stdin=desk.service.auth_key)
    assert "the service says it is alive" in desk.run("whoami", "--check").stdout
    (token,) = desk.service.auth_tokens(UID)
    desk.service.revoke_auth_token(token)
    assert desk.run("whoami").returncode == 0
    done = desk.run("whoami", "--check")
    assert (done.returncode, done.stdout) == (5, "")
    assert "Nobody is logged in any more" in done.stderr
    assert desk.run("whoami").stderr == "Error: Nobody is logged in.\n"


def test_json_is_one_document_and_nothing_else(desk: Desk) -> None:
    """For programs each command prints one JSON document, also when nobody is logged in."""
    done = desk.run("login", UID, "--json", "--auth-key-stdin", stdin=desk.service.auth_key)
    told = json.loads(done.stdout)
    assert (told["user"]["uid"], told["user"]["name"]) == (UID, NAME)
    assert told["session"]["persisted"] is True
    assert json.loads(desk.run("whoami", "--json").stdout)["user"]["uid"] == UID
    assert json.loads(desk.run("logout", "--json").stdout)["user"]["uid"] == UID
    done = desk.run("whoami", "--json")
    assert (done.returncode, json.loads(done.stdout)["user"]) == (5, None)
    assert json.loads(desk.run("logout", "--json").stdout) == {"user": None}


def test_x2_prompts_show_no_key(desk: Desk) -> None:
    """What is missing is asked for at a terminal, and the key that is typed is not shown."""
    require(terminal.available())
    with desk.at_terminal("login") as screen:
        screen.wait_for("Uid:")
        screen.type(f"{UID}\n")
        screen.wait_for("Auth key:")
        screen.type(f"{desk.service.auth_key}\n")
        assert screen.finish() == 0
        assert screen.screen.splitlines()[:3] == [
            f"Uid: {UID}",
            "Auth key:",
            f"Logged in as {NAME} ({UID}).",
        ]
        assert leaks([screen.written.decode()], desk.secrets()) == []


def test_x2_a_token_is_asked_for_without_echo(desk: Desk) -> None:
    """--token-stdin at a terminal asks for the token, and does not show it."""
    require(terminal.available())
    token = desk.service.create_auth_token(UID)
    with desk.at_terminal("login", "--token-stdin") as screen:
        screen.wait_for("Auth token:")
        screen.type(f"{token}\n")
        assert screen.finish() == 0
        assert f"Logged in as {NAME}" in screen.screen
        assert leaks([screen.written.decode()], [token]) == []


@pytest.mark.parametrize(
    ("words", "prompt", "key", "code", "said"),
    [
        ([], "Uid:", "\x03", 130, "Interrupted."),
        ([], "Uid:", "\x04", 2, "Error: Who is to be logged in?"),
        ([UID], "Auth key:", "\x03", 130, "Interrupted."),
        ([UID], "Auth key:", "\x04", 2, "Error: The auth key is missing"),
        ([UID], "Auth key:", "\n", 2, "Error: The auth key is missing"),
    ],
)
def test_a_prompt_can_be_left(
    desk: Desk, words: list[str], prompt: str, key: str, code: int, said: str
) -> None:
    """Ctrl-C ends with 130, Ctrl-D and an empty key with 2, each with one line of its own."""
    require(terminal.available())
    with desk.at_terminal("login", *words) as screen:
        screen.wait_for(prompt)
        # Python's own input() can miss a Ctrl-C between its prompt and its wait: press again.
        assert screen.press_until_it_ends(key) == code
        assert screen.screen.splitlines()[-1].startswith(said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_login_that_gets_no_answer(desk: Desk, number: signal.Signals) -> None:
    """A service that does not answer keeps nobody: Ctrl-C and SIGTERM end the command with 130."""
    require(terminal.available())
    asked, over = threading.Event(), threading.Event()

    def silent(_: Any) -> Reply:
        asked.set()
        over.wait(LIMIT)
        return Reply()

    with scripted(silent) as server:
        desk.env.update(COMETCHAT_EMULATOR=server.url, COMETCHAT_AUTH_KEY=CANARY)
        with desk.at_terminal("login", UID) as screen:
            assert asked.wait(LIMIT)
            if number == signal.SIGINT:
                screen.type("\x03")
            else:
                screen.signal(number)
            code = screen.finish()
            over.set()
        assert (code, screen.screen.splitlines()[-1]) == (130, "Interrupted.")


def test_s5_a_login_that_is_not_kept_says_why(emulator: Emulator) -> None:
    """Without a keyring a login succeeds, and warns that it ends with the command."""
    env = {**NO_KEYRING, "COMETCHAT_APP_ID": emulator.app_id, "COMETCHAT_EMULATOR": emulator.url}
    done = run(*COMMAND, "login", UID, "--auth-key-stdin", env=env, stdin=emulator.auth_key)
    assert (done.returncode, done.stdout) == (0, f"Logged in as {NAME} ({UID}).\n")
    assert done.stderr.startswith("Warning: The session ends with this command: there is no key")
    done = run(*COMMAND, "whoami", env=env)
    assert (done.returncode, done.stdout) == (5, "")
    assert "Nobody is logged in. No session can be kept: there is no keyring" in done.stderr


def test_s2_a_locked_keyring_is_neither_nobody_nor_a_logout(desk: Desk) -> None:
    """Locked means "could not look": exit code 1 and the reason, and a logout says what is left."""
    desk.run("login", UID, "--auth-key-stdin", stdin=desk.service.auth_key)
    desk.keyring.lock()
    quiet = (*COMMAND[:1], *COMMAND[3:])  # jeepney leaves sockets to the collector, with a warning
    done = run(*quiet, "whoami", env=desk.env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: Could not look: the keyring is locked. Unlock it and try again.\n"
    )
    done = run(*quiet, "logout", env=desk.env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: The session is still stored: the keyring is locked. "
        "Unlock it and try again. Then log out again.\n"
    )


def test_s6_an_offline_logout_says_what_is_left(desk: Desk) -> None:
    """Offline the session is gone from this machine, and the service's part is named: 4."""
    desk.run("login", UID, "--auth-key-stdin", stdin=desk.service.auth_key)
    desk.service.stop()
    done = desk.run("logout")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("Error: [FAILED_TO_FETCH] Nobody is logged in here any more, but")
    assert done.stderr.endswith("end the user's tokens: flush_auth_tokens.\n")
    assert desk.keyring.items() == []


def test_s11_profiles_have_sessions_of_their_own(desk: Desk, tmp_path: Path) -> None:
    """A profile's session is not the default one's."""
    config = tmp_path / "config.ini"
    config.write_text("[work]\nregion = us\n")
    desk.env["COMETCHAT_CONFIG"] = str(config)
    options = ["--profile", "work", "--auth-key-stdin"]
    desk.run("login", UID, *options, stdin=desk.service.auth_key)
    assert desk.run("whoami").returncode == 5
    assert NAME in desk.run("whoami", "--profile", "work").stdout
    (item,) = desk.keyring.items()
    assert item.attributes["username"] == "work"


def test_control_characters_in_a_name_stay_text(desk: Desk) -> None:
    """A name that holds escape sequences must not reach the terminal as such."""
    require(terminal.available())
    evil = "\x1b[2J\x1b]0;gotcha\x07\x9b31m[bold]x[/]\u202e"
    desk.env["COMETCHAT_AUTH_KEY"] = desk.service.auth_key
    desk.run("create-user", "kevin", "--name", evil)
    with desk.at_terminal("login", "kevin") as screen:
        assert screen.finish() == 0
        assert r"\x1b[2J\x1b]0;gotcha\x07\x9b31m[bold]x[/]\u202e (kevin)" in screen.screen
        assert b"\x1b" not in screen.written
    assert json.loads(desk.run("whoami", "--json").stdout)["user"]["name"] == evil
