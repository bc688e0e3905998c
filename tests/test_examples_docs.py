"""``docs/server.rst``: what it shows runs, what it lists is complete, and it can be rendered."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cometchat_auth.server import CometChatServer

PAGE = Path(__file__).parent.parent / "docs" / "server.rst"


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that it shows must run as it stands, offline and in an empty folder."""
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted > 30
    assert result.failed == 0


def test_the_page_lists_every_method() -> None:
    """Each method must stand beside its endpoint."""
    listed = re.findall(r"^``(\w+)`` +``(?:GET|POST|PUT|DELETE) /", PAGE.read_text("utf-8"), re.M)
    public = [name for name in vars(CometChatServer) if not name.startswith("_")]
    assert sorted(listed) == sorted(public)


def test_the_page_names_examples_that_are_there() -> None:
    """A file that it sends its reader to must exist."""
    named = set(re.findall(r"``((?:examples|docs)/[\w.]+|README\.rst)``", PAGE.read_text("utf-8")))
    assert len(named) > 4
    assert [name for name in named if not (PAGE.parent.parent / name).exists()] == []


def test_the_page_can_be_rendered(tmp_path: Path) -> None:
    """Docutils must have nothing to remark, not even an information."""
    options = ["-m", "docutils", "--halt=info", "--report=info"]
    done = subprocess.run(
        [sys.executable, *options, str(PAGE), str(tmp_path / "out.html")],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
