"""Where the command line takes its values from: options, environment, profiles."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth import CometChatException
from cometchat_auth._secrets import Secret
from cometchat_auth.cli import _profiles
from cometchat_auth.cli._exits import Failure
from cometchat_auth.cli._fields import FIELDS, SECRETS, Found, Level, merged
from cometchat_auth.cli._target import Target
from cometchat_auth.emulator import Emulator

from . import terminal
from .canary import everything, leaks
from .real_parts import require
from .terminal import Terminal
from .test_cli import CANARY, COMMAND, run

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are a matter of POSIX")


def config(path: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    """Write a configuration file, and return the environment that names it."""
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"COMETCHAT_CONFIG": str(path)}


def doctor(env: Mapping[str, str], *options: str) -> dict[str, Any]:
    """Return what doctor says of the configuration."""
    env = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", **env}
    done = run(*COMMAND, "doctor", "--json", *options, env=env)
    sections = {each["title"]: each for each in json.loads(done.stdout)["sections"]}
    facts: dict[str, Any] = sections["Configuration"]["facts"]
    return facts


def level(origin: str, **values: str) -> Level:
    """Return values as one place gives them."""
    return {name: Found(Secret(value), origin) for name, value in values.items()}


def test_option_beats_environment_beats_profile(tmp_path: Path) -> None:
    """Of several places the nearest counts, each value for itself; an empty one is none."""
    env = {
        **config(tmp_path / "c.ini", "[work]\napp_id = c\nauth_key = k\nregion = eu\n"),
        "COMETCHAT_APP_ID": "b",
        "COMETCHAT_REGION": "",
        "COMETCHAT_PROFILE": "work",
    }
    facts = doctor(env, "--app-id", "a")
    assert facts["app_id"] == {"value": "a", "origin": "option --app-id"}
    assert facts["region"] == {"value": "eu", "origin": "profile work"}
    assert facts["auth_key"] == {"value": "set", "origin": "profile work"}
    assert facts["rest_api_key"] is None
    assert facts["profile"] == "work"
    assert doctor(env)["app_id"] == {"value": "b", "origin": "environment COMETCHAT_APP_ID"}


def test_the_default_profile_is_used_where_none_is_named(tmp_path: Path) -> None:
    """[default] needs no name, and another profile takes nothing from it."""
    env = config(tmp_path / "c.ini", "[default]\napp_id = d\n[DEFAULT]\n[work]\nregion = us\n")
    assert doctor(env)["app_id"] == {"value": "d", "origin": "profile default"}
    assert doctor(env, "--profile", "work")["app_id"] is None


def test_the_file_is_looked_for_in_the_users_folder(tmp_path: Path) -> None:
    """Without COMETCHAT_CONFIG the platform's own folder for configuration is looked at."""
    require(None if os.name == "posix" and os.uname().sysname == "Linux" else "a matter of Linux")
    (tmp_path / "cometchat-auth").mkdir()
    config(tmp_path / "cometchat-auth" / "config.ini", "[default]\napp_id = mine\n")
    assert doctor({"XDG_CONFIG_HOME": str(tmp_path)})["app_id"]["value"] == "mine"


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([{"region": "us"}, {"emulator": "e"}, {"client_host": "h"}], {"region": "us"}),
        ([{"emulator": "e"}, {"region": "us"}, {"client_host": "h"}], {"emulator": "e"}),
        ([{"client_host": "h"}, {"emulator": "e"}, {"region": "us"}],
         {"client_host": "h", "region": "us"}),
        ([{"client_host": "h"}, {"admin_host": "i"}, {"region": "us"}],
         {"client_host": "h", "admin_host": "i"}),
        ([{}, {"region": "us", "client_host": "h"}, {"emulator": "e"}],
         {"region": "us", "client_host": "h"}),
        ([{"app_id": "a"}, {"region": "us"}, {"app_id": "b", "auth_key": "k"}],
         {"app_id": "a", "region": "us", "auth_key": "k"}),
    ],
)  # fmt: skip
def test_a_place_goes_as_one(levels: list[dict[str, str]], expected: dict[str, str]) -> None:
    """A nearer place is not mixed with a farther one: keys would go where nobody wants them."""
    found = merged([level(str(number), **each) for number, each in enumerate(levels)])
    assert {name: value.text for name, value in found.items()} == expected


