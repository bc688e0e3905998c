"""Connections that keep a deadline, and know whether they have sent anything.

`requests` bounds single waits, not whole answers: a server that drips holds it for ever. Here
the time that is left is set anew before every read, and bounds name resolution, each connection
attempt and the TLS handshake as well.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_match_hostname import CertificateError
from urllib3.util.wait import wait_for_read

from ._sockets import Progress, TransportError, first_that_answers, resolve


class _Current(threading.local):
    progress: Progress | None = None


current: Final = _Current()  # this thread's exchange, where urllib3 has no place for it


class _PacedRaw(io.RawIOBase):
    """A socket's bytes; each read may take what is left of the exchange's time."""

    def __init__(self, sock: Any, progress: Progress) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._progress.left())
        count: int = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """What `http.client` needs of a socket to read an answer from it."""

    def __init__(self, sock: Any, progress: Progress) -> None:
        self._sock = sock
        self._progress = progress

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedRaw(self._sock, self._progress))


class _PacedResponse(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        if (progress := current.progress) is not None:
            sock = _PacedSocket(sock, progress)
        super().__init__(sock, *args, **kwargs)


if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class _TimedMixin(_Connection):
    """A connection that is made within the deadline and knows when it has sent something."""

    response_class: Any = _PacedResponse
    _connecting = False
    _gathered: list[bytes] | None = None

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    @property
    def is_connected(self) -> bool:  # urllib3 1.26 knows no such thing
        return self.sock is not None and not wait_for_read(self.sock, timeout=0)

    def request(self, *args: Any, **kwargs: Any) -> None:
        # Head and body are sent as one: each `send` is a packet, and wakes the other side.
        self._gathered = []
        try:
            super().request(*args, **kwargs)
        finally:
            whole, self._gathered = b"".join(self._gathered), None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._gathered is not None:
            self._gathered.append(data)
            return
        if self.sock is None:
            self.connect()
        if not self._connecting and (progress := current.progress) is not None:
            self.sock.settimeout(progress.left())
            progress.sent = True
        super().send(data)

    def _new_conn(self) -> socket.socket:
        progress = current.progress
        if progress is None:
            return super()._new_conn()
        host, port = self._dns_host.strip("[]"), int(self.port or 0)
        try:
            return first_that_answers(
                resolve(host, port, progress), self.socket_options or (), progress
            )
        except TransportError as error:
            if self.proxy is None or error.kind == "timeout":
                raise
            raise TransportError("proxy", sent=False, root=error.root) from None

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except TimeoutError:
            raise
        except (OSError, HTTPException) as error:  # refused, hung up, or no proxy at all
            raise TransportError("proxy", sent=False, root=error) from None
        if (progress := current.progress) is not None:
            self.sock.settimeout(progress.left())  # for the handshake that follows


class TimedConnection(_TimedMixin, HTTPConnection):
    """Plain HTTP: to this machine, or to a proxy."""


class TimedTlsConnection(_TimedMixin, HTTPSConnection):
    """HTTP inside TLS."""

    def connect(self) -> None:
        """Connect and shake hands, within the deadline."""
        try:
            super().connect()
        except CertificateError:  # urllib3 1.26 looks at the name itself
            host = self._tunnel_host or self.host
            raise ssl.SSLCertVerificationError(f"certificate is not valid for {host!r}") from None

    @property
    def is_connected(self) -> bool:
        """Return whether it is open and nothing unasked has arrived."""
        # TLS 1.3 sends session tickets unasked: an idle connection is readable without having
        # been closed. Only TLS can tell the two apart.
        if self.sock is None or super().is_connected:
            return self.sock is not None
        before = self.sock.gettimeout()
        try:
            self.sock.settimeout(0)
            self.sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(before)
        return False  # closed, or an answer that nobody asked for
