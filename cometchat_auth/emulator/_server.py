"""The HTTP/1.1 server: Cheroot, with threads that have names, and that end when told to."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from cheroot import wsgi
from cheroot.server import HTTPConnection

from . import _tls
from ._server_line import LINE, Line
from ._server_workers import Workers

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_BACKLOG: Final = 128  # connections that may wait to be accepted
_IDLE_SECONDS: Final = 60  # after which a connection that nobody uses is closed
_READY_SECONDS: Final = 5.0  # in which a started server must be serving
_NAME: Final = "cometchat-emulator"
_POSIX: Final = os.name == "posix"  # elsewhere SO_REUSEADDR lets two servers share a port


class Server:
    """An HTTP/1.1 server for one WSGI application, on threads of its own.

    Args:
        host: Numeric address to listen on.
        port: Port to listen on; 0 for any free one.
        application: The WSGI application.
        tls: The certificate and key to speak HTTPS with, or ``None`` for HTTP.
    """

    def __init__(
        self,
        host: str,
        port: int,
        application: Callable[..., Any],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = (host, port)
        self._http = _HttpServer((host, port), application)
        if tls is not None:
            self._http.ssl_adapter = _tls.Adapter(tls)
        self._thread = threading.Thread(target=self._http.serve, name=f"{_NAME}-http", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self._http.bind_addr[1])

    def start(self) -> None:
        """Listen, and return once requests are served.

        Raises:
            OSError: The address cannot be listened on; the port may be in use.
            TimeoutError: It did not begin to serve within 5 seconds.
        """
        try:
            self._begin()
        except BaseException:  # Ctrl-C too
            self.stop()
            raise

    def stop(self) -> None:
        """Stop listening, close every connection, and wait for the threads to end."""
        self._http.stop()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def is_closing(self) -> bool:
        """Return whether a stop has begun, which Ctrl-C may have cut short."""
        return self._http.closing

    def _begin(self) -> None:
        try:
            self._http.prepare()
        except OSError as error:
            raise self._cannot_listen(self._http.bind_error or error) from error
        self._thread.start()
        if not self._http.serving.wait(_READY_SECONDS):
            raise TimeoutError(f"The emulator was not serving within {_READY_SECONDS} seconds.")

    def _cannot_listen(self, error: OSError) -> OSError:
        host, port = self._address
        why = error.strerror or str(error)
        return OSError(
            error.errno,
            f"The emulator cannot listen on {host} port {port}: {why}. "
            "Choose another port, or 0 for any free one.",
        )


class _Connection(HTTPConnection):
    """A connection that throws away what its client no longer wants to read."""

    reset = False  # whether it is to end by a reset instead of a goodbye

    def communicate(self) -> bool:
        """Answer a request, or take the TLS handshake before the first one further.

        Returns:
            Whether to keep the connection.
        """
        if _tls.wants_handshake(self.socket):
            return _tls.shake_hands(self.socket)
        keep: bool = super().communicate()  # type: ignore[no-untyped-call]
        return keep

    def close(self) -> None:
        """Close the connection in both directions; Cheroot leaves one to the interpreter."""
        self.linger = self.reset  # it then leaves the socket alone as well
        super().close()
        if self.reset:
            self.socket.close()
        with suppress(OSError, ValueError):
            self.wfile.close()


class _Gateway(wsgi.Gateway_10):
    """Cheroot's way into WSGI, with the connection in the environment."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        """Return the WSGI environment."""
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        environ[LINE] = Line(self.req, self.req.server.requests.standing_in)
        return environ


class _HttpServer(wsgi.Server):
    """Cheroot's server, with its loose ends tied."""

    ConnectionClass = _Connection
    keep_alive_conn_limit: Any = None
    _connections: Any

    def __init__(self, address: tuple[str, int], application: Callable[..., Any]) -> None:
        super().__init__(address, application, request_queue_size=_BACKLOG, timeout=_IDLE_SECONDS)
        self.gateway = _Gateway
        self.requests = Workers(self.put_conn)
        self.serving = threading.Event()
        self.bind_error: OSError | None = None
        self._gate = threading.Lock()
        self.closing = False

    def clear_stats(self) -> None:
        """Keep the statistics out of the registry of the process, which would never let go."""
        super().clear_stats()  # type: ignore[no-untyped-call]
        registry: dict[str, Any] = getattr(logging, "statistics", {})
        registry.pop(f"Cheroot HTTPServer {id(self)}", None)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002
        """Bind the listening socket; Cheroot would keep neither the error nor the port free."""
        bound = socket.socket(family, type, proto)
        try:
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if _POSIX and self.bind_addr[1]:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(self.bind_addr)
        except OSError as error:
            bound.close()
            self.bind_error = error
            raise
        if _POSIX:
            # Set only now if the system chose the port: it lets a restart have the same one.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket = bound
        self.bind_addr = bound.getsockname()[:2]
        return bound

    def serve(self) -> None:
        """Serve until stopped."""
        self.serving.set()
        super().serve()

    def process_conn(self, conn: Any) -> None:
        """Hand a connection to a worker, but a new one only once it says something.

        Clients open connections ahead of their first request; each would hold a worker.
        """
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def put_conn(self, conn: Any) -> None:
        """Watch an idle connection, or close it while the server is stopping."""
        with self._gate:
            if not self.closing:
                super().put_conn(conn)
                return
        conn.close()

    def stop(self) -> None:
        """Stop serving and close every connection; harmless when done twice."""
        with self._gate:
            self.closing = True
        if self.ready:
            self._connections._stop_requested = True
            self._wake()
            super().stop()
        else:
            self._clear_away()

    def _clear_away(self) -> None:
        """Do for a server what it cannot do itself if Ctrl-C has cut a start or a stop short."""
        self.requests.stop()
        if self.socket is not None:
            self.socket.close()
        connections = getattr(self, "_connections", None)
        if connections is not None:
            connections.close()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Log what went wrong on a connection, where Cheroot would print it."""
        # A client that went away is no trouble of anybody's.
        _LOGGER.log(level if level > logging.INFO else logging.DEBUG, msg, exc_info=traceback)

    def _wake(self) -> None:
        """Connect to the server itself, so that it looks up from waiting for connections."""
        try:
            socket.create_connection(self.bind_addr, timeout=1).close()
        except OSError:
            _LOGGER.debug("The server could not be woken; it looks up by itself soon.")

    def _serve_unservicable(self) -> None:
        """End the thread for connections that find the queue full: this queue has no limit."""
