"""Commands that pages show for a shell: whether there are such commands, and such options."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shlex
import sys
from collections.abc import Iterator
from typing import Any, Final

import click

from cometchat_auth.cli import cli

from .docs_pages import ROOT

# What is not ours: that it exists is known, what it understands is not checked.
OTHERS: Final = frozenset(
    {
        *("cat", "cd", "cp", "echo", "mkdir", "printf", "sh", "set", "source", "ssh", "umask"),
        *("apt-get", "docker", "git", "npm", "pip", "pre-commit", "twine", "sphinx-build"),
        *("dbus-run-session", "gnome-keyring-daemon", "secret-tool", "security", "cmdkey"),
        *("celery", "curl", "flask", "mypy", "pyinstaller", "pyright", "pytest", "ruff"),
    }
)
_ENDS: Final = frozenset({"&&", "||", "|", ";", "&"})
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*")
_FOLDERS: Final = (ROOT, *(ROOT / "examples" / name for name in ("", "testing", "tutorial")))


def problems(text: str) -> Iterator[str]:
    """Yield what is wrong with the commands of a block."""
    for words in _commands(text):
        try:
            _check(words)
        except (AssertionError, click.ClickException) as error:
            what = error.format_message() if isinstance(error, click.ClickException) else error
            yield f"{shlex.join(words)}: {what}"


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command; of a session, what stands behind its prompts."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    begun = ""
    for line in lines:
        begun += line
        try:
            found = _words(begun)
        except ValueError:  # a quotation that goes on in the next line
            begun += "\n"
            continue
        begun = ""
        for is_end, words in itertools.groupby(found, _ENDS.__contains__):
            if not is_end:
                yield list(words)
    assert not begun, "a quotation does not end"


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def _check(words: list[str]) -> None:
    rest = [word for word in words if word != "export"]
    while rest and _ASSIGNMENT.fullmatch(rest[0]):
        rest.pop(0)
    if not rest:
        return
    program, arguments = re.split(r"[/\\]", rest[0])[-1], _before_redirection(rest[1:])
    if program == "cometchat-auth":
        _check_ours(cli, program, arguments)
    elif re.fullmatch(r"python[\d.]*", program):
        _check_python(arguments)
    else:
        assert program in OTHERS, "no such program is known"


def _before_redirection(words: list[str]) -> list[str]:
    return words[: next((at for at, word in enumerate(words) if word[0] in "<>"), len(words))]


def _check_ours(command: click.Command, name: str, words: list[str]) -> None:
    """Have click read a command line; nothing is carried out."""
    context = click.Context(command, info_name=name)
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        assert inner is not None, f"there is no command {words[0]!r}"
        _check_ours(inner, f"{name} {words[0]}", words[1:])
    elif words != ["--help"]:
        command.make_context(name, list(words)).close()


def _check_python(words: list[str]) -> None:
    if words and words[0] == "-m":
        known = {"PyInstaller"} | {path.stem for place in _FOLDERS for path in place.glob("*.py")}
        assert words[1] in known or _spec(words[1]), f"there is no module {words[1]}"
    elif words and not words[0].startswith("-"):
        there = any((folder / words[0]).is_file() for folder in _FOLDERS)
        assert there, f"there is no file {words[0]}"


def _spec(module: str) -> Any:
    """Return how a module is found, or ``None``; it is not imported, its package may be."""
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    finally:
        sys.path.remove(str(ROOT))
