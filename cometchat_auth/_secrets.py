"""Credentials that do not print themselves, and text freed of credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

from . import _late

MASK: Final = "***"

# What a credential looks like in an answer that was meant for somebody else, or was cut short:
# an auth token (uid, underscore, 10 digits and 30 hex digits), a JWT, a key of 40 hex digits
# (formats from CometChat's REST documentation). Each begins at a boundary, so that a long text
# is searched in linear time.
_LOOKS_SECRET: Final = re.compile(
    r"""(?<![\w-]) [A-Za-z0-9_-]*_\d{10}[0-9a-fA-F]{6,}
      | (?<![\w-]) eyJ[\w-]+(?:\.[\w-]*){0,2}
      | (?<!\w) [0-9a-fA-F]{32,} (?!\w)
    """,
    re.VERBOSE,
)

# A field that is named like one, and its value, in JSON, a form or a header.
_NAMED_SECRET: Final = re.compile(
    r"""((?:auth_?token|api_?key|auth_?key|jwt|secret|password) ["']? \s*[:=]\s* ["']?)
        [^\s"'&,;<>]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_NAME: Final = re.compile(r"token|secret|password|jwt|api_?key|auth_?key", re.IGNORECASE)

# The service masks the middle of a secret, and keeps so many characters at either end (observed).
_SHOWN: Final = 5

TEXT_LIMIT: Final = 500  # characters of a sentence of the service's
_DEPTH_LIMIT: Final = 6  # levels of an error's details
_ENTRY_LIMIT: Final = 100  # entries on each level


class Secret:
    """A credential whose text is only to be had by asking for it.

    It has no readable ``str`` or ``repr`` and cannot be pickled.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the credential itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential cannot be pickled or copied into a file")


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return the text with credentials replaced by asterisks.

    Args:
        text: Anything that came from the network or from a lower library.
        secrets: The credentials that were sent; they are replaced wherever they stand.

    Returns:
        The text without them, and without anything that looks like a credential.
    """
    for secret in secrets:
        for spelling in _spellings(secret.reveal()):
            text = text.replace(spelling, MASK)
    return _LOOKS_SECRET.sub(MASK, _NAMED_SECRET.sub(rf"\1{MASK}", text))


def excerpt(text: str, secrets: Iterable[Secret], limit: int) -> str:
    """Return the beginning of a text without credentials, fit to be shown on a terminal.

    What was sent is masked before the text is cut, or half of it would stay readable.
    """
    for secret in secrets:
        for spelling in _spellings(secret.reveal()):
            text = text.replace(spelling, MASK)
    begin = text[: 4 * limit]
    if len(begin) < len(text):  # the last word may be the first half of a credential
        begin = re.sub(r"[\w.+/=-]+\Z", "", begin) or MASK
    shown = "".join(char if char.isprintable() else " " for char in redact(begin)[:limit])
    return " ".join(shown.split())


def redact_all(value: Any, secrets: Iterable[Secret] = (), *, depth: int = 0) -> Any:
    """Return a JSON value in which every text was redacted, of a bounded size."""
    if isinstance(value, str):
        return excerpt(value, secrets, TEXT_LIMIT)
    if isinstance(value, (dict, list)) and depth == _DEPTH_LIMIT:
        return MASK
    if isinstance(value, dict):
        return {
            excerpt(key, secrets, TEXT_LIMIT): MASK
            if _SECRET_NAME.search(key[:TEXT_LIMIT]) and isinstance(item, str)
            else redact_all(item, secrets, depth=depth + 1)
            for key, item in list(value.items())[:_ENTRY_LIMIT]
        }
    if isinstance(value, list):
        return [redact_all(item, secrets, depth=depth + 1) for item in value[:_ENTRY_LIMIT]]
    return value


def without_credentials(value: Any) -> Any:
    """Return a JSON value without the fields that are named like a credential, at any depth."""
    if isinstance(value, dict):
        return {
            key: without_credentials(item)
            for key, item in value.items()
            if not _SECRET_NAME.search(key)
        }
    if isinstance(value, list):
        return [without_credentials(item) for item in value]
    return value


def _spellings(secret: str) -> Iterator[str]:
    """Return a credential as it may stand in JSON, a URL or HTML, the plain one first."""
    if not secret:
        return
    as_json = _late.json.dumps(secret)[1:-1]
    as_url, as_html = _late.urllib_parse.quote(secret, safe=""), _late.html.escape(secret)
    yield from dict.fromkeys([secret, as_json, as_json.replace("/", r"\/"), as_url, as_html])
    if 2 * _SHOWN < len(secret) < 4 * _SHOWN:  # what the service shows of it is most of it
        yield secret[:_SHOWN] + "*" * (len(secret) - 2 * _SHOWN) + secret[-_SHOWN:]
