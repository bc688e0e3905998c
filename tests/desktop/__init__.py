"""Real windows on a screen of their own: a virtual one, with a window manager, mouse and keys."""

from __future__ import annotations

import subprocess


def cannot_import(python: str, module: str) -> str | None:
    """Return why a Python cannot import a module of a toolkit, or ``None`` if it can."""
    done = subprocess.run(
        [python, "-c", f"import {module}"], capture_output=True, check=False, encoding="utf-8"
    )
    if done.returncode == 0:
        return None
    why = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
    return f"{python} cannot import {module}: {why[0]}"
