"""``token create``, ``list``, ``delete`` and ``flush``."""

from __future__ import annotations

import json

import pytest

from cometchat_auth.emulator import Emulator

from .canary import leaks
from .test_cli import COMMAND, run
from .test_cli_users import UID, admin, at_terminal, environment
from .tools import Reply, scripted

CANARY = "kim_1700000000" + "c0ffee" * 5  # as an auth token is made up


def test_create_prints_the_token_alone(emulator: Emulator) -> None:
    """What a script takes with ``$(...)`` is the token, and it logs the user in."""
    done = admin(emulator, "token", "create", UID)
    (token,) = emulator.auth_tokens(UID)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{token}\n", "")
    login = run(*COMMAND, "login", "--token-stdin", stdin=done.stdout, env=environment(emulator))
    assert login.stdout == f"Logged in as Andrew Joseph ({UID}).\n"


def test_create_tells_a_person_what_it_is(emulator: Emulator) -> None:
    """A person who sees the token is told what can be done with it."""
    with at_terminal(emulator, "token", "create", UID) as screen:
        assert screen.finish() == 0
        (token,) = emulator.auth_tokens(UID)
        assert screen.screen.splitlines() == [
            token,
            f"Warning: This is an auth token: whoever has it can log in as {UID}.",
        ]


def test_create_for_programs(emulator: Emulator) -> None:
    """With --json the object is printed; --force makes another one."""
    first = json.loads(admin(emulator, "token", "create", UID, "--json").stdout)
    second = json.loads(admin(emulator, "token", "create", UID, "--json", "--force").stdout)
    assert [first["auth_token"], second["auth_token"]] == emulator.auth_tokens(UID)
    assert first["uid"] == second["uid"] == UID


@pytest.mark.parametrize(("options", "sent"), [([], {}), (["--force"], {"force": True})])
def test_force_is_sent_if_it_is_given(options: list[str], sent: dict[str, bool]) -> None:
    """Without --force the service decides whether the token is a new one."""
    answer = json.dumps({"data": {"uid": "kim", "authToken": CANARY}}).encode()
    env = {"COMETCHAT_APP_ID": "app", "COMETCHAT_REST_API_KEY": "key"}
    with scripted(lambda _: Reply(body=answer)) as server:
        done = run(*COMMAND, "token", "create", "kim", *options, "--emulator", server.url, env=env)
        (seen,) = server.seen
    assert (done.returncode, done.stdout) == (0, f"{CANARY}\n")
    assert json.loads(seen.body or b"{}") == sent


def test_x2_list_shows_tokens_shortened(emulator: Emulator) -> None:
    """A list holds enough of each token to tell it from others, and no more."""
    token = emulator.create_auth_token(UID)
    short = f"{token[:5]}...{token[-5:]}"
    done = admin(emulator, "token", "list", UID)
    heading, line = done.stdout.splitlines()
    assert heading.split("\t") == ["Token", "Created", "Platform", "User agent"]
    assert line.split("\t")[0] == short
    program = admin(emulator, "token", "list", UID, "--json")
    told = json.loads(program.stdout)
    assert (told["auth_token"], told["shortened"]) == (short, True)
    with at_terminal(emulator, "token", "list", UID) as screen:
        assert screen.finish() == 0
        assert short in screen.screen
        shown = screen.written.decode()
    assert leaks([done.stdout, program.stdout, shown], [token]) == []


def test_list_reveals_tokens_if_told_to(emulator: Emulator) -> None:
    """With --reveal the whole token is there, for people and for programs."""
    token = emulator.create_auth_token(UID)
    done = admin(emulator, "token", "list", UID, "--reveal")
    assert done.stdout.splitlines()[1].split("\t")[0] == token
    told = json.loads(admin(emulator, "token", "list", UID, "--reveal", "--json").stdout)
    assert (told["auth_token"], told["shortened"]) == (token, False)


def test_x2_of_a_short_token_nothing_is_shown() -> None:
    """Of a token that has hardly more than its two ends, neither is shown."""
    answer = json.dumps({"data": [{"uid": "kim", "authToken": "0123456789abcdef"}]}).encode()
    env = {"COMETCHAT_APP_ID": "app", "COMETCHAT_REST_API_KEY": "key"}
    with scripted(lambda _: Reply(body=answer)) as server:
        done = run(*COMMAND, "token", "list", "kim", "--emulator", server.url, env=env)
    assert done.stdout.splitlines()[1].split("\t")[0] == "..."


