"""Who may use the dashboard: it asks for no key, so it must know where a request comes from.

Two kinds of page of other origins could reach a port of this machine: one whose own name was made
to point here (DNS rebinding), told by the Host header, and one that posts a form here, told by
the Origin and ``Sec-Fetch-Site`` headers and by the token that each form of the dashboard has.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from typing import IO, Final
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

_READING: Final = frozenset({"GET", "HEAD"})
_DRAIN: Final = 64 * 1024  # bytes read at once of a body that is not looked at
_OWN_PAGES: Final = frozenset({"same-origin", "none"})


def drain(body: IO[bytes]) -> None:
    """Read a request's body to its end.

    What is left of a refused body on a connection that is kept alive would be taken for the next
    request.
    """
    while body.read(_DRAIN):
        pass


def wrong_peer(address: str, own_hosts: Collection[str]) -> str | None:
    """Return why a request from this address is not answered, or ``None`` if it is.

    Args:
        address: Where the request came from.
        own_hosts: The names and addresses that the emulator listens on, in lower case.
    """
    # A program on this machine that connects to an outward address comes from that address.
    if address in own_hosts or _is_loopback(address):
        return None
    return "Only this machine is answered here."


def wrong_host(host: str, own_hosts: Collection[str]) -> str | None:
    """Return why a request to this host is not answered, or ``None`` if it is.

    Args:
        host: The Host header, with a port or without.
        own_hosts: The names and addresses that the emulator listens on, in lower case.
    """
    name = _name(host)
    if name in own_hosts or name == "localhost" or _is_loopback(name):
        return None
    return (
        "Here is an answer only where the address is a loopback one, such as 127.0.0.1 or "
        "localhost, or the host that the emulator was told to listen on."
    )


def wrong_origin(method: str, headers: Headers, base: str) -> str | None:
    """Return why a request that changes something is not carried out, or ``None`` if it is.

    Args:
        method: The request's method.
        headers: Its headers.
        base: Scheme, host and port that it was sent to, e.g. ``http://127.0.0.1:8642``.
    """
    if method in _READING:
        return None
    origin = headers.get("Origin")
    if origin is not None and origin.lower() != base.lower():
        return "Only pages of the emulator itself may change anything."
    if headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGES:
        return "Only pages of the emulator itself may change anything."
    return None


def wrong_token(given: str, token: str) -> str | None:
    """Return why a form without the dashboard's token is refused, or ``None`` if it has it."""
    if hmac.compare_digest(given.encode(), token.encode()):
        return None
    return (
        "This form is not from a page of the emulator that runs now. "
        "Go back, load the page again, and repeat what you did."
    )


def _name(host: str) -> str:
    """Return the host without its port, in lower case; an empty string for no host at all."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
