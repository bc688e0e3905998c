"""The documentation: built without a warning, complete, and every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from inspect import isclass, isfunction
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import attrs
import click
import pytest

import cometchat_auth.errors
from cometchat_auth import CometChat
from cometchat_auth.cli import cli
from cometchat_auth.emulator import App
from cometchat_auth.server import CometChatServer
from cometchat_auth.server._bulk_rows import DUPLICATE_UID

from .real_parts import require

DOCS: Final = Path(__file__).parent.parent / "docs"
OPTIONS: Final = ("-q", "-W", "--keep-going", "-n", "-b", "html")
PACKAGES: Final = ("sphinx", "furo", "sphinx_click", "bs4")
MODULES: Final = ("", ".dispatchers", ".emulator", ".server", ".testing", ".user_files")
OF_IMPORTS: Final = (DUPLICATE_UID, "JOURNAL_IN_USE", "JOURNAL_ERROR")
FIXTURES: Final = ("emulator", "client", "server", "memory_store", "guard")


@attrs.frozen
class Site:
    """The pages that were built.

    Attributes:
        root: Their folder.
        complaints: What Sphinx had to say.
        pages: Each page, taken apart, by its path below the folder.
        terms: How often each Python name is explained.
    """

    root: Path
    complaints: str
    pages: dict[str, Any]
    terms: Counter[str] = attrs.field(init=False)

    @terms.default
    def _explained(self) -> Counter[str]:
        return Counter(term["id"] for _, term in self.select("dt.sig-object.py[id]"))

    def select(self, selector: str) -> Iterator[tuple[str, Any]]:
        """Yield the elements that fit, each with the path of its page."""
        for path, page in self.pages.items():
            for element in page.select(selector):
                yield path, element


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Build the pages, once for all tests."""
    if not (DOCS / "conf.py").exists():
        pytest.skip("the documentation is not beside these tests")
    missing = [name for name in PACKAGES if find_spec(name) is None]
    require(f"the documentation needs {', '.join(missing)}" if missing else None)
    from bs4 import BeautifulSoup

    root = tmp_path_factory.mktemp("docs") / "html"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *OPTIONS, str(DOCS), str(root)],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    pages = {
        path.relative_to(root).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted(root.rglob("*.html"))
    }
    return Site(root, done.stderr, pages)


def public_names(module: str) -> list[str]:
    """Return the names of a public module that are for users."""
    found = import_module(module)
    given = getattr(found, "__all__", None) or [
        name
        for name, value in vars(found).items()
        if isfunction(value) and value.__module__ == module
    ]
    return [f"{module}.{name}" for name in given if not name.startswith("_")]


