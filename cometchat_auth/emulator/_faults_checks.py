"""What the fields of a fault may be: each is checked when the fault is made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import Attribute

MAX_SECONDS: Final = 3600.0  # an hour outlasts every client
MAX_COUNT: Final = 1_000_000_000  # beyond this a number is a mistake

_MOST_SHOWN: Final = 60  # characters of a refused value

# What HTTP allows in a header's name (RFC 9110) and what cannot cut a header in two.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")

# Written by the server itself, from what is really sent.
_OWN_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection"})


def number(least: float, most: float) -> Any:
    """Return the check of a number in a range; ``None`` is fine where it is the default."""

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        name = attribute.name
        if value is None and attribute.default is None:
            return
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{name} must be a number, not {type(value).__name__}.")
        if not least <= value <= most:
            raise ValueError(f"{name} must be from {least:g} to {most:g}, not {_shown(value)}.")

    return check


def whole(least: int, most: int) -> Any:
    """Return the check of a whole number in a range."""

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        name = attribute.name
        if value is None and attribute.default is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
        if not least <= value <= most:
            raise ValueError(f"{name} must be from {least} to {most}, not {_shown(value)}.")

    return check


def one_of(*allowed: str) -> Any:
    """Return the check of a choice."""

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if value not in allowed and not (value is None and attribute.default is None):
            choices = ", ".join(allowed)
            raise ValueError(f"{attribute.name} must be one of {choices}, not {_shown(value)}.")

    return check


def text(_: object, attribute: Attribute[Any], value: object) -> None:
    """Check what is to be found in a request."""
    if value is None:
        return
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be a string, not {type(value).__name__}.")
    if not value:
        raise ValueError(f"{attribute.name} is empty: leave it out to match every request.")


def flag(_: object, attribute: Attribute[Any], value: object) -> None:
    """Check a switch."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name} must be true or false, not {type(value).__name__}.")


def header_pairs(_: object, __: object, pairs: tuple[tuple[Any, Any], ...]) -> None:
    """Check that HTTP allows the headers, and that they contradict nothing."""
    for name, value in pairs:
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError("headers must have strings as names and values.")
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"headers has a name or value that HTTP does not allow: {_shown(name)}."
            )
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"headers may not have {name}: the emulator writes it itself.")


def as_pairs(headers: object) -> tuple[tuple[Any, Any], ...]:
    """Return headers as pairs; a sequence of pairs may have a name more than once."""
    if isinstance(headers, Mapping):
        return tuple(headers.items())
    if isinstance(headers, Iterable) and not isinstance(headers, (str, bytes)):
        pairs = [tuple(p) if isinstance(p, (list, tuple)) else () for p in headers]
        if all(len(pair) == 2 for pair in pairs):
            return tuple(pairs)
    raise TypeError("headers must be a mapping, or pairs of a name and a value.")


def as_bytes(body: object) -> bytes:
    """Return a body's bytes: a string as UTF-8, anything but bytes as JSON."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    try:
        return (body if isinstance(body, str) else json.dumps(body)).encode()
    except UnicodeEncodeError:
        raise ValueError("body has a lone surrogate, which is no text.") from None
    except (TypeError, ValueError, RecursionError):
        raise TypeError("body must be a string, bytes, or a value that JSON has.") from None


def as_upper(value: Any) -> Any:
    """Return a string in upper case, and anything else for the check to refuse."""
    return value.upper() if isinstance(value, str) else value


def as_lower(value: Any) -> Any:
    """Return a string in lower case, and anything else for the check to refuse."""
    return value.lower() if isinstance(value, str) else value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