def test_a_user_without_tokens(emulator: Emulator) -> None:
    """An empty list is no failure, and a person is told."""
    done = admin(emulator, "token", "list", UID)
    assert (done.returncode, done.stderr) == (0, "The user has no auth token.\n")
    done = admin(emulator, "token", "list", UID, "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_delete_takes_the_token_from_standard_input(emulator: Emulator) -> None:
    """Only the token that was given is deleted, and it stands in no output."""
    gone, stays = emulator.create_auth_token(UID), emulator.create_auth_token(UID)
    done = admin(emulator, "token", "delete", UID, "--token-stdin", stdin=f"{gone}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Deleted the auth token of {UID}.\n"
    assert emulator.auth_tokens(UID) == [stays]


def test_x2_delete_asks_for_the_token_without_echo(emulator: Emulator) -> None:
    """At a terminal the token is asked for and not shown."""
    token = emulator.create_auth_token(UID)
    with at_terminal(emulator, "token", "delete", UID) as screen:
        screen.wait_for("Auth token:")
        screen.type(f"{token}\n")
        assert screen.finish() == 0
        assert leaks([screen.written.decode()], [token]) == []
    assert emulator.auth_tokens(UID) == []


def test_a_token_on_the_command_line_is_warned_of(emulator: Emulator) -> None:
    """It works, with a warning unless the service is an emulator on this machine."""
    token = emulator.create_auth_token(UID)
    env = {
        "COMETCHAT_APP_ID": emulator.app_id,
        "COMETCHAT_REST_API_KEY": emulator.rest_api_key,
        "COMETCHAT_CLIENT_HOST": f"{emulator.url}/v3.0",
        "COMETCHAT_ADMIN_HOST": f"{emulator.url}/v3.0",
    }
    done = run(*COMMAND, "token", "delete", UID, token, env=env)
    assert (done.returncode, emulator.auth_tokens(UID)) == (0, [])
    assert done.stderr.startswith("Warning: TOKEN shows the secret to every user of this machine")
    assert leaks([done.stdout, done.stderr], [token]) == []
    done = admin(emulator, "token", "delete", UID, emulator.create_auth_token(UID), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"uid": UID, "deleted": True}


def test_flush_deletes_all_tokens(emulator: Emulator) -> None:
    """No token of the user is left; those of others are."""
    emulator.create_auth_token(UID)
    emulator.create_auth_token(UID)
    other = emulator.create_auth_token("cometchat-uid-2")
    done = admin(emulator, "token", "flush", UID)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Deleted all auth tokens of {UID}.\n"
    assert (emulator.auth_tokens(UID), emulator.auth_tokens("cometchat-uid-2")) == ([], [other])
    assert json.loads(admin(emulator, "token", "flush", UID, "--json").stdout)["deleted"] is True


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (["create", "nobody"], "", 5, "ERR_UID_NOT_FOUND"),
        (["create", "a b"], "", 2, "INVALID_UID"),
        (["list", "nobody"], "", 5, "ERR_UID_NOT_FOUND"),
        (["flush", "nobody"], "", 5, "ERR_UID_NOT_FOUND"),
        (["delete", UID, "--token-stdin"], CANARY, 5, "ERR_AUTH_TOKEN_NOT_FOUND"),
        (["delete", UID, "--token-stdin"], "", 2, "The auth token is missing"),
        (["delete", UID], "", 2, "--token-stdin"),
        (["delete", UID, "--token-stdin"], "comet...56393", 2, "This is the shortened form"),
        (["delete", UID, "--token-stdin"], "...", 2, "This is the shortened form"),
        (["delete", UID, CANARY, "--token-stdin"], CANARY, 2, "exclude each other"),
        (["delete", UID, CANARY, CANARY], "", 2, "unexpected extra argument"),
        (["delete", CANARY, CANARY, "--no-such"], "", 2, "No such option"),
        (["delete", UID, "--token-stdin", "--rest-api-key-stdin"], CANARY, 2, "one secret only"),
    ],
)
def test_x2_token_failures_have_their_codes(
    emulator: Emulator, words: list[str], stdin: str, code: int, said: str
) -> None:
    """Each kind of failure has its exit code and a line that says why, without the token."""
    done = admin(emulator, "token", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert leaks([done.stderr], [CANARY]) == []
