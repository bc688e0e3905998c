"""docs/emulator.rst: what it lists is all there is; `test_docs` runs what it shows."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import requests

from cometchat_auth.emulator import Emulator
from cometchat_auth.emulator._command import OPTIONS
from cometchat_auth.emulator._control import _CALLS

TEXT: Final = Path(__file__).parent.parent / "docs" / "emulator.rst"


@pytest.fixture(scope="module")
def text() -> str:
    """Return the text."""
    return TEXT.read_text("utf-8")


def test_docs_say_first_what_is_not_imitated(text: str) -> None:
    """The first paragraph says what there is not, and how that fails."""
    first = text.split("\n\n")[1]
    for missing in ("groups", "messages", "calls", "realtime", "ERR_API_NOT_FOUND"):
        assert missing in first


@pytest.mark.parametrize("path", ["/groups", "/users/cometchat-uid-1/friends", "/messages"])
def test_docs_say_rightly_what_is_not_imitated(emulator: Emulator, path: str) -> None:
    """What is said not to be there answers as is said."""
    answer = requests.get(
        f"{emulator.url}/v3{path}", headers={"apikey": emulator.rest_api_key}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ERR_API_NOT_FOUND")


def test_docs_list_every_option(text: str) -> None:
    """The table of options has those of the command line, no more and no less."""
    listed = re.findall(r"^``(--[a-z-]+)(?: [A-Z]+)?`` ", text, re.M)
    assert sorted(listed) == sorted(option.flag for option in OPTIONS)


def test_docs_list_every_call_of_the_control_api(text: str) -> None:
    """The table of the control API has all of its calls."""
    listed = re.findall(r"^``(GET|POST|DELETE) (/[a-z]+)(/ID)?", text, re.M)
    assert sorted((method, path + place) for method, path, place in listed) == sorted(
        (call.method, re.sub("<.*>", "ID", call.path)) for call in _CALLS
    )


def curls(text: str) -> Iterator[tuple[str, str, dict[str, str], str]]:
    """Yield method, URL, headers and body of each command for curl that is shown."""
    for command in re.findall(r"^    (curl (?:.*\\\n)*.*)$", text, re.M):
        words = shlex.split(command.replace("\\\n", " "))[1:]
        method, headers, body = "GET", {}, ""
        while len(words) > 1:
            option, value, *words = words
            if option == "-X":
                method = value
            elif option == "-H":
                name, _, content = value.partition(": ")
                headers[name] = content
            else:
                assert option == "-d"
                body = value
        yield method, words[0], headers, body


def test_docs_curl_commands_work(text: str, emulator: Emulator) -> None:
    """What is shown for curl is answered with 200, the right port and key put in."""
    commands = list(curls(text))
    assert len(commands) == 3
    for method, url, headers, body in commands:
        answer = requests.request(
            method,
            url.replace("http://127.0.0.1:PORT", emulator.url),
            headers=dict.fromkeys(headers, emulator.rest_api_key),
            data=body or None,
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
    assert len(emulator.faults) == 1
    assert emulator.user("kevin")["name"] == "Kevin"


def test_docs_program_runs(text: str) -> None:
    """The emulator that is started as a program says where it is, and answers there."""
    assert "    python -m cometchat_auth.emulator\n" in text
    with subprocess.Popen(
        [sys.executable, "-m", "cometchat_auth.emulator", "--json"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as program:
        assert program.stdout is not None
        try:
            told = json.loads(program.stdout.readline())
            key = {"apikey": told["rest_api_key"]}
            answer = requests.get(f"{told['url']}/v3/users", headers=key, timeout=10)
            assert len(answer.json()["data"]) == 5
        finally:
            program.terminate()
    assert program.returncode == 0
