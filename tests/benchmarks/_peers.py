"""Other services' client libraries, in an environment of their own.

``python -m tests.benchmarks --peers FOLDER`` makes the environment in the folder if it is not
there, and measures the peers beside this library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from ._measure import Kind, Way
from ._programs import ROOT, module, worker

# What is installed, and what is imported of it.
PACKAGES: Final = {
    "slack_sdk": "slack_sdk",
    "stream-chat": "stream_chat",
    "supabase-auth": "supabase_auth",
    "pubnub": "pubnub.pubnub",
    "msal-extensions": "msal_extensions",
}


@attrs.frozen
class Peers:
    """The peers that could be installed.

    Attributes:
        python: Their interpreter, or ``None`` if nobody asked for them.
        missing: A sentence for each that is not there.
    """

    python: str | None = None
    missing: list[str] = attrs.field(factory=list)

    def has(self, package: str) -> bool:
        """Return whether a package of `PACKAGES` is there."""
        return self.python is not None and not any(
            line.startswith(f"{package} ") for line in self.missing
        )

    def workers(self, work: str, names: Sequence[str], times: int, *arguments: str) -> list[Way]:
        """Return the ways of those that are there.

        Args:
            work: What `peer_programs` calls it.
            names: The packages that do it.
            times: How often in each round.
            arguments: What the program needs.
        """
        kind: Kind = "peer"
        return [
            worker(
                name, kind, module("peer_programs", work, name, *arguments, python=python), times
            )
            for name in names
            if (python := self.python) and self.has(name)
        ]


def in_folder(folder: Path) -> Peers:
    """Return the peers in an environment, which is made if it is not there."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        sys.stderr.write(f"installing {', '.join(PACKAGES)} into {folder}\n")
        venv.create(folder, with_pip=True)
        for package in PACKAGES:  # one by one: whichever does not install is left out
            subprocess.run([python, "-m", "pip", "install", "-q", package], check=False)
        subprocess.run([python, "-m", "pip", "install", "-q", str(ROOT)], check=True)
    missing = []
    for package, name in PACKAGES.items():
        done = subprocess.run([python, "-c", f"import {name}"], check=False, capture_output=True)
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            missing.append(f"{package} does not install here: {last}")
    return Peers(str(python), missing)
