"""Small helpers that many tests share."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

from cometchat_auth import CometChatException, LoginListener

LIMIT = 10.0  # seconds after which something that must happen has not happened


class Diary:
    """Events and callbacks in the order in which they came."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []
        self._new: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def note(self, name: str) -> Callable[..., None]:
        """Return a callback that writes down its name and argument."""

        def write(*args: Any) -> None:
            entry = (name, args[0] if args else None)
            self.entries.append(entry)
            self._new.put(entry)

        return write

    def listener(self, prefix: str = "") -> LoginListener:
        """Return a listener that writes down all four events."""
        return LoginListener(
            login_success=self.note(f"{prefix}login_success"),
            login_failure=self.note(f"{prefix}login_failure"),
            logout_success=self.note(f"{prefix}logout_success"),
            logout_failure=self.note(f"{prefix}logout_failure"),
        )

    def next(self) -> tuple[str, Any]:
        """Wait for the next entry that nobody has waited for yet."""
        return self._new.get(timeout=LIMIT)

    @property
    def names(self) -> list[str]:
        """Return the names written down so far."""
        return [name for name, _ in self.entries]


def error_of(future: Any) -> CometChatException:
    """Return the library's exception that a future ends with."""
    error = future.exception(LIMIT)
    assert isinstance(error, CometChatException), error
    return error


def settle(chat: Any) -> None:
    """Wait until everything posted to the dispatcher so far has run."""
    done = threading.Event()
    chat._engine.outbox.send(done.set)
    assert done.wait(LIMIT)


@attrs.frozen
class Seen:
    """A request as a scripted server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@attrs.frozen
class Reply:
    """What a scripted server answers.

    Attributes:
        status: The status.
        body: The body's bytes.
        headers: Further headers.
        cut: Close the connection after this many bytes of the body, announced in full.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None


Script = Callable[[Seen], Reply]


class ScriptedServer:
    """A real HTTP server on loopback that answers as the test says, and counts."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[Seen] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(
                    self.command, self.path, dict(self.headers.items()), self.rfile.read(length)
                )
                outer.seen.append(seen)
                self._reply(outer.script(seen))

            def _reply(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: reply.cut])
                self.close_connection = reply.cut is not None

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def scripted(script: Script) -> Iterator[ScriptedServer]:
    """Run a scripted server."""
    with ScriptedServer(script) as server:
        yield server
