"""Arguments are checked before anything is sent or stored.

A value of the wrong type is the programmer's mistake: ``TypeError``. A value that cannot be used
is `InvalidParameterError`; its text names the field, the limit and what was found, and never
shows a credential. The limits are those of CometChat's "Constraints & Limits" page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from . import _late
from .errors import MISSING_PARAMETERS, InvalidParameterError

UID_LIMIT: Final = 100
NAME_LIMIT: Final = 100
URL_LIMIT: Final = 3000
ROLE_LIMIT: Final = 100
METADATA_LIMIT: Final = 5 * 1024  # bytes of JSON
BODY_LIMIT: Final = 10 * 1024  # bytes; the service's cap for a POST body
TAGS_LIMIT: Final = 25
TAG_LIMIT: Final = 100
REGIONS: Final = ("us", "eu", "in")
IN_FLIGHT_LIMIT: Final = 64  # requests that an import may have under way at once
API_VERSION: Final = "v3.0"  # the official SDKs' own path segment

# Longer than any credential known (a uid of 100, an underscore, 40 more), shorter than what
# servers commonly accept as one header.
CREDENTIAL_LIMIT: Final = 4096

# Seconds, 11 days: longer than anybody waits, short enough for every system's socket calls.
SECONDS_LIMIT: Final = 1_000_000

_LOOPBACK: Final = r"localhost|127(\.(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])){3}|::1"
_HOST_NAME: Final = r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?"


def text(field: str, value: object) -> str:
    """Return the value if it is a text that is not empty.

    Raises:
        TypeError: If it is neither a text nor ``None``.
        InvalidParameterError: ``MISSING_PARAMETERS`` if it is ``None`` or empty.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{field} must be a str, not {type(value).__name__}")
    if not value:
        found = "None" if value is None else "an empty text"
        raise InvalidParameterError(
            MISSING_PARAMETERS, f"{field} is required, but {found} was given."
        )
    return value


def types(**values: object) -> None:
    """Raise ``TypeError`` for the first value that is neither a text nor ``None``."""
    for field, value in values.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{field} must be a str, not {type(value).__name__}")


def invalid(field: str, what: str) -> InvalidParameterError:
    """Return the error for a value of a wrong form."""
    return InvalidParameterError(f"INVALID_{_upper(field)}", f"{field} {what}")


def exceeded(field: str, limit: int, unit: str, found: int) -> InvalidParameterError:
    """Return the error for a value that is too long."""
    return InvalidParameterError(
        f"ERROR_{_upper(field)}_EXCEEDED",
        f"{field} may have at most {limit:,} {unit}, but has {found:,}.",
    )


def texts(field: str, values: object) -> list[str]:
    """Return the texts that something holds.

    Raises:
        TypeError: If it holds anything else, or is one text itself.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{field} must be a sequence of texts, not one {type(values).__name__}")
    held = list(values)
    for value in held:
        if not isinstance(value, str):
            raise TypeError(f"{field} must hold texts, not {type(value).__name__}")
    return held


def chosen(field: str, values: object, allowed: Sequence[str]) -> list[str]:
    """Return the texts if each is one of those that are allowed."""
    held = texts(field, values)
    for value in held:
        if value not in allowed:
            raise invalid(field, f"may be {' or '.join(allowed)} only, but is {value[:40]!r}.")
    return held


def booleans(**values: object) -> None:
    """Raise ``TypeError`` for the first value that is neither ``True`` nor ``False``."""
    for field, value in values.items():
        if not isinstance(value, bool):
            raise TypeError(f"{field} must be a bool, not {type(value).__name__}")


def whole_number(field: str, value: object, limit: int) -> int:
    """Return the number if it is a whole one from 1 to the limit."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field} must be an int, not {type(value).__name__}")
    if not 1 <= value <= limit:
        raise invalid(field, f"must be from 1 to {limit:,}, but is {_number(value)}.")
    return value


def uid(value: object, field: str = "uid") -> str:
    """Return the uid: at most 100 of ``a-z``, ``0-9``, ``-`` and ``_``, in either case."""
    return _alpha_dash(field, text(field, value), UID_LIMIT)


