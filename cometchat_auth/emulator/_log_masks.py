"""What the log shows of a path or a body: its beginning, with every credential masked."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from ._errors import mask

_SHOWN: Final = 2000  # characters of a body
LOOKED_AT: Final = 2 * _SHOWN  # bytes of a body: no credential is cut before it is masked

_SECRET_NAME: Final = re.compile(r"token|key|jwt|secret|password|authorization", re.IGNORECASE)

# A string in JSON with its name, and a value in a query string with its own; in JSON the text may
# end within the value. Names are looked at afterwards, so that any text is read in linear time.
_IN_JSON: Final = re.compile(r'("([^"\\]*)"\s*:\s*")((?:[^"\\]|\\.)*)', re.DOTALL)
_IN_QUERY: Final = re.compile(r"((?:^|&)([^=&]*)=)([^&]*)")
_IN_PATH: Final = re.compile(r"(/(?:auth_tokens|apikeys)/)([^/]+)")

# The formats of CometChat's documentation: a token is <uid>_<10 digits><30 hex digits>, a key is
# 40 hex digits; a JWT begins with the encoded beginning of a JSON object.
_LOOKS: Final = re.compile(
    r"(?<![\w-])(?:[\w-]+_\d{10}[0-9a-fA-F]{6,}|eyJ[\w-]+(?:\.[\w-]*)*|[0-9a-fA-F]{32,})"
)

_CODE: Final = re.compile(rb'"code":\s*"([A-Z0-9_]{1,100})"')

_SENT_IN: Final = ("HTTP_APIKEY", "HTTP_AUTHTOKEN", "HTTP_AUTHORIZATION")


def sent_values(environ: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a request sends in the headers that carry credentials."""
    return tuple([environ[name] for name in _SENT_IN if name in environ])


def credentials(sent: Iterable[str], path: str) -> set[str]:
    """Return the credentials in the values of those headers and in a path."""
    found = {value.strip() for value in sent}
    found.update(match.group(2) for match in _IN_PATH.finditer(path))
    return found - {""}


def masked_path(path: str, query: str, sent: Collection[str]) -> str:
    """Return a path and its query string, masked and cut."""
    return masked(f"{path}?{_IN_QUERY.sub(_if_secret, query)}" if query else path, sent)


def masked_body(body: bytes, sent: Collection[str]) -> str:
    """Return the beginning of a body, masked; of a long one less than is looked at."""
    text = body[:LOOKED_AT].decode(errors="replace")
    # Where the body was cut a credential may be cut as well, and so not be known for one.
    limit = len(text) if len(body) < LOOKED_AT else len(text) // 2
    return masked(_IN_JSON.sub(_if_secret, text), sent)[:limit]


def error_code(body: bytes) -> str | None:
    """Return the error code in an answer."""
    found = _CODE.search(body)
    return found.group(1).decode() if found else None


def masked(text: str, sent: Collection[str]) -> str:
    """Return a text without what was sent, and without what looks like a credential, cut."""
    for secret in sorted(sent, key=len, reverse=True):  # one may be a part of another
        for spelling in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}:
            text = text.replace(spelling, _hide(spelling))
    return _LOOKS.sub(lambda match: mask(match.group()), text)[:_SHOWN]


def _if_secret(match: re.Match[str]) -> str:
    begin, name, value = match.groups()
    return f"{begin}{_hide(value)}" if _SECRET_NAME.search(name) else match.group()


def _hide(secret: str) -> str:
    """Mask a credential as the service does, but leave no half of an escape sequence of JSON."""
    return "*" * len(secret) if "\\" in secret else mask(secret)
