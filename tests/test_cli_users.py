"""``users list``, ``get``, ``update``, ``deactivate``, ``reactivate`` and ``delete``."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from . import terminal
from .canary import leaks
from .real_parts import require
from .terminal import Terminal
from .test_cli import COMMAND, ROOT, run
from .tools import Reply, Seen, scripted

UID = "cometchat-uid-1"
SEEDED = [f"cometchat-uid-{number}" for number in range(1, 6)]
EVIL = "\x1b[2J\x1b]0;gotcha\x07[bold]x[/]\u202e"
HARMLESS = r"\x1b[2J\x1b]0;gotcha\x07[bold]x[/]\u202e"


def environment(service: Emulator) -> dict[str, str]:
    """Return what an administrator's shell has set."""
    return {
        "COMETCHAT_APP_ID": service.app_id,
        "COMETCHAT_EMULATOR": service.url,
        "COMETCHAT_REST_API_KEY": service.rest_api_key,
    }


def admin(
    service: Emulator, *words: str, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that is not at a terminal, and see to it that it shows no key."""
    done = run(*COMMAND, *words, env={**environment(service), **env}, stdin=stdin)
    assert leaks([done.stdout, done.stderr], [service.auth_key, service.rest_api_key]) == []
    assert "Traceback" not in done.stderr
    return done


def at_terminal(service: Emulator, *words: str, columns: int = 120, **env: str) -> Terminal:
    """Run a command at a terminal."""
    require(terminal.available())
    given = {**os.environ, **environment(service), **env}
    return Terminal([*COMMAND, *words], env=given, columns=columns)


def listed(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the uids of a list that was printed as JSON lines."""
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line)["uid"] for line in done.stdout.splitlines()]


def uids(service: Emulator, *, deactivated: bool = False) -> list[str]:
    """Return the uids of the users that the service has."""
    return [user["uid"] for user in service.users(deactivated=deactivated)]


def test_list_is_a_table_at_a_terminal(emulator: Emulator) -> None:
    """A person sees a table with a heading, one line for each user."""
    with at_terminal(emulator, "users", "list", "--limit", "2") as screen:
        assert screen.finish() == 0
        lines = screen.screen.splitlines()
    assert len(lines) == 6  # three of them the table's edges, one its heading
    heading = [cell.strip() for cell in lines[1].split("┃")[1:-1]]
    assert heading == ["Uid", "Name", "Role", "Status", "Created"]
    assert [line.split("│")[1].strip() for line in lines[3:5]] == SEEDED[:2]


def test_list_is_lines_elsewhere(emulator: Emulator) -> None:
    """In a pipe each user is a line of values and TABs, with what was asked for."""
    emulator.create_user("kim", "Kim", tags=["red", "blue"])
    emulator.deactivate_user("kim")
    done = admin(
        emulator, "users", "list", "--with-tags", "--with-deactivated", "--search", "kim", TZ="UTC"
    )
    heading, user = (line.split("\t") for line in done.stdout.splitlines())
    assert heading == ["Uid", "Name", "Role", "Status", "Created", "Tags", "Deactivated"]
    assert (user[:4], user[5]) == (["kim", "Kim", "default", "offline"], "red, blue")
    assert user[4].endswith("+00:00")
    assert user[6].endswith("+00:00")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [*SEEDED, "kim", "lee"]),
        (["--limit", "3"], SEEDED[:3]),
        (["--search", "K"], ["kim"]),
        (["--search", "Kim", "--search-in", "uid"], ["kim"]),
        (["--search", "Kimberley", "--search-in", "uid"], []),
        (["--search", "Kimberley", "--search-in", "name"], ["kim"]),
        (["--status", "online"], []),
        (["--status", "offline", "--tag", "red"], ["kim"]),
        (["--role", "default", "--tag", "blue"], ["kim", "lee"]),
        (["--role", "other"], []),
        (["--deactivated"], ["max"]),
        (["--with-deactivated", "--tag", "blue"], ["kim", "lee", "max"]),
    ],
)
def test_list_takes_what_the_service_can_filter_by(
    emulator: Emulator, options: list[str], expected: list[str]
) -> None:
    """Each filter reaches the service, alone and with others."""
    emulator.create_user("kim", "Kimberley", tags=["red", "blue"])
    emulator.create_user("lee", "Lee", tags=["blue"])
    emulator.create_user("max", "Max", tags=["blue"])
    emulator.deactivate_user("max")
    assert sorted(listed(admin(emulator, "users", "list", "--json", *options))) == sorted(expected)


