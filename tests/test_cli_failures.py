"""What commands end with: exit codes, one line each; and secrets on the command line."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from .canary import leaks
from .real_parts import require
from .test_cli import CANARY, COMMAND, NO_KEYRING, python, run
from .tools import Reply, scripted

UID = "cometchat-uid-1"


@pytest.fixture
def secret() -> str:
    """Return a key that no other test, in this process or another, gives to a command."""
    return secrets.token_hex(20)


def command_lines() -> list[str]:
    """Return what the list of processes shows to everybody."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:  # it has just ended
            continue
    return lines


def seen_by_others(secret: str, start: Callable[[str], object]) -> list[str]:
    """Return which command lines show a secret while a command waits for its answer."""
    require(None if Path("/proc/self/cmdline").exists() else "there is no /proc to look at")
    seen: list[str] = []

    def look(_: Any) -> Reply:
        seen.extend(line for line in command_lines() if secret in line)
        return Reply(500)

    with scripted(look) as server:
        start(server.url)
        assert server.seen
    return seen


@pytest.mark.parametrize("name", ["auth-key", "token"])
def test_x2_stdin_keeps_a_secret_out_of_the_list_of_processes(name: str, secret: str) -> None:
    """A secret on standard input is on nobody's command line while the command runs."""
    who = [UID] if name == "auth-key" else []

    def start(url: str) -> None:
        options = ["--app-id", "app", "--emulator", url, f"--{name}-stdin"]
        run(*COMMAND, "login", *who, *options, env=NO_KEYRING, stdin=secret)

    assert seen_by_others(secret, start) == []


@pytest.mark.parametrize("name", ["auth-key", "token"])
def test_a_secret_on_the_command_line_is_seen_and_warned_of(name: str, secret: str) -> None:
    """It works, is in the list of processes as the help says, and the command warns of it."""
    who = [UID] if name == "auth-key" else []

    def start(url: str) -> None:
        options = ["--app-id", "app", "--client-host", url, "--admin-host", url]
        done = run(*COMMAND, "login", *who, f"--{name}", secret, *options, env=NO_KEYRING)
        assert done.stderr.startswith(f"Warning: --{name} shows the secret to every user")
        assert f"--{name}-stdin does not" in done.stderr
        assert secret not in done.stdout + done.stderr

    assert seen_by_others(secret, start) != []


def test_an_emulators_secret_is_not_warned_of(emulator: Emulator) -> None:
    """A key of an emulator on this machine is worth nothing, so nobody is warned."""
    options = ["--app-id", emulator.app_id, "--emulator", emulator.url]
    done = run(*COMMAND, "create-user", "kevin", "--name", "Kevin", *options,
               "--auth-key", emulator.auth_key)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Uid:     kevin\nName:    Kevin\n")