names = st.sampled_from(sorted(FIELDS))
levels = st.lists(st.dictionaries(names, st.text("ab", min_size=1)), min_size=3, max_size=3)


@given(levels)
def test_merging_takes_only_what_was_given(given_levels: list[dict[str, str]]) -> None:
    """Every value must come from the nearest level that has it, and never two places at once."""
    named = [level(str(number), **each) for number, each in enumerate(given_levels)]
    places = {"region", "client_host", "admin_host"}
    if any("emulator" in each and places & each.keys() for each in given_levels):
        with pytest.raises(Failure, match="exclude each other"):
            merged(named)
        return
    found = merged(named)
    for name, value in found.items():
        assert value == next(each[name] for each in named if name in each)
    if "emulator" in found:
        assert not found.keys() & places
    for name in ("app_id", *SECRETS):
        assert (name in found) == any(name in each for each in given_levels)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("app_id = x\n", "line 1: a profile begins with its name in brackets"),
        ("[work]\napp_id\n", "line 2: this is neither"),
        (f"[work]\n{CANARY}\n", "line 2: this is neither"),
        ("[work]\napp_id = a\napp_id = b\n", "line 3: the key 'app_id' is there twice"),
        ("[work]\n[work]\n", "line 2: the profile 'work' is there twice"),
        ("[work]\n\nregoin = us\n", "line 3: profiles have no key 'regoin'; the keys are: app_id"),
        ("[home]\n[away]\n", "There is no profile 'work' in "),
        ("[home]\n[away]\n", "it has: away, home."),
        ("", "it has: none."),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong with the file is one line that names the place, never what stands there."""
    env = config(tmp_path / "c.ini", text)
    done = run(*COMMAND, "whoami", "--profile", "work", env=env)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert str(tmp_path / "c.ini") in done.stderr
    assert CANARY not in done.stderr


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    """What Windows writes as "Unicode" is refused by name, and UTF-8 with its mark is read."""
    path = tmp_path / "c.ini"
    path.write_bytes("[default]\n".encode("utf-16"))
    done = run(*COMMAND, "whoami", env={"COMETCHAT_CONFIG": str(path)})
    assert (done.returncode, done.stderr) == (
        2,
        f"Error: {path} cannot be read: it is not UTF-8 text.\n",
    )
    path.write_bytes("[default]\napp_id = z\n".encode("utf-8-sig"))
    assert doctor({"COMETCHAT_CONFIG": str(path)})["app_id"]["value"] == "z"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A file that the environment names has to be there; the usual one need not."""
    done = run(*COMMAND, "whoami", env={"COMETCHAT_CONFIG": str(tmp_path / "no")})
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not exist" in done.stderr
    done = run(*COMMAND, "whoami", env={"COMETCHAT_CONFIG": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert str(tmp_path) in done.stderr


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_x2_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A file with a key must be its owner's alone; the line says how to make it so."""
    path = tmp_path / "my config.ini"
    env = config(path, f"[home]\nauth_key = {CANARY}\n[default]\n", mode)
    done = run(*COMMAND, "whoami", env=env)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"chmod 600 '{path}'" in done.stderr
    assert CANARY not in done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix_only
def test_a_file_without_a_key_may_be_read_by_all(tmp_path: Path) -> None:
    """App id and region are no secrets."""
    env = config(tmp_path / "c.ini", "[default]\napp_id = a\nauth_key =\n", 0o644)
    assert doctor(env)["app_id"]["value"] == "a"


lines = st.one_of(
    st.sampled_from(
        ["[work]", "[default]", "app_id = a", "auth_key = k%k", "  more", "=", "[x", ""]
    ),
    st.text(max_size=20),
)


@given(st.lists(lines, max_size=8))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: list[str]
) -> None:
    """Whatever stands in the file, the outcome is profiles, or one line that does not quote it."""
    path = tmp_path_factory.getbasetemp() / "any.ini"
    path.write_bytes("\n".join([*text, f"auth_key = {CANARY}"]).encode("utf-8", "surrogatepass"))
    path.chmod(0o600)
    try:
        profiles = _profiles.read({"COMETCHAT_CONFIG": str(path)}, SECRETS)
    except Failure as failure:
        said = str(failure)
    else:
        said = repr(profiles)
        assert any(CANARY in "".join(section.values()) for section in profiles.sections.values())
    assert "\n" not in said
    assert CANARY not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("whoami", "app id is missing: give --app-id, set COMETCHAT_APP_ID, or put app_id into"),
        ("whoami --app-id a", "region (or an emulator) is missing: give --region, set COMETCHAT"),
        ("whoami --app-id a --region mars", "must be one of us, eu, in"),
        ("whoami --app-id a --client-host h", "region is required"),
        ("whoami --app-id a$b --region us", "app_id may have"),
        ("whoami --app-id a --emulator http://far.example", "must begin with https"),
        ("whoami --region us --emulator x", "are given: option --emulator and option --region."),
        (
            "create-user u --name n --app-id a --region us",
            "auth key is missing: give --auth-key-stdin, set COMETCHAT_AUTH_KEY, or put auth_key",
        ),
        ("create-user u --name n --auth-key-stdin --rest-api-key-stdin", "one secret only"),
    ],
)
def test_what_is_missing_or_unusable_is_named(words: str, said: str) -> None:
    """Exit code 2, and a line that names option, variable and profile key."""
    done = run(*COMMAND, *words.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


@pytest.mark.parametrize("given_values", [{}, {"app_id": "a"}, {"region": "us"}])
def test_x2_targets_and_failures_show_no_key(tmp_path: Path, given_values: dict[str, str]) -> None:
    """Neither the values of a command nor the errors they end in may show a credential."""
    values = level("option", auth_key=CANARY, rest_api_key=CANARY, **given_values)
    target = Target(values, "default", _profiles.Profiles(tmp_path, {"x": {"auth_key": CANARY}}))
    texts = list(everything(target))
    for attempt in (target.client, target.server):
        with pytest.raises((Failure, CometChatException)) as caught:
            attempt()
        texts += everything(caught.value)
    assert leaks(texts, [CANARY]) == []


def test_x2_a_terminal_that_cannot_hide_a_key_is_refused() -> None:
    """A key that would be shown while it is typed is not asked for."""
    require(terminal.available())
    code = (
        "import getpass, warnings\n"
        "def shown(prompt):\n"
        "    warnings.warn('echo', getpass.GetPassWarning)\n"
        "getpass.getpass = shown\n"
        "from cometchat_auth.__main__ import main; main()"
    )
    env = {**os.environ, "COMETCHAT_APP_ID": "a", "COMETCHAT_REGION": "us"}
    with Terminal([*COMMAND[:1], "-c", code, "login", "me"], env=env) as screen:
        assert screen.finish() == 2
        assert screen.screen.startswith("Error: Cannot ask for the auth key: this terminal would")


def test_a_rest_api_key_is_asked_for_at_a_terminal(emulator: Emulator) -> None:
    """The server side's key is asked for like the other one, and is not shown."""
    require(terminal.available())
    code = (
        "import click\n"
        "from cometchat_auth.cli._options import service_options\n"
        "@click.command()\n"
        "@service_options('rest_api_key')\n"
        "def get(target):\n"
        "    print(target.server().get_user('cometchat-uid-1').name)\n"
        "get()"
    )
    options = ["--app-id", emulator.app_id, "--emulator", emulator.url]
    with Terminal([*COMMAND[:1], "-c", code, *options]) as screen:
        screen.wait_for("REST API key:")
        screen.type(f"{emulator.rest_api_key}\n")
        assert screen.finish() == 0
        assert screen.screen == "REST API key:\nAndrew Joseph"
        assert leaks([screen.written.decode()], [emulator.rest_api_key]) == []
