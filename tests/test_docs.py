"""The pages of `docs`: whatever they show is run, or checked by a rule; pictures are there."""

from __future__ import annotations

import configparser
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml  # type: ignore[import-untyped]

from cometchat_auth import errors
from cometchat_auth.emulator import Emulator
from cometchat_auth.testing import no_network

from . import docs_pages, docs_shell, secret_service
from .desktop import screen as screens
from .docs_pages import DOCS, ROOT, Block, blocks, pages
from .real_parts import require

PAGES: Final = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in pages()}
BLOCKS: Final = [block for page in PAGES.values() for block in blocks(page)]
LARGEST_PICTURE: Final = 150_000  # bytes


def of(*kinds: str) -> list[Block]:
    """Return the blocks of these kinds."""
    return [block for block in BLOCKS if block.kind in kinds]


def page_of(tmp_path: Path, text: str) -> Path:
    """Write a page, and return it."""
    path = tmp_path / "page.rst"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """Have the library's own guard let nothing out, since pages show how it works."""
    with no_network():
        yield


RUNNING: Final = sorted({block.page for block in of("prompt", "program")})


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.stem)
def test_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a page shows for Python runs as it stands, offline, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("cometchat_auth")
    before = logger.level
    try:
        count, wrong = docs_pages.run(page)
    finally:
        logger.setLevel(before)
    assert wrong == ""
    assert count >= len(re.findall(r"^ *>>> (?!#)", page.read_text("utf-8"), re.M))


def test_every_block_is_covered_by_a_rule() -> None:
    """A page shows no code that nothing here runs or checks."""
    assert [f"{block.place} ({block.language})" for block in of("unknown")] == []


def test_text_is_no_code() -> None:
    """What is called text is neither a command nor Python: it would go unchecked."""
    code = re.compile(r"^(?:\$ |>>> |import |from \w+ import |cometchat-auth |pip )", re.M)
    assert [block.place for block in of("text") if code.search(block.text)] == []


def test_files_that_are_shown_are_tested() -> None:
    """A file that a page shows is an example, and a test runs it."""
    tests = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/test_examples_*.py"))
    for block in of("include"):
        path = (block.page.parent / block.text).resolve()
        assert path.is_file(), block.place
        assert path.is_relative_to(ROOT / "examples"), block.place
        named = f'"{path.name}"' in tests or f'"{path.stem}"' in tests
        assert named, f"{block.place}: no test runs {path.name}"


def test_files_that_are_named_are_there() -> None:
    """An example, a page or a text that a page sends its reader to exists."""
    named = re.compile(r"``((?:examples|docs|tests)/[\w./]+|[A-Z]+\.rst)``")
    missing = [
        f"{name}: {found}"
        for name, page in PAGES.items()
        for found in named.findall(page.read_text("utf-8"))
        if not (ROOT / found).exists()
    ]
    assert missing == []


def test_commands_exist() -> None:
    """A command that a page or README.rst shows exists, and so do its options and its module."""
    readme = [block for block in blocks(ROOT / "README.rst") if block.kind == "shell"]
    found = [*of("shell"), *readme]
    assert len(readme) > 3
    assert len(found) > 20
    assert [f"{b.place}: {what}" for b in found for what in docs_shell.problems(b.text)] == []


def test_tests_that_are_shown_pass(tmp_path: Path) -> None:
    """A block with tests is a module of tests that pass."""
    for block in of("tests"):
        (tmp_path / f"test_{block.page.stem}_{block.line}.py").write_text(block.text, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=100,
    )
    shown = sum(len(re.findall(r"^ *def test_", block.text, re.M)) for block in of("tests"))
    assert f"\n{shown} passed" in done.stdout, done.stdout + done.stderr


def test_windows_that_are_shown_open(tmp_path: Path) -> None:
    """A block that makes a window runs on a screen, in a process of its own."""
    require(screens.available())
    with screens.Screen() as screen:
        for block in of("window"):
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", block.text],
                env={**os.environ, "DISPLAY": screen.name, "PYTHONPATH": str(ROOT)},
                cwd=tmp_path,
                capture_output=True,
                check=False,
                encoding="utf-8",
                timeout=50,
            )
            assert (done.returncode, done.stderr) == (0, ""), block.place


