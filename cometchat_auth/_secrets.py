"""Credentials that do not print themselves, and text freed of credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

MASK: Final = "***"

# What a credential looks like in an answer that was meant for somebody else, or was cut short:
# an auth token (uid, underscore, 10 digits and 30 hex digits), a JWT, a key of 40 hex digits
# (formats from CometChat's REST documentation), and the values of fields of those names.
_LOOKS_SECRET: Final = re.compile(
    r"""[A-Za-z0-9_-]*_\d{10}[0-9a-fA-F]{6,}
      | eyJ[\w-]+(?:\.[\w-]*){0,2}
      | \b[0-9a-fA-F]{40}\b
      | (?<=authToken":\s")[^"]+ | (?<=authToken":")[^"]+
      | (?<=jwt":\s")[^"]+ | (?<=jwt":")[^"]+
      | (?<=apiKey":\s")[^"]+ | (?<=apiKey":")[^"]+
    """,
    re.VERBOSE,
)


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
        if secret.reveal():
            text = text.replace(secret.reveal(), MASK)
    return _LOOKS_SECRET.sub(MASK, text)


def redact_all(value: Any, secrets: Iterable[Secret] = ()) -> Any:
    """Return a JSON value in which every text was redacted."""
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {redact(str(key), secrets): redact_all(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_all(item, secrets) for item in value]
    return value