def test_list_for_programs_has_the_tags(emulator: Emulator) -> None:
    """With --json the tags are asked for: an empty list means that there are none."""
    emulator.create_user("kim", "Kimberley", tags=["red", "blue"])
    done = admin(emulator, "users", "list", "--json", "--search", "kim")
    assert json.loads(done.stdout)["tags"] == ["red", "blue"]


def test_list_goes_over_all_pages(emulator: Emulator) -> None:
    """More users than one answer holds are all printed, each once, up to the limit."""
    for number in range(1100):
        emulator.create_user(f"u-{number}", "User")
    everybody = listed(admin(emulator, "users", "list", "--json"))
    assert (len(everybody), len(set(everybody))) == (1105, 1105)
    assert listed(admin(emulator, "users", "list", "--json", "--limit", "700")) == everybody[:700]


def test_list_ends_quietly_when_nobody_reads_on(emulator: Emulator) -> None:
    """``| head -1`` has its line, and nothing is said about the rest."""
    for number in range(1000):
        emulator.create_user(f"u-{number}", "User")
    command = [*COMMAND, "users", "list", "--json"]
    env = {**os.environ, **environment(emulator)}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["uid"] == UID
        process.stdout.close()
        assert process.stderr.read() == b""


def test_an_empty_list_is_no_failure(emulator: Emulator) -> None:
    """If nobody fits, a person is told, and a program gets no line."""
    done = admin(emulator, "users", "list", "--search", "x")
    assert (done.returncode, done.stderr) == (0, "No user was found.\n")
    done = admin(emulator, "users", "list", "--search", "x", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_from_the_service_command_no_terminal(emulator: Emulator) -> None:
    """Escape sequences and markup in a name are shown as text in lists and facts."""
    emulator.create_user("evil", EVIL)
    for words in (["list", "--search", "evil"], ["get", "evil"]):
        with at_terminal(emulator, "users", *words) as screen:
            assert screen.finish() == 0
            assert HARMLESS in screen.screen
            assert b"\x1b[2J" not in screen.written
            assert b"\x1b]0;" not in screen.written
    assert HARMLESS in admin(emulator, "users", "list", "--search", "evil").stdout


def test_get_shows_a_user(emulator: Emulator) -> None:
    """People get names and values, programs one document with all fields."""
    emulator.create_user("kim", "Kim", metadata={"a": 1}, link="https://a.example/")
    done = admin(emulator, "users", "get", "kim")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Name:     Kim\n" in done.stdout
    assert 'Metadata: {"a": 1}\n' in done.stdout
    user = json.loads(admin(emulator, "users", "get", "kim", "--json").stdout)
    assert (user["uid"], user["metadata"], user["avatar"]) == ("kim", {"a": 1}, None)


def test_update_changes_what_is_given(emulator: Emulator, tmp_path: Path) -> None:
    """Every field given must arrive, what is not given stays, what is unset goes."""
    emulator.create_user("kim", "Kim", avatar="https://a.example/a", tags=["old"])
    file = tmp_path / "metadata.json"
    file.write_text('{"team": 7}')
    fields = ["--name", "Kimberley", "--link", "https://a.example/b", "--status-message", "hi",
              "--metadata", f"@{file}", "--tag", "one", "--tag", "two",
              "--role", "default", "--unset", "avatar"]  # fmt: skip
    done = admin(emulator, "users", "update", "kim", *fields, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    user = emulator.user("kim")
    expected = {
        "name": "Kimberley",
        "link": "https://a.example/b",
        "statusMessage": "hi",
        "metadata": {"team": 7},
        "role": "default",
    }
    assert {name: user[name] for name in expected} == expected
    assert "avatar" not in user
    assert json.loads(done.stdout)["name"] == "Kimberley"
    admin(emulator, "users", "update", "kim", "--avatar", "https://a.example/c")
    user = emulator.user("kim")
    assert (user["name"], user["avatar"]) == ("Kimberley", "https://a.example/c")


def test_update_replaces_tags_or_takes_them_away(emulator: Emulator) -> None:
    """--tag puts tags in place of the old ones, --no-tags leaves none, and else they stay."""

    def tags() -> Any:
        options = ["--json", "--with-tags", "--search", "kim"]
        return json.loads(admin(emulator, "users", "list", *options).stdout)["tags"]

    emulator.create_user("kim", "Kim", tags=["old"])
    admin(emulator, "users", "update", "kim", "--name", "K")
    assert tags() == ["old"]
    admin(emulator, "users", "update", "kim", "--tag", "new")
    assert tags() == ["new"]
    assert admin(emulator, "users", "update", "kim", "--no-tags").returncode == 0
    assert tags() == []


def test_deactivate_and_reactivate(emulator: Emulator) -> None:
    """Several users at once, named or on standard input, and back again."""
    done = admin(emulator, "users", "deactivate", *SEEDED[:2])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"Deactivated: {uid}" for uid in SEEDED[:2]]
    assert uids(emulator, deactivated=True) == SEEDED[:2]
    done = admin(emulator, "users", "reactivate", "-", "--json", stdin="\n".join(SEEDED[:2]) + "\n")
    assert json.loads(done.stdout) == {"reactivated": SEEDED[:2], "not_reactivated": []}
    assert uids(emulator) == SEEDED


def test_deactivate_says_who_was_not_there(emulator: Emulator) -> None:
    """Unknown uids are named, with exit code 5, and the others are deactivated all the same."""
    done = admin(emulator, "users", "deactivate", "nobody", UID, "ghost")
    assert (done.returncode, done.stdout) == (5, f"Deactivated: {UID}\n")
    assert done.stderr.startswith("Error: Not deactivated: nobody, ghost (2 of 3).")
    done = admin(emulator, "users", "deactivate", "nobody", "--json")
    assert done.returncode == 5
    assert json.loads(done.stdout) == {"deactivated": [], "not_deactivated": ["nobody"]}


def test_a_deactivation_that_fails_half_way_says_what_is_done() -> None:
    """Of uids too many for one request those of an earlier one are told as done."""
    answers: Iterator[int] = iter(range(2))

    def script(seen: Seen) -> Reply:
        if next(answers):
            return Reply(403, b'{"error": {"code": "ERR_PLAN_RESTRICTION", "message": "No."}}')
        asked = json.loads(seen.body)["uidsToDeactivate"]
        return Reply(body=json.dumps({"data": {"deactivatedUids": asked}}).encode())

    many = [f"user-{number:04}" for number in range(1500)]
    env = {"COMETCHAT_APP_ID": "app", "COMETCHAT_REST_API_KEY": "key"}
    with scripted(script) as server:
        done = run(*COMMAND, "users", "deactivate", "-", "--emulator", server.url, env=env,
                   stdin=" ".join(many))  # fmt: skip
    told = done.stdout.splitlines()
    assert done.returncode == 1
    assert 0 < len(told) < len(many)
    assert told == [f"Deactivated: {uid}" for uid in many[: len(told)]]
    assert done.stderr.startswith("Error: [ERR_PLAN_RESTRICTION]")


def test_delete_deactivates_unless_told_otherwise(emulator: Emulator) -> None:
    """Without --permanent the user can be brought back, and nobody is asked."""
    done = admin(emulator, "users", "delete", UID)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Deactivated: {UID}\n", "")
    assert uids(emulator, deactivated=True) == [UID]


def test_delete_for_good_wants_to_be_confirmed(emulator: Emulator) -> None:
    """Without a terminal nothing is deleted for good but with --yes."""
    done = admin(emulator, "users", "delete", UID, "--permanent", stdin=f"{UID}\n")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--yes" in done.stderr
    assert UID in uids(emulator)
    done = admin(emulator, "users", "delete", UID, "--permanent", "--yes", "--json")
    assert json.loads(done.stdout) == {"uid": UID, "permanent": True}
    assert UID not in uids(emulator) + uids(emulator, deactivated=True)


@pytest.mark.parametrize(
    ("keys", "code", "said"),
    [
        (f"{UID}\n", 0, f"Deleted for good: {UID}"),
        ("y\n", 1, "Error: Nothing was deleted: what was typed is not the uid"),
        ("\x04", 1, "Error: Nothing was deleted"),
    ],
)
def test_delete_for_good_asks_for_the_uid(
    emulator: Emulator, keys: str, code: int, said: str
) -> None:
    """At a terminal the uid has to be typed; anything else deletes nothing."""
    with at_terminal(emulator, "users", "delete", UID, "--permanent") as screen:
        screen.wait_for("Type the uid to confirm:")
        assert "for good, with all messages" in screen.screen
        screen.type(keys)
        assert screen.finish() == code
        assert screen.screen.splitlines()[-1].startswith(said)
    assert (UID in uids(emulator)) == (code != 0)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["get", "nobody"], 5, "ERR_UID_NOT_FOUND"),
        (["get", "a b"], 2, "INVALID_UID"),
        (["update", "nobody", "--name", "x"], 5, "ERR_UID_NOT_FOUND"),
        (["update", UID], 2, "Nothing to change"),
        (["update", UID, "--tag", "x", "--no-tags"], 2, "exclude each other"),
        (["update", UID, "--avatar", "x", "--unset", "avatar"], 2, "--unset avatar exclude"),
        (["update", UID, "--metadata", "@/no/such/file"], 2, "No such file"),
        (["update", UID, "--metadata", "[1]"], 2, "no object"),
        (["update", UID, "--unset", "name"], 2, "'name' is not one of"),
        (["delete", "nobody"], 5, "ERR_UID_NOT_FOUND"),
        (["deactivate"], 2, "Missing argument"),
        (["deactivate", "-"], 2, "no uid on standard input"),
        (["reactivate", "a b"], 2, "INVALID_UID"),
        (["update", UID, "--role", "none"], 1, "fields. role: The role does not exist."),
        (["list", "--search", ""], 2, "--search needs a text"),
        (["list", "--search-in", "uid"], 2, "goes with --search"),
        (["list", "--deactivated", "--with-deactivated"], 2, "exclude each other"),
        (["list", "--limit", "0"], 2, "--limit"),
    ],
)
def test_users_failures_have_their_codes(
    emulator: Emulator, words: list[str], code: int, said: str
) -> None:
    """Each kind of failure has its exit code, a line that says why, and nothing on stdout."""
    done = admin(emulator, "users", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr


def test_metadata_in_a_file_that_is_no_text(emulator: Emulator, tmp_path: Path) -> None:
    """A metadata file in another encoding is a wrong use that says so."""
    file = tmp_path / "metadata.json"
    file.write_bytes(b'{"name": "Zo\xeb"}')
    done = admin(emulator, "users", "update", UID, "--metadata", f"@{file}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not UTF-8 text" in done.stderr


def test_standard_input_holds_one_thing(emulator: Emulator) -> None:
    """Uids and the key cannot both be on standard input."""
    done = admin(emulator, "users", "deactivate", "-", "--rest-api-key-stdin",
                 stdin=emulator.rest_api_key)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "uids or the key, not both" in done.stderr


@pytest.mark.parametrize(
    "command", [["users", "list"], ["users", "get", UID], ["token", "list", UID]]
)
def test_the_wrong_kind_of_key_is_said_in_so_many_words(
    emulator: Emulator, command: list[str]
) -> None:
    """An auth key in place of the REST API key is 3 if it was sent, 2 if it is all there is."""
    done = admin(emulator, *command, COMETCHAT_REST_API_KEY=emulator.auth_key)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "is an Auth Key (scope authOnly)" in done.stderr
    assert "needs the app's REST API Key" in done.stderr
    done = admin(
        emulator, *command, COMETCHAT_REST_API_KEY="", COMETCHAT_AUTH_KEY=emulator.auth_key
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "COMETCHAT_REST_API_KEY" in done.stderr
    assert "The auth key, which was given, is another key" in done.stderr


def test_x2_the_rest_api_key_is_asked_for_without_echo(emulator: Emulator) -> None:
    """At a terminal the key that is missing is asked for, and not shown."""
    with at_terminal(emulator, "users", "get", UID, COMETCHAT_REST_API_KEY="") as screen:
        screen.wait_for("REST API key:")
        screen.type(f"{emulator.rest_api_key}\n")
        assert screen.finish() == 0
        assert UID in screen.screen
        assert leaks([screen.written.decode()], [emulator.rest_api_key]) == []
