"""The project's packages, built as a packager builds them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
BUILD_LIMIT: Final = 100.0  # seconds

_FILES: Final = ("setup.py", "setup.cfg", "README.rst", "LICENSE", "CHANGES.rst")
_FOLDERS: Final = ("cometchat_auth", "docs", "examples", "tests")
_LEFT_BEHIND: Final = shutil.ignore_patterns("*.pyc", "__pycache__", "node_modules", "_build")


def build(tree: Path, *kinds: str) -> Path:
    """Build packages from a copy of the sources, without a network, and return their folder.

    Args:
        tree: A folder for the copy; it does not exist yet.
        kinds: What is built, as options of ``build``: ``--sdist``, ``--wheel``; by default a
            source distribution, and a wheel from that.
    """
    if not (ROOT / "setup.py").exists():
        pytest.skip("these tests do not stand in a source tree")
    tree.mkdir()
    for name in _FILES:
        shutil.copy(ROOT / name, tree)
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=_LEFT_BEHIND)
    options = ["--no-isolation", "--skip-dependency-check", "--outdir", str(tree / "dist")]
    done = subprocess.run(
        [sys.executable, "-m", "build", *kinds, *options, str(tree)],
        # A build needs no network, and no home either.
        env={"PATH": os.environ["PATH"], "HOME": str(tree)},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=BUILD_LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "dist"


def install(dist: Path, target: Path) -> None:
    """Unpack the wheel into a folder, as an installer would: it has no script of its own kind."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
