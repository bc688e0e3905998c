"""Modules of the standard library that nobody needs before a call is made.

An attribute of this module imports its namesake when it is first asked for: importing all of
them takes as long as importing the rest of the library. Large modules of others are imported
late as well, under `IMPORTING`: a module that another thread is importing at the moment of a fork
could never be imported in the child.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import hashlib
    import html
    import json
    import random
    import uuid
    from email import utils as email_utils
    from urllib import parse as urllib_parse

__all__ = [
    "IMPORTING",
    "email_utils",
    "hashlib",
    "html",
    "json",
    "random",
    "urllib_parse",
    "uuid",
]

_MODULES: Final = {
    "email_utils": "email.utils",
    "hashlib": "hashlib",
    "html": "html",
    "json": "json",
    "random": "random",
    "urllib_parse": "urllib.parse",
    "uuid": "uuid",
}
_FORK_LIMIT: Final = 5.0  # seconds that a fork waits for an import

IMPORTING = threading.RLock()
_held: Any = threading.local()


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with IMPORTING:
        module = import_module(_MODULES[name])
    globals()[name] = module
    return module


def _before_fork() -> None:
    _held.importing = IMPORTING.acquire(timeout=_FORK_LIMIT)


def _after_fork_in_parent() -> None:
    if _held.importing:
        IMPORTING.release()


def _after_fork_in_child() -> None:
    global IMPORTING
    IMPORTING = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