def commands(
    command: click.Command, path: tuple[str, ...] = ("cometchat-auth",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and all below it, each with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


def test_pages_are_built_without_a_warning(site: Site) -> None:
    """Sphinx must have nothing to remark, every name in backquotes and every reference known."""
    assert site.complaints == ""
    assert len(site.pages) > 25


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_explained_once(site: Site, module: str) -> None:
    """What a module gives to users must stand in the reference, in one place."""
    names = public_names(f"cometchat_auth{module}")
    assert {name: site.terms[name] for name in names} == dict.fromkeys(names, 1)


@pytest.mark.parametrize("kind", [CometChat, CometChatServer, App])
def test_every_public_method_is_explained(site: Site, kind: type) -> None:
    """So must the methods of the classes that users work with."""
    (home,) = [term for term in site.terms if term.endswith(f".{kind.__name__}")]
    methods = [f"{home}.{name}" for name in dir(kind) if not name.startswith("_")]
    assert [name for name in methods if site.terms[name] != 1] == []


def test_nothing_private_is_explained(site: Site) -> None:
    """What may change at any time must not be promised by the reference."""
    assert [term for term in site.terms if re.search(r"\b_", term)] == []


def test_every_fixture_is_explained(site: Site) -> None:
    """The fixtures that pytest finds must stand there too."""
    assert [name for name in FIXTURES if site.terms[f"cometchat_{name}"] != 1] == []


def test_no_sentence_is_taken_for_a_type(site: Site) -> None:
    """A colon in the first line of "Returns" makes a type of what stands before it."""
    word = r"[\w.]+(\[.*\])?"
    wrong = [
        (path, text)
        for path, label in site.select("dl.field-list > dt")
        if label.get_text().startswith("Return type")
        and not re.fullmatch(rf"{word}( \| {word})*", text := value_of(label))
    ]
    assert wrong == []


def value_of(label: Any) -> str:
    """Return the text beside the label of a field."""
    return " ".join(label.find_next_sibling("dd").get_text().split())


def test_signatures_are_what_a_caller_writes(site: Site) -> None:
    """A default must be shown as Python has it, not as an object describes itself."""
    shown = [(path, term.get_text()) for path, term in site.select("dt.sig-object.py")]
    assert [each for each in shown if re.search(r"=<|=NOTHING|attr_dict", each[1])] == []


def test_every_code_is_explained(site: Site) -> None:
    """Each code of the library's own must stand in the reference of errors, imports' too."""
    said = {code.get_text() for code in site.pages["reference/errors.html"].select("code")}
    codes = [
        value
        for name, value in vars(cometchat_auth.errors).items()
        if name.isupper() and isinstance(value, str) and not value.startswith(("AUTH_ERR_", "ERR_"))
    ]
    assert len(codes) > 10
    assert [code for code in (*codes, *OF_IMPORTS) if code not in said] == []


def test_every_exception_is_explained(site: Site) -> None:
    """Each exception must stand in the reference, with its place in the tree."""
    errors = [
        name
        for name, value in vars(cometchat_auth.errors).items()
        if isclass(value) and issubclass(value, cometchat_auth.CometChatException)
    ]
    assert [name for name in errors if f"cometchat_auth.{name}" not in site.terms] == []


def test_every_command_and_option_is_explained(site: Site) -> None:
    """The page about the command line must have all that the command line has."""
    page = site.pages["reference/command_line.html"]
    anchors = {element["id"] for element in page.select("[id]")}
    wanted = {
        "-".join(["cmdoption", *path, option.opts[-1].strip("-")])
        for path, command in commands(cli)
        for option in command.params
        if isinstance(option, click.Option)
    }
    assert len(wanted) > 50
    assert wanted - anchors == set()
    headings = " ".join(heading.get_text() for heading in page.select("h1, h2, h3, h4"))
    assert [path for path, _ in commands(cli) if path[-1] not in headings] == []


def test_every_link_leads_somewhere(site: Site) -> None:
    """Each link within the pages must lead to a page that is there, and to its place on it."""
    places = {
        (site.root / path).resolve(): {element["id"] for element in page.select("[id]")}
        for path, page in site.pages.items()
    }
    dead = []
    for path, element in site.select("a[href]"):
        link = urlsplit(element["href"])
        if link.scheme or link.netloc:
            continue
        here = (site.root / path).resolve()
        target = (here.parent / unquote(link.path)).resolve() if link.path else here
        there = places.get(target, set()) if target.exists() else None
        place = unquote(link.fragment)
        if there is None or (place and place not in there):
            dead.append((path, element["href"]))
    assert dead == []


def test_every_picture_is_there_and_said_in_words(site: Site) -> None:
    """Each picture must be among the files that were built, and have a text in its place."""
    pictures = list(site.select('img:not([src*="_static/"])'))
    wrong = [
        (path, picture["src"])
        for path, picture in pictures
        if not ((site.root / path).parent / unquote(picture["src"])).is_file()
        or len(picture.get("alt", "").split()) < 3
    ]
    assert len(pictures) > 5
    assert wrong == []


def test_nothing_is_loaded_from_another_host(site: Site) -> None:
    """A page must be whole without a network: no script, font or picture of others'."""
    loaded = [
        (path, address)
        for path, element in site.select("[src], link[href]")
        if urlsplit(address := element.get("src") or element["href"]).netloc
    ]
    imported = [
        (path.name, found)
        for path in site.root.rglob("*.css")
        for found in re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//\S+)", path.read_text())
    ]
    assert loaded + imported == []