def test_settings_can_be_read() -> None:
    """A piece of a settings file can be read as what it is said to be."""
    read = {
        "ini": lambda text: configparser.ConfigParser().read_string(text),
        "json": json.loads,
        "yaml": yaml.safe_load,
    }
    assert of("yaml")
    for block in of(*read):
        read[block.kind](block.text)


def test_javascript_can_be_read(tmp_path: Path) -> None:
    """JavaScript has no mistake in its form."""
    require(None if shutil.which("node") else "node is not installed (package nodejs)")
    program = tmp_path / "shown.js"
    program.write_text("".join(f"{{\n{block.text}}}\n" for block in of("javascript")), "utf-8")
    command = ["node", "--check", str(program)]
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=50)
    assert (done.returncode, done.stderr) == (0, "")


def test_pictures() -> None:
    """Each picture that is shown is there, is small, and is said in words; none is left over."""
    shown: set[Path] = set()
    for page in PAGES.values():
        text = page.read_text("utf-8")
        found = re.findall(r"(?:image|figure):: (\S+)\n +:alt: \w+", text)
        assert len(found) == len(re.findall(r"(?:image|figure)::", text)), page.name
        shown |= {(page.parent / name).resolve() for name in found}
    assert shown == {path.resolve() for path in (DOCS / "pictures").iterdir()}
    assert [path.name for path in shown if path.stat().st_size > LARGEST_PICTURE] == []


def test_errors_are_complete() -> None:
    """The page of errors names every exception, every code of ours and every reason."""
    page = PAGES["errors"].read_text("utf-8") + PAGES["sessions"].read_text("utf-8")
    public = {name: value for name, value in vars(errors).items() if name[0].isupper()}
    kinds = [name for name in public if name.endswith(("Error", "Exception"))]
    codes = [value for value in public.values() if isinstance(value, str)]
    told = f"{errors.NoAnswerError.__doc__} {errors.SessionStoreError.__doc__}"
    reasons = set(re.findall(r"``([a-z_]+)``", told)) - {"reason"}
    assert len(kinds) > 10
    assert len(codes) > 10
    assert len(reasons) > 15
    assert [
        word for word in (*kinds, *codes, *reasons) if not re.search(rf"\b{word}\b", page)
    ] == []


OFFICIAL: Final = (
    *("CometChat.init(appID, appSettings)", "CometChat.isInitialized()", "AppSettingsBuilder"),
    *("setRegion", "overrideAdminHost", "overrideClientHost", "setStorageMode"),
    *("subscribePresenceForAllUsers", "...ForRoles", "...ForFriends"),
    *("autoEstablishSocketConnection", "getLoggedinUser", "login(uid, authKey)"),
    *("login(authToken)", "logout", "createUser", "updateUser", "updateCurrentUserDetails"),
    *("user.getAuthToken", "addLoginListener", "removeLoginListener", "new LoginListener"),
    *("loginSuccess", "loginFailure", "logoutSuccess", "logoutFailure", "CometChatException"),
    *("connect()", "disconnect()", "getConnectionStatus()"),
    *("MISSING_PARAMETERS", "COMETCHAT_INITIALIZATION_NOT_DONE", "NOT_INITIALIZED"),
    *("LOGIN_IN_PROGRESS", "USER_NOT_AUTHORISED", "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"),
    *("USER_NOT_LOGGED_IN", "ERR_NO_AUTH", "NO_INTERNET_CONNECTION", "FAILED_TO_FETCH"),
    *("TOO_MANY_REQUEST", "ERROR_IO_EXCEPTION", "ERROR_JSON_EXCEPTION", "WS_..."),
    *("UID_IS_COMPULSORY", "..._NOT_PROVIDED", "INVALID_UID", "ERROR_..._EXCEEDED"),
)


def test_official_names_are_in_the_index() -> None:
    """Each name and each code of the official page on authentication is told in Python's."""
    page = PAGES["coming_from_javascript"].read_text("utf-8")
    index = page[page.index("\nNames\n") : page.index("\nInitialise\n")]
    assert [name for name in OFFICIAL if f"``{name}" not in index] == []


LOGIN: Final = """
import sys
from cometchat_auth import AppSettings, CometChat
url, app_id, key = sys.argv[1:]
with CometChat(app_id, AppSettings.for_emulator(url)) as chat:
    chat.login("cometchat-uid-1", key).result()
    print(chat.session_info().service_name)
"""


