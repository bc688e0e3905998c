"""The pages of `docs`, the code that they show, and how it is run or checked."""

from __future__ import annotations

import doctest
import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"

# Directives that show code. What else there is shows text, pictures, or docstrings.
_CODE: Final = re.compile(
    r"( *)\.\. (code-block|code|sourcecode|literalinclude|parsed-literal|doctest|testcode)::(.*)"
)
_OPTION: Final = re.compile(r" *:[\w-]+:")
_TOOLKITS: Final = re.compile(r"^(?:import|from) (?:tkinter|PySide6|PyQt6|wx|gi)\b", re.M)


@attrs.frozen
class Block:
    """A piece of code that a page shows.

    Attributes:
        page: The page.
        line: Where the code begins.
        language: What the page says that it is; ``"::"`` for a literal block, ``"include"`` for a
            file, which is the text then.
        text: The code.
    """

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Return where it is, for people."""
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"

    @property
    def kind(self) -> str:
        """Return by which rule it is run or checked."""
        if self.language == "python" and re.search(r"^ *def test_", self.text, re.M):
            return "tests"
        if self.language == "python" and _TOOLKITS.search(self.text):
            return "window"
        return _KINDS.get(self.language, "unknown")


# What a page says that a block is -> the rule for it.
_KINDS: Final = {
    "pycon": "prompt",
    "python": "program",
    "include": "include",
    "::": "shell",
    "console": "shell",
    "bat": "shell",
    "ini": "ini",
    "json": "json",
    "yaml": "yaml",
    "javascript": "javascript",
    "text": "text",
}


def pages() -> list[Path]:
    """Return all pages."""
    return sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)


def blocks(page: Path) -> Iterator[Block]:
    """Yield every piece of code that a page shows, in its order."""
    lines = page.read_text("utf-8").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        directive = _CODE.fullmatch(line)
        if directive and directive[2] == "literalinclude":
            yield Block(page, number, "include", directive[3].strip())
        elif directive:
            text, begin, number = _indented(lines, number, len(directive[1]))
            yield Block(page, begin, directive[3].strip() or directive[2], text)
        elif line.endswith("::") and not line.lstrip().startswith(".."):
            text, begin, number = _indented(lines, number, len(line) - len(line.lstrip()))
            yield Block(page, begin, "::", text)
        elif line.lstrip().startswith(">>>"):
            end = next((at for at in range(number, len(lines)) if not lines[at].strip()), None)
            yield Block(page, number, "pycon", textwrap.dedent("\n".join(lines[number - 1 : end])))
            number = len(lines) if end is None else end


def _indented(lines: list[str], start: int, indent: int) -> tuple[str, int, int]:
    """Return the block that stands deeper than its beginning, its first line, and what follows."""
    while start < len(lines) and _OPTION.match(lines[start]):
        start += 1
    end = start
    while end < len(lines) and (
        not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
    ):
        end += 1
    text = textwrap.dedent("\n".join(lines[start:end])).strip("\n") + "\n"
    first = next((at for at in range(start, end) if lines[at].strip()), start)
    return text, first + 1, end


def run(page: Path) -> tuple[int, str]:
    """Run what a page shows for Python, all in one namespace, from top to bottom.

    Returns:
        How many examples and programs were run, and what went wrong; nothing if all went well.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    runner, wrong, count = doctest.DocTestRunner(verbose=False), list[str](), 0
    for block in blocks(page):
        if block.kind == "prompt":
            examples = doctest.DocTestParser().get_examples(block.text)
            test = doctest.DocTest(examples, {}, page.name, str(page), block.line - 1, block.text)
            test.globs = names  # itself, not a copy: the next block goes on with it
            count += len(examples)
            runner.run(test, out=wrong.append, clear_globs=False)
        elif block.kind == "program":
            count += 1
            code = compile(block.text, block.place, "exec", dont_inherit=True)
            exec(code, names)  # noqa: S102 - that is what the page is for
    return count, "".join(wrong)
