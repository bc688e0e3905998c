"""TLS: a certificate authority made on the spot, and handshakes that hold nobody up.

Cheroot's own adapter does the whole handshake on the thread that accepts connections, so that one
client that connects and says nothing stops the server. Here a handshake goes on as far as what the
client has said allows, and the connection is put back among those that are waited for.
"""

from __future__ import annotations

import datetime
import logging
import os
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cheroot.errors import FatalSSLAlert
from cheroot.makefile import StreamReader, StreamWriter

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_LIFETIME: Final = datetime.timedelta(days=365)  # Apple's systems refuse more than 825 days

_ENVIRONMENT: Final = {"wsgi.url_scheme": "https", "HTTPS": "on"}

_TEXT: Final = b"This port speaks HTTPS only: begin the URL with https://.\n"
_PLAIN_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)
_DRAINED: Final = 65_536  # bytes; more of a plain request is not read before it is refused


class Authority:
    """A certificate authority that lives as long as the object, and one certificate of its own.

    Args:
        names: Host names and addresses that the certificate is for.

    Raises:
        ImportError: The package trustme is not installed.
    """

    def __init__(self, names: Iterable[str]) -> None:
        trustme = _trustme()
        expires = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + _LIFETIME
        authority = trustme.CA(organization_name="CometChat emulator")
        self._pem: bytes = authority.cert_pem.bytes()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        authority.issue_cert(*names, not_after=expires).configure_cert(self._context)

    @property
    def pem(self) -> bytes:
        """Return the authority's certificate, which clients have to trust."""
        return self._pem

    @property
    def context(self) -> ssl.SSLContext:
        """Return what a server needs: the certificate and its key."""
        return self._context

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the authority's certificate to a file, in place of what may be in it.

        Raises:
            OSError: It cannot be written.
        """
        Path(path).write_bytes(self._pem)


class Adapter:
    """What Cheroot asks of a TLS library.

    Args:
        context: The server's certificate and key.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def bind(self, listening: socket.socket) -> socket.socket:
        """Return the listening socket as it is."""
        return listening

    def wrap(self, accepted: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """Make a TLS connection of one just accepted, without a handshake yet.

        Raises:
            FatalSSLAlert: The client is gone already.
        """
        try:
            secured = self._context.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            accepted.close()
            raise FatalSSLAlert(str(error)) from error
        return secured, dict(_ENVIRONMENT)

    def makefile(self, connection: ssl.SSLSocket, mode: str, size: int) -> Any:
        """Return a reader or a writer for a connection."""
        return (_Reader if "r" in mode else StreamWriter)(connection, mode, size)


class _Reader(StreamReader):
    """A reader that knows of what TLS has decrypted and nobody has read: no socket tells of it."""

    def __init__(self, connection: ssl.SSLSocket, mode: str, size: int) -> None:
        super().__init__(connection, mode, size)
        self._connection = connection

    def has_data(self) -> bool:
        """Return whether there is something to read without waiting."""
        inside: bool = super().has_data()  # type: ignore[no-untyped-call]
        return inside or self._connection.pending() > 0


def wants_handshake(connection: socket.socket) -> bool:
    """Return whether a connection speaks TLS and its handshake is not done yet."""
    return isinstance(connection, ssl.SSLSocket) and connection.version() is None


def shake_hands(connection: ssl.SSLSocket) -> bool:
    """Take a handshake as far as what the client has said allows, without waiting for more.

    Returns:
        Whether to keep the connection: the handshake is done, or goes on when more has come.
    """
    limit = connection.gettimeout()
    connection.setblocking(False)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        _LOGGER.debug("A TLS handshake failed: %s.", error.reason or type(error).__name__)
        if error.reason == "HTTP_REQUEST":
            _refuse_plain(connection)
        return False
    except (OSError, AttributeError):  # AttributeError: the server, as it stops, has shut it down
        _LOGGER.debug("A connection was closed during the TLS handshake.")
        return False
    connection.settimeout(limit)
    return True


def _refuse_plain(connection: ssl.SSLSocket) -> None:
    """Answer, past TLS, a request that was sent without it; never wait."""
    # Closing over what was not read would have the system throw the answer away as well.
    with suppress(OSError):
        for _ in range(_DRAINED // 4096):
            if not socket.socket.recv(connection, 4096):
                break
    with suppress(OSError):
        socket.socket.send(connection, _PLAIN_ANSWER)


def _trustme() -> Any:
    """Return the library that makes certificates; it takes a while to import.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import trustme
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"trustme", "cryptography"}:
            raise
        raise ImportError(
            "The emulator needs trustme for TLS, which is not installed. "
            'Install it with: pip install "cometchat-auth[emulator]"',
            name=error.name,
        ) from error
    return trustme
