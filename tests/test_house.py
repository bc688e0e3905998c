"""The house: which module may import which, and what only some may do."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import cometchat_auth

PACKAGE = "cometchat_auth"
ROOT = Path(cometchat_auth.__file__).parent
TESTS = Path(__file__).parent

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def module_name(path: Path) -> str:
    """Return the dotted name of a module of the package."""
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports(module: str) -> set[str]:
    """Return the modules that one imports: at its top, inside functions, and for types only."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(_from_import(node, package))
    return found - {module}


def _from_import(node: ast.ImportFrom, package: str) -> Iterator[str]:
    above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield inner if inner in MODULES else base


def importers(*tops: str) -> set[str]:
    """Return the modules that import any of these packages or modules."""
    return {
        module
        for module in MODULES
        if any(
            name == top or name.startswith(f"{top}.") for name in imports(module) for top in tops
        )
    }


def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield what a reader may meet: classes, functions and methods without an underscore."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if any(
            isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list
        ):
            continue
        yield f"{prefix}{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{prefix}{node.name}.")


def test_imports_run_one_way() -> None:
    """No module may import itself by way of others, not even inside a function or for types."""
    graph = {module: imports(module) & MODULES.keys() for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_the_emulator_shares_nothing_with_the_client() -> None:
    """The emulator must import nothing of the client, so that they share no mistake."""
    for module in MODULES:
        if module.startswith(f"{PACKAGE}.emulator"):
            ours = {name for name in imports(module) if name.startswith(PACKAGE)}
            assert {name for name in ours if not name.startswith(f"{PACKAGE}.emulator")} == set()


@pytest.mark.parametrize(
    ("libraries", "allowed"),
    [
        (("requests",), {"_transport", "_connections"}),
        (("keyring",), {"sessions", "_keyring_choice"}),
        (("click", "rich"), {"cli"}),
        (("flask", "cheroot", "werkzeug"), {"emulator"}),
        (("tkinter", "PySide6", "PyQt6", "wx", "gi", "asyncio"), {"dispatchers"}),
    ],
)
def test_libraries_are_imported_in_one_place(libraries: tuple[str, ...], allowed: set[str]) -> None:
    """A library that could be exchanged must be known to the modules made for it alone."""
    assert {name.split(".")[1] for name in importers(*libraries)} <= allowed


def test_only_the_command_line_knows_the_emulator() -> None:
    """Nothing that a user of the client imports may need the emulator's libraries."""
    inside = {name for name in MODULES if name.startswith(f"{PACKAGE}.emulator")}
    users = {name for name in importers(f"{PACKAGE}.emulator") if name not in inside}
    allowed = ("cli._emulator", "_demo", "testing", "_pytest_plugin", "_pytest_emulators")
    assert users <= {f"{PACKAGE}.{name}" for name in allowed}


def test_only_the_command_line_prints() -> None:
    """No other module may write to the standard streams."""
    ours = (f"{PACKAGE}.cli", f"{PACKAGE}.emulator.__main__")
    for module, path in MODULES.items():
        if module in ours or module.startswith(f"{PACKAGE}.cli."):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Name) and node.id == "print"), module
            assert not (isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr"}), (
                module
            )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_everything_public_is_documented(module: str) -> None:
    """Modules, and their classes, functions and methods without underscore, need a docstring."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    assert ast.get_docstring(tree)
    bare = [name for name, node in public_definitions(tree.body) if not ast.get_docstring(node)]
    assert bare == []


def test_every_test_says_what_must_hold() -> None:
    """A test needs a docstring too."""
    bare = [
        f"{path.name}::{name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for name, node in public_definitions(ast.parse(path.read_text("utf-8")).body)
        if name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert bare == []
