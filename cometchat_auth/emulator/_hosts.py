"""Where the emulator listens: this machine's own addresses, and others only when told to."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from typing import Final

# An address that stands for all addresses of the machine -> the one to reach it by from there.
_EVERYWHERE: Final = {
    "0.0.0.0": "127.0.0.1",  # noqa: S104 - looked up here, not listened on
    "::": "::1",
}

_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_ELSEWHERE: Final = "203.0.113.1"  # RFC 5737: an address for documentation, where nobody is


def listening_address(host: str, *, allow_remote: bool = False) -> str:
    """Return the address or name to listen on.

    Args:
        host: What was asked for.
        allow_remote: Whether other machines may reach it.

    Raises:
        ValueError: It is not this machine's own alone, and `allow_remote` is not given, or it is
            neither an address nor a name.
    """
    address = "127.0.0.1" if host == "localhost" else host
    if is_loopback(address):
        return address
    if not allow_remote:
        raise ValueError(
            f"The emulator listens on a loopback address such as 127.0.0.1 only, not on {host!r}: "
            "it guards nothing that other machines should reach. If they should all the same, "
            "say so: allow_remote=True, or --allow-remote on the command line."
        )
    if not _is_address(address) and not _is_name(address):
        raise ValueError(
            f"The emulator cannot listen on {host!r}: that is neither an IP address nor a host "
            "name. 0.0.0.0 stands for all addresses of this machine."
        )
    return address


def is_loopback(address: str) -> bool:
    """Return whether an address is numeric and reaches nothing but this machine."""
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def reached_by(address: str) -> str:
    """Return the host in the URL by which programs on this machine reach a listening address."""
    host = _EVERYWHERE.get(address, address)
    return f"[{host}]" if ":" in host else host


def reached_from_elsewhere(address: str) -> str | None:
    """Return the host in the URL for other machines, or ``None`` if they reach nothing."""
    if is_loopback(address):
        return None
    host = _outward_address(address) or socket.gethostname() if address in _EVERYWHERE else address
    return f"[{host}]" if ":" in host else host


def names(address: str) -> list[str]:
    """Return the names and addresses by which clients may call what listens on an address."""
    found = ["localhost", "127.0.0.1", "::1"]
    if address not in _EVERYWHERE:
        found.append(address)
    else:
        found += filter(_is_name, [socket.gethostname()])
        found += filter(None, [_outward_address(address)])
    return list(dict.fromkeys(found))


def exposure(address: str) -> str | None:
    """Return a warning of what listening on an address means, or ``None`` if it is harmless."""
    if address == "localhost" or is_loopback(address):
        return None
    where = "every address of this machine" if address in _EVERYWHERE else address
    return (
        f"The emulator listens on {where}: whoever can reach it from another machine can read "
        "its users and log in as any of them. Keep real data out of it, and let only a network "
        "that you trust reach it."
    )


def _outward_address(address: str) -> str | None:
    """Return this machine's address in the network it uses most; nothing is sent to find it."""
    if address == "::":
        return None
    # Exception, not OSError: where tests forbid connections, their guard may raise anything.
    with suppress(Exception), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((_ELSEWHERE, 9))
        return str(probe.getsockname()[0])
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    """Return whether a text is a host name that a certificate can be for."""
    return len(text) <= 253 and all(map(_is_label, text.removesuffix(".").split(".")))


def _is_label(text: str) -> bool:
    # With two hyphens in that place it would be an encoded one, which has rules of its own.
    return bool(_LABEL.fullmatch(text)) and text[2:4] != "--"
