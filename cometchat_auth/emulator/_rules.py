"""The rules that a field's value must keep; each returns what is wrong with it, if anything.

A complaint is the end of a sentence that begins with "The <field> ". Limits are those of
CometChat's documentation; the sentences were never seen and follow the form of the one that was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

MAX_UID: Final = 100  # characters
MAX_NAME: Final = 100  # characters
MAX_DESCRIPTION: Final = 255  # characters, of a role
MAX_URL: Final = 3000  # characters
MAX_METADATA: Final = 5 * 1024  # bytes of compact JSON; documented as 5 KB
MAX_TAGS: Final = 25
MAX_TAG: Final = 100  # characters
UNSETTABLE: Final = ("avatar", "link", "metadata")
MAX_SECRET: Final = 256  # characters, of a key or an auth token that a seed names; assumed
MAX_TIME: Final = 253_402_300_799  # unix time in seconds: the end of the year 9999
_SECRET: Final = re.compile(r"[!-~]{1,256}")  # what a header can carry
_UID: Final = re.compile(r"[A-Za-z0-9_-]+")

Rule = Callable[[Any], "str | None"]


def uid(value: Any) -> str | None:
    """Complain about a value that cannot be a uid."""
    complaint = text(MAX_UID)(value)
    if complaint is None and not _UID.fullmatch(value):
        complaint = "may only contain letters a-z, digits, dashes and underscores."
    return complaint


def secret(value: Any) -> str | None:
    """Complain about a value that can be neither a key nor an auth token."""
    if isinstance(value, str) and _SECRET.fullmatch(value):
        return None
    return f"must be 1 to {MAX_SECRET} visible ASCII characters without spaces."


def unix_time(value: Any) -> str | None:
    """Complain about a value that is not a unix time in whole seconds."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TIME:
        return None
    return f"must be a whole number from 0 to {MAX_TIME}."


def text(limit: int | None) -> Rule:
    """Return the rule for a string of at most ``limit`` characters."""

    def rule(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string."
        if limit is not None and len(value) > limit:
            return f"may not be longer than {limit} characters."
        return None

    return rule


def url(value: Any) -> str | None:
    """Complain about a value that is not an absolute URL within the limit."""
    complaint = text(MAX_URL)(value)
    if complaint is not None:
        return complaint
    try:
        parts = urlsplit(value)
    except ValueError:
        return "must be a valid URL."
    return None if parts.scheme and parts.netloc else "must be a valid URL."


def one_of(roles: Collection[str]) -> Rule:
    """Return the rule for the id of a role that exists."""

    def rule(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string."
        return None if value.lower() in roles else "does not exist."

    return rule


def metadata(value: Any) -> str | None:
    """Complain about a value that is not a JSON object within the limit."""
    if not isinstance(value, dict):
        return "must be an object."
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    return None if size <= MAX_METADATA else f"may not be longer than {MAX_METADATA} bytes."


def tags(value: Any) -> str | None:
    """Complain about a value that is not a list of tags within the limits."""
    if not isinstance(value, list):
        return "must be an array."
    if len(value) > MAX_TAGS:
        return f"may not have more than {MAX_TAGS} items."
    if any(text(MAX_TAG)(tag) is not None or not tag.strip() for tag in value):
        return f"may only hold texts of 1 to {MAX_TAG} characters."
    return None


def some_of(options: Collection[str]) -> Rule:
    """Return the rule for a list of any of the options."""

    def rule(value: Any) -> str | None:
        if not isinstance(value, list) or any(item not in options for item in value):
            return f"must be an array of any of {', '.join(options)}."
        return None

    return rule


def choice(options: Collection[str]) -> Rule:
    """Return the rule for one of the options."""

    def rule(value: Any) -> str | None:
        return None if value in options else f"must be one of {', '.join(options)}."

    return rule


def texts(value: Any) -> str | None:
    """Complain about a value that is not a list of strings."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return None
    return "must be an array of strings."


def uids(value: Any) -> str | None:
    """Complain about a value that is not a list of one string at least.

    That an empty list counts as absent is the custom of the service's framework.
    """
    return texts(value) or (None if value else "field is required.")


def json_object(value: Any) -> str | None:
    """Complain about a value that is not a JSON object."""
    return None if isinstance(value, dict) else "must be an object."


def boolean(value: Any) -> str | None:
    """Complain about a value that is not true or false."""
    return None if isinstance(value, bool) else "must be true or false."


def flag(value: Any) -> str | None:
    """Complain about a text of a query string that is neither yes nor no."""
    return None if value in {"true", "false", "1", "0"} else "must be true or false."


def whole_number(limit: int) -> Rule:
    """Return the rule for a number in a query string, from 1 to ``limit``."""

    def rule(value: Any) -> str | None:
        within = re.fullmatch(r"[0-9]{1,9}", value) and 1 <= int(value) <= limit
        return None if within else f"must be a whole number from 1 to {limit}."

    return rule
