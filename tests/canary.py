"""Looks for credentials wherever a program, a log or a crash reporter could show them."""

from __future__ import annotations

import base64
import gc
import logging
import pickle
import traceback
import types
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from cometchat_auth import CometChatException, MemoryStore, User

PACKAGES: Final = ("cometchat_auth", "requests", "urllib3")


class Watch(logging.Handler):
    """Keeps what every logger says, formatted with traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, with everything that hangs on it."""
        self.lines.append(f"{self.format(record)} {record.__dict__}")


@contextmanager
def watching() -> Iterator[Watch]:
    """Listen to all loggers at DEBUG, those of requests and urllib3 included, and to warnings."""
    handler, root = Watch(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in PACKAGES}
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in PACKAGES:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield handler
        handler.lines += [f"{warning.category.__name__} {warning}" for warning in warned]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        for name, old in before.items():
            logging.getLogger(name).setLevel(old)


def everything(thing: Any) -> Iterator[str]:
    """Yield every text that a thing and what led to it would show."""
    yield from (str(thing), repr(thing), f"{thing}", str(getattr(thing, "__dict__", "")))
    if isinstance(thing, BaseException):
        yield "".join(traceback.format_exception(thing))
        yield from (str(thing.args), repr(thing.args))
        for cause in (thing.__cause__, thing.__context__):
            if cause is not None:
                yield from everything(cause)
        frame = thing.__traceback__
        while frame is not None:  # what a crash reporter collects
            if "/tests/" not in frame.tb_frame.f_code.co_filename:
                yield str(frame.tb_frame.f_locals)
            frame = frame.tb_next
    if isinstance(thing, (CometChatException, User)):
        yield str(pickle.dumps(thing))


def reachable(*roots: object) -> Iterator[object]:
    """Yield what can be reached from some objects: the library's own, and containers of theirs.

    Bare texts are left out, and what a store keeps: somewhere a credential has to be.
    """
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _NOT_FOLLOWED) or _is_globals(thing):
            continue
        seen.add(id(thing))
        yield thing
        if _is_followed(thing):
            waiting += _parts(thing)


_NOT_FOLLOWED: Final = (str, bytes, int, float, type, types.ModuleType, types.CodeType)
_CONTAINERS: Final = (dict, list, tuple, set, frozenset, types.FunctionType, types.MethodType)


def _parts(thing: object) -> Iterator[object]:
    inside = getattr(thing, "__dict__", None)
    for part in gc.get_referents(thing):
        if isinstance(inside, dict) and part is inside:
            yield from inside.values()
        else:
            yield part


def _is_globals(thing: object) -> bool:
    return isinstance(thing, dict) and "__builtins__" in thing


def _is_followed(thing: object) -> bool:
    if isinstance(thing, MemoryStore):
        return False
    home = type(thing).__module__.partition(".")[0]
    return isinstance(thing, (*_CONTAINERS, types.CellType)) or home in PACKAGES


def shown(*things: object, given: object = None) -> Iterator[str]:
    """Yield every text that some objects, and all that can be reached from them, would show.

    Args:
        *things: The objects.
        given: What the caller has handed in himself, and may see again.
    """
    for thing in things:
        yield from everything(thing)
    for thing in reachable(*things):
        if given and thing == given:
            continue
        try:
            yield f"{thing} {thing!r}"
        except Exception as error:  # what cannot be shown does not show anything
            yield str(error)


def leaks(texts: Iterable[str], canaries: Iterable[str]) -> list[str]:
    """Return the texts in which a credential, or either half of it, can be read."""
    telling = set()
    for canary in canaries:
        half = max(8, len(canary) // 2)
        encoded = base64.b64encode(canary.encode()).decode().rstrip("=")[:-1]
        telling |= {canary[:half], canary[-half:], encoded}
    return [text for text in texts if any(part in text for part in telling)]
