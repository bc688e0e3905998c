"""How Sphinx builds these pages: ``python -m sphinx -W -n -b html docs build/docs``."""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import pkgutil
import re
from importlib import import_module
from typing import Any

from docutils import nodes

import cometchat_auth
from cometchat_auth._version import __version__

project = "cometchat_auth"
author = "The cometchat_auth developers"
release = version = __version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]

# What stands in single backquotes is a name, and a warning if there is none.
default_role = "any"
nitpicky = True
nitpick_ignore = [
    ("any", "keyring"),
    *(("py:class", name) for name in ("SeedSource", "tkinter.Misc")),
    # Sphinx before 9 looks for classes only.
    *(("py:class", name) for name in ("Dispatcher", "cometchat_auth.events.Dispatcher")),
]

autodoc_member_order = "bysource"
autodoc_type_aliases = {"Dispatcher": "cometchat_auth.events.Dispatcher"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = True
python_use_unqualified_type_names = True

smartquotes_action = "De"  # dashes, but straight quotes

html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False
html_copy_source = False
pygments_dark_style = "monokai"

# Pages of Python's documentation; a build does not ask it, since it has to do without a network.
_PYTHON = {
    "asyncio": "asyncio-eventloop",
    "collections.abc": "collections.abc",
    "concurrent.futures": "concurrent.futures",
    "os": "os",
}

# Users are handed these, and make none: how it is done would only mislead.
_HANDED_OUT = {
    "cometchat_auth.SessionStore",
    "cometchat_auth.emulator.App",
    "cometchat_auth.emulator.Faults",
    "cometchat_auth.emulator.RequestLog",
    "cometchat_auth.testing.SessionStoreContract",
    "cometchat_auth.user_files.UserRows",
}

# How a default shows itself -> what it is; attrs says NOTHING where a factory makes it.
_DEFAULTS = {"<built-in function time>": "time.time", "extra=NOTHING": "extra={}"}


def _page_of_python(name: str) -> str | None:
    known = getattr(builtins, name, None)
    if known is not None:
        return "exceptions" if isinstance(known, type) else "functions"
    return _PYTHON.get(name.rpartition(".")[0])


def _link_to_python(
    app: Any,  # noqa: ARG001 - Sphinx's
    env: Any,  # noqa: ARG001
    node: Any,
    content: Any,
) -> nodes.reference | None:
    name = re.sub(r"\.(_base|events)\.", ".", node["reftarget"])
    page = _page_of_python(name)
    if page is None:
        return None
    place = f"https://docs.python.org/3/library/{page}.html#{name}"
    return nodes.reference("", "", content, internal=False, refuri=place)


def _simplify_signature(*event: Any) -> tuple[str, str | None] | None:
    _, what, name, value, _, signature, returned = event
    if signature is None:
        return None
    is_one_of_many = what == "exception" and "__init__" not in vars(value)
    if is_one_of_many or name in _HANDED_OUT:
        return "", None
    for shown, meant in _DEFAULTS.items():
        signature = signature.replace(shown, meant)
    return signature, returned


def _show_options_as_code(app: Any, ctx: Any, lines: list[str]) -> None:  # noqa: ARG001
    for place, line in enumerate(lines):
        if not line.lstrip().startswith(".. "):
            lines[place] = re.sub(r"(?<!\S)--[a-z-]+", r"``\g<0>``", line)


def _import_what_types_need(module: Any) -> None:
    """Do what ``if TYPE_CHECKING`` spares a program: annotations name what is imported there."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            block = compile(ast.Module(node.body, []), module.__file__, "exec")
            with contextlib.suppress(ImportError):  # tkinter is not everywhere
                exec(block, vars(module))  # noqa: S102


for _found in pkgutil.walk_packages(cometchat_auth.__path__, "cometchat_auth."):
    if not re.search(r"\.(__main__|_pyinstaller|cli)\b", _found.name):
        _import_what_types_need(import_module(_found.name))


def setup(app: Any) -> None:
    """Have Sphinx ask here where it does not know what we want."""
    app.connect("sphinx-click-process-description", _show_options_as_code)
    app.connect("sphinx-click-process-options", _show_options_as_code)
    app.connect("missing-reference", _link_to_python)
    app.connect("autodoc-process-signature", _simplify_signature)
