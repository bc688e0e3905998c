"""Pages for those who change the library: pictures, promises and names are as the code is."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest

from .house_layout import laid_out, layers, reduced
from .house_picture import PICTURES, import_graph, room_of
from .real_parts import require
from .test_house import MODULES, PACKAGE, TESTS

DOCS = TESTS.parent / "docs"
MOST_LINES = 40  # of a function, without its docstring

_TEST = re.compile(r"def test_([scnxke]\d+)_")


def page(name: str) -> str:
    """Return a page of the documentation, or end the test where there is none beside it."""
    require(None if DOCS.is_dir() else "the documentation is not beside these tests")
    return (DOCS / name).read_text("utf-8")


def promises() -> set[str]:
    """Return the ids on the page of promises."""
    return set(re.findall(r"^([SCNXKE]\d+)$", page("promises.rst"), re.M))


def shown_promises() -> set[str]:
    """Return the ids that tests are named after."""
    names = (_TEST.findall(path.read_text("utf-8")) for path in TESTS.rglob("test_*.py"))
    return {name.upper() for name in itertools.chain.from_iterable(names)}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has below its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pictures_are_what_the_imports_make_today(name: str) -> None:
    """The committed picture must be the one that ``tests.house_picture`` draws now."""
    drawn = PICTURES[name]()
    assert page(f"pictures/{name}") == drawn, "run: python -m tests.house_picture docs/pictures"
    assert len(drawn) < 60_000


def test_pictures_leave_out_only_what_follows() -> None:
    """Whatever can be reached along all arrows must be reachable along those that are drawn."""
    graph = import_graph({name: name for name in room_of()})
    drawn = reduced(graph)
    assert all(drawn[name] <= graph[name] for name in graph)
    assert sum(map(len, drawn.values())) < sum(map(len, graph.values()))
    assert _closure(drawn) == _closure(graph)


def test_boxes_keep_apart_and_arrows_point_down() -> None:
    """No box may stand on another one, and each arrow must lead from layer to layer downwards."""
    graph = reduced(import_graph(room_of()))
    layout = laid_out(graph, lambda name: (20.0 * len(name), 40.0))
    level = layers(graph)
    for one, other in itertools.combinations(graph, 2):
        left, right = layout.spots[one], layout.spots[other]
        apart = abs(left.x - right.x) > (left.width + right.width) / 2
        assert apart or level[one] != level[other], (one, other)
    for road in layout.roads:
        heights = [layout.spots[name].y for name in road]
        assert heights == sorted(set(heights)), road


def test_every_promise_has_a_test() -> None:
    """No promise may be without a test that begins with its id."""
    assert promises() - shown_promises() == set()


def test_every_test_of_a_promise_names_one_that_is_written_down() -> None:
    """No test may be named after a promise that users are not given."""
    assert shown_promises() - promises() == set()


def test_modules_named_by_the_page_are_there() -> None:
    """Whatever the page on the architecture says of a module, there must be such a module."""
    text = page("architecture.rst")
    named = set(re.findall(r"``((?:[a-z]\w*[./])*_[a-z]\w*)(?:\.[A-Z]+)?``", text))
    assert len(named) > 20
    ours = {module.removeprefix(f"{PACKAGE}.") for module in MODULES}
    beside = {f"emulator.{name}" for name in named}  # named after its package in the same cell
    known = ours | {name.removeprefix("emulator.") for name in beside & ours}
    assert {name.replace("/", ".") for name in named} - known == set()


def test_programs_named_by_the_page_can_be_run() -> None:
    """Each program that contributors are told of must be there, and be one."""
    text = page("contributing.rst")
    named = set(re.findall(r"\btests(?:\.\w+)+", text)) - {"tests.benchmarks"}
    assert len(named) > 8
    for name in named:
        path = Path(TESTS.parent, *name.split(".")).with_suffix(".py")
        assert 'if __name__ == "__main__":' in path.read_text("utf-8"), name


def test_packages_named_by_the_page_are_those_that_ci_installs() -> None:
    """Whoever installs what the page lists must have all that the tests need, and no more."""
    text = page("contributing.rst")
    script = TESTS.parent / ".ci" / "run"
    if not script.exists():
        pytest.skip("the script that checks everything is not beside these tests")
    listed = re.search(r"for package in (.*?); do", script.read_text("utf-8"), re.S)
    assert listed is not None
    installed = set(listed[1].replace("\\", "").split()) | {"nodejs", "npm", "python3-venv"}
    named = {name for row in re.findall(r"^``([^`]+)`` {2,}", text, re.M) for name in row.split()}
    assert named == installed


def test_functions_stay_short() -> None:
    """No function may have more lines than fit on one screen."""
    long = [
        f"{module}.{node.name}"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and body_lines(node) > MOST_LINES
    ]
    assert long == []


def _closure(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    reached = {name: set(others) for name, others in graph.items()}
    for _ in graph:
        for others in reached.values():
            others.update(*(reached[other] for other in list(others)))
    return reached