def test_an_item_is_found_by_hand(emulator: Emulator) -> None:
    """The item of a session has the names that the page says, and can be removed by them."""
    require(secret_service.available())
    page = PAGES["sessions"].read_text("utf-8")
    with secret_service.SecretService() as keyring:
        arguments = (emulator.url, emulator.app_id, emulator.auth_key)
        name = keyring.run(LOGIN, *arguments).stdout.strip()
        (item,) = keyring.items()
        assert name.startswith("cometchat_auth:")
        assert item.label == f"Password for 'default' on '{name}'"
        assert "*Password for 'default' on" in page
        assert (item.attributes["service"], item.attributes["username"]) == (name, "default")
        command = [sys.executable, "-m", "keyring"]
        assert keyring.run([*command, "get", name, "default"]).stdout.strip() == item.secret
        keyring.run([*command, "del", name, "default"])
        assert keyring.items() == []


def half_rows(text: str) -> list[str]:
    """Return lines of simple tables that were meant to go on with a row, but begin one."""
    found, ends = list[str](), list[int]()
    for line in text.splitlines():
        if re.fullmatch(r" *=+( +=+)+", line):
            ends = [match.end() for match in re.finditer("=+", line)]
        elif not line.strip():
            ends = []
        elif ends and line[: ends[0]].strip() and not line[ends[0] :].strip():
            found.append(line)
    return found


def test_tables_have_no_half_rows() -> None:
    """A table's first column does not go on in the next line: that would be a row of its own."""
    found = {name: half_rows(page.read_text("utf-8")) for name, page in PAGES.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


# The rules themselves: what they must not let through.


WRONG_COMMANDS: Final = (
    "cometchat-auth sing",
    "cometchat-auth users lisst",
    "cometchat-auth whoami --loud",
    "cometchat-auth emulator --port many",
    "echo a && cometchat-auth token create",
    "$ cometchat-auth doctor --quickly\nthe output",
    "python -m cometchat_auth.nothing",
    "python3 nothing.py",
    "COMETCHAT_REGION=us rm -rf .",
)


def test_rule_refuses_commands() -> None:
    """A command, an option, a module, a file or a program that does not exist is found out."""
    found = {command: len(list(docs_shell.problems(command))) for command in WRONG_COMMANDS}
    assert found == dict.fromkeys(WRONG_COMMANDS, 1)


def test_rule_takes_commands() -> None:
    """A command that is right is let through, whatever stands around it."""
    text = (
        "export COMETCHAT_EMULATOR=http://127.0.0.1:8600 COMETCHAT_PROFILE=work  # and so on\n"
        ".venv/bin/cometchat-auth users list \\\n    --search ki | cat > out\n"
        ".venv/bin/python -m cometchat_auth.emulator --json\n"
    )
    assert list(docs_shell.problems(text)) == []


def test_rule_runs_a_page_in_one_namespace(tmp_path: Path) -> None:
    """Blocks go on where the last one ended; what they print wrongly is found out."""
    text = "Page::\n\n    echo\n\n.. code-block:: python\n\n    a = 1\n\n>>> a\n1\n\n>>> a + 1\n3\n"
    page = page_of(tmp_path, text)
    count, wrong = docs_pages.run(page)
    assert count == 3
    assert "Expected:\n    3\nGot:\n    2\n" in wrong


SHOWN: Final = {
    ".. code-block:: ruby\n\n   puts 1\n": "unknown",
    ".. parsed-literal::\n\n   echo\n": "unknown",
    ".. code-block::\n   :name: x\n\n   echo\n": "unknown",
    "* A list::\n\n      echo\n\n  goes on\n": "shell",
    ".. literalinclude:: ../examples/a.py\n   :pyobject: b\n": "include",
    ".. code-block:: python\n\n   def test_a():\n       pass\n": "tests",
    ".. code-block:: python\n\n   import tkinter\n": "window",
    "Text.\n\n>>> 1\n1\n": "prompt",
}


def test_rule_knows_what_a_block_is(tmp_path: Path) -> None:
    """Each way in which a page can show code is seen, once."""
    for text, kind in SHOWN.items():
        assert [block.kind for block in blocks(page_of(tmp_path, text))] == [kind], text


def test_rule_finds_half_rows() -> None:
    """A first cell that goes on is found, a last one that does is not."""
    border = "==== ===="
    assert half_rows(f"{border}\na    b\nc\n     d\n{border}\n\ne\n") == ["c"]
