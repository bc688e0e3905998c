"""README.rst and the other texts: what they show runs, and they can be rendered."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import secret_service
from .real_parts import require

ROOT = Path(__file__).parent.parent
README = ROOT / "README.rst"


def test_readme_runs_without_a_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything that README shows must run as it stands, offline and without a keyring."""
    monkeypatch.chdir(tmp_path)  # it writes a journal where it is
    result = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert result.attempted > 30
    assert result.failed == 0


def test_readme_runs_with_a_keyring_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    """It must run with a real keyring as well, and take out again what it puts in."""
    require(secret_service.available())
    code = (
        "import doctest, os, sys\n"
        "os.chdir(sys.argv[2])\n"
        "sys.exit(doctest.testfile(sys.argv[1], module_relative=False, encoding='utf-8').failed)\n"
    )
    with secret_service.SecretService() as service:
        service.run([sys.executable, "-c", code, str(README), str(tmp_path)])
        assert service.items() == []


def test_readme_shows_code_at_once() -> None:
    """Running code must stand within the first 20 lines, after one sentence."""
    lines = README.read_text("utf-8").splitlines()[:20]
    assert lines[3].endswith(".")
    assert any("chat.login(" in line for line in lines)


def test_readme_lists_every_exception() -> None:
    """The tree of exceptions must be complete."""
    import cometchat_auth.errors

    tree = set(re.findall(r"^ {4}[|` -]*(\w+(?:Error|Exception))\b", README.read_text(), re.M))
    assert tree == {
        name
        for name, value in vars(cometchat_auth.errors).items()
        if isinstance(value, type) and issubclass(value, cometchat_auth.CometChatException)
    }


@pytest.mark.parametrize("name", ["README.rst", "CHANGES.rst"])
def test_texts_can_be_rendered(name: str, tmp_path: Path) -> None:
    """Docutils must have nothing to remark, not even an information."""
    command = ["-m", "docutils", "--halt=info", "--report=info", str(ROOT / name)]
    done = subprocess.run(
        [sys.executable, *command, str(tmp_path / "out.html")],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
