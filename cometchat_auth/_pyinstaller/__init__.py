"""What PyInstaller has to know; it finds this by an entry point of its own.

It follows the import statements of a program and of what the program imports. What is imported by
a name in a string, and what is no code, the hooks in this folder tell it.
"""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folder of the hooks."""
    return [str(Path(__file__).parent)]