def credential(field: str, value: object) -> str:
    """Return the key or token: visible ASCII characters without spaces."""
    checked = text(field, value)
    for place, char in enumerate(checked):
        if not "!" <= char <= "~":
            raise invalid(
                field,
                f"has {_describe(char)} at position {place + 1} of {len(checked)}; keys and tokens "
                "are visible ASCII characters without spaces. Was it copied with something else?",
            )
    _limit(field, checked, CREDENTIAL_LIMIT)
    return checked


def path_credential(field: str, value: object) -> str:
    """Return the key or token, fit to be one segment of a path."""
    checked = credential(field, value)
    if checked in {".", ".."}:
        raise invalid(field, "is no key or token: in a path it would name another place.")
    return checked


def app_id(value: object) -> str:
    """Return the app id: ASCII letters, digits, '-' and '_'; it becomes part of a host name."""
    checked = text("app_id", value)
    _limit("app_id", checked, 63)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", checked):
        raise invalid("app_id", f"may have letters, digits, '-' and '_' only, but is {checked!r}.")
    return checked


def profile(value: object) -> str:
    """Return the profile's name: it becomes the user name of the keyring's item."""
    checked = text("profile", value)
    _limit("profile", checked, 100)
    if not checked.isprintable():
        raise invalid("profile", f"may have printable characters only, but is {checked!r}.")
    return checked


def region(value: object) -> str:
    """Return the region's name in lower case."""
    checked = text("region", value).lower()
    if checked not in REGIONS:
        found = repr(value) if len(checked) <= 20 else f"a text of {len(checked):,} characters"
        raise invalid(
            "region",
            f"must be one of {', '.join(REGIONS)}, but is {found}. "
            "For a deployment of your own give client_host and admin_host instead.",
        )
    return checked


def platform(value: object) -> str:
    """Return the platform's name as the service is told it."""
    checked = text("platform", value)
    return _alpha_dash("platform", checked, 50)