@pytest.mark.parametrize("key", ["auth_key", "rest_api_key"])
def test_either_key_creates_a_user(emulator: Emulator, key: str, tmp_path: Path) -> None:
    """Every field given must arrive, whichever key is there; metadata from a file as well."""
    metadata = {"auth_key": '{"team": 7}', "rest_api_key": f"@{tmp_path / 'metadata.json'}"}
    (tmp_path / "metadata.json").write_text('{"team": 7}')
    fields = ["--name", "Zo\u00eb", "--avatar", "https://a.example/a", "--link",
              "https://a.example/b", "--status-message", "hi", "--metadata", metadata[key],
              "--tag", "one", "--tag", "two"]  # fmt: skip
    env = {
        "COMETCHAT_APP_ID": emulator.app_id,
        "COMETCHAT_EMULATOR": emulator.url,
        f"COMETCHAT_{key.upper()}": getattr(emulator, key),
    }
    done = run(*COMMAND, "create-user", "kevin", *fields, "--json", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    user = json.loads(done.stdout)
    expected = {
        "uid": "kevin",
        "name": "Zo\u00eb",
        "avatar": "https://a.example/a",
        "link": "https://a.example/b",
        "status_message": "hi",
        "metadata": {"team": 7},
        "tags": ["one", "two"],
    }
    assert {name: user[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (["login", "nobody", "--auth-key-stdin"], "KEY", 5, "ERR_UID_NOT_FOUND"),
        (["login", UID, "--auth-key-stdin"], "f" * 40, 3, "AUTH_ERR_APIKEY_NOT_FOUND"),
        (["login", "--token-stdin"], "f" * 40, 3, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"),
        (["login", "--token-stdin"], "", 2, "The auth token is missing"),
        (["login", UID, "--auth-key-stdin"], "\ufeffx\r\n", 3, "AUTH_ERR_APIKEY_NOT_FOUND"),
        (["login", "--token-stdin"], "two\nlines", 2, "a line break at position 4"),
        (["login", "--token-stdin"], "x" * 5000, 2, "at most 4,096 characters"),
        (["login"], "", 2, "Give a UID, or --token-stdin"),
        (["login", UID], "", 2, "COMETCHAT_AUTH_KEY"),
        (["login", "a b", "--auth-key-stdin"], "KEY", 2, "INVALID_UID"),
        (["login", UID, "--token-stdin"], "x", 2, "not both"),
        (["login", "--token-stdin", "--token", "x"], "x", 2, "exclude each other"),
        (["login", UID, "--auth-key-stdin", "--auth-key", "x"], "x", 2, "exclude each other"),
        (["login", UID, "--timeout", "0", "--auth-key-stdin"], "KEY", 2, "timeout"),
        (["create-user", "kevin"], "", 2, "--name"),
        (["create-user", UID, "--name", "x", "--auth-key-stdin"], "KEY", 1, "ALREADY_EXISTS"),
        (
            ["create-user", "x", "--name", "x", "--role", "none", "--auth-key-stdin"],
            "KEY",
            1,
            "fields. role: The role does not exist.",
        ),
        (["create-user", "x", "--name", "x", "--metadata", "[1"], "", 2, "no JSON"),
        (["create-user", "x", "--name", "x", "--metadata", "[1]"], "", 2, "no object"),
        (["create-user", "x", "--name", "x", "--metadata", "@/no/such"], "", 2, "No such file"),
        (["create-user", "x", "--name", "x", "--metadata", '{"a":NaN}'], "", 2, "NaN"),
        (["create-user", "x", "--name", "x" * 101, "--auth-key-stdin"], "KEY", 2, "101"),
        (["create-user", "x", "--name", "x"], "", 2, "The auth key is missing"),
    ],
)
def test_failures_have_their_codes(
    emulator: Emulator, words: list[str], stdin: str, code: int, said: str
) -> None:
    """Each kind of failure has its exit code, a line that says why, and nothing on stdout."""
    env = {
        **NO_KEYRING,
        "COMETCHAT_APP_ID": emulator.app_id,
        "COMETCHAT_EMULATOR": emulator.url,
    }
    done = run(*COMMAND, *words, env=env, stdin=stdin.replace("KEY", emulator.auth_key))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr
    assert leaks([done.stderr], [emulator.auth_key]) == []


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(503, b"busy"), 4),
        (Reply(503, b'{"error": {"code": "ERR_BUSY", "message": "Later."}}'), 4),
        (Reply(429, b"", (("Retry-After", "3600"),)), 4),
        (Reply(200, b"<html>"), 4),
        (Reply(302, b"", (("Location", "/"),)), 4),
        (Reply(403, b'{"error": {"code": "ERR_PLAN_RESTRICTION", "message": "No."}}'), 1),
    ],
)
def test_the_services_failures_have_their_codes(reply: Reply, code: int) -> None:
    """What may be better later is 4; what will not be is 1."""
    env = {**NO_KEYRING, "COMETCHAT_APP_ID": "app"}
    with scripted(lambda _: reply) as server:
        done = run(*COMMAND, "login", "--token-stdin", "--emulator", server.url, env=env,
                   stdin=CANARY)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith("Error: [")


def test_what_other_libraries_log_is_not_printed() -> None:
    """A warning in somebody's log must not stand among what the command says."""
    done = python(
        "import click, logging\n"
        "from cometchat_auth.cli import _completion, cli\n"
        "@click.command()\n"
        "def noisy():\n"
        "    logging.getLogger('keyring.backend').warning('a plug-in is broken')\n"
        "_completion.completion = noisy\n"
        "cli(['completion'])"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