def base_url(field: str, value: object) -> str:
    """Return a configured host as a URL without a trailing slash.

    ``chat.example.com`` becomes ``https://chat.example.com/v3.0``; a path that is given stays.

    Raises:
        InvalidParameterError: If it is no URL, carries a user name, a query or a fragment, or is
            not ``https`` although it is not on this machine.
    """
    given = text(field, value)
    _limit(field, given, URL_LIMIT)
    for place, char in enumerate(given):
        if not "!" <= char <= "~":
            raise invalid(
                field,
                f"has {_describe(char)} at position {place + 1}; an address is "
                "visible ASCII characters without spaces.",
            )
    url = given if "://" in given else f"https://{given}"
    try:
        parts = _late.urllib_parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as problem:
        raise invalid(field, f"is no usable address: {problem}.") from None
    if parts.username is not None or parts.query or parts.fragment:
        raise invalid(field, "must not carry a user name, a query or a fragment.")
    if not (re.fullmatch(_HOST_NAME, host) or _is_ipv6(host)):
        raise invalid(
            field,
            f"must be a host name or a URL, e.g. 'chat.example.com', but its host is {host!r}.",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise invalid(
            field,
            f"must begin with https, but begins with {parts.scheme!r}: keys and tokens would "
            "travel readable (http is for this machine's own addresses only).",
        )
    path = parts.path.rstrip("/") or f"/{API_VERSION}"
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_loopback(host: str) -> bool:
    """Return whether the host name is this machine."""
    return re.fullmatch(_LOOPBACK, host.lower()) is not None


def _is_ipv6(host: str) -> bool:
    return ":" in host and re.fullmatch(r"[0-9A-Fa-f:.]{2,45}", host) is not None


def seconds(field: str, value: object) -> float:
    """Return a time limit in seconds: a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{field} must be a number of seconds, not {type(value).__name__}")
    if not value > 0:  # nan as well
        raise invalid(field, f"must be a number of seconds above 0, but is {_number(value)}.")
    if value > SECONDS_LIMIT:
        raise InvalidParameterError(
            f"ERROR_{_upper(field)}_EXCEEDED",
            f"{field} may be at most {SECONDS_LIMIT:,} seconds, but is {_number(value)}.",
        )
    return float(value)


def _number(value: float) -> str:
    # Python refuses to write out whole numbers of thousands of digits.
    return repr(value) if isinstance(value, float) or abs(value) < 10**20 else "a huge number"


def url(field: str, value: str) -> None:
    """Check the address of an avatar or a profile page."""
    _limit(field, value, URL_LIMIT)
    for place, char in enumerate(value):
        if char == " " or not char.isprintable():
            raise invalid(field, f"is no URL: it has {_describe(char)} at position {place + 1}.")
    try:
        parts = _late.urllib_parse.urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits:
        raise invalid(
            field, f"must be a URL that begins with http:// or https://, but is {value[:40]!r}."
        )


def name(value: object) -> str:
    """Return the display name: at most 100 characters, not only white space."""
    checked = text("name", value)
    _limit("name", checked, NAME_LIMIT)
    unicode("name", checked)
    if not checked.strip():
        raise InvalidParameterError(MISSING_PARAMETERS, "name is required, but is only spaces.")
    return checked


def role(value: str) -> str:
    """Return the role's id: at most 100 of ``a-z``, ``0-9``, ``-`` and ``_``."""
    return _alpha_dash("role", text("role", value), ROLE_LIMIT)


def metadata(value: Mapping[str, Any]) -> None:
    """Check that the metadata is a JSON object of at most 5 KB."""
    size = len(json_bytes("metadata", value))
    if size > METADATA_LIMIT:
        raise exceeded("metadata", METADATA_LIMIT, "bytes of JSON", size)


def tags(value: Sequence[str]) -> None:
    """Check the tags: at most 25 of at most 100 characters each."""
    if len(value) > TAGS_LIMIT:
        raise exceeded("tags", TAGS_LIMIT, "entries", len(value))
    for place, tag in enumerate(value):
        if not tag:
            raise invalid("tags", f"must not hold an empty text, but entry {place + 1} is one.")
        if len(tag) > TAG_LIMIT:
            raise InvalidParameterError(
                "ERROR_TAGS_EXCEEDED",
                f"tags may have at most {TAG_LIMIT} characters each, "
                f"but entry {place + 1} has {len(tag):,}.",
            )
        unicode("tags", tag)


def unicode(field: str, value: str) -> None:
    """Check that the text can be written in UTF-8."""
    for place, char in enumerate(value):
        if "\ud800" <= char <= "\udfff":
            raise invalid(
                field,
                f"has half a surrogate pair (U+{ord(char):04X}) at position {place + 1} "
                "and cannot be sent.",
            )


def json_bytes(field: str, value: object) -> bytes:
    """Return the value as JSON in UTF-8.

    Raises:
        InvalidParameterError: If JSON or UTF-8 has no place for something in it.
    """
    try:
        written = _late.json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return written.encode()
    except (TypeError, ValueError, RecursionError) as problem:
        # UnicodeEncodeError's own text would quote the value.
        why = "has half a surrogate pair" if isinstance(problem, UnicodeError) else str(problem)
        raise invalid(field, f"cannot be written as JSON: {why}.") from None


def _alpha_dash(field: str, value: str, limit: int) -> str:
    _limit(field, value, limit)
    for place, char in enumerate(value):
        if not (char.isascii() and (char.isalnum() or char in "-_")):
            raise invalid(
                field,
                f"may have letters, digits, '-' and '_' only, "
                f"but has {_describe(char)} at position {place + 1}.",
            )
    return value


def _limit(field: str, value: str, limit: int) -> None:
    if len(value) > limit:
        raise exceeded(field, limit, "characters", len(value))


def _describe(char: str) -> str:
    if char == " ":
        return "a space"
    if char in "\r\n":
        return "a line break"
    return repr(char) if char.isprintable() else f"the character U+{ord(char):04X}"


def _upper(field: str) -> str:
    return field.upper()
